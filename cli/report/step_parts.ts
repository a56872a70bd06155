/** What the two passes of a training step are made of. @module */
import {
  type Dataset,
  gradients,
  lossOf,
  makeBatch,
  type Model,
  type Plugin,
  type Progress,
  recycling,
  ThinnedError,
} from "../../mod.ts";
import { Profiler, type Share, shareOf } from "../run/profiler.ts";

/** A training step, of which nothing is changed by being looked at. */
export interface ProfiledStep {
  /** The model. */
  readonly model: Model;
  /** Its data. */
  readonly dataset: Dataset;
  /** Its loss. */
  readonly loss: Plugin<"loss">;
  /** How far training had come. */
  readonly progress: Progress;
  /** Examples of a step. */
  readonly batchSize: number;
}

/** Milliseconds that a step may take to be looked at, and that looking may take. */
const LONGEST_MS = 500;
const LOOKED_MS = 200;

/**
 * The parts of a pass forward and back over the first training examples, in milliseconds, the largest first; the update of
 * the weights is not among them, since it would change them. Undefined where a step takes too long, or is not one pass
 * over any examples.
 */
export function stepParts(
  { model, dataset, loss, progress, batchSize }: ProfiledStep,
): { kind: Share; ms: number }[] | undefined {
  if (dataset.order === "lanes") return undefined;
  const { train, outputs } = dataset;
  const weights = model.parameters().map(({ tensor }) => tensor);
  const step = () =>
    recycling(() => {
      const batch = makeBatch(train, outputs, 0, Math.min(batchSize, train.count));
      const out = model.forward(batch.inputs, { mode: "train", progress, stateUpdates: new Map() });
      // A gradient that nobody looks at may not be computed.
      for (const gradient of gradients(lossOf(loss, out, batch.targets), weights)) void gradient?.storage.array;
    });
  try {
    const started = performance.now();
    step();
    const once = performance.now() - started;
    if (once > LONGEST_MS) return undefined;
    const { whole, kernels } = new Profiler().profile(step, Math.max(2, Math.min(50, Math.floor(LOOKED_MS / once))));
    const parts = new Map<Share, number>();
    let within = 0;
    for (const [kernel, { ms }] of kernels) {
      const kind = shareOf(kernel);
      parts.set(kind, (parts.get(kind) ?? 0) + ms);
      within += ms;
    }
    parts.set("TypeScript", Math.max(0, whole - within));
    return [...parts].map(([kind, ms]) => ({ kind, ms })).sort((a, b) => b.ms - a.ms);
  } catch (error) {
    // What is looked at for a report is no reason to end a run: a loss may be of several passes.
    if (error instanceof ThinnedError) return undefined;
    throw error;
  }
}
