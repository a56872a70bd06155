/** The native reductions against their plain twins. */
import { assertEquals } from "@std/assert";
import type { Floats } from "../../core/backend/arrays.ts";
import { type Backend, reference } from "../../core/backend/backend.ts";
import { reduceOps } from "../../core/backend/reductions.ts";
import { backends, compare } from "./_compare.ts";
import { forSeeds, nativeTest, on, open } from "./_native.ts";

for (const op of reduceOps) {
  nativeTest(`reduce ${op}: agrees with the reference on any axis`, () => {
    forSeeds(40, (draws) => {
      const [outer, n, inner] = [
        draws.pick([1, 2, 7, 40]),
        draws.pick([0, 1, 5, 64, 1031]),
        draws.pick([1, 1, 3, 10, 300]),
      ];
      const x = draws.floats(outer * n * inner);
      const out = new Float32Array(outer * inner);
      const run = (backend: Backend, [out]: Floats[]) => on(backend).reduce(op, x, out, outer, n, inner, 0.25);
      compare(`${op} [${outer}, ${n}, ${inner}]`, [out], run, 1e-6, 1e-6);
    });
    forSeeds(2, (draws) => {
      for (const [n, inner] of [[500_003, 1], [60_000, 10], [9000, 300]]) {
        const x = draws.floats(n * inner);
        const run = (backend: Backend, [out]: Floats[]) => on(backend).reduce(op, x, out, 1, n, inner, 1);
        compare(`${op} [${n}, ${inner}]`, [new Float32Array(inner)], run, 1e-6, 1e-5);
      }
    });
  });
}

nativeTest("sums have the same bits for any number of threads", () => {
  const native = open();
  forSeeds(3, (draws) => {
    const x = draws.floats(300_007);
    const results = [1, 2, 3].map((threads) => {
      native.setThreads(threads);
      const out = new Float32Array(1 + 7 + 100);
      on(native).reduce("sum", x, out.subarray(0, 1), 1, x.length, 1, 1);
      on(native).reduce("sum", x, out.subarray(1, 8), 1, 42_858, 7, 1);
      on(native).biasActivationGradient(x, x, new Float32Array(x.length), out.subarray(8), "relu", 3000, 100);
      return out;
    });
    assertEquals(results[1], results[0]);
    assertEquals(results[2], results[0]);
  });
  native.setThreads(2);
});

nativeTest("argmax gives the first of the largest entries", () => {
  forSeeds(20, (draws) => {
    const [rows, cols] = [draws.whole(1, 300), draws.whole(1, 40)];
    const x = draws.floats(rows * cols).map(Math.round);
    const expected = new Int32Array(rows);
    on(reference).argmax(x, expected, rows, cols);
    for (const backend of backends) {
      const actual = new Int32Array(rows);
      on(backend).argmax(x, actual, rows, cols);
      assertEquals(actual, expected);
    }
  });
});
