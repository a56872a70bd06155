/** The native pooling against its plain twin, over random shapes. */
import { assertEquals } from "@std/assert";
import { type Backend, type PoolShape, reference } from "../../core/mod.ts";
import { forSeeds, nativeTest, on } from "./_native.ts";
import { agree, natives, randomWindow, volume } from "./_spatial.ts";

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

nativeTest("means of 2 x 2 windows side by side agree with the reference, odd extents included", () => {
  for (const [depth, height, width] of [[1, 2, 2], [1, 3, 5], [2, 4, 8], [1, 7, 11], [1, 28, 28], [3, 9, 33]]) {
    const shape: PoolShape = {
      planes: 3,
      input: [depth, height, width],
      output: [depth, height >> 1, width >> 1],
      kernel: [1, 2, 2],
      stride: [1, 2, 2],
      padding: [0, 0, 0],
      dilation: [1, 1, 1],
    };
    forSeeds(2, (draws) => {
      const x = draws.floats(3 * volume(shape.input), 1);
      const dy = draws.floats(3 * volume(shape.output), 1);
      const run = (backend: Backend) => {
        const found = [dy, x].map(({ length }) => new Float32Array(length).fill(NaN));
        on(backend).averagePool(x, found[0], false, shape);
        on(backend).averagePoolGradient(dy, found[1], false, shape);
        return found;
      };
      const expected = run(reference);
      for (const native of natives) {
        run(native).forEach((array, i) => agree(array, expected[i], `array ${i} of ${JSON.stringify(shape)}`, 1e-6));
      }
    });
  }
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
