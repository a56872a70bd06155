/** What the tests of spatial kernels share. */
import type { Backend, PoolShape, Spatial } from "../../core/mod.ts";
import { type Draws, missing, open } from "./_native.ts";

/** The library with its best and its plainest instructions. */
export const natives: Backend[] = missing === undefined ? [open("auto"), open("portable")] : [];

/** Numbers of a call. */
export type Array32 = Float32Array<ArrayBuffer>;

/** Fails unless all numbers agree within `tolerance` of the largest expected one, or of 1. */
export function agree(found: Array32, expected: Array32, what: string, tolerance = 1e-5): void {
  const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  for (let i = 0; i < expected.length; i++) {
    const close = Math.abs(found[i] - expected[i]) <= tolerance * size;
    if (!close) throw new Error(`${what}: element ${i} is ${found[i]}, expected ${expected[i]} (largest ${size})`);
  }
}

/** The product of three extents. */
export const volume = ([depth, height, width]: Spatial): number => depth * height * width;

/** A window over one to three axes of random extents that fits at least once. */
export function randomWindow(draws: Draws, most: number, pooling: boolean): Omit<PoolShape, "planes"> {
  const axes = draws.whole(1, 3);
  const drawn = [0, 1, 2].map((axis) => {
    if (axis < 3 - axes) return [1, 1, 1, 1, 0, 1];
    const kernel = draws.whole(1, 4);
    const stride = draws.whole(1, 3);
    const dilation = pooling ? 1 : draws.whole(1, 3);
    const before = draws.whole(0, pooling ? kernel >> 1 : 4);
    const after = draws.whole(0, pooling ? kernel >> 1 : 4);
    const span = dilation * (kernel - 1) + 1;
    const input = Math.max(1, span - before - after, draws.whole(1, most));
    return [input, Math.floor((input + before + after - span) / stride) + 1, kernel, stride, before, dilation];
  });
  const triple = (i: number) => drawn.map((axis) => axis[i]) as unknown as Spatial;
  return {
    input: triple(0),
    output: triple(1),
    kernel: triple(2),
    stride: triple(3),
    padding: triple(4),
    dilation: triple(5),
  };
}
