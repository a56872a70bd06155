/** `export`: a trained model as a file that other programs read. @module */
import {
  decodeSafetensors,
  encodeSafetensors,
  folded,
  type FoldedRow,
  type LoadedModel,
  onnxOpset,
  OptionError,
  type Plugin,
  readModel,
  type Registry,
  ThinnedError,
  toOnnx,
  toPyTorch,
} from "../../mod.ts";
import { absolutePaths } from "../arguments/absolute_paths.ts";
import { exportCommand } from "../arguments/commands/export.ts";
import type { Outcome } from "../arguments/deliver.ts";
import { configuredRun } from "../configuration/configured_run.ts";
import { thinnedPlace, thinnedRun } from "./thinned_run.ts";
import { loadRegistry } from "../configuration/load_registry.ts";
import { namedRuns } from "../run/open_run.ts";
import { type Arguments, readArguments } from "../arguments/read_arguments.ts";
import { readConfig } from "../configuration/read_config.ts";
import { folderOfRun } from "../run/run_directory.ts";
import { table } from "../print/table.ts";

/** The formats, and the end of a file's name in each. */
const formats = { onnx: "onnx", pytorch: "pytorch.safetensors", safetensors: "folded.safetensors" };
type Format = keyof typeof formats;

/** What is exported. */
interface Request {
  /** The run's saved model. */
  readonly path: string;
  readonly loaded: LoadedModel;
  readonly registry: Registry;
  readonly monteCarlo: boolean;
  readonly preprocessing: boolean;
}

/** What was made: what the file holds in words and as JSON, and what writes it. */
interface Made {
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
  readonly table: readonly FoldedRow[];
  write(file: string): Promise<void>;
}

/** Runs `export --run DIR [--name RUN] [--format NAME] [--out FILE] [--monte-carlo] [--preprocessing]`. */
export async function exportModel(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, exportCommand);
  const out = given.value("run");
  if (out === undefined) throw new OptionError("--run", "the folder of a finished run", "nothing");
  const format = formatOf(given);
  const read = await readConfig(`${out}/config.json`, "--run");
  const place = thinnedPlace(given.value("thinned"));
  const real = await Deno.realPath(out);
  const registry = await loadRegistry(read.plugins, real);
  const config = absolutePaths(read, registry, real);
  const { name, runs } = namedRuns(config, given.value("name"));
  if (runs.length > 1) throw new OptionError("--name", `a single run, such as ${runs[0]}`, `the ensemble ${name}`);
  const folder = folderOfRun(out, config, runs[0]);
  const path = `${folder}/model.safetensors`;
  const base = place === undefined ? "model" : `thinned-${place.step}-${place.example}`;
  const file = given.value("out") ?? `${folder}/${base}.${formats[format]}`;
  if (await isSame(file, path)) throw new OptionError("--out", "another file than the run's own model", file);
  const loaded = await readModel(path, registry);
  const subnet = place && thinnedRun(loaded, place, configuredRun(config, runs[0], registry));
  const request = {
    path,
    loaded: subnet === undefined ? loaded : { ...loaded, model: subnet.model },
    registry,
    monteCarlo: given.has("monte-carlo"),
    preprocessing: given.has("preprocessing"),
  };
  const sizes = subnet && { parameters: subnet.model.parameterCount(), of: loaded.model.parameterCount() };
  const made = await makers[format](request);
  await made.write(file);
  const rows = made.table.map(({ path, plugin, into, left }) => [path, plugin, into === null ? `left: ${left}` : into]);
  return {
    json: {
      run: runs[0],
      format,
      file,
      ...(subnet && { thinned: { ...place, ...sizes, variants: subnet.variants } }),
      ...made.json,
      folded: made.table,
    },
    text: `${file}: ${made.text}.\n${
      subnet === undefined
        ? ""
        : `It is the subnet of place ${place!.example} of the batch in step ${place!.step}, with ` +
          `${sizes!.parameters.toLocaleString("en")} of ${sizes!.of.toLocaleString("en")} parameters.\n`
    }${rows.length === 0 ? "" : `\n${table(rows, ["place", "plugin", "folded into"])}\n`}`,
  };
}

function formatOf(given: Arguments): Format {
  const format = given.value("format") ?? "onnx";
  if (!Object.hasOwn(formats, format)) {
    throw new OptionError("--format", `one of ${Object.keys(formats).join(", ")}`, format);
  }
  for (const name of ["monte-carlo", "preprocessing"]) {
    if (given.has(name) && format !== "onnx") throw new OptionError(`--${name}`, "the format onnx", format);
  }
  return format as Format;
}

/** Whether two paths are of one file that exists. */
async function isSame(a: string, b: string): Promise<boolean> {
  const real = (path: string) => Deno.realPath(path).catch(() => undefined);
  const [first, second] = await Promise.all([real(a), real(b)]);
  return first !== undefined && first === second;
}

/** Writes a file that appears under its name when it is whole. */
async function writeFile(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.writeFile(temporary, bytes, { createNew: true });
    await Deno.rename(temporary, file);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    if (error instanceof Deno.errors.NotCapable) throw error;
    if (error instanceof Deno.errors.NotFound) throw new OptionError("--out", "a file in a folder that exists", file);
    throw new ThinnedError(`--out: ${file} cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

async function makeOnnx({ loaded, monteCarlo, preprocessing: inside }: Request): Promise<Made> {
  const { model, progress, preprocessing } = loaded;
  if (inside && preprocessing === undefined) {
    throw new OptionError("--preprocessing", "a model that was saved with what its data set did", "none");
  }
  const bytes = await toOnnx(model, { monteCarlo, progress, ...(inside && { preprocessing }) }).catch((error) => {
    if (!(error instanceof OptionError) || error.path !== "monteCarlo") throw error;
    throw new OptionError("--monte-carlo", "a run with dropout", "one in which nothing draws");
  });
  const { table } = monteCarlo ? { table: [] } : folded(model, { ...(progress && { progress }) });
  const mode = monteCarlo ? "sample" : "eval";
  return {
    text: `ONNX of the default operators at version ${onnxOpset}; ${
      monteCarlo ? "it draws masks anew at each run" : "it evaluates"
    }; its inputs are ${inside ? "as the data set was given them" : "to be prepared as the data set prepared them"}`,
    json: { opset: onnxOpset, mode, preprocessing: inside, bytes: bytes.length },
    table,
    write: (file) => writeFile(file, bytes),
  };
}

function makePyTorch({ loaded: { model, progress } }: Request): Made {
  const tensors = toPyTorch(model, { ...(progress && { progress }) });
  const bytes = encodeSafetensors(tensors, { format: "pt" });
  const { table } = folded(model, { batchNorm: false, ...(progress && { progress }) });
  return {
    text: `${tensors.size} tensors under PyTorch's names, for load_state_dict`,
    json: { tensors: [...tensors.keys()], bytes: bytes.length },
    table,
    write: (file) => writeFile(file, bytes),
  };
}

async function makeSafetensors({ path, loaded, registry }: Request): Promise<Made> {
  const { model: given, progress, preprocessing } = loaded;
  const { model, table } = folded(given, { ...(progress && { progress }) });
  const { metadata } = decodeSafetensors(await Deno.readFile(path), path);
  const loss = metadata.loss === undefined
    ? undefined
    : registry.create(JSON.parse(metadata.loss), "loss") as unknown as Plugin<"loss">;
  return {
    text: "a model for loadModel, with what evaluation multiplies by in its weights",
    json: { parameters: model.parameterCount() },
    table,
    write: (file) => model.save(file, { preprocessing, loss, progress }),
  };
}

const makers: Readonly<Record<Format, (request: Request) => Made | Promise<Made>>> = {
  onnx: makeOnnx,
  pytorch: makePyTorch,
  safetensors: makeSafetensors,
};
