import { assertEquals, assertMatch } from "@std/assert";
import type { Backend } from "../../core/backend/backend.ts";
import type { GemmShape } from "../../core/backend/products.ts";
import { reference } from "../../core/backend/backend.ts";
import {
  assertClose,
  type Draws,
  forSeeds,
  hasBlas,
  instructionSets,
  missing,
  nativeTest,
  on,
  open,
} from "./_native.ts";

const backends: Record<string, Backend> = Object.fromEntries(
  instructionSets.map((name) => [`own ${name} product`, open(name, { blas: false })]),
);
if (hasBlas) {
  backends.OpenBLAS = open("portable"); // its own kernels are never preferred
  backends["whichever is faster"] = open("auto");
}
if (missing === undefined && !hasBlas) console.warn("OpenBLAS is not tested: there is none.");

function anyShape(draws: Draws, extents: readonly number[]): GemmShape {
  const [m, n, k] = [draws.pick(extents), draws.pick(extents), draws.pick(extents)];
  const batch = draws.pick([1, 1, 2, 5]);
  return {
    m,
    n,
    k,
    transposeA: draws.next() < 0.5,
    transposeB: draws.next() < 0.5,
    alpha: draws.pick([1, -0.5]),
    beta: draws.pick([0, 1, 0.3]),
    batch,
    strideA: draws.pick([m * k, m * k, 0]),
    strideB: draws.pick([k * n, k * n, 0]),
    strideC: m * n,
  };
}

/** Compares one product with the reference, whose sums are in double. */
function check(backend: Backend, shape: GemmShape, draws: Draws): void {
  const { m, n, k, batch, beta } = shape;
  const a = draws.floats(m * k * batch, 1);
  const b = draws.floats(k * n * batch, 1);
  const before = beta === 0 ? new Float32Array(m * n * batch).fill(NaN) : draws.floats(m * n * batch, 1);
  const expected = before.slice();
  const actual = before.slice();
  on(reference).gemm(a, b, expected, shape);
  on(backend).gemm(a, b, actual, shape);
  assertClose(actual, expected, 1e-5, 2e-7 * (4 + k), JSON.stringify(shape));
}

for (const [name, backend] of Object.entries(backends).filter(([name]) => name.startsWith("own"))) {
  nativeTest(`${name}: rows have the same bits in a small product as in a large one`, () => {
    const one = { transposeA: false, alpha: 0.7, beta: 0, batch: 1, strideA: 0, strideB: 0, strideC: 0 };
    forSeeds(20, (draws) => {
      const [m, n, k] = [draws.pick([1, 7, 13, 50]), draws.pick([1, 8, 33]), draws.pick([2, 31, 128])];
      const large = Math.ceil(2 ** 18 / (n * k)) + m;
      const [a, b] = [draws.floats(large * k, 1), draws.floats(k * n, 1)];
      const [some, all] = [new Float32Array(m * n), new Float32Array(large * n)];
      for (const transposeB of [false, true]) {
        on(backend).gemm(a, b, some, { ...one, m, n, k, transposeB });
        on(backend).gemm(a, b, all, { ...one, m: large, n, k, transposeB });
        assertEquals(some, all.subarray(0, m * n), JSON.stringify([m, n, k, transposeB]));
      }
    });
  });
}

for (const [name, backend] of Object.entries(backends)) {
  nativeTest(`${name}: agrees with the reference in all forms, for small and awkward extents`, () => {
    forSeeds(300, (draws) => check(backend, anyShape(draws, [1, 2, 3, 5, 6, 7, 8, 15, 16, 17, 33]), draws));
  });

  nativeTest(`${name}: agrees with the reference across the edges of its blocks`, () => {
    forSeeds(12, (draws) => check(backend, anyShape(draws, [1, 31, 95, 97, 255, 257, 300]), draws));
    forSeeds(1, (draws) => {
      const shape = { ...anyShape(draws, [1]), batch: 1 };
      check(backend, { ...shape, m: 5, n: 2050, k: 270 }, draws);
      check(backend, { ...shape, m: 770, n: 20, k: 513 }, draws);
      check(backend, { ...shape, m: 1, n: 700, k: 400 }, draws);
      check(backend, { ...shape, m: 700, n: 1, k: 400 }, draws);
      check(backend, { ...shape, m: 3, n: 2, k: 20_000 }, draws);
    });
  });

  nativeTest(`${name}: empty extents, and with no inner extent C is only scaled`, () => {
    const shape = { transposeA: false, transposeB: false, alpha: 1, batch: 1, strideA: 0, strideB: 0, strideC: 0 };
    const none = new Float32Array(0);
    on(backend).gemm(none, new Float32Array(6), none, { ...shape, m: 0, n: 3, k: 2, beta: 0 });
    on(backend).gemm(new Float32Array(6), none, none, { ...shape, m: 3, n: 0, k: 2, beta: 0 });
    const c = Float32Array.of(1, 2, 3, NaN);
    on(backend).gemm(none, none, c, { ...shape, m: 2, n: 2, k: 0, beta: 2 });
    assertEquals([...c], [2, 4, 6, NaN]);
    on(backend).gemm(none, none, c, { ...shape, m: 2, n: 2, k: 0, beta: 0 });
    assertEquals([...c], [0, 0, 0, 0]);
  });

  nativeTest(`${name}: many small products at once`, () => {
    forSeeds(4, (draws) => {
      const [m, n, k] = [draws.whole(1, 40), draws.whole(1, 40), draws.whole(1, 40)];
      const shape = { ...anyShape(draws, [1]), m, n, k, batch: 203 };
      check(backend, { ...shape, strideA: m * k, strideB: k * n, strideC: m * n }, draws);
    });
  });
}

const plans: Record<string, () => ReturnType<typeof open>> = {
  "the own product": () => open("auto", { blas: false }),
  ...(hasBlas ? { "OpenBLAS": () => open("auto", { products: { core: "", leaves: 0 } }) } : {}),
  "whichever is faster": () => open("auto"),
};
for (const [name, openPlan] of Object.entries(plans)) {
  nativeTest(`${name}: the same bits with 1 to 8 threads, over products of many shapes`, () => {
    const backend = openPlan();
    forSeeds(40, (draws) => {
      const extents = [1, 7, 10, 32, 64, 100, 128, 130, 192, 300, 385, 500];
      const batch = draws.pick([1, 1, 1, 3, 17]);
      const shape = { ...anyShape(draws, extents.slice(0, batch === 17 ? 7 : undefined)), batch, beta: 0 };
      const { m, n, k } = shape;
      const [a, b] = [draws.floats(m * k * batch), draws.floats(k * n * batch)];
      const of = (threads: number) => {
        backend.setThreads(threads);
        const c = new Float32Array(m * n * batch);
        on(backend).gemm(a, b, c, { ...shape, strideA: m * k, strideB: k * n, strideC: m * n });
        return c;
      };
      const expected = of(1);
      for (const threads of [2, 3, 4, 5, 8]) {
        const found = of(threads);
        const at = found.findIndex((value, i) => value !== expected[i]);
        if (at >= 0) throw new Error(`${threads} threads differ at ${at} in ${JSON.stringify(shape)}`);
      }
    });
    backend.setThreads(2);
  });
}

nativeTest("info() names OpenBLAS and its version, or why the own product is used", () => {
  if (hasBlas) assertMatch(open().info().blas, /^OpenBLAS/);
  assertEquals(open("auto", { blas: false }).info().blas, "own blocked product (no OpenBLAS found)");
});

nativeTest(
  "a matrix in panels gives the products that the reference gives, transposed or not, with any number of threads",
  () => {
    const extents = [1, 3, 8, 31, 32, 33, 70];
    const natives = instructionSets.map((name) => open(name, { blas: false }));
    forSeeds(40, (draws) => {
      const [m, n] = [draws.pick([0, 1, 2, 5, 7, 11, 12, 13, 20, 25]), draws.pick(extents)];
      const k = draws.pick([0, ...extents, 300, 600]);
      const [transpose, add] = [draws.pick([true, false]), draws.pick([true, false])];
      const [a, b] = [draws.floats(m * k, 1), draws.floats(n * k, 1)];
      const before = add ? draws.floats(m * n, 1) : new Float32Array(m * n).fill(NaN);
      const run = (backend: Backend) => {
        const [packed, c] = [new Float32Array(Math.ceil(n / 32) * 32 * k).fill(NaN), before.slice()];
        on(backend).packPanels(b, packed, transpose, n, k);
        on(backend).panelProduct(a, packed, c, add, m, n, k);
        return { packed, c };
      };
      const expected = run(reference);
      for (const backend of natives) {
        const found = run(backend);
        assertEquals(found.packed, expected.packed);
        assertClose(found.c, expected.c, 1e-5, 2e-7 * (4 + k), `${m} x ${n} x ${k}, ${transpose}, ${add}`);
        backend.setThreads(3);
        assertEquals(run(backend).c, found.c);
        backend.setThreads(2);
      }
    });
    const large = natives.at(-1)!;
    forSeeds(1, (draws) => {
      const [m, n, k] = [20, 2600, 650];
      const [a, b, c] = [draws.floats(m * k, 1), draws.floats(n * k, 1), new Float32Array(m * n)];
      const [packed, plain] = [new Float32Array(Math.ceil(n / 32) * 32 * k), new Float32Array(m * n)];
      on(large).packPanels(b, packed, true, n, k);
      on(large).panelProduct(a, packed, c, false, m, n, k);
      const shape = { m, n, k, transposeA: false, transposeB: true, alpha: 1, beta: 0, batch: 1 };
      on(reference).gemm(a, b, plain, { ...shape, strideA: 0, strideB: 0, strideC: 0 });
      assertClose(c, plain, 1e-5, 1e-4, "a recurrent step");
    });
  },
);
