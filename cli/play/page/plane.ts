/** What a net says of every place of the plane. @module */
import { type Model, noGrad, predict, type Progress, Tensor } from "../../../core/mod.ts";
import type { Field, Views } from "./messages.ts";
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

/** Places along a side of what a unit answers to. */
export const VIEW = 16;

/** Answers of a layer's units, each between its least and its greatest: `[units, places]`. */
function stretched(answers: Tensor): Float32Array<ArrayBuffer> {
  const [places, units] = answers.shape;
  const [values, found] = [answers.floats, new Float32Array(answers.size)];
  for (let unit = 0; unit < units; unit++) {
    let [least, most] = [Infinity, -Infinity];
    for (let place = 0; place < places; place++) {
      const value = values[place * units + unit];
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    // A unit that always says the same is dead.
    const scale = most - least > 1e-6 ? 1 / (most - least) : 0;
    for (let place = 0; place < places; place++) {
      found[unit * places + place] = (values[place * units + unit] - least) * scale;
    }
  }
  return found;
}

/**
 * What each input and hidden unit answers to without dropout.
 *
 * @param layers the net's hidden layers, one behind the other, each with its activation
 */
export function viewsOf(layers: readonly Model[]): Views {
  return noGrad(() => {
    let answers = gridOf(VIEW);
    const found = [stretched(answers)];
    for (const layer of layers) found.push(stretched(answers = layer.forward(answers)));
    return { size: VIEW, layers: found };
  });
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
