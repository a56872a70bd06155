/** Examples that a run's model has not been made for. @module */
import { didYouMean, loadDataset, OptionError, shuffledInputs, sizeOf, type Split } from "../mod.ts";
import { absolutePaths } from "./absolute_paths.ts";
import { configuredDataset } from "./configured_run.ts";
import type { OpenedRun } from "./open_run.ts";

/** Foreign examples, and where they are from. */
export interface Foreign {
  /** A name for people. */
  readonly name: string;
  /** The examples. */
  readonly split: Split;
}

/**
 * The examples that `--foreign` names: `shuffled`, the test part of a data set by its plugin's name, or of one in JSON with
 * options, whose paths count from the working directory.
 *
 * @throws {OptionError} for a name that no data set has
 */
export async function foreignExamples(wanted: string, { dataset, registry }: OpenedRun): Promise<Foreign> {
  if (wanted === "shuffled") return { name: "shuffled inputs", split: shuffledInputs(dataset.test) };
  const part = wanted.trimStart().startsWith("{") ? parsed(wanted) : { plugin: wanted };
  const names = ["shuffled", ...registry.list("dataset").map(({ definition }) => definition.name)];
  if (!names.includes(part.plugin)) {
    const hint = didYouMean(part.plugin, names);
    throw new OptionError("--foreign", `${names.join(", ")}, or a data set in JSON`, part.plugin, hint);
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
