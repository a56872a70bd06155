/** The native normalisation against its plain twin, over random shapes. */
import { assertEquals } from "@std/assert";
import { type Backend, type NormalizationShape, reference } from "../../core/mod.ts";
import { forSeeds, nativeTest, on, open } from "./_native.ts";
import { agree, natives } from "./_spatial.ts";

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

nativeTest("normalisation gives the same bits with any number of threads", () => {
  const backend = open("auto");
  forSeeds(5, (draws) => {
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
      const outputs = [values, values].map(({ length }) => new Float32Array(length));
      const [statistics, affine] = [new Float32Array(200), new Float32Array(140)];
      on(backend).normalize(values, null, null, outputs[0], statistics, rows);
      on(backend).normalizeGradient(values, null, statistics, values, outputs[1], affine, rows);
      return [...outputs, affine];
    };
    assertEquals(run(1), run(3));
  });
  backend.setThreads(2);
});
