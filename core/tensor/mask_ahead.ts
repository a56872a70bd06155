/**
 * The mask of the variant that comes next, for an op that can apply it in its own last pass over a result.
 *
 * @module
 */
import type { DrawAddress } from "../backend/draw.ts";
import type { Shape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** A mask that keeps entries, multiplied by a factor of at least 1, and makes all others 0; drawn for single examples. */
export interface PlainMask {
  /** Rows of the draw. */
  readonly rows: number;
  /** Entries of a row. */
  readonly cols: number;
  /** In units of `2^-bits`. */
  readonly threshold: number;
  /** Bits a decision takes. */
  readonly bits: 16 | 32;
  /** Where the decisions lie. */
  readonly address: DrawAddress;
  /** Factor of what is kept. */
  readonly scale: number;
}

/** What is said of the mask that comes next. An op may always leave it alone. */
export interface MaskAhead {
  /** The mask for a result of a shape; null where it is better applied by itself. */
  plain(shape: Shape): PlainMask | null;
  /** Says that it has been applied to a result, which nothing but that mask may then be given. Gives the result. */
  applied(y: Tensor): Tensor;
}
