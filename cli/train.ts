/** `train`: one run, or several side by side, from a configuration to a run directory. @module */
import {
  checkpointSteps,
  checkpointWriter,
  currentBackend,
  type Dataset,
  downloadMnist,
  type FitResult,
  latestCheckpoint,
  loadDataset,
  metricsLog,
  OptionError,
  PermissionError,
  progressBar,
  type Registry,
  type Snapshot,
  ThinnedError,
  Trainer,
  writeModel,
} from "../mod.ts";
import { type Config, configuredDataset, type ConfiguredRun, configuredRun, parseConfig, setPath } from "./config.ts";
import { type Arguments, readArguments } from "./arguments.ts";
import { note, type Outcome } from "./output.ts";
import { hasPreset, preset } from "./presets.ts";
import { describeRuns } from "./report.ts";
import { chooseBackend, loadRegistry, readConfig } from "./setup.ts";

/** Runs `train`. */
export async function train(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, {
    values: ["config", "dataset", "data", "epochs", "seed", "backend", "out", "resume", "mirror"],
    lists: ["set"],
    switches: ["json", "download"],
  });
  let plan = await makePlan(given);
  if (given.has("download")) plan = await download(plan, given);
  await chooseBackend(given.value("backend"));
  const dataset = plan.dataset ?? await loadDataset(configuredDataset(plan.config, plan.registry));
  const runs = plan.config.runs.map((run) => configuredRun(plan.config, run.name, plan.registry));
  const stop = new AbortController();
  const trainers: Trainer[] = [];
  for (const run of runs) trainers.push(await makeTrainer(plan, run, dataset, stop.signal));
  // Everything has been checked; from here on there is something to write.
  await openRunDirectory(plan);
  const results = await trainSideBySide(plan, trainers, stop);
  const interrupted = results.some((result) => result.interrupted);
  if (interrupted) note(`Stopped. To go on: deno task train --resume ${plan.out}`);
  return {
    json: summarize(plan, dataset, results),
    text: describeRuns(results, dataset.classes > 0, plan.out),
    status: interrupted ? 130 : 0,
  };
}

/** What is to be done, from arguments and configuration. */
interface Plan {
  readonly config: Config;
  readonly registry: Registry;
  readonly out: string;
  /** The run directory to go on from. */
  readonly resume: string | undefined;
  /** Loaded already, where the configuration depended on it. */
  readonly dataset: Dataset | undefined;
}

async function makePlan(given: Arguments): Promise<Plan> {
  const resume = given.value("resume");
  const path = given.value("config") ?? (resume === undefined ? undefined : `${resume}/config.json`);
  const wanted = given.value("dataset");
  let config: Config;
  let dataset: Dataset | undefined;
  let base = Deno.cwd();
  if (path !== undefined) {
    config = await readConfig(path, given.value("config") === undefined ? "--resume" : "--config");
    base = folderOf(await Deno.realPath(path));
    if (wanted !== undefined) config = parseConfig(setPath(config, "dataset", { plugin: wanted }));
  } else if (wanted === undefined || hasPreset(wanted)) {
    config = preset(wanted ?? "digits");
  } else {
    const registry = await loadRegistry([], base);
    const part = placeData({ plugin: wanted }, given.value("data"), registry);
    for (const [name, value] of settings(given)) {
      if (name.startsWith("dataset.")) Object.assign(part, setPath(part, name.slice("dataset.".length), value));
    }
    dataset = await loadDataset(configuredDataset({ ...preset("digits"), dataset: part }, registry));
    config = { ...preset(wanted, dataset), dataset: part };
  }
  const registry = await loadRegistry(config.plugins, base);
  let changed: unknown = { ...config, plugins: config.plugins.map((module) => absolute(module, base)) };
  if (given.value("data") !== undefined) {
    changed = setPath(changed, "dataset", placeData(config.dataset, given.value("data"), registry));
  }
  const epochs = given.whole("epochs", 1);
  if (epochs !== undefined) changed = setPath(changed, "epochs", epochs);
  const seed = given.whole("seed", 0);
  if (seed !== undefined) changed = setPath(changed, "seed", seed);
  for (const [name, value] of settings(given)) changed = setPath(changed, name, value);
  const final = parseConfig(changed);
  const out = given.value("out") ?? resume ?? `runs/${timestamp()}-${nameOf(final.dataset)}`;
  if (resume !== undefined && out !== resume) {
    throw new OptionError("--out", "nothing beside --resume, which goes on in its own folder", out);
  }
  return { config: final, registry, out, resume, dataset };
}

/** `--set path=value` pairs; a value is JSON where it can be, else text. */
function settings(given: Arguments): [string, unknown][] {
  return given.list("set").map((text) => {
    const at = text.indexOf("=");
    if (at <= 0) throw new OptionError("--set", "path=value, such as model.3.rate=0.3", text);
    const raw = text.slice(at + 1);
    try {
      return [text.slice(0, at), JSON.parse(raw)];
    } catch {
      return [text.slice(0, at), raw];
    }
  });
}

type NamedPart = Exclude<Config["dataset"], string>;

/** Puts the value of `--data` where the data set's plugin looks for it. */
function placeData(part: Config["dataset"], data: string | undefined, registry: Registry): NamedPart {
  const json: NamedPart = typeof part === "string" ? { plugin: part } : { ...part };
  if (data === undefined) return json;
  const factory = registry.get(json.plugin);
  const shape = (factory?.definition.options as { shape?: Record<string, unknown> } | undefined)?.shape ?? {};
  const option = ["data", "path"].find((name) => name in shape);
  if (factory !== undefined && option === undefined) {
    throw new OptionError("--data", `a data set that reads files; ${json.plugin} makes its own`, data);
  }
  return { ...json, [option ?? "data"]: data };
}

function nameOf(part: Config["dataset"]): string {
  return typeof part === "string" ? part : part.plugin;
}

function folderOf(path: string): string {
  return path.replace(/\/[^/]*$/, "") || "/";
}

function absolute(module: string, base: string): string {
  return /^([a-z]+:|\/)/.test(module) ? module : `${base}/${module}`;
}

function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replaceAll(":", "-");
}

/** Fetches the data set, and returns the plan that reads it from where it now is. */
async function download(plan: Plan, given: Arguments): Promise<Plan> {
  if (nameOf(plan.config.dataset) !== "mnist") {
    throw new OptionError("--download", "the data set mnist", nameOf(plan.config.dataset));
  }
  const part = plan.config.dataset;
  const named = typeof part === "string" ? undefined : part.data as string | undefined;
  const folder = named ?? `${environment("THINNED_DATA") ?? "data"}/mnist`;
  const mirror = given.value("mirror");
  const fetched = await downloadMnist({ folder, ...(mirror === undefined ? {} : { mirrors: [mirror] }) });
  note(fetched.length === 0 ? `mnist: already in ${folder}.` : `mnist: ${fetched.join(", ")} fetched to ${folder}.`);
  return { ...plan, config: { ...plan.config, dataset: placeData(part, folder, plan.registry) } };
}

function environment(name: string): string | undefined {
  return Deno.permissions.querySync({ name: "env", variable: name }).state === "granted"
    ? Deno.env.get(name)
    : undefined;
}

/** The folder of one run: the run directory itself when there is but one. */
function folderOfRun(out: string, config: Config, name: string): string {
  return config.runs.length === 1 ? out : `${out}/${name}`;
}

/** One run, ready to begin: its parts made and checked, its checkpoint restored when it goes on. */
async function makeTrainer(plan: Plan, run: ConfiguredRun, dataset: Dataset, signal: AbortSignal): Promise<Trainer> {
  const folder = folderOfRun(plan.out, plan.config, run.name);
  const resume = plan.resume === undefined ? undefined : await lastSnapshot(plan, run.name);
  const { model, ...settings } = run;
  return await Trainer.create(model, {
    ...settings,
    data: dataset,
    signal,
    resume,
    observers: [
      progressBar(),
      metricsLog({ path: `${folder}/metrics.jsonl` }),
      checkpointWriter({ directory: folder }),
      ...run.observers,
    ],
  });
}

/** Where a run goes on from. One that was stopped before its first checkpoint, while another had one, begins anew. */
async function lastSnapshot(plan: Plan, name: string): Promise<Snapshot | undefined> {
  const folder = folderOfRun(plan.out, plan.config, name);
  const others = plan.config.runs.map((run) => folderOfRun(plan.out, plan.config, run.name));
  const has = async (folder: string) => (await checkpointSteps(folder).catch(() => [])).length > 0;
  if (!await has(folder) && (await Promise.all(others.map(has))).includes(true)) {
    note(`${name}: no checkpoint yet; it begins anew.`);
    return undefined;
  }
  return (await latestCheckpoint(folder, note)).snapshot;
}

/** Makes the run directory and writes the configuration; refuses a folder that holds another run. */
async function openRunDirectory(plan: Plan): Promise<void> {
  const { state } = await Deno.permissions.query({ name: "write", path: plan.out });
  if (state !== "granted") {
    throw new PermissionError(`Writing to ${plan.out} needs the flag --allow-write=${plan.out}.`);
  }
  const file = `${plan.out}/config.json`;
  if (plan.resume === undefined) {
    const taken = await Deno.stat(file).then(() => true, () => false);
    if (taken) throw new OptionError("--out", "a folder without a run; use --resume to go on with one", plan.out);
  }
  try {
    await Deno.mkdir(plan.out, { recursive: true });
    for (const run of plan.config.runs) {
      await Deno.mkdir(folderOfRun(plan.out, plan.config, run.name), { recursive: true });
    }
    await Deno.writeTextFile(`${file}.tmp`, JSON.stringify(plan.config, null, 2) + "\n");
    await Deno.rename(`${file}.tmp`, file);
  } catch (error) {
    throw new ThinnedError(`--out: ${plan.out} cannot be written to: ${(error as Error).message}`);
  }
}

/** Trains the runs an epoch each in turn, so that they can be compared while they grow. */
async function trainSideBySide(plan: Plan, trainers: readonly Trainer[], stop: AbortController): Promise<FitResult[]> {
  const onSignal = () => {
    if (stop.signal.aborted) Deno.exit(130);
    note("\nStopping after this step; press Ctrl-C again to stop at once.");
    stop.abort();
  };
  Deno.addSignalListener("SIGINT", onSignal);
  try {
    for (const trainer of trainers) await trainer.open();
    while (trainers.some((trainer) => !trainer.done)) {
      for (const trainer of trainers) if (!trainer.done) await trainer.runEpoch();
    }
    const results: FitResult[] = [];
    for (const trainer of trainers) {
      results.push(await trainer.end());
      const folder = folderOfRun(plan.out, plan.config, trainer.info.name);
      await writeModel(`${folder}/model.safetensors`, trainer.snapshot());
    }
    return results;
  } finally {
    Deno.removeSignalListener("SIGINT", onSignal);
  }
}

function summarize(plan: Plan, dataset: Dataset, results: readonly FitResult[]): unknown {
  const backend = currentBackend().info();
  return {
    dataset: dataset.name,
    backend: backend.name,
    blas: backend.blas,
    threads: backend.threads,
    seed: plan.config.seed,
    out: plan.out,
    runs: results.map((run) => ({
      name: run.name,
      parameters: run.parameters,
      epochs: run.epoch,
      trainError: run.trainError,
      validationError: run.validationError,
      testError: run.testError,
      trainLoss: run.trainLoss,
      validationLoss: run.validationLoss,
      testLoss: run.testLoss,
      secondsPerEpoch: run.secondsPerEpoch,
      stepMs: run.stepMs,
    })),
  };
}
