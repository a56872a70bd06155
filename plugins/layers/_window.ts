/** Options of windows that move over one to three spatial axes, shared by convolution and pooling. @module */
import { z } from "zod";
import { type Shape, ShapeError, showShape } from "../../core/mod.ts";

/** A number for all spatial axes, or one for each, outermost first. */
export type Extents = number | readonly number[];

/**
 * What is added around an input: a number for both ends of all axes, one for each axis, or a word. `valid`: nothing.
 * `same`: as many zeros as make the output's extent that of the input divided by the stride, rounded up; an odd one
 * goes behind.
 */
export type Padding = Extents | "same" | "valid";

/** A whole number, or one for each axis; complaints say all that was wanted. */
function numbers(axes: number, least: number, wanted: string): [z.ZodType<number>, z.ZodType<readonly number[]>] {
  const whole = z.int(wanted).min(least, wanted);
  return [whole, z.array(whole, wanted).length(axes, wanted).readonly()];
}

/** Validates {@linkcode Extents} of a number of axes. */
export function extentsSchema(axes: number, least: number): z.ZodType<Extents, Extents> {
  const wanted = `expected a whole number of at least ${least}, or an array of ${axes}`;
  return z.union(numbers(axes, least, wanted), wanted) as z.ZodType<Extents, Extents>;
}

/** Validates {@linkcode Padding} of a number of axes. */
export function paddingSchema(axes: number): z.ZodType<Padding, Padding> {
  const wanted = `expected "same", "valid", a whole number of at least 0, or an array of ${axes}`;
  return z.union([...numbers(axes, 0, wanted), z.enum(["same", "valid"])], wanted) as z.ZodType<Padding, Padding>;
}

/** One number for each axis. */
export function eachAxis(values: Extents, axes: number): readonly number[] {
  return typeof values === "number" ? new Array<number>(axes).fill(values) : values;
}

/** Zeros before and behind the input, for each axis. */
export function paddingOf(
  padding: Padding,
  extents: Shape,
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): (readonly [number, number])[] {
  if (padding === "valid") return extents.map(() => [0, 0]);
  if (padding !== "same") return eachAxis(padding, extents.length).map((zeros) => [zeros, zeros]);
  return extents.map((extent, axis) => {
    const windows = Math.ceil(extent / stride[axis]);
    const zeros = Math.max(0, (windows - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1 - extent);
    return [Math.floor(zeros / 2), Math.ceil(zeros / 2)];
  });
}

/**
 * Throws unless a shape without its batch axis is that of channels over some spatial axes.
 *
 * @throws {ShapeError}
 */
export function checkSpatial(inputShape: Shape, axes: number): void {
  if (inputShape.length === axes + 1 && inputShape[0] !== 0) return;
  const names = ["depth", "height", "width"].slice(3 - axes);
  const wanted = axes === 1 ? "length" : names.join(", ");
  throw new ShapeError(`expected an input [batch, channels, ${wanted}], found [batch, ...${showShape(inputShape)}].`);
}
