/** What augmentations of images share: how an example is laid out, and moving its pixels. @module */
import { z } from "zod";
import { type AugmentBatch, OptionError, ShapeError, showShape, sizeOf, Tensor } from "../../core/mod.ts";

/** Option of augmentations of images. */
export interface ImageOption {
  /**
   * How an example is laid out, `[channels, height, width]`, for data sets of flat examples. Default: its own shape.
   */
  image?: readonly [channels: number, height: number, width: number];
}

const extent = z.int().min(1);

/** Validates {@linkcode ImageOption.image}. */
export const imageSchema: z.ZodType<ImageOption["image"], ImageOption["image"]> = z.tuple(
  [extent, extent, extent],
  "expected [channels, height, width]",
).readonly().optional().describe("[channels, height, width] of a flat example");

/** A whole number of at least `least`. */
export function wholeFrom(least: number): z.ZodInt {
  const text = `expected a whole number of at least ${least}`;
  return z.int(text).min(least, text);
}

/** Validates the value of pixels that come from outside of an image. */
export const fillSchema: z.ZodDefault<z.ZodNumber> = z.number("expected a number").default(0)
  .describe("value of what comes from outside");

/** Extents of images. */
export interface Extents {
  /** Channels. */
  readonly channels: number;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/**
 * How the examples of a batch are laid out: as the option says, or `[channels, height, width]`, or `[height, width]`.
 *
 * @param name the augmentation's name, for errors
 */
export function extentsOf(name: string, { shape }: AugmentBatch, { image }: ImageOption): Extents {
  if (image !== undefined) {
    if (sizeOf(image) !== sizeOf(shape)) {
      throw new OptionError(`${name}.image`, `an image of ${sizeOf(shape)} numbers, as examples have`, image);
    }
    return { channels: image[0], height: image[1], width: image[2] };
  }
  if (shape.length === 2) return { channels: 1, height: shape[0], width: shape[1] };
  if (shape.length === 3) return { channels: shape[0], height: shape[1], width: shape[2] };
  throw new ShapeError(
    `${name}: expected examples of shape [channels, height, width], or the option image, found ${showShape(shape)}.`,
  );
}

/** What stands outside of an image: one value, its border again, or its mirror image (the border itself but once). */
export type PaddingMode = "constant" | "edge" | "reflect";

/** From where each of `n` pixels along an axis comes when it is shifted; -1 for outside. */
function sources(n: number, shift: number, mode: PaddingMode, from: Int32Array): void {
  for (let i = 0; i < n; i++) {
    const at = i + shift;
    const inside = at >= 0 && at < n;
    if (inside) from[i] = at;
    else if (mode === "constant") from[i] = -1;
    else if (mode === "edge") from[i] = at < 0 ? 0 : n - 1;
    else from[i] = at < 0 ? -at : 2 * (n - 1) - at;
  }
}

/**
 * Moves each image by whole pixels of its own.
 *
 * @param offset the row and column of the old image that becomes the first of the new one, for each example
 * @param fill the value of pixels from outside in mode `constant`
 */
export function move(
  batch: AugmentBatch,
  { channels, height, width }: Extents,
  offset: (example: number) => readonly [row: number, column: number],
  mode: PaddingMode,
  fill: number,
): void {
  const { count, inputs } = batch;
  const size = channels * height * width;
  const old = Tensor.empty([size]).floats;
  const rows = new Int32Array(height);
  const columns = new Int32Array(width);
  for (let example = 0; example < count; example++) {
    const [dy, dx] = offset(example);
    if (dy === 0 && dx === 0) continue;
    sources(height, dy, mode, rows);
    sources(width, dx, mode, columns);
    // The columns from `first` up to `last` come from inside.
    const first = Math.min(Math.max(-dx, 0), width);
    const last = Math.max(Math.min(width - dx, width), first);
    const image = inputs.subarray(example * size, (example + 1) * size);
    old.set(image);
    for (let line = 0; line < channels * height; line++) {
      const row = rows[line % height];
      const to = line * width;
      if (row < 0) {
        image.fill(fill, to, to + width);
        continue;
      }
      const from = (line - line % height + row) * width;
      for (let x = 0; x < first; x++) image[to + x] = columns[x] < 0 ? fill : old[from + columns[x]];
      for (let x = first; x < last; x++) image[to + x] = old[from + x + dx];
      for (let x = last; x < width; x++) image[to + x] = columns[x] < 0 ? fill : old[from + columns[x]];
    }
  }
}

/** A whole number in [0, n) from a uniform one in (0, 1). */
export function below(n: number, uniform: number): number {
  return Math.floor(uniform * n);
}
