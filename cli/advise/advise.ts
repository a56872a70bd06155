/** `advise`: whether a net needs dropout, where and how much, from a look at it and from short trainings. @module */
import { buildModel, type Dataset, didYouMean, holdBack, inspectDropout, loadDataset, OptionError } from "../../mod.ts";
import { adviseCommand } from "../arguments/commands/advise.ts";
import { note, type Outcome } from "../arguments/deliver.ts";
import { Interruption } from "../arguments/interruption.ts";
import { readArguments } from "../arguments/read_arguments.ts";
import { type Config, parseConfig } from "../configuration/config.ts";
import { configuredDataset, configuredRun } from "../configuration/configured_run.ts";
import { makePlan, type Plan } from "../configuration/make_plan.ts";
import { runsOf } from "../configuration/runs_of.ts";
import { setPath } from "../configuration/set_path.ts";
import { chooseBackend } from "../run/choose_backend.ts";
import type { Advice, Measured } from "./advice.ts";
import { withChanges, withList, withoutDropout, withUsualDropout } from "./change_model.ts";
import { describeAdvice, summarizeAdvice } from "./describe_advice.ts";
import { measure, type MeasuredParts, secondsOfEpoch } from "./measure.ts";
import { bestOf, dropoutStatements, overfits, placeStatements, plainStatements, verdictOf } from "./statements.ts";
import { needNewFile, writeNewFile } from "./write_config.ts";

/** Part of the training examples that is held back where the configuration holds back none. */
const VALIDATION = 0.2;
/** Seconds of all trainings together, unless their epochs are given. */
const BUDGET = 60;

/** Runs `advise`. */
export async function advise(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, adviseCommand);
  const epochs = given.whole("epochs", 1);
  const fixed = given.has("static");
  if (fixed && epochs !== undefined) {
    throw new OptionError("--epochs", "nothing beside --static, which trains nothing", epochs);
  }
  const file = given.value("write");
  if (file !== undefined) await needNewFile(file);
  // --epochs says how long each short training is, not how long the one that is advised.
  const plan = await makePlan({
    ...given,
    whole: (name, least) => name === "epochs" ? undefined : given.whole(name, least),
  });
  const name = given.value("name") ?? runsOf(plan.config).at(-1)!.variant;
  const config = withList(configOfRun(plan.config, name));
  const advice = fixed
    ? inspected(config, name, plan)
    : await measured(config, name, plan, given.value("backend"), epochs);
  const known = fixed || advice.advice.trained.length > 0;
  const written = known ? file : undefined;
  if (written !== undefined) await writeNewFile(written, advice.advice.config);
  else if (file !== undefined) note("Nothing was measured: nothing is written.");
  return {
    json: summarizeAdvice(advice.advice, written),
    text: describeAdvice(advice.advice, written),
    status: advice.status,
  };
}

/** Advice, and the exit status. */
interface Given {
  readonly advice: Advice;
  readonly status: number;
}

/** The configuration of one run alone. */
function configOfRun(config: Config, name: string): Config {
  const run = config.runs.find((run) => run.name === name);
  if (run === undefined) {
    const names = config.runs.map((run) => run.name);
    throw new OptionError("--name", `one of the runs ${names.join(", ")}`, name, didYouMean(name, names));
  }
  let json: unknown = config;
  for (const [path, value] of Object.entries(run.set)) json = setPath(json, path, value);
  const { runs: _, seeds: __, ensemble: ___, id: ____, ...alone } = json as Config;
  return parseConfig(alone);
}

/** What a look at the configuration says. */
function inspected(config: Config, run: string, { registry, dataset }: Plan): Given {
  const { model, loss, optimizer } = configuredRun(config, "run", registry);
  const findings = inspectDropout(model, { loss, optimizer });
  const changed = parseConfig(withChanges(config, findings.flatMap(({ changes }) => changes)));
  configuredRun(changed, "run", registry); // what is advised can be built
  const advice = {
    dataset: dataset?.name,
    run,
    findings,
    trained: [],
    statements: [],
    config: changed,
    stopped: false,
  };
  return { advice, status: 0 };
}

/** What short trainings say, beside the look. */
async function measured(
  config: Config,
  run: string,
  plan: Plan,
  backend: string | undefined,
  epochs: number | undefined,
): Promise<Given> {
  const { registry } = plan;
  const looked = inspected(config, run, plan).advice;
  await chooseBackend(backend, registry.list());
  const loaded = plan.dataset ?? await loadDataset(configuredDataset(config, registry));
  const configured = configuredRun(config, "run", registry);
  const { validation = VALIDATION, validationSeed } = configured;
  const data = loaded.validation !== undefined ? loaded : holdBack(loaded, validation, validationSeed);
  const interruption = new Interruption("Stopping");
  interruption.listen();
  try {
    const plainConfig = withoutDropout(config, registry);
    const candidates = candidatesOf(config, plainConfig, data);
    const short = (candidate: Candidate, epochs: number) => ({
      name: candidate.name,
      run: configuredRun(parseConfig(candidate.config), "run", registry),
      data,
      epochs,
      signal: interruption.signal,
    });
    for (const candidate of candidates) buildModel(short(candidate, 1).run.model, { inputShape: data.train.shape });
    const count = epochs ??
      await epochsWithin(candidates.length, config.epochs, (n) => secondsOfEpoch(short(candidates[0], n)));
    const trained: MeasuredParts[] = [];
    for (const candidate of candidates) {
      if (interruption.signal.aborted || count === undefined) break;
      const net = await measure(short(candidate, count), trained[0]);
      if (net === undefined) break;
      trained.push(net);
      if (!overfits(trained[0].measured)) break; // without a gap there is nothing for dropout to do
    }
    const parameters = buildModel(configured.model, { inputShape: data.train.shape }).parameterCount();
    const advice = concluded(trained.map(({ measured }) => measured), candidates, {
      ...looked,
      dataset: data.name,
      stopped: interruption.signal.aborted,
    }, { data, parameters, planned: config.epochs });
    return { advice, status: interruption.status };
  } finally {
    interruption.close();
  }
}

/** A configuration that is tried. */
interface Candidate extends Pick<Measured, "name"> {
  readonly config: Config;
  readonly places: NonNullable<Advice["begin"]>["places"];
}

/** What is tried: no dropout, the rates of the literature, half of them, and the configuration as it is. */
function candidatesOf(config: Config, plain: Config, data: Dataset): Candidate[] {
  const { shape } = data.train;
  const candidates: Candidate[] = [{ name: "plain", config: plain, places: [] }];
  for (const [name, share] of [["usual", 1], ["gentle", 0.5]] as const) {
    const found = withUsualDropout(plain, share, shape);
    if (found.places.length > 0) candidates.push({ name, ...found });
  }
  const known = candidates.map(({ config }) => JSON.stringify([config.model, config.loss, config.learning]));
  if (!known.includes(JSON.stringify([config.model, config.loss, config.learning]))) {
    candidates.push({ name: "configured", config, places: [] });
  }
  return candidates;
}

/** Epochs of each training, so that all of them take about the budget; undefined where it was stopped. */
async function epochsWithin(
  trainings: number,
  most: number,
  secondsOf: (epochs: number) => Promise<number | undefined>,
): Promise<number | undefined> {
  const seconds = await secondsOf(most);
  if (seconds === undefined) return undefined;
  const epochs = Math.max(1, Math.min(most, Math.floor(BUDGET / (trainings * Math.max(seconds, 1e-3)))));
  const whole = Math.ceil(seconds * epochs * trainings);
  if (whole > 2 * BUDGET) {
    note(`An epoch takes ${seconds.toFixed(0)} s: at most ${whole} s in all. --epochs says how many.`);
  }
  return epochs;
}

/** The advice that the trainings make. */
function concluded(
  trained: readonly Measured[],
  candidates: readonly Candidate[],
  looked: Advice,
  { data, parameters, planned }: { data: Dataset; parameters: number; planned: number },
): Advice {
  if (trained.length === 0) return looked;
  const known = {
    classification: data.classes > 0,
    examples: data.train.count,
    labels: data.train.labelsPerExample ?? 1,
    validationExamples: data.validation!.count,
    parameters,
    planned,
  };
  const best = bestOf(trained);
  const { name, config, places } = candidates.find((candidate) => candidate.name === best.name)!;
  return {
    ...looked,
    classification: known.classification,
    trained,
    verdict: verdictOf(trained, planned),
    statements: [
      ...plainStatements(trained[0], known),
      ...dropoutStatements(trained, known),
      ...placeStatements(places),
    ],
    begin: { name, places },
    config: parseConfig({ ...config, description: describedBy(config, name) }),
  };
}

/** What an advised configuration says of itself. */
function describedBy({ description }: Config, name: string): string {
  const dropout = {
    plain: "without dropout",
    usual: "with dropout at the rates of the literature",
    gentle: "with dropout at half of the rates of the literature",
  }[name] ?? "with its own dropout";
  return `${description === undefined ? "" : `${description} `}As advised, ${dropout}.`;
}
