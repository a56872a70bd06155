/** What poolings that draw share: options for inputs of any number of axes, and the entries of each window. @module */
import { z } from "zod";
import {
  averagePool,
  OptionError,
  type PoolWindow,
  ShapeError,
  showShape,
  sizeOf,
  Tensor,
  unstack,
} from "../../core/mod.ts";
import { type PoolOptions, poolWindow } from "../layers/_pooling.ts";
import type { Extents, Padding } from "../layers/_window.ts";

const extents = "expected a whole number of at least 1, or an array of 1 to 3";
const paddings = 'expected "same", "valid", a whole number of at least 0, or an array of 1 to 3';
const several = (least: number, wanted: string) =>
  z.union([
    z.int(wanted).min(least, wanted),
    z.array(z.int(wanted).min(least, wanted), wanted).min(1, wanted).max(3, wanted).readonly(),
    ...(least === 0 ? [z.enum(["same", "valid"])] : []),
  ], wanted);

/** The fields of the schema of a pooling over as many axes as its input has. */
export const tapFields: {
  kernel: z.ZodType<Extents, Extents>;
  stride: z.ZodType<Extents | undefined, Extents | undefined>;
  padding: z.ZodType<Padding, Padding | undefined>;
} = {
  kernel: (several(1, extents) as z.ZodType<Extents, Extents>).describe("extents of the window"),
  stride: (several(1, extents) as z.ZodType<Extents, Extents>).optional()
    .describe("distance from one window to the next; default the kernel's"),
  padding: (several(0, paddings) as z.ZodType<Padding, Padding>).default(0).describe("what is added around the input"),
};

/**
 * How the window of a pooling moves over an input of one to three spatial axes.
 *
 * @throws {ShapeError} when the input has fewer or more
 * @throws {OptionError} when an option has a number for each of other axes
 */
export function windowOver(
  x: Tensor,
  options: Pick<PoolOptions, "kernel" | "stride"> & { padding: Padding },
): PoolWindow {
  const axes = x.rank - 2;
  if (axes < 1 || axes > 3) {
    throw new ShapeError(
      `expected an input [batch, channels, ...] with one to three further axes, found ${showShape(x.shape)}.`,
    );
  }
  for (const name of ["kernel", "stride", "padding"] as const) {
    const value = options[name];
    if (Array.isArray(value) && value.length !== axes) {
      throw new OptionError(
        name,
        `a whole number or an array of ${axes} for an input of shape ${showShape(x.shape)}`,
        value,
      );
    }
  }
  return poolWindow(x, options, axes);
}

/** The entries of each window. */
export interface Taps {
  /** The first entry of every window, the second and so on: `[places, planes]` each; 0 in the padding. */
  readonly taps: readonly Tensor[];
  /** From `[batch, channels, ...output]` to `[places, planes]`, as the taps are. */
  spread(y: Tensor): Tensor;
  /** The inverse. */
  join(y: Tensor): Tensor;
}

/** Number of entries of each window, padding not counted: `[1, 1, ...output]`. */
export function windowCounts(x: Tensor, window: PoolWindow): Tensor {
  return averagePool(Tensor.ones([1, 1, ...x.shape.slice(2)], x.dtype), window).mul(sizeOf(window.kernel));
}

/**
 * Takes an input apart into the entries of its windows, with a gradient.
 *
 * @param x `[batch, channels, ...]`, one to three spatial axes
 * @param output extents of the output
 */
export function windowTaps(
  x: Tensor,
  { kernel, stride = kernel.map(() => 1), padding }: PoolWindow,
  output: readonly number[],
): Taps {
  const [batch, channels, ...spatial] = x.shape;
  const [planes, volume, places, count] = [batch * channels, sizeOf(spatial), sizeOf(output), sizeOf(kernel)];
  const index = new Int32Array(count * places);
  let padded = false;
  for (let tap = 0; tap < count; tap++) {
    for (let place = 0; place < places; place++) {
      let [at, step, restTap, restPlace] = [0, 1, tap, place];
      for (let axis = spatial.length - 1; axis >= 0; axis--) {
        const position = restPlace % output[axis] * stride[axis] + restTap % kernel[axis] - (padding?.[axis][0] ?? 0);
        restTap = Math.floor(restTap / kernel[axis]);
        restPlace = Math.floor(restPlace / output[axis]);
        // A place in the padding reads the row of zeros behind all others.
        if (position < 0 || position >= spatial[axis]) at = Infinity;
        at += position * step;
        step *= spatial[axis];
      }
      padded ||= at === Infinity;
      index[tap * places + place] = at === Infinity ? volume : at;
    }
  }
  const rows = x.reshape([planes, volume]).transpose();
  const table = padded ? rows.pad([[0, 1], [0, 0]]) : rows;
  const taken = table.take(Tensor.from(index, [count * places])).reshape([count, places, planes]);
  return {
    taps: unstack(taken),
    spread: (y) => y.reshape([planes, places]).transpose(),
    join: (y) => y.transpose().reshape([batch, channels, ...output]),
  };
}
