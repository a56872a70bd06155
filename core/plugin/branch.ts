/** Branches under a mask: examples whose branch is dropped are not computed. @module */
import { OptionError } from "../errors.ts";
import { keepProbability, rateThreshold } from "../random/key.ts";
import { applyMask, keptEntries, type Mask } from "../tensor/ops/mask.ts";
import { sizeOf } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";

/** How a branch can be run. */
export interface BranchRun {
  /** Runs the branch on some rows of the batch, given by their numbers, or on all. */
  run(x: Tensor, rows: readonly number[] | null): Tensor;
  /** Whether some of the rows may be left out: no layer of the branch mixes them. */
  readonly gathers: boolean;
  /** Whether the branch may be left out as a whole. */
  readonly skips: boolean;
  /** Whether this is evaluation. */
  readonly evaluates: boolean;
}

/** Rows of a tensor by number. */
export function gatherRows(x: Tensor, rows: readonly number[]): Tensor {
  const index = Tensor.from(Int32Array.from(rows), [rows.length]);
  if (x.dtype !== "int32") return x.take(index);
  const width = sizeOf(x.shape.slice(1));
  const out = new Int32Array(rows.length * width);
  rows.forEach((row, i) => out.set(x.ints.subarray(row * width, (row + 1) * width), i * width));
  return Tensor.from(out, [rows.length, ...x.shape.slice(1)]);
}

/** Rows put back to their places among `count`, zeros elsewhere. */
function scatterRows(y: Tensor, rows: readonly number[], count: number): Tensor {
  const places = new Int32Array(count).fill(rows.length);
  rows.forEach((row, i) => places[row] = i);
  const zero = Tensor.zeros([1, ...y.shape.slice(1)], y.dtype);
  return Tensor.concat([y, zero]).take(Tensor.from(places, [count]));
}

/**
 * What a branch adds under a mask, which has one decision for each example; null for nothing.
 *
 * @param x the branch's input, batch first
 * @param mask the mask; what it shares beyond the batch does not matter
 */
export function maskedBranch(x: Tensor, mask: Mask | null, branch: BranchRun): Tensor | null {
  if (mask === null) return branch.run(x, null);
  const { c = 0 } = mask;
  if (mask.empty === "kept") {
    throw new OptionError("empty", "lost, since an example's branch is dropped as a whole", mask.empty);
  }
  if (branch.evaluates) {
    const nothing = branch.skips && mask.eval === "mean" && mask.rate === 1 && c === 0;
    return nothing ? null : applyMask(branch.run(x, null), mask, true);
  }
  const batch = x.shape[0];
  const whole = mask.share?.includes(0) ?? false;
  const asked = { ...mask, share: whole ? [0] : [] };
  if (mask.rate > 0 && c === 0 && branch.skips) {
    const kept = keptEntries(asked, [batch]).broadcastTo([batch]).floats;
    const rows = Array.from(kept, (value, row) => value === 0 ? -1 : row).filter((row) => row >= 0);
    if (rows.length === 0) return null;
    const all = rows.length === batch;
    if (all || branch.gathers) {
      const y = all ? branch.run(x, null) : branch.run(gatherRows(x, rows), rows);
      // What is left was kept: only its scale and shift are to be applied.
      const own = (part: number | Tensor) =>
        part instanceof Tensor && !all && part.rank === y.rank && part.shape[0] === batch
          ? gatherRows(part, rows)
          : part;
      const scaled = applyMask(y, { key: mask.key, rate: 0, a: own(mask.a ?? scaleOf(mask)), b: own(mask.b ?? 0) });
      return all ? scaled : scatterRows(scaled, rows, batch);
    }
  }
  const y = branch.run(x, null);
  return applyMask(y, { ...mask, share: y.shape.map((_, axis) => axis).slice(whole ? 0 : 1) });
}

function scaleOf({ rate }: Mask): number {
  return 1 / keepProbability(rateThreshold(rate));
}
