/** Attention and its gradient row by row, plain. @module */
import type { Floats } from "../arrays.ts";
import type { AttentionShape } from "../attention.ts";
import type { DrawAddress } from "../draw.ts";
import { drawn } from "./random.ts";

/** One row of weights: what a query of a head gives each key. */
interface Row {
  readonly example: number;
  /** Where the query's row begins among all rows. */
  readonly at: number;
  /** Where the head's keys begin among all keys. */
  readonly first: number;
  /** Scores, minus infinity for keys that are hidden. */
  readonly scores: Float64Array;
  /** Factors of the weights: 0 for those that are dropped after softmax. */
  readonly factors: Float64Array;
}

function dot(x: Floats, from: number, y: Floats, to: number, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += x[from + i] * y[to + i];
  return sum;
}

/** Calls `visit` for each row of weights. */
function eachRow(
  q: Floats,
  k: Floats,
  keyMask: Floats | null,
  draw: DrawAddress,
  shape: AttentionShape,
  visit: (row: Row) => void,
): void {
  const { batch, heads, queries, keys, features, scale, causal, drawn: draws, threshold, bits, before, a } = shape;
  const scores = new Float64Array(keys);
  const factors = new Float64Array(keys);
  const kept = new Uint8Array(keys).fill(1);
  for (let example = 0; example < batch; example++) {
    const table = draw.table.subarray(3 * example, 3 * example + 3);
    for (let head = 0; head < heads; head++) {
      const first = (example * heads + head) * keys;
      for (let query = 0; query < queries; query++) {
        const at = (example * heads + head) * queries + query;
        if (draws > 0) {
          const offset = draw.offset + (head * queries + query) * keys;
          const own = { header: draw.header, table, offset };
          drawn(own, 1, keys, bits, (key, number) => kept[key] = number < threshold ? 0 : 1);
        }
        const seen = (key: number) => !(causal && key > query) && keyMask?.[example * keys + key] !== 0;
        const alive = kept.some((one, key) => one === 1 && seen(key));
        for (let key = 0; key < keys; key++) {
          const hidden = !seen(key) || (before && alive && kept[key] === 0);
          scores[key] = hidden ? -Infinity : scale * dot(q, at * features, k, (first + key) * features, features);
          factors[key] = before || draws === 0 ? 1 : kept[key] === 1 ? a : 0;
        }
        visit({ example, at, first, scores, factors });
      }
    }
  }
}

/** `softmax(scale Q K^T + mask) V`, with dropout. */
export function attention(
  q: Floats,
  k: Floats,
  v: Floats,
  keyMask: Floats | null,
  out: Floats,
  sums: Floats,
  draw: DrawAddress,
  shape: AttentionShape,
): void {
  const { values } = shape;
  eachRow(q, k, keyMask, draw, shape, ({ at, first, scores, factors }) => {
    const max = scores.reduce((max, score) => Math.max(max, score), -Infinity);
    const sum = max === -Infinity ? 1 : scores.reduce((sum, score) => sum + Math.exp(score - max), 0);
    sums[at] = max === -Infinity ? 0 : max + Math.log(sum);
    const row = new Float64Array(values);
    scores.forEach((score, key) => {
      if (score === -Infinity || factors[key] === 0) return;
      const weight = Math.exp(score - max) / sum * factors[key];
      for (let e = 0; e < values; e++) row[e] += weight * v[(first + key) * values + e];
    });
    out.set(row, at * values);
  });
}

/** Gradient of {@linkcode attention}. */
export function attentionGradient(
  q: Floats,
  k: Floats,
  v: Floats,
  keyMask: Floats | null,
  out: Floats,
  sums: Floats,
  dOut: Floats,
  dQ: Floats,
  dK: Floats,
  dV: Floats,
  draw: DrawAddress,
  shape: AttentionShape,
): void {
  const { batch, heads, queries, keys, features, values, scale } = shape;
  const allKeys = new Float64Array(batch * heads * keys * features);
  const allValues = new Float64Array(batch * heads * keys * values);
  dQ.fill(0, 0, batch * heads * queries * features);
  eachRow(q, k, keyMask, draw, shape, ({ at, first, scores, factors }) => {
    const mean = dot(dOut, at * values, out, at * values, values);
    const row = new Float64Array(features);
    scores.forEach((score, key) => {
      if (score === -Infinity) return;
      const place = first + key;
      const weight = Math.exp(score - sums[at]);
      const factor = factors[key];
      if (factor !== 0) {
        for (let e = 0; e < values; e++) allValues[place * values + e] += weight * factor * dOut[at * values + e];
      }
      const towards = factor === 0 ? 0 : factor * dot(dOut, at * values, v, place * values, values);
      const slope = scale * weight * (towards - mean);
      for (let f = 0; f < features; f++) {
        row[f] += slope * k[place * features + f];
        allKeys[place * features + f] += slope * q[at * features + f];
      }
    });
    dQ.set(row, at * features);
  });
  dK.set(allKeys);
  dV.set(allValues);
}
