/** Pooling, plain. @module */
import type { Floats, Ints } from "../arrays.ts";
import type { PoolShape } from "../pooling.ts";
import { volume } from "../window.ts";
import { taps } from "./window.ts";

/** Largest entry of each window and its place. */
export function maxPool(x: Floats, y: Floats, places: Ints, shape: PoolShape): void {
  const [all, inputs, outputs, stride] = [taps(shape), volume(shape.input), volume(shape.output), shape.stride[2]];
  places.fill(-1);
  for (let plane = 0; plane < shape.planes; plane++) {
    for (const { runs } of all) {
      for (const run of runs) {
        for (let i = 0; i < run.n; i++) {
          const at = plane * outputs + run.output + i;
          const place = run.input + i * stride;
          const value = x[plane * inputs + place];
          if (places[at] < 0 || value > y[at] || (Number.isNaN(value) && !Number.isNaN(y[at]))) {
            y[at] = value;
            places[at] = place;
          }
        }
      }
    }
  }
}

/** Gradient of the above. */
export function maxPoolGradient(dy: Floats, places: Ints, dx: Floats, shape: PoolShape): void {
  const [inputs, outputs] = [volume(shape.input), volume(shape.output)];
  dx.fill(0);
  for (let plane = 0; plane < shape.planes; plane++) {
    for (let i = plane * outputs; i < (plane + 1) * outputs; i++) dx[plane * inputs + places[i]] += dy[i];
  }
}

/** One over the number that each window's sum is divided by. */
function shares(countPadding: boolean, shape: PoolShape): Float64Array {
  const counts = new Float64Array(volume(shape.output));
  if (countPadding) counts.fill(volume(shape.kernel));
  else {
    for (const { runs } of taps(shape)) {
      for (const { output, n } of runs) for (let i = 0; i < n; i++) counts[output + i]++;
    }
  }
  return counts.map((count) => 1 / count);
}

/** Mean of each window. */
export function averagePool(x: Floats, y: Floats, countPadding: boolean, shape: PoolShape): void {
  const [all, inputs, outputs, stride] = [taps(shape), volume(shape.input), volume(shape.output), shape.stride[2]];
  const share = shares(countPadding, shape);
  for (let plane = 0; plane < shape.planes; plane++) {
    const sums = new Float64Array(outputs);
    for (const { runs } of all) {
      for (const { input, output, n } of runs) {
        for (let i = 0; i < n; i++) sums[output + i] += x[plane * inputs + input + i * stride];
      }
    }
    y.set(sums.map((sum, i) => sum * share[i]), plane * outputs);
  }
}

/** Gradient of the above. */
export function averagePoolGradient(dy: Floats, dx: Floats, countPadding: boolean, shape: PoolShape): void {
  const [all, inputs, outputs, stride] = [taps(shape), volume(shape.input), volume(shape.output), shape.stride[2]];
  const share = shares(countPadding, shape);
  for (let plane = 0; plane < shape.planes; plane++) {
    const sums = new Float64Array(inputs);
    for (const { runs } of all) {
      for (const { input, output, n } of runs) {
        for (let i = 0; i < n; i++) sums[input + i * stride] += dy[plane * outputs + output + i] * share[output + i];
      }
    }
    dx.set(sums, plane * inputs);
  }
}
