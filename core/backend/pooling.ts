/** Largest entries and means of windows. @module */
import { defineKernel, type Kernel } from "./kernel.ts";
import { block, field, flag, indices, input, output, places } from "./parameters.ts";
import * as twins from "./reference/pooling.ts";
import { windowFields, type WindowShape } from "./window.ts";

/** Pooling: `x: [planes, ...input]`, `y: [planes, ...output]`. Every window holds at least one element of the input. */
export interface PoolShape extends WindowShape {
  /** Examples times channels. */
  readonly planes: number;
}

/** Every window must hold at least one element of the input, and taps lie side by side. */
function refuse(_sizes: unknown, numbers: ArrayLike<number>): string | undefined {
  for (let axis = 0; axis < 3; axis++) {
    // In the order of the fields: the number of planes, then triples.
    const [input, output, kernel, stride, padding, dilation] = [1, 4, 7, 10, 13, 16].map((at) => numbers[at + axis]);
    if (dilation !== 1) return `expected a dilation of 1, found ${dilation}`;
    if (output > 0 && (input === 0 || padding >= kernel || (output - 1) * stride - padding >= input)) {
      return `expected every window to reach into the input, found ${output} windows of ${kernel} taps with stride ` +
        `${stride} and padding ${padding} over ${input} elements`;
    }
  }
  return undefined;
}

const shape = block<PoolShape>("shape", { planes: field.size(), ...windowFields }, refuse);
const x = ["planes", "input"];
const y = ["planes", "output"];

/** Largest entry of each window, and its place in the plane: the first among equals, or the first NaN. */
export const maxPool: Kernel<typeof twins.maxPool> = defineKernel({
  name: "maxPool",
  parameters: [input("x", x), output("y", y), places("places", y, ["input"]), shape],
  twin: twins.maxPool,
});

/** Gradient of the above: `dx[places] += dy`, 0 elsewhere. */
export const maxPoolGradient: Kernel<typeof twins.maxPoolGradient> = defineKernel({
  name: "maxPoolGradient",
  parameters: [input("dy", y), indices("places", y, ["input"]), output("dx", x), shape],
  twin: twins.maxPoolGradient,
});

/** Mean of each window, over all its taps if `countPadding`, else over those that lie in the input. */
export const averagePool: Kernel<typeof twins.averagePool> = defineKernel({
  name: "averagePool",
  parameters: [input("x", x), output("y", y), flag("countPadding"), shape],
  twin: twins.averagePool,
});

/** Gradient of the above. */
export const averagePoolGradient: Kernel<typeof twins.averagePoolGradient> = defineKernel({
  name: "averagePoolGradient",
  parameters: [input("dy", y), output("dx", x), flag("countPadding"), shape],
  twin: twins.averagePoolGradient,
});
