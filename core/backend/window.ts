/**
 * Windows over images, sequences and volumes: what convolution and pooling share. There are always three spatial axes;
 * those that are not there have extent 1, so that a one-dimensional convolution is a volume of depth and height 1.
 *
 * @module
 */
import { type Field, field } from "./parameters.ts";

/** A number for each spatial axis: depth, height, width. */
export type Spatial = readonly [depth: number, height: number, width: number];

/** Number of places that extents span. */
export function volume([depth, height, width]: Spatial): number {
  return depth * height * width;
}

/** How a window moves over an input: what convolution and pooling share. */
export interface WindowShape {
  /** Extents of the input. */
  readonly input: Spatial;
  /** Extents of the output. */
  readonly output: Spatial;
  /** Extents of the window, in taps. */
  readonly kernel: Spatial;
  /** Distance from one window to the next. */
  readonly stride: Spatial;
  /** Zeros (for a maximum: nothing) before the input; those behind it follow from the output. */
  readonly padding: Spatial;
  /** Distance from one tap to the next. */
  readonly dilation: Spatial;
}

/** A window's shape as fields of a block. */
export const windowFields: Readonly<Record<keyof WindowShape, Field>> = {
  input: field.triple(),
  output: field.triple(),
  kernel: field.triple(1),
  stride: field.triple(1),
  padding: field.triple(),
  dilation: field.triple(1),
};
