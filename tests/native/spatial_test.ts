/** Convolution, pooling and normalisation: native kernels against the reference, over random shapes. */
import { assertEquals } from "@std/assert";
import {
  type Backend,
  type ConvolutionShape,
  epilogues,
  type NormalizationShape,
  type PoolShape,
  reference,
  type Spatial,
} from "../../core/mod.ts";
import { type Draws, forSeeds, missing, nativeTest, on, open } from "./_native.ts";

const natives: Backend[] = missing === undefined ? [open("auto"), open("portable")] : [];

type Array32 = Float32Array<ArrayBuffer>;

/** Fails unless all numbers agree within `tolerance` of the largest expected one, or of 1. */
function agree(found: Array32, expected: Array32, what: string, tolerance = 1e-5): void {
  const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  for (let i = 0; i < expected.length; i++) {
    const close = Math.abs(found[i] - expected[i]) <= tolerance * size;
    if (!close) throw new Error(`${what}: element ${i} is ${found[i]}, expected ${expected[i]} (largest ${size})`);
  }
}

const volume = ([depth, height, width]: Spatial): number => depth * height * width;

/** A window over one to three axes of random extents that fits at least once. */
function randomWindow(draws: Draws, most: number, pooling: boolean): Omit<PoolShape, "planes"> {
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

nativeTest("pooling and its gradients agree with the reference over random shapes", () => {
  forSeeds(150, (draws) => {
    const shape: PoolShape = { ...randomWindow(draws, 20, true), planes: draws.whole(1, 5) };
    // Few different values, so that windows have ties.
    const x = draws.floats(shape.planes * volume(shape.input)).map((value) => Math.round(value));
    const dy = draws.floats(shape.planes * volume(shape.output));
    const what = JSON.stringify(shape);
    const count = draws.pick([true, false]);
    const run = (backend: Backend) => {
      const places = new Int32Array(dy.length);
      const outputs = [dy, x, dy, x].map(({ length }) => new Float32Array(length).fill(NaN));
      on(backend).maxPool(x, outputs[0], places, shape);
      on(backend).maxPoolGradient(dy, places, outputs[1], shape);
      on(backend).averagePool(x, outputs[2], count, shape);
      on(backend).averagePoolGradient(dy, outputs[3], count, shape);
      return { places, outputs };
    };
    const expected = run(reference);
    for (const native of natives) {
      const found = run(native);
      assertEquals(found.places, expected.places, what);
      found.outputs.forEach((output, i) => agree(output, expected.outputs[i], `array ${i} of ${what}`));
    }
  });
});

nativeTest("the largest entry of a window with a NaN is that NaN, and infinities are pooled", () => {
  const x = Float32Array.of(1, NaN, 3, -Infinity, -Infinity, -Infinity, Infinity, 2);
  const shape: PoolShape = {
    planes: 1,
    input: [1, 1, 8],
    output: [1, 1, 4],
    kernel: [1, 1, 2],
    stride: [1, 1, 2],
    padding: [0, 0, 0],
    dilation: [1, 1, 1],
  };
  for (const backend of [reference, ...natives]) {
    const y = new Float32Array(4);
    const places = new Int32Array(4);
    on(backend).maxPool(x, y, places, shape);
    assertEquals([...y], [NaN, 3, -Infinity, Infinity]);
    assertEquals([...places], [1, 2, 4, 6]);
  }
});

nativeTest("normalisation and its gradient agree with the reference over random shapes", () => {
  forSeeds(200, (draws) => {
    const acrossBatch = draws.pick([true, false]);
    const shape: NormalizationShape = {
      batch: draws.whole(1, 40),
      groups: draws.pick([1, 1, draws.whole(1, 150)]),
      channels: acrossBatch ? 1 : draws.whole(1, 40),
      positions: draws.pick([1, draws.whole(1, 40)]),
      acrossBatch,
      frozen: acrossBatch && draws.pick([true, false]),
      epsilon: 0.1,
    };
    const size = shape.batch * shape.groups * shape.channels * shape.positions;
    const sets = acrossBatch ? shape.groups : shape.batch * shape.groups;
    const features = shape.groups * shape.channels;
    const [x, dy] = [draws.floats(size).map((value) => value + 5), draws.floats(size)];
    const scale = draws.pick([null, draws.floats(features)]);
    const shift = draws.pick([null, draws.floats(features)]);
    const given = draws.floats(2 * sets, 1).map((value) => value + 2);
    const run = (backend: Backend) => {
      const statistics = shape.frozen ? given.slice() : new Float32Array(2 * sets).fill(NaN);
      const outputs = [size, size, 2 * features].map((length) => new Float32Array(length).fill(NaN));
      on(backend).normalize(x, scale, shift, outputs[0], statistics, shape);
      on(backend).normalizeGradient(x, scale, statistics, dy, outputs[1], outputs[2], shape);
      return [...outputs, statistics];
    };
    const expected = run(reference);
    for (const native of natives) {
      run(native).forEach((output, i) => agree(output, expected[i], `array ${i} of ${JSON.stringify(shape)}`));
    }
  });
});

nativeTest("convolution and normalisation give the same bits with any number of threads", () => {
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
    const rows: NormalizationShape = {
      batch: 100,
      groups: 1,
      channels: 70,
      positions: 1,
      acrossBatch: false,
      frozen: false,
      epsilon: 1e-5,
    };
    const values = draws.floats(7000);
    const run = (threads: number) => {
      backend.setThreads(threads);
      const outputs = [dy, x, weight, values, values].map(({ length }) => new Float32Array(length));
      on(backend).convolution(x, weight, null, outputs[0], "relu", shape);
      on(backend).convolutionInputGradient(dy, weight, outputs[1], shape);
      on(backend).convolutionWeightGradient(x, dy, outputs[2], shape);
      const [statistics, affine] = [new Float32Array(200), new Float32Array(140)];
      on(backend).normalize(values, null, null, outputs[3], statistics, rows);
      on(backend).normalizeGradient(values, null, statistics, values, outputs[4], affine, rows);
      return [...outputs, affine];
    };
    assertEquals(run(1), run(3));
  });
  backend.setThreads(2);
});
