/** The native copies and gathers against their plain twins. */
import { sizeOf, stridesOf } from "../../core/tensor/shape.ts";
import { compare } from "./_compare.ts";
import { type Draws, forSeeds, nativeTest, on } from "./_native.ts";

/** A shape, and the strides of the same box with its axes permuted. */
function permuted(draws: Draws, extents: readonly number[]): { dims: number[]; strides: number[]; size: number } {
  const dims = Array.from({ length: draws.whole(0, 4) }, () => draws.pick(extents));
  const strides = stridesOf(dims);
  const order = dims.map((_, axis) => axis);
  for (let i = order.length - 1; i > 0; i--) {
    const j = draws.whole(0, i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return { dims: order.map((axis) => dims[axis]), strides: order.map((axis) => strides[axis]), size: sizeOf(dims) };
}

nativeTest("copyStrided and addStrided walk permuted, stretched and overlapping boxes", () => {
  forSeeds(150, (draws) => {
    const { dims, strides, size } = permuted(draws, [1, 2, 7, 9, 33]);
    for (let axis = 0; axis < dims.length; axis++) if (draws.next() < 0.15) strides[axis] = draws.pick([0, 1]);
    const offset = draws.whole(0, 5);
    const box = draws.floats(size + offset + 40);
    const dense = draws.floats(sizeOf(dims));
    const what = `[${dims}] by [${strides}]`;
    compare(
      `copy ${what}`,
      [dense],
      (backend, [out]) => on(backend).copyStrided(box, out, { dims, x: strides }, offset),
      0,
      0,
    );
    compare(
      `add ${what}`,
      [box],
      (backend, [out]) => on(backend).addStrided(dense, out, { dims, out: strides }, offset),
      0,
      0,
    );
  });
  forSeeds(3, (draws) => {
    const x = draws.floats(301 * 403);
    const out = new Float32Array(x.length);
    compare(
      "transpose",
      [out],
      (backend, [out]) => on(backend).copyStrided(x, out, { dims: [403, 301], x: [1, 403] }, 0),
      0,
      0,
    );
    compare(
      "adjoint",
      [out],
      (backend, [out]) => on(backend).addStrided(x, out, { dims: [403, 301], out: [1, 403] }, 0),
      0,
      0,
    );
  });
});

nativeTest("gatherRows and scatterAddRows agree with the reference, repeated rows included", () => {
  forSeeds(20, (draws) => {
    const [rows, count, cols] = [draws.whole(1, 50), draws.pick([0, 1, 77, 900]), draws.pick([1, 5, 64, 300])];
    const index = Int32Array.from({ length: count }, () => draws.whole(0, rows - 1));
    const table = draws.floats(rows * cols);
    const dense = draws.floats(count * cols);
    compare("gather", [dense], (backend, [out]) => on(backend).gatherRows(table, index, out, cols), 0, 0);
    compare("scatter", [table], (backend, [out]) => on(backend).scatterAddRows(dense, index, out, cols), 0, 0);
  });
});
