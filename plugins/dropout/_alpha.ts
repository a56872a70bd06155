/** What alpha dropout makes of kept and dropped entries, for single units and for whole channels. @module */
import type { Mask } from "../../core/mod.ts";

/** lambda alpha of the SELU: what large negative inputs tend to is minus this. */
const LIMIT = 1.0507009873554805 * 1.6732632423543772;

/**
 * A mask that drops to `-LIMIT`, and scales and shifts all so that mean 0 and variance 1 are kept.
 *
 * @param draw where it is drawn, and at which rate; at 1 dropped entries become 0, which is what they tend to
 */
export function alphaMask(draw: Pick<Mask, "key" | "rate" | "share">): Mask {
  if (draw.rate === 1) return draw;
  // Of the rate as it is given: what is drawn differs from it by at most 2^-17.
  const q = 1 - draw.rate;
  const a = 1 / Math.sqrt(q + LIMIT * LIMIT * q * (1 - q));
  const b = a * LIMIT * (1 - q);
  return { ...draw, a, b, c: b - a * LIMIT };
}
