/** Short forms of what the nodes of variants are made of. @module */
import type { Mask, OnnxValue } from "../../../core/mod.ts";
import type { Site } from "./_site.ts";

/** `factor x + shift`. */
export function affine(site: Site, x: OnnxValue, factor: number, shift: number): OnnxValue {
  const scaled = factor === 1 ? x : site.op("Mul", [x, site.constant(factor)]);
  return shift === 0 ? scaled : site.op("Add", [scaled, site.constant(shift)]);
}

/** A product that stretches to the second value's shape. */
export function times(site: Site, a: OnnxValue, b: OnnxValue): OnnxValue {
  return site.op("Mul", [b, a]);
}

/** A mask of a variant's own making; only whether its key has a batch matters. */
export function maskOf(site: Site, rate: number, share: readonly number[] = []): Mask {
  return { key: site.context().key, rate, a: 1, share };
}
