/** Products that go straight into a weight's update: the numbers are those of one after the other, to the last bit. */
import { assertEquals } from "@std/assert";
import type { GradientProductShape, UpdateKernel } from "../../core/backend/gradient_product.ts";
import * as kernels from "../../core/backend/kernels.ts";
import { currentBackend, useBackend } from "../../core/backend/backend.ts";
import { adamKernel } from "../../plugins/optimizers/adam/_kernel.ts";
import { sgdKernel } from "../../plugins/optimizers/sgd/_kernel.ts";
import type { Draws } from "./_draws.ts";
import { forSeeds, instructionSets, nativeTest, open } from "./_native.ts";

const plain = { alpha: 1, beta: 0, batch: 1, strideA: 0, strideB: 0, strideC: 0 };

/** Some of the numbers below a bound, rising. */
function some(draws: Draws, bound: number, share: number): Int32Array<ArrayBuffer> {
  return Int32Array.from(Array.from({ length: bound }, (_, i) => i).filter(() => draws.next() < share));
}

const sgd = { learningRate: 0.1, dampening: 0.2, weightDecay: 0.01 };
const adam = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01, iteration: 3 };

/** Updates in their forms: the kernel, how many arrays it has beside the weight, and its settings. */
const updates: readonly [UpdateKernel, number, unknown][] = [
  [sgdKernel, 0, { ...sgd, momentum: 0, nesterov: false, first: false }],
  [sgdKernel, 1, { ...sgd, momentum: 0.9, nesterov: false, first: false }],
  [sgdKernel, 1, { ...sgd, momentum: 0.9, nesterov: true, first: false }],
  [sgdKernel, 1, { ...sgd, momentum: 0.9, nesterov: true, first: true }],
  [adamKernel, 2, { ...adam, decoupled: false }],
  [adamKernel, 2, { ...adam, decoupled: true }],
];

nativeTest("an update by a product has the bits of the product and the update, for any number of threads", () => {
  const before = currentBackend();
  try {
    forSeeds(24, (draws) => {
      // As it is measured, all by OpenBLAS, and none.
      const backend = open(draws.pick(instructionSets), {
        blas: draws.next() < 0.7,
        products: draws.pick([undefined, { core: "", leaves: 0 }]),
      });
      useBackend(backend);
      const large = draws.next() < 0.3;
      const [rows, cols] = [draws.whole(1, large ? 700 : 90), draws.whole(1, large ? 1300 : 200)];
      const lines = draws.whole(1, large ? 300 : 40);
      const groups = draws.pick([1, 1, Math.min(lines, 3)]);
      const share = draws.pick([0, 0.2, 0.5, 1]);
      const starts = Int32Array.from({ length: groups }, (_, i) => Math.floor(i * lines / groups));
      const [keptRows, keptCols] = [
        some(draws, groups * rows, share),
        some(draws, groups * cols, draws.pick([0.5, 1])),
      ];
      const shape: GradientProductShape = { rows, cols, lines, blas: true };
      const [left, right] = [draws.floats(lines * rows), draws.floats(lines * cols)];
      const product = [left, right, starts, keptRows, keptCols, shape] as const;
      const [kernel, count, settings] = draws.pick(updates);
      const arrays = Array.from({ length: 1 + count }, () => draws.floats(rows * cols).map(Math.abs));
      const run = (threads: number, fused: boolean) => {
        backend.setThreads(threads);
        const [weight, ...others] = arrays.map((array) => array.slice());
        const slots = kernel === (sgdKernel as UpdateKernel) && count === 0 ? [null] : others;
        if (fused) kernel.byProduct(weight, ...product, ...slots, settings);
        else {
          const gradient = new Float32Array(rows * cols).fill(7);
          if (keptRows.length === rows && keptCols.length === cols && groups === 1) {
            const gemm = { m: rows, n: cols, k: lines, transposeA: true, transposeB: false, ...plain };
            kernels.gemm(left, right, gradient, gemm);
          } else {
            kernels.groupedWeightGradient(left, right, gradient, starts, keptRows, keptCols, {
              rows: lines,
              allUnits: rows,
              allInputs: cols,
              groups,
              keptUnits: keptRows.length,
              keptInputs: keptCols.length,
              from: 0,
              to: rows,
            });
          }
          kernel(weight, gradient, ...slots, settings);
        }
        return [weight, ...others].map((array) => new Int32Array(array.buffer));
      };
      const expected = run(1, false);
      for (const threads of [1, 2, 3, 8]) {
        assertEquals(
          run(threads, true),
          expected,
          `${kernel.kernel}, ${rows} x ${cols} x ${lines}, ${threads} threads`,
        );
      }
    });
  } finally {
    useBackend(before);
    open();
  }
});
