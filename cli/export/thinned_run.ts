/** `export --thinned STEP:EXAMPLE`: one of the nets that dropout trained, in place of the whole one. @module */
import {
  buildModel,
  isPlugin,
  type LoadedModel,
  type Model,
  OptionError,
  type Progress,
  thinned,
  type ThinnedRow,
} from "../../mod.ts";
import type { ConfiguredRun } from "../configuration/configured_run.ts";

/** Which subnet. */
export interface ThinnedPlace {
  /** The training step. */
  readonly step: number;
  /** The place in its batch. */
  readonly example: number;
}

/** The subnet, as a model to be exported. */
export interface ThinnedRun {
  readonly model: Model;
  /** What became of the variants. */
  readonly variants: readonly ThinnedRow[];
}

/**
 * What `--thinned` says.
 *
 * @throws {OptionError} for anything but two whole numbers
 */
export function thinnedPlace(text: string | undefined): ThinnedPlace | undefined {
  if (text === undefined) return undefined;
  const found = /^(\d{1,10}):(\d{1,10})$/.exec(text);
  if (found === null) throw new OptionError("--thinned", "STEP:EXAMPLE, two whole numbers such as 500:7", text);
  return { step: Number(found[1]), example: Number(found[2]) };
}

/**
 * The subnet that a place of a batch met in a step of a run. The saved model has in the place of schedules what they came to at
 * the end of training, so the masks are drawn by the net as it was configured, with the saved weights.
 *
 * @throws {OptionError} for a step that was not trained, a place that no batch has, and rates that follow from what was measured
 * @throws {PluginError} naming a variant that can neither be taken out nor left as it was
 */
export function thinnedRun(
  { model: saved, progress }: LoadedModel,
  { step, example }: ThinnedPlace,
  { model: root, batchSize, accumulate }: ConfiguredRun,
): ThinnedRun {
  if (progress === undefined || !(step < progress.step)) {
    throw new OptionError("--thinned", `a step in [0, ${progress?.step ?? 0}), which the run has trained`, step);
  }
  const together = batchSize * (accumulate ?? 1);
  if (example >= together) throw new OptionError("--thinned", `a place in the batch, in [0, ${together})`, example);
  const measured = watching(root);
  if (measured !== undefined) {
    throw new OptionError("--thinned", "rates that follow from the step alone, not from what was measured", measured);
  }
  const model = buildModel(root, { ...saved.built, inputShape: saved.inputShapes });
  const tensors = new Map(saved.parameters().map(({ name, tensor }) => [`model/${name}`, tensor]));
  for (const [name, tensor] of saved.state()) tensors.set(`state/${name}`, tensor);
  model.load(tensors);
  const then: Progress = { ...progress, step };
  const found = thinned(model, { step, example, progress: then });
  return { model: found.model, variants: found.variants };
}

/** A schedule that looks at what was measured, somewhere in a description. */
function watching(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (isPlugin(value) && "epoch" in value.definition && isPlugin(value, "schedule")) return value.plugin;
  const inner = isPlugin(value) ? value.options : value;
  for (const part of Object.values(inner as object)) {
    const found = watching(part);
    if (found !== undefined) return found;
  }
  return undefined;
}
