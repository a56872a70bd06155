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
