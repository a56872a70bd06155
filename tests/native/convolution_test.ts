/** The native convolution against its plain twin, over random shapes. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type Backend, BackendError, type ConvolutionShape, epilogues, reference } from "../../core/mod.ts";
import { type Draws, forSeeds, nativeTest, on, open } from "./_native.ts";
import { agree, natives, randomWindow, volume } from "./_spatial.ts";

function checkConvolution(shape: ConvolutionShape, draws: Draws): void {
  const { batch, groups, inputs, outputs } = shape;
  const x = draws.floats(batch * groups * inputs * volume(shape.input), 1);
  // Sums of order 1, however many are added.
  const range = 1 / Math.sqrt(inputs * volume(shape.kernel));
  const weight = draws.floats(groups * outputs * inputs * volume(shape.kernel), range);
  const dy = draws.floats(batch * groups * outputs * volume(shape.output), 1);
  const bias = draws.pick([null, draws.floats(groups * outputs, 1)]);
  const epilogue = draws.pick(epilogues);
  const run = (backend: Backend) => {
    const y = new Float32Array(dy.length).fill(NaN);
    const dx = new Float32Array(x.length).fill(NaN);
    const dWeight = new Float32Array(weight.length).fill(NaN);
    on(backend).convolution(x, weight, bias, y, epilogue, shape);
    on(backend).convolutionInputGradient(dy, weight, dx, shape);
    on(backend).convolutionWeightGradient(x, dy, dWeight, shape);
    return { y, dx, dWeight };
  };
  const expected = run(reference);
  for (const native of natives) {
    const found = run(native);
    agree(found.y, expected.y, `convolution ${JSON.stringify(shape)}`);
    agree(found.dx, expected.dx, `its gradient towards the input ${JSON.stringify(shape)}`);
    agree(found.dWeight, expected.dWeight, `its gradient towards the weight ${JSON.stringify(shape)}`);
  }
}

nativeTest("convolution and its gradients agree with the reference over random shapes", () => {
  forSeeds(150, (draws) => {
    checkConvolution({
      ...randomWindow(draws, 9, false),
      batch: draws.whole(1, 4),
      groups: draws.pick([1, 1, 2, 3]),
      inputs: draws.whole(1, 5),
      outputs: draws.whole(1, 14),
    }, draws);
  });
});

nativeTest("convolution agrees with the reference where channels, images and columns fill several blocks", () => {
  forSeeds(2, (draws) => {
    const square = (input: number, output: number, kernel: number, stride: number, padding: number) => ({
      input: [1, input, input] as const,
      output: [1, output, output] as const,
      kernel: [1, kernel, kernel] as const,
      stride: [1, stride, stride] as const,
      padding: [0, padding, padding] as const,
      dilation: [1, 1, 1] as const,
    });
    checkConvolution({ ...square(8, 8, 5, 1, 2), batch: 5, groups: 1, inputs: 40, outputs: 37 }, draws);
    checkConvolution({ ...square(37, 19, 3, 2, 1), batch: 2, groups: 2, inputs: 45, outputs: 13 }, draws);
    checkConvolution({ ...square(33, 33, 1, 1, 0), batch: 1, groups: 1, inputs: 400, outputs: 50 }, draws);
    checkConvolution({ ...square(700, 700, 3, 1, 1), batch: 1, groups: 1, inputs: 10, outputs: 1 }, draws);
  });
});

/** A convolution of few channels over `[height, width]`, without strides. */
function small(extents: [number, number], kernel: number, padding: number, further: Partial<ConvolutionShape> = {}) {
  const [height, width] = extents.map((extent) => extent + 2 * padding - kernel + 1);
  return {
    batch: 3,
    groups: 1,
    inputs: 2,
    outputs: 3,
    input: [1, ...extents] as const,
    output: [1, height, width] as const,
    kernel: [1, kernel, kernel] as const,
    stride: [1, 1, 1] as const,
    padding: [0, padding, padding] as const,
    dilation: [1, 1, 1] as const,
    ...further,
  };
}

nativeTest("convolution of few channels agrees with the reference, in batches of many parts too", () => {
  forSeeds(2, (draws) => {
    checkConvolution(small([28, 28], 5, 2, { batch: 9, inputs: 1, outputs: 6 }), draws);
    checkConvolution(small([14, 14], 5, 0, { batch: 9, inputs: 6, outputs: 16 }), draws);
    checkConvolution(small([9, 13], 3, 1, { batch: 150, inputs: 2, outputs: 5, groups: 2 }), draws);
    checkConvolution(small([6, 40], 3, 1, { batch: 2, inputs: 7, outputs: 13 }), draws);
    checkConvolution(small([1, 90], 1, 0, { inputs: 3, outputs: 4 }), draws);
    checkConvolution(small([20, 70], 3, 1, { batch: 40, inputs: 3, outputs: 8 }), draws);
  });
});

nativeTest("an infinite input reaches only the taps that look at it", () => {
  const shape = small([12, 12], 3, 1, { batch: 1, inputs: 1, outputs: 1 });
  const x = new Float32Array(144).fill(1);
  x[11] = Infinity; // at the end of a row: no window's left tap looks at it, and no window of the next row
  const dy = new Float32Array(144).fill(1);
  const weight = new Float32Array(9).fill(1);
  for (const backend of [reference, ...natives]) {
    const [dWeight, y] = [new Float32Array(9), new Float32Array(144)];
    on(backend).convolutionWeightGradient(x, dy, dWeight, shape);
    assertEquals([...dWeight].map(Number.isFinite), [true, false, false, true, false, false, true, true, true]);
    on(backend).convolution(x, weight, null, y, "none", shape);
    assertEquals([...y].map((value, i) => value === Infinity ? i : -1).filter((i) => i >= 0), [10, 11, 22, 23]);
  }
});

nativeTest("convolution gives the same bits with any number of threads", () => {
  const backend = open("auto");
  forSeeds(5, (draws) => {
    const shape: ConvolutionShape = {
      ...randomWindow(draws, 24, false),
      batch: draws.whole(1, 9),
      groups: draws.whole(1, 2),
      inputs: draws.whole(1, 40),
      outputs: draws.whole(1, 40),
    };
    const x = draws.floats(shape.batch * shape.groups * shape.inputs * volume(shape.input));
    const weight = draws.floats(shape.groups * shape.outputs * shape.inputs * volume(shape.kernel));
    const dy = draws.floats(shape.batch * shape.groups * shape.outputs * volume(shape.output));
    const run = (threads: number) => {
      backend.setThreads(threads);
      const outputs = [dy, x, weight].map(({ length }) => new Float32Array(length));
      on(backend).convolution(x, weight, null, outputs[0], "relu", shape);
      on(backend).convolutionInputGradient(dy, weight, outputs[1], shape);
      on(backend).convolutionWeightGradient(x, dy, outputs[2], shape);
      return outputs;
    };
    assertEquals(run(1), run(3));
  });
  backend.setThreads(2);
});

nativeTest("a stride that would need more memory than there is has an error, and takes none", () => {
  const spatial = (depth: number, height: number, width: number) => [depth, height, width] as const;
  const shape = {
    batch: 1,
    groups: 1,
    inputs: 1,
    outputs: 1,
    input: spatial(9, 9, 9),
    output: spatial(9, 9, 9),
    kernel: spatial(1, 1, 1),
    stride: spatial(1, 1, 12_345_678),
    padding: spatial(0, 0, 0),
    dilation: spatial(1, 1, 1),
  };
  const [x, y] = [new Float32Array(729), new Float32Array(729)];
  const message = assertThrows(
    () => on(open()).convolution(x, Float32Array.of(1), null, y, "none", shape),
    BackendError,
  ).message;
  assertStringIncludes(message, "out of memory");
});
