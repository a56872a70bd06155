/** What `train` is to do, from its arguments and the configuration. @module */
import { type Dataset, loadDataset, OptionError, type Registry } from "../../mod.ts";
import { absolutePaths } from "../arguments/absolute_paths.ts";
import { type Config, parseConfig, type PartConfig } from "./config.ts";
import { configuredDataset } from "./configured_run.ts";
import { note } from "../arguments/deliver.ts";
import { absoluteModules, loadRegistry } from "./load_registry.ts";
import { placeData } from "../run/place_data.ts";
import { hasPreset, preset } from "./preset.ts";
import type { PublishedPreset } from "../presets/preset_parts.ts";
import { publishedConfig, publishedPreset } from "../presets/published.ts";
import type { Arguments } from "../arguments/read_arguments.ts";
import { readConfig } from "./read_config.ts";
import { setPath } from "./set_path.ts";
import { folderOf } from "../arguments/paths.ts";

/** What is to be done. */
export interface Plan {
  /** The configuration, with all changes of the arguments, and with absolute paths. */
  readonly config: Config;
  /** The plugins that it knows. */
  readonly registry: Registry;
  /** The run directory. */
  readonly out: string;
  /** Whether the run in it goes on. */
  readonly resumes: boolean;
  /** Loaded already, where the configuration depended on it. */
  readonly dataset: Dataset | undefined;
}

/**
 * Reads the configuration that the arguments name, or takes a preset, and changes it as they say.
 *
 * @throws {ThinnedError} for a mistake in either
 */
export async function makePlan(given: Arguments): Promise<Plan> {
  const resume = given.value("resume");
  if (resume !== undefined) refuseBesideResume(given, resume);
  const path = given.value("config") ?? (resume === undefined ? undefined : `${resume}/config.json`);
  const published = publishedPreset(given.value("config"));
  const begun = path === undefined || published !== undefined
    ? await fromPreset(given, published)
    : await fromFile(path, resume === undefined ? "--config" : "--resume", given);
  const { registry } = begun;
  let changed: unknown = begun.config;
  if (given.value("data") !== undefined) {
    changed = setPath(changed, "dataset", placeData(begun.config.dataset, given.value("data"), registry));
  }
  const epochs = given.whole("epochs", 1);
  if (epochs !== undefined) changed = setPath(changed, "epochs", epochs);
  const seed = given.whole("seed", 0);
  if (seed !== undefined) changed = setPath(changed, "seed", seed);
  const seeds = given.whole("seeds", 1);
  if (seeds !== undefined && resume !== undefined && begun.config.seeds === undefined) {
    throw new OptionError("--seeds", "nothing beside --resume, unless the run began with it", String(seeds));
  }
  if (seeds !== undefined) changed = setPath(changed, "seeds", seeds);
  const ensemble = given.whole("ensemble", 1);
  if (ensemble !== undefined && resume !== undefined && begun.config.ensemble === undefined) {
    throw new OptionError("--ensemble", "nothing beside --resume, unless the run began with it", String(ensemble));
  }
  if (resume !== undefined && ensemble !== undefined && begun.config.seeds !== undefined) {
    // The seeds of each ensemble begin behind those of the one before.
    const begunWith = begun.config.ensemble;
    if (ensemble !== begunWith) {
      throw new OptionError("--ensemble", `${begunWith} beside --resume of several seeds`, ensemble);
    }
  }
  if (ensemble !== undefined) changed = setPath(changed, "ensemble", ensemble);
  const validation = given.value("validation");
  if (validation !== undefined) changed = setPath(changed, "validation", fraction(validation));
  for (const [name, value] of settings(given)) changed = setPath(changed, name, value);
  const here = absolutePaths(parseConfig(changed), registry, Deno.cwd()); // what the arguments named
  const id = resume === undefined ? crypto.randomUUID() : here.id;
  const config = { ...here, id };
  const plan = {
    config,
    registry,
    out: given.value("out") ?? resume ?? await freeName(config.dataset),
    resumes: resume !== undefined,
    dataset: begun.dataset,
  };
  return given.has("download") ? await download(plan, given) : plan;
}

/** The value of `--validation`. */
function fraction(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new OptionError("--validation", "a number between 0 and 1, both excluded", text);
}

/** A run goes on as it is: what it is made of is not given a second time. */
function refuseBesideResume(given: Arguments, resume: string): void {
  for (const name of ["config", "dataset", "out"]) {
    const value = given.value(name);
    if (value === undefined || (name === "out" && value === resume)) continue;
    const instead = name === "out" ? "goes on in its own folder" : "goes on with its own; use --set for a change";
    throw new OptionError(`--${name}`, `nothing beside --resume, which ${instead}`, value);
  }
}

/** A configuration that has been begun, and what was needed for it. */
interface Begun {
  readonly config: Config;
  readonly registry: Registry;
  readonly dataset?: Dataset;
}

async function fromFile(path: string, argument: string, given: Arguments): Promise<Begun> {
  let config = await readConfig(path, argument);
  const wanted = given.value("dataset");
  if (wanted !== undefined) config = parseConfig(setPath(config, "dataset", { plugin: wanted }));
  const base = folderOf(await Deno.realPath(path));
  const registry = await loadRegistry(config.plugins, base);
  const plugins = await absoluteModules(config.plugins, base);
  return { config: { ...absolutePaths(config, registry, base), plugins }, registry };
}

async function fromPreset(given: Arguments, published: PublishedPreset | undefined): Promise<Begun> {
  const wanted = given.value("dataset") ?? published?.dataset.plugin ?? "digits";
  const registry = await loadRegistry([], Deno.cwd());
  if (published === undefined && hasPreset(wanted)) return { config: preset(wanted), registry };
  const own = wanted === published?.dataset.plugin ? published.dataset : { plugin: wanted };
  const images = published?.needs === "images" && "flatten" in (registry.get(wanted)?.definition.options.shape ?? {});
  let part: PartConfig = placeData(images ? { ...own, flatten: false } : own, given.value("data"), registry);
  for (const [name, value] of settings(given)) {
    if (name.startsWith("dataset.")) part = setPath(part, name.slice("dataset.".length), value) as PartConfig;
  }
  part = absolutePaths(part as Exclude<PartConfig, string>, registry, Deno.cwd());
  const dataset = await loadDataset(configuredDataset({ dataset: part }, registry));
  if (published !== undefined) return { config: publishedConfig(published, part, dataset), registry, dataset };
  return { config: { ...preset(wanted, dataset), dataset: part }, registry, dataset };
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

/** A folder that is not there yet, named after the time and the data set. */
async function freeName(part: PartConfig): Promise<string> {
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const name = `runs/${time}-${typeof part === "string" ? part : part.plugin}`;
  const taken = (path: string) => Deno.lstat(path).then(() => true, () => false);
  for (let i = 1;; i++) {
    const path = i === 1 ? name : `${name}-${i}`;
    if (!await taken(path)) return path;
  }
}

/** Fetches the data set, and returns the plan that reads it from where it now is. */
async function download(plan: Plan, given: Arguments): Promise<Plan> {
  const { plugin, definition, options } = configuredDataset(plan.config, plan.registry);
  if (definition.download === undefined) {
    const able = plan.registry.list("dataset").map(({ definition }) => definition);
    const names = able.filter(({ download }) => download !== undefined).map(({ name }) => name);
    throw new OptionError("--download", `a data set that can be fetched, ${names.join(" or ")}`, plugin);
  }
  const mirror = given.value("mirror");
  const fetched = await definition.download({ options, mirrors: mirror === undefined ? undefined : [mirror] });
  const { folder, files } = fetched;
  note(
    files.length === 0 ? `${plugin}: already in ${folder}.` : `${plugin}: ${files.join(", ")} fetched to ${folder}.`,
  );
  const part = plan.config.dataset;
  const dataset = { ...(typeof part === "string" ? { plugin: part } : part), ...fetched.options };
  return { ...plan, config: absolutePaths({ ...plan.config, dataset }, plan.registry, Deno.cwd()) };
}
