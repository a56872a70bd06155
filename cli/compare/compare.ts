/** `compare`: variants on the same data with the same seeds, in rounds that leave the hopeless behind. @module */
import { buildModel, type Dataset, holdBack, loadDataset, OptionError, type Registry } from "../../mod.ts";
import { compareCommand } from "../arguments/commands/compare.ts";
import { note, type Outcome } from "../arguments/deliver.ts";
import { Interruption } from "../arguments/interruption.ts";
import { invocation } from "../arguments/invocation.ts";
import { type Arguments, readArguments } from "../arguments/read_arguments.ts";
import type { Config } from "../configuration/config.ts";
import { configuredDataset, configuredRun } from "../configuration/configured_run.ts";
import { loadRegistry } from "../configuration/load_registry.ts";
import { makePlan } from "../configuration/make_plan.ts";
import { TerminalLine } from "../print/terminal_line.ts";
import { chooseBackend } from "../run/choose_backend.ts";
import { refuseTaken, RunDirectory } from "../run/run_directory.ts";
import { epochsWithin, readDuration, showEpochs } from "./_budget.ts";
import { positionsFor } from "./_fit.ts";
import { type Field, planRounds } from "./_halving.ts";
import { type Comparison, readComparison, writeComparison } from "./_kept.ts";
import { measureSteps } from "./_measure.ts";
import { Progress } from "./_progress.ts";
import { runRounds, type Standings } from "./_rounds.ts";
import { configOf, dialIn, runName, settingsOf } from "./_runs.ts";
import { type About, summarize, toJson } from "./_summary.ts";
import { describe, describePositions } from "./_tables.ts";
import { NONE, readVariants } from "./_variants.ts";

/** What is compared when nothing is said. */
const VARIANTS = "dropout,gaussian-dropout,drop-connect";
/** The part of the training examples that decides, where the data set has no validation part of its own. */
const VALIDATION = 0.2;
const SEEDS = 3;
const SETTINGS = 4;
const FINALISTS = 3;
/** The page in the folder. */
const REPORT = "report.html";

/** Runs `compare`. */
export async function compare(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, compareCommand);
  const resume = given.value("resume");
  const interruption = new Interruption();
  const line = new TerminalLine();
  interruption.listen();
  try {
    const run = resume === undefined ? await begin(given, line, interruption.signal) : await goOn(given, resume);
    if (run === undefined) {
      note("Stopped before the first training; nothing is kept.");
      return { json: { complete: false }, text: "", status: interruption.status };
    }
    const { directory, comparison, dataset, registry, about } = run;
    let standings: Standings;
    try {
      const progress = new Progress(line, about.classification);
      standings = await runRounds(comparison, { directory, registry, dataset, progress, signal: interruption.signal });
    } finally {
      directory.release();
      line.clear();
    }
    if (standings.complete) await report(about.out, given.value("backend"));
    else note(`Stopped. To go on: ${invocation(`compare --resume ${about.out}`)}`);
    const summary = summarize(standings);
    return {
      json: toJson(standings, summary, about),
      text: describe(standings, summary, about),
      status: standings.complete ? 0 : interruption.status,
    };
  } finally {
    line.clear();
    interruption.close();
  }
}

/** Shows all runs of the last round on a page; without one, a comparison is none the worse. */
async function report(out: string, backend: string | undefined): Promise<void> {
  const path = `${out}/${REPORT}`;
  if (await Deno.lstat(path).then(() => true, () => false)) return note(`Report: ${path}`);
  try {
    // With its scripts it is large, and needed only now.
    const { report } = await import("../report/report.ts");
    await report(["--run", out, ...(backend === undefined ? [] : ["--backend", backend])]);
    note(`Report: ${path}`);
  } catch (error) {
    note(`There is no report: ${(error as Error).message}`);
  }
}

/** A comparison that is ready to run. */
interface Ready {
  readonly directory: RunDirectory;
  readonly comparison: Comparison;
  readonly dataset: Dataset;
  readonly registry: Registry;
  readonly about: About;
}

/** A new comparison: everything is checked, measured and planned before its folder is made. */
async function begin(given: Arguments, line: TerminalLine, signal: AbortSignal): Promise<Ready | undefined> {
  const plan = await makePlan(given);
  const { registry } = plan;
  const out = given.value("out") === undefined ? `${plan.out}-compare` : plan.out;
  await refuseTaken(out); // not only after minutes of measuring
  const budget = given.value("budget");
  const seconds = budget === undefined ? undefined : readDuration(budget, "--budget");
  const count = given.whole("settings", 1) ?? SETTINGS;
  const named = readVariants(given.value("variants") ?? VARIANTS, registry);
  const dialled = named.map((variant) => {
    const dial = dialIn(variant, plan.config, registry, count);
    return { ...variant, ...(dial && { dial }) };
  });
  const seeds = plan.config.seeds ?? SEEDS;
  const field: Field = {
    variants: dialled.length,
    settings: Math.max(...dialled.map(settingsOf)),
    finalists: Math.min(given.whole("finalists", 1) ?? FINALISTS, dialled.length),
    seeds,
  };
  planRounds(field, plan.config.epochs); // what is wrong with them is told before anything is opened
  const { warning } = await chooseBackend(given.value("backend"), registry.list());
  const dataset = plan.dataset ?? await loadDataset(configuredDataset(plan.config, registry));
  const config = alone(plan.config, dataset, given.value("config"));
  const seedList = Array.from({ length: seeds }, (_, i) => config.seed + i);
  const first = { config, variants: [], seeds: seedList };
  const bare = configuredRun(
    configOf(first, [{ variant: NONE, setting: 0 }], registry),
    `seed-${config.seed}`,
    registry,
  );
  const without = buildModel(bare.model, { inputShape: dataset.train.shape, seed: config.seed });
  const variants = dialled.map((variant) => {
    const positions = positionsFor(variant, config, without, registry);
    if (positions !== undefined) note(describePositions(variant.label, positions));
    return { ...variant, ...(positions && { positions }) };
  });
  const compared = { config, variants, seeds: seedList };
  note(`Measuring steps of ${variants.length} variants beside those of ${NONE}.`);
  // All are tried in their places, at the value where their tuning begins.
  const nets = [NONE, ...variants.map(({ name }) => name)].map((variant) => ({ variant, setting: 0 }));
  const whole = configOf(compared, nets, registry);
  const [none, ...others] = nets.map(({ variant }) => configuredRun(whole, runName(variant, config.seed), registry));
  const parted = config.validation === undefined ? dataset : holdBack(dataset, config.validation, config.seed);
  const costs = await measureSteps(
    none,
    others.map((run, i) => ({ label: variants[i].label, run })),
    parted,
    (label) => line.show(`measuring steps beside those of ${NONE}: ${label}`),
    signal,
  );
  line.clear();
  if (costs === undefined) return undefined;
  const epochs = seconds === undefined ? config.epochs : epochsWithin(
    field,
    config.epochs,
    { none: costs.none.epochSeconds, variants: costs.others.map(({ epochSeconds }) => epochSeconds) },
    seconds,
  );
  if (epochs < config.epochs) {
    note(`${budget} is enough for ${showEpochs(epochs)} of a full training, in place of ${config.epochs}.`);
  }
  const comparison: Comparison = {
    version: 1,
    config: { ...config, epochs },
    none: costs.none,
    variants: variants.map((variant, i) => ({ ...variant, cost: costs.others[i] })),
    seeds: compared.seeds,
    field,
    rounds: planRounds(field, epochs),
    results: [],
  };
  const directory = await RunDirectory.create(out);
  try {
    await writeComparison(out, comparison);
  } catch (error) {
    directory.release();
    throw error;
  }
  return { directory, comparison, dataset, registry, about: aboutOf(dataset, parted, out, warning) };
}

/** A configuration of one net, without runs of its own, and with something to decide by. */
function alone({ runs, ensemble, seeds: _, ...config }: Config, dataset: Dataset, file: string | undefined): Config {
  if (file !== undefined && (runs.length > 1 || Object.keys(runs[0].set).length > 0)) {
    note(`The runs of ${file} count for nothing here: variants take the place of its dropout as its model is written.`);
  }
  if (ensemble !== undefined) throw new OptionError("ensemble", "none in a comparison", ensemble);
  const validation = config.validation ?? (dataset.validation === undefined ? VALIDATION : undefined);
  return { ...config, runs: [{ name: "run", set: {} }], ...(validation === undefined ? {} : { validation }) };
}

function aboutOf(dataset: Dataset, parted: Dataset, out: string, warning: string | undefined): About {
  return {
    dataset: dataset.name,
    classification: dataset.classes > 0,
    validationExamples: parted.validation!.count,
    testExamples: dataset.test.count,
    out,
    warning,
  };
}

/** One that goes on as its folder says. */
async function goOn(given: Arguments, out: string): Promise<Ready> {
  for (const { name } of compareCommand.options) {
    const all = given.list(name);
    if (all.length === 0 || ["resume", "backend"].includes(name) || (name === "out" && all[0] === out)) continue;
    throw new OptionError(`--${name}`, "nothing beside --resume, which goes on with what was begun", all[0]);
  }
  await readComparison(out); // so that nothing is locked that is none
  const directory = await RunDirectory.reopen(out);
  try {
    const comparison = await readComparison(out);
    const { config } = comparison;
    const registry = await loadRegistry(config.plugins, Deno.cwd());
    const { warning } = await chooseBackend(given.value("backend"), registry.list());
    const dataset = await loadDataset(configuredDataset(config, registry));
    const parted = config.validation === undefined ? dataset : holdBack(dataset, config.validation, config.seed);
    return { directory, comparison, dataset, registry, about: aboutOf(dataset, parted, out, warning) };
  } catch (error) {
    directory.release();
    throw error;
  }
}
