/** The fixed masks of Masksembles: `generate_masks` and its search for a scale, as the authors published them. @module */
import { type Key, OptionError, Tensor } from "../../core/mod.ts";

/** Positions that n masks with m ones each are expected to use, of int(m s), as a whole number. */
function width(m: number, n: number, s: number): number {
  return Math.floor(m * s * (1 - (1 - 1 / s) ** n));
}

/** How masks for a number of channels are drawn. */
export interface MaskDesign {
  /** Ones in each mask. */
  readonly ones: number;
  /** Positions of which each mask keeps some, before those that none keeps are taken away. */
  readonly positions: number;
}

/**
 * The design whose masks are expected to use as many positions as there are channels: the authors' search for a scale.
 *
 * @param channels number of channels, at least 10
 * @param n number of masks
 * @param scale S, in [1, 6]
 * @throws {OptionError} when it finds none
 */
export function maskDesign(channels: number, n: number, scale: number): MaskDesign {
  const ones = Math.floor(channels / (scale * (1 - (1 - 1 / scale) ** n)));
  let [low, high] = [Math.max(0.8 * scale, 1), 1.2 * scale];
  for (let halving = 0; halving < 1000; halving++) {
    const middle = (low + high) / 2;
    const found = width(ones, n, middle);
    if (found === channels) return { ones, positions: Math.floor(ones * middle) };
    if (found > channels) high = middle;
    else low = middle;
  }
  throw new OptionError("scale", `one at which ${n} masks cover ${channels} channels; another is to be tried`, scale);
}

/**
 * Draws masks until they use as many positions as there are channels: `[n, channels]`, ones and zeros.
 *
 * @throws {OptionError} when there are none, or too few chances of finding some
 */
export function fixedMasks(channels: number, n: number, scale: number, key: Key, dtype: "float32" | "float64"): Tensor {
  const { ones, positions } = maskDesign(channels, n, scale);
  for (let attempt = 0; attempt < 10000; attempt++) {
    const u = Tensor.uniform([n, positions], key.atStep(attempt), "float64").floats;
    const masks = Array.from({ length: n }, (_, mask) => {
      const order = Array.from({ length: positions }, (_, i) => i);
      order.sort((a, b) => u[mask * positions + a] - u[mask * positions + b] || a - b);
      return new Set(order.slice(0, ones));
    });
    const used = Array.from({ length: positions }, (_, i) => i).filter((i) => masks.some((mask) => mask.has(i)));
    if (used.length === channels) {
      return Tensor.from(masks.flatMap((mask) => used.map((i) => mask.has(i) ? 1 : 0)), [n, channels], dtype);
    }
  }
  throw new OptionError("scale", `one at which ${n} masks cover ${channels} channels; another is to be tried`, scale);
}
