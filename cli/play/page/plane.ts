/** What a net says of every place of the plane. @module */
import { type Model, predict, type Progress, Tensor } from "../../../core/mod.ts";
import type { Field } from "./messages.ts";
import { EXTENT, type Scene } from "./scene.ts";

/** Places along a side of a field, where there is time. */
export const GRID = 40;

/** The places of a square grid, row by row from the lower left: `[size * size, 2]`. */
function gridOf(size: number): Tensor {
  const places = Float32Array.from({ length: 2 * size * size }, (_, i) => {
    const at = i % 2 === 0 ? (i >> 1) % size : Math.floor((i >> 1) / size);
    return (2 * at / (size - 1) - 1) * EXTENT;
  });
  return Tensor.from(places, [size * size, 2]);
}

/** Column 1 of `[..., 2]`: the probability of class 1, or its variance. */
function ofClass1(tensor: Tensor): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: tensor.size / 2 }, (_, i) => tensor.floats[2 * i + 1]);
}

function bits(nats: Tensor): Float32Array<ArrayBuffer> {
  return Float32Array.from(nats.floats, (value) => Math.max(0, value) / Math.LN2);
}

/**
 * What a net says of the whole plane, once and in Monte Carlo passes. Each pass is one thinned net: all places have the
 * address of one example, and so one mask, which stays the same from field to field.
 *
 * @param model a net of two inputs and two logits
 * @param scene how many passes, and what of their uncertainty is shown
 * @param size places along a side
 * @param progress how far training has come
 */
export function fieldOf(model: Model, { doubt, passes }: Scene, size: number, progress?: Progress): Field {
  const found = predict(model, gridOf(size), {
    samples: passes,
    softmax: true,
    keepPasses: true,
    weightScaling: true,
    batchSize: size * size,
    examples: new Int32Array(size * size),
    ...(progress && { progress }),
  });
  const unsure = doubt === "information"
    ? bits(found.mutualInformation)
    : doubt === "deviation"
    ? ofClass1(found.variance).map((variance) => 2 * Math.sqrt(variance))
    : bits(found.entropy);
  return { size, probability: ofClass1(found.weightScaling!), doubt, unsure, passes: ofClass1(found.passes!) };
}
