/** Attention in tiles against its plain twin. */
import type { AttentionShape } from "../../core/backend/attention.ts";
import type { Floats } from "../../core/backend/arrays.ts";
import { type Backend, reference } from "../../core/backend/backend.ts";
import { assertEquals } from "@std/assert";
import { compare } from "./_compare.ts";
import { Draws, forSeeds, nativeTest, on, open } from "./_native.ts";

/** Arguments of the kernels: blocks of queries and keys are begun, filled and overstepped. */
function problem(draws: Draws, extents: Partial<AttentionShape> = {}) {
  const [batch, heads] = [draws.pick([1, 2]), draws.pick([1, 3])];
  const bits = draws.pick([16, 32] as const);
  const shape: AttentionShape = {
    batch,
    heads,
    queries: draws.pick([1, 7, 48, 49, 150]),
    keys: draws.pick([1, 5, 33, 256, 257, 300]),
    features: draws.pick([1, 8, 20, 64]),
    values: draws.pick([1, 3, 32, 64]),
    scale: draws.pick([0.3, 0.125]),
    causal: draws.next() < 0.5,
    drawn: draws.next() < 0.7 ? batch : 0,
    threshold: Math.floor(draws.pick([0.01, 0.3, 0.9]) * 2 ** bits),
    bits,
    before: draws.next() < 0.5,
    a: 1.25,
    ...extents,
  };
  const table = Uint32Array.from({ length: 3 * shape.batch }, () => draws.whole(0, 2 ** 32 - 1));
  for (let row = 0; row < shape.batch; row++) table[3 * row] &= 0xfc000000;
  const header = Uint32Array.from({ length: 3 }, () => draws.whole(0, 2 ** 32 - 1));
  const { heads: count, queries, keys, features, values } = shape;
  const groups = shape.batch * count;
  return {
    shape,
    draw: { header, table, offset: draws.whole(0, 20) },
    q: draws.floats(groups * queries * features),
    k: draws.floats(groups * keys * features),
    v: draws.floats(groups * keys * values),
    keyMask: draws.next() < 0.4
      ? Float32Array.from({ length: shape.batch * keys }, () => draws.next() < 0.4 ? 0 : 1)
      : null,
    dOut: draws.floats(groups * queries * values),
    out: new Float32Array(groups * queries * values),
    sums: new Float32Array(groups * queries),
  };
}

nativeTest("attention and its gradient agree with the reference, whatever the extents, masks and draws", () => {
  forSeeds(60, (draws) => {
    const { q, k, v, keyMask, dOut, out, sums, draw, shape } = problem(draws);
    const what = `${JSON.stringify(shape)}${keyMask === null ? "" : " with a mask of keys"}`;
    const forward = (backend: Backend, [out, sums]: Floats[]) =>
      on(backend).attention(q, k, v, keyMask, out, sums, draw, shape);
    compare(what, [out, sums], forward, 1e-5, 4e-5);
    forward(reference, [out, sums]);
    const gradient = (backend: Backend, [dQ, dK, dV]: Floats[]) =>
      on(backend).attentionGradient(q, k, v, keyMask, out, sums, dOut, dQ, dK, dV, draw, shape);
    compare(`${what}, gradient`, [q, k, v], gradient, 1e-4, 2e-4);
  });
});

nativeTest("attention takes scores whose exponentials overflow or vanish", () => {
  const draws = new Draws(1);
  const { q, k, v, out, sums, draw, shape } = problem(draws, {
    queries: 60,
    keys: 300,
    features: 8,
    scale: 100,
    drawn: 0,
  });
  compare(
    "scale 100",
    [out, sums],
    (backend, [out, sums]) => {
      on(backend).attention(q, k, v, null, out, sums, draw, shape);
    },
    1e-3,
    1e-3,
  );
});

nativeTest("attention gives the same bits for any number of threads", () => {
  forSeeds(5, (draws) => {
    const { q, k, v, keyMask, dOut, draw, shape } = problem(draws, {
      batch: 2,
      heads: 3,
      drawn: 2,
      queries: 150,
      keys: 300,
    });
    const { out, sums } = problem(draws, shape);
    const one = open("auto", { threads: 1 });
    const run = (backend: Backend) => {
      const results = [out, sums, q, k, v].map((array) => new Float32Array(array.length));
      const [y, rows, dQ, dK, dV] = results;
      on(backend).attention(q, k, v, keyMask, y, rows, draw, shape);
      on(backend).attentionGradient(q, k, v, keyMask, y, rows, dOut, dQ, dK, dV, draw, shape);
      return results;
    };
    const expected = run(one);
    for (const threads of [2, 3, 8]) assertEquals(run(open("auto", { threads })), expected);
  });
});
