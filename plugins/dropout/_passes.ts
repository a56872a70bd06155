/** What losses of several passes share. @module */
import { crossEntropyRows, type LossValue, type Plugin, type Tensor } from "../../core/mod.ts";

/** The loss of one pass: `loss`, or mean softmax cross-entropy with labels. */
export function single(outputs: Tensor, targets: Tensor, loss: Plugin<"loss"> | undefined): LossValue {
  if (loss !== undefined) return loss.definition.loss(outputs, targets, loss.options);
  // A sequence's steps are rows as good as examples.
  const rows = outputs.rank <= 2 ? outputs : outputs.reshape([targets.size, outputs.shape[outputs.rank - 1]]);
  return { sum: crossEntropyRows(rows, targets.reshape([targets.size])).sum(), weight: targets.size };
}

/** Number of rows along the last axis, at least 1. */
export function rowsOf(outputs: Tensor): number {
  return Math.max(1, outputs.size / outputs.shape[outputs.rank - 1]);
}
