/**
 * Attention in one kernel: scores, masks, softmax, dropout and the product with the values in tiles. No matrix of queries
 * by keys is kept: the gradient computes its tiles again and draws again from the same addresses.
 *
 * @module
 */
import { defineKernel, type Kernel } from "./kernel.ts";
import { block, draw, field, input, optionalInput, output, type Sizes } from "./parameters.ts";
import * as twins from "./reference/attention.ts";

/** Extents of attention, and what is dropped. */
export interface AttentionShape {
  /** Number of examples. */
  readonly batch: number;
  /** Number of heads. */
  readonly heads: number;
  /** Number of queries. */
  readonly queries: number;
  /** Number of keys. */
  readonly keys: number;
  /** Features of a query and of a key. */
  readonly features: number;
  /** Features of a value. */
  readonly values: number;
  /** What scores are multiplied by. */
  readonly scale: number;
  /** Whether a query at time t sees only keys up to time t. */
  readonly causal: boolean;
  /** Rows of the draw: the batch, or 0 where nothing is dropped. */
  readonly drawn: number;
  /** Below which a number says that an entry is dropped. */
  readonly threshold: number;
  /** Bits of a decision. */
  readonly bits: 16 | 32;
  /**
   * Whether keys are hidden before softmax, in a row that would lose all it sees none, rather than weights dropped after it.
   */
  readonly before: boolean;
  /** Factor of the weights that are kept, if they are dropped after softmax. */
  readonly a: number;
}

const rows = ["batch", "heads", "queries"];
const q = [...rows, "features"];
const k = ["batch", "heads", "keys", "features"];
const v = ["batch", "heads", "keys", "values"];
const y = [...rows, "values"];
const keyMask = optionalInput("keyMask", ["batch", "keys"]);
const shape = block<AttentionShape>("shape", {
  batch: field.size(),
  heads: field.size(),
  queries: field.size(),
  keys: field.size(),
  features: field.size(1),
  values: field.size(),
  scale: field.number,
  causal: field.flag,
  drawn: field.size(),
  threshold: field.size(0, 2 ** 32 - 1),
  bits: field.oneOf([16, 32]),
  before: field.flag,
  a: field.number,
}, ({ batch, drawn }) => {
  return drawn === 0 || drawn === batch ? undefined : `expected shape.drawn to be 0 or ${batch}, found ${drawn}`;
});
const decided = ({ drawn, heads, queries, keys }: Readonly<Sizes>) => drawn === 0 ? 0 : heads * queries * keys;
const decisions = draw("draw", "drawn", decided, { bits: "bits", threshold: "threshold" });

/**
 * `out = softmax(scale Q K^T + mask) V` for each head; `keyMask` is 0 for a key that nobody sees, and a query that sees no
 * key gives zeros. The weight of query i for key j in head h is decided at position `(h queries + i) keys + j` of the
 * example's row. `sums` receives the logarithm of each row's sum, which the gradient needs.
 */
export const attention: Kernel<typeof twins.attention> = defineKernel({
  name: "attention",
  parameters: [
    input("q", q),
    input("k", k),
    input("v", v),
    keyMask,
    output("out", y),
    output("sums", rows),
    decisions,
    shape,
  ],
  twin: twins.attention,
});

/** Gradient of the above towards queries, keys and values, from `out` and `sums` as it left them. */
export const attentionGradient: Kernel<typeof twins.attentionGradient> = defineKernel({
  name: "attentionGradient",
  parameters: [
    input("q", q),
    input("k", k),
    input("v", v),
    keyMask,
    input("out", y),
    input("sums", rows),
    input("dOut", y),
    output("dQ", q),
    output("dK", k),
    output("dV", v),
    decisions,
    shape,
  ],
  twin: twins.attentionGradient,
});
