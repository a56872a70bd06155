/** What a variant has just drawn, read off at its site: which units or weights are on, of each example. @module */
import { keptEntries, noGrad, type SiteCall, Tensor } from "../../../core/mod.ts";

/** What is on at a site: factors on what stands there, 0 for what is dropped, 1 for what is kept. */
export interface Drawn {
  /** Rows of factors: the examples of the batch, or 1 where all share one. */
  readonly rows: number;
  /** `[rows, units]`, or `[rows, outputs, inputs]` of weights; from 0 to 2. */
  readonly factors: Float32Array<ArrayBuffer>;
  /** Whether they are those of weights. */
  readonly weights: boolean;
}

/** As good as dropped, and yet not: what noise has turned to the other sign. */
const FAINT = 1e-3;

/** Factors as what can be drawn: twice at most, and nothing below 0, which is for what is dropped alone. */
function bounded(factors: ArrayLike<number>): Float32Array<ArrayBuffer> {
  return Float32Array.from(factors, (factor) => {
    if (!Number.isFinite(factor)) return 1;
    return factor === 0 ? 0 : Math.max(FAINT, Math.min(2, factor));
  });
}

/** `y / x`, and 1 where that is nothing. */
function ratios(y: Tensor, x: Tensor): Float32Array<ArrayBuffer> {
  const before = x.floats;
  return bounded(Float32Array.from(y.floats, (value, i) => before[i] === 0 ? 1 : value / before[i]));
}

/**
 * Reads what the variant at a site draws in this pass; the draw is the same however often it acts.
 *
 * A mask that is said as data is read as it is. Of other variants behind units it is what they make of ones, or, where their
 * draw depends on what they are given, the ratio of what comes out to what went in. Of those that take the whole product:
 * each weight's factor, found input by input, if the mask is one of weights; else each unit's.
 *
 * @param call the site, about to act in mode `train`
 * @param adaptive whether the draw depends on what the variant is given
 * @param row of which example the weights are told, where each has its own
 */
export function drawnAt(call: SiteCall, adaptive: boolean, row = 0): Drawn {
  return noGrad(() => {
    const [x] = call.args as readonly [Tensor];
    if (call.role === "product") return ofProduct(call, row);
    const weights = call.role === "weight";
    const rows = (count: number) => weights ? 1 : count;
    if (call.mask === null) {
      return { rows: 1, factors: new Float32Array(weights ? x.size : x.size / x.shape[0]).fill(1), weights };
    }
    if (call.mask !== undefined) {
      const kept = keptEntries(call.mask, x.shape).greater(0).add(Tensor.zeros(x.shape));
      return { rows: rows(x.shape[0]), factors: Float32Array.from(kept.floats), weights };
    }
    const factors = adaptive || weights
      ? ratios(call.act([x])!, x)
      : bounded(call.act([Tensor.ones(x.shape, x.floatType)])!.floats);
    return { rows: rows(x.shape[0]), factors, weights };
  });
}

/** Of a variant that takes the product `x W^T + b`. */
function ofProduct(call: SiteCall, row: number): Drawn {
  const [x, weight, bias, ...rest] = call.args as readonly [Tensor, Tensor, Tensor | null, ...unknown[]];
  const [batch, [outputs, inputs]] = [x.shape[0], weight.shape];
  const product = (x: Tensor) => call.act([x, weight, null, ...rest], "none")!;
  // Input by input: row k of what comes out is what of the weights from input k is left.
  const columns = Array.from({ length: inputs }, (_, k) => {
    const one = new Float32Array(batch * inputs);
    for (let r = 0; r < batch; r++) one[r * inputs + k] = 1;
    return product(Tensor.from(one, [batch, inputs]));
  });
  const whole = product(x);
  const sum = columns.reduce<Tensor | null>((sum, column, k) => {
    const part = column.mul(x.slice([0, k], [batch, k + 1]));
    return sum === null ? part : sum.add(part);
  }, null)!;
  const scale = 1e-4 * (1 + whole.abs().max().item());
  if (sum.sub(whole).abs().max().item() < scale) {
    const [given, left] = [weight.floats, columns.map((column) => column.floats)];
    const factors = Float32Array.from(given, (value, i) => {
      const [o, k] = [Math.floor(i / inputs), i % inputs];
      return value === 0 ? 1 : left[k][row * outputs + o] / value;
    });
    return { rows: 1, factors: bounded(factors), weights: true };
  }
  const plain = x.matmul(weight, { transposeB: true });
  return {
    rows: batch,
    factors: ratios(call.act([x, weight, bias, ...rest], "none")!, bias === null ? plain : plain.add(bias)),
    weights: false,
  };
}
