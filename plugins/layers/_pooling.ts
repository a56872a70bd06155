/** Options that maxima and means over windows share. @module */
import { z } from "zod";
import type { PoolWindow, Tensor } from "../../core/mod.ts";
import {
  checkSpatial,
  eachAxis,
  type Extents,
  extentsSchema,
  type Padding,
  paddingOf,
  paddingSchema,
} from "./_window.ts";

/** Options of pooling layers. */
export interface PoolOptions {
  /** Extents of the window, at least 1: a number for all axes, or one for each. */
  kernel: Extents;
  /** Distance from one window to the next, at least 1: a number or one for each axis. Default: the kernel's. */
  stride?: Extents;
  /**
   * What is added around the input, at most half of the window: a number for all axes, one for each, `valid` for
   * nothing, or `same` for as much as keeps the extents (divided by the stride and rounded up). Default 0.
   */
  padding?: Padding;
}

/** Options of means over windows. */
export interface AveragePoolOptions extends PoolOptions {
  /** Whether zeros of the padding count in a window's mean. Default true. */
  countPadding?: boolean;
}

/** The options as the methods see them. */
type Validated = Required<Omit<PoolOptions, "stride">> & Pick<PoolOptions, "stride">;

/** The fields of a pooling's schema. */
export function poolFields(axes: number): {
  [K in keyof Validated]-?: z.ZodType<Validated[K], PoolOptions[K]>;
} {
  return {
    kernel: extentsSchema(axes, 1).describe("extents of the window"),
    stride: extentsSchema(axes, 1).optional().describe("distance from one window to the next; default the kernel's"),
    padding: paddingSchema(axes).default(0).describe("what is added around the input"),
  };
}

/** The field that means over windows have besides. */
export const countPaddingField: z.ZodType<boolean, boolean | undefined> = z.boolean().default(true)
  .describe("whether zeros of the padding count");

/** How the window moves over an input. */
export function poolWindow(x: Tensor, options: Validated, axes: number): PoolWindow {
  checkSpatial(x.shape.slice(1), axes);
  const kernel = eachAxis(options.kernel, axes);
  const stride = eachAxis(options.stride ?? options.kernel, axes);
  return { kernel, stride, padding: paddingOf(options.padding, x.shape.slice(2), kernel, stride, kernel.map(() => 1)) };
}
