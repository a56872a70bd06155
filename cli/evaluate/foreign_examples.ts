/** Examples that a run's model has not been made for. @module */
import {
  didYouMean,
  loadDataset,
  OptionError,
  prepareInputs,
  preprocessingOf,
  shuffledInputs,
  sizeOf,
  type Split,
  type Tensor,
} from "../../mod.ts";
import { absolutePaths } from "../arguments/absolute_paths.ts";
import { configuredDataset } from "../configuration/configured_run.ts";
import type { OpenedRun } from "../run/open_run.ts";
import { readInputs } from "../predict/read_inputs.ts";

/** Foreign examples, and where they are from. */
export interface Foreign {
  /** A name for people. */
  readonly name: string;
  /** The examples. */
  readonly split: Split;
}

/**
 * The examples that `--foreign` names: `shuffled`; the test part of a data set by its plugin's name, or of one in JSON with
 * options, whose paths count from the working directory; or a file or folder of inputs, which are read as those of `predict
 * --input`.
 *
 * @throws {OptionError} for a name that no data set has
 */
export async function foreignExamples(wanted: string, opened: OpenedRun): Promise<Foreign> {
  const { dataset, registry } = opened;
  if (wanted === "shuffled") return { name: "shuffled inputs", split: shuffledInputs(dataset.test) };
  const part = wanted.trimStart().startsWith("{") ? parsed(wanted) : { plugin: wanted };
  const names = ["shuffled", ...registry.list("dataset").map(({ definition }) => definition.name)];
  if (!names.includes(part.plugin) && await isThere(wanted)) {
    return { name: wanted, split: await inputsOf(wanted, opened) };
  }
  if (!names.includes(part.plugin)) {
    const hint = didYouMean(part.plugin, names);
    throw new OptionError(
      "--foreign",
      `a file or folder that exists, ${names.join(", ")}, or a data set in JSON`,
      part.plugin,
      hint,
    );
  }
  const placed = absolutePaths(part, registry, Deno.cwd());
  const { name, test } = await loadDataset(configuredDataset({ dataset: placed }, registry));
  if (sizeOf(test.shape) !== sizeOf(dataset.train.shape)) {
    const shape = (of: readonly number[]) => `[${of.join(", ")}]`;
    throw new OptionError(
      "--foreign",
      `examples of shape ${shape(dataset.train.shape)}, as ${dataset.name} has`,
      `${part.plugin} with ${shape(test.shape)}`,
    );
  }
  return { name, split: test };
}

function parsed(text: string): { plugin: string } {
  try {
    const json = JSON.parse(text);
    if (typeof json.plugin === "string") return json;
  } catch {
    // said below
  }
  throw new OptionError("--foreign", 'a data set in JSON, such as {"plugin": "digits", "seed": 2}', text);
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Inputs of a file or folder, prepared as in training. */
async function inputsOf(path: string, { dataset, registry }: OpenedRun): Promise<Split> {
  const preprocessing = preprocessingOf(dataset);
  const parts: Tensor[] = [];
  const { rows } = preprocessing;
  if (rows !== undefined) {
    const found = registry.get(rows.plugin)!.definition.rows!({ source: path, reading: rows, name: path });
    if (!(Symbol.asyncIterator in found)) parts.push(prepareInputs(preprocessing, await found));
    else for await (const part of found) parts.push(prepareInputs(preprocessing, part));
  } else for await (const { inputs } of readInputs(path, preprocessing)) parts.push(inputs);
  const inputs = new Float32Array(parts.reduce((size, part) => size + part.size, 0));
  let at = 0;
  for (const part of parts) {
    inputs.set(part.floats, at);
    at += part.size;
  }
  const { shape } = dataset.train;
  // What was done to the inputs has been done to these.
  return { count: inputs.length / sizeOf(shape), shape, inputs, scale: 1 };
}
