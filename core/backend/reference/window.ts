/** How windows lie over an input. @module */
import type { WindowShape } from "../window.ts";

/** Windows that lie side by side along a row of the output, seen from one of their taps. */
export interface Run {
  /** Where the first one's tap lies in the input; the next ones' lie `stride[2]` further. */
  readonly input: number;
  /** Where the first one lies in the output. */
  readonly output: number;
  /** How many of them. */
  readonly n: number;
}

/** One tap of the window, with all the places where it lies inside the input. */
export interface Tap {
  readonly runs: readonly Run[];
}

/** The taps of a window, in row-major order. */
export function taps(shape: WindowShape): Tap[] {
  const [depths, heights, widths] = [0, 1, 2].map((axis) => inside(shape, axis));
  const [, height, width] = shape.input;
  const [, outHeight, outWidth] = shape.output;
  const all: Tap[] = [];
  for (const depth of depths) {
    for (const row of heights) {
      for (const col of widths) {
        const runs: Run[] = [];
        for (let d = 0; d < depth.n; d++) {
          for (let r = 0; r < row.n; r++) {
            const inRow = (depth.input + d * shape.stride[0]) * height + row.input + r * shape.stride[1];
            const outRow = (depth.output + d) * outHeight + row.output + r;
            if (col.n > 0) {
              runs.push({ input: inRow * width + col.input, output: outRow * outWidth + col.output, n: col.n });
            }
          }
        }
        all.push({ runs });
      }
    }
  }
  return all;
}

/** Along one axis and for each tap: the first window whose tap lies inside the input, where that is, and how many do. */
function inside(shape: WindowShape, axis: number): Run[] {
  const [input, output, stride] = [shape.input[axis], shape.output[axis], shape.stride[axis]];
  return Array.from({ length: shape.kernel[axis] }, (_, tap) => {
    const shift = tap * shape.dilation[axis] - shape.padding[axis];
    const first = Math.max(0, Math.ceil(-shift / stride));
    const last = Math.min(output - 1, Math.floor((input - 1 - shift) / stride));
    return { input: first * stride + shift, output: first, n: Math.max(0, last - first + 1) };
  });
}
