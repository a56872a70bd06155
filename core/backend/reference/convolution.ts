/** Convolution, plain: every entry is summed in float64, tap after tap. @module */
import type { Floats } from "../arrays.ts";
import type { Epilogue } from "../epilogue.ts";
import type { ConvolutionShape } from "../convolution.ts";
import { volume } from "../window.ts";
import { unary } from "./elementwise.ts";
import { type Tap, taps } from "./window.ts";

/** Called with the places where a pair of channels begins in each array. */
type Visit = (x: number, weight: number, y: number) => void;

/** Visits every pair of an input and an output channel of one example. */
function visitChannels(shape: ConvolutionShape, example: number, group: number, output: number, visit: Visit): void {
  const { groups, inputs, outputs } = shape;
  const channel = group * outputs + output;
  for (let c = 0; c < inputs; c++) {
    visit(
      ((example * groups + group) * inputs + c) * volume(shape.input),
      (channel * inputs + c) * volume(shape.kernel),
      (example * groups * outputs + channel) * volume(shape.output),
    );
  }
}

/** `y = f(x * weight + bias)`. */
export function convolution(
  x: Floats,
  weight: Floats,
  bias: Floats | null,
  y: Floats,
  epilogue: Epilogue,
  shape: ConvolutionShape,
): void {
  const [all, size, stride] = [taps(shape), volume(shape.output), shape.stride[2]];
  const sums = new Float64Array(size);
  for (let example = 0; example < shape.batch; example++) {
    for (let channel = 0; channel < shape.groups * shape.outputs; channel++) {
      sums.fill(bias === null ? 0 : bias[channel]);
      const group = Math.floor(channel / shape.outputs);
      visitChannels(shape, example, group, channel % shape.outputs, (xAt, wAt) => {
        all.forEach((tap, t) => {
          const factor = weight[wAt + t];
          eachRun(tap, (input, output, n) => {
            for (let i = 0; i < n; i++) sums[output + i] += factor * x[xAt + input + i * stride];
          });
        });
      });
      y.set(sums, (example * shape.groups * shape.outputs + channel) * size);
    }
  }
  if (epilogue !== "none") unary(epilogue, y, y, 0, 0);
}

/** Gradient towards `x`. */
export function convolutionInputGradient(dy: Floats, weight: Floats, dx: Floats, shape: ConvolutionShape): void {
  const [all, size, stride] = [taps(shape), shape.inputs * volume(shape.input), shape.stride[2]];
  const sums = new Float64Array(size);
  for (let example = 0; example < shape.batch; example++) {
    for (let group = 0; group < shape.groups; group++) {
      const start = (example * shape.groups + group) * size;
      sums.fill(0);
      for (let output = 0; output < shape.outputs; output++) {
        visitChannels(shape, example, group, output, (xAt, wAt, yAt) => {
          all.forEach((tap, t) => {
            const factor = weight[wAt + t];
            eachRun(tap, (input, output, n) => {
              for (let i = 0; i < n; i++) sums[xAt - start + input + i * stride] += factor * dy[yAt + output + i];
            });
          });
        });
      }
      dx.set(sums, start);
    }
  }
}

/** Gradient towards the weight. */
export function convolutionWeightGradient(x: Floats, dy: Floats, dWeight: Floats, shape: ConvolutionShape): void {
  const [all, stride] = [taps(shape), shape.stride[2]];
  const sums = new Float64Array(dWeight.length);
  for (let example = 0; example < shape.batch; example++) {
    for (let channel = 0; channel < shape.groups * shape.outputs; channel++) {
      const group = Math.floor(channel / shape.outputs);
      visitChannels(shape, example, group, channel % shape.outputs, (xAt, wAt, yAt) => {
        all.forEach((tap, t) => {
          eachRun(tap, (input, output, n) => {
            for (let i = 0; i < n; i++) sums[wAt + t] += x[xAt + input + i * stride] * dy[yAt + output + i];
          });
        });
      });
    }
  }
  dWeight.set(sums);
}

function eachRun(tap: Tap, body: (input: number, output: number, n: number) => void): void {
  for (const { input, output, n } of tap.runs) body(input, output, n);
}
