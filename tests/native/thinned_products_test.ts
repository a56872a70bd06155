/** Products of groups of rows: the compiled kernels beside their twins. */
import { assertEquals, assertThrows } from "@std/assert";
import { reference } from "../../core/backend/backend.ts";
import { BackendError } from "../../core/errors.ts";
import { assertClose, Draws, forSeeds, instructionSets, nativeTest, on, open } from "./_native.ts";

/** Groups of rows, and what they keep of two axes. */
interface Groups {
  rows: number;
  starts: Int32Array<ArrayBuffer>;
  first: Int32Array<ArrayBuffer>;
  second: Int32Array<ArrayBuffer>;
}

/** Places that groups keep, each with a probability of its own: now and then nothing, or everything. */
function places(draws: Draws, groups: number, extent: number): Int32Array<ArrayBuffer> {
  const found: number[] = [];
  for (let g = 0; g < groups; g++) {
    const share = draws.pick([0, 0.1, 0.5, 0.5, 0.8, 1]);
    for (let p = 0; p < extent; p++) if (draws.next() < share) found.push(g * extent + p);
  }
  return Int32Array.from(found);
}

function anyGroups(draws: Draws, sizes: readonly number[], first: number, second: number): Groups {
  const starts: number[] = [];
  let rows = draws.pick([0, 0, 0, 3]);
  for (let g = draws.whole(1, 4); g > 0; g--) {
    starts.push(rows);
    rows += draws.pick(sizes);
  }
  const of = (extent: number) => places(draws, starts.length, extent);
  return { rows, starts: Int32Array.from(starts), first: of(first), second: of(second) };
}

type Run = (backend: Parameters<typeof on>[0]) => Float32Array<ArrayBuffer>;

/** The product of groups with a matrix, on any backend. */
function product(draws: Draws, groups: Groups, inners: number, cols: number, transposeB: boolean): Run {
  const [a, b] = [draws.floats(groups.rows * inners, 1), draws.floats(inners * cols, 1)];
  return (backend) => {
    const c = new Float32Array(groups.rows * cols).fill(NaN);
    on(backend).groupedGemm(a, b, c, groups.starts, groups.first, groups.second, {
      allRows: groups.rows,
      allCols: cols,
      allInners: inners,
      groups: groups.starts.length,
      keptInners: groups.first.length,
      keptCols: groups.second.length,
      transposeB,
    });
    return c;
  };
}

/** A weight's gradient from groups, on any backend, in pieces of some rows. */
function gradient(draws: Draws, groups: Groups, units: number, inputs: number, piece = units): Run {
  const [dy, x] = [draws.floats(groups.rows * units, 1), draws.floats(groups.rows * inputs, 1)];
  return (backend) => {
    const out = new Float32Array(units * inputs).fill(NaN);
    for (let from = 0; from < units; from += piece) {
      const to = Math.min(units, from + piece);
      const part = out.subarray(from * inputs, to * inputs);
      on(backend).groupedWeightGradient(dy, x, part, groups.starts, groups.first, groups.second, {
        rows: groups.rows,
        allUnits: units,
        allInputs: inputs,
        groups: groups.starts.length,
        keptUnits: groups.first.length,
        keptInputs: groups.second.length,
        from,
        to,
      });
    }
    return out;
  };
}

/** Either product of random groups. */
function anyRun(draws: Draws, sizes: readonly number[], extents: readonly number[]): { run: Run; what: string } {
  const [first, second] = [draws.pick(extents), draws.pick(extents)];
  const groups = anyGroups(draws, sizes, first, second);
  const kind = draws.whole(0, 2);
  const what = `kind ${kind}, starts ${groups.starts}, ${groups.rows} rows, ${first} x ${second}`;
  if (kind === 2) return { run: gradient(draws, groups, first, second), what };
  return { run: product(draws, groups, first, second, kind === 1), what };
}

for (const name of instructionSets) {
  const backend = open(name, { blas: false });
  nativeTest(`${name}: products of groups agree with the reference, for small and awkward extents`, () => {
    forSeeds(200, (draws) => {
      const { run, what } = anyRun(draws, [1, 2, 7, 8, 15, 16, 17, 33, 50], [1, 2, 5, 15, 16, 17, 33, 100]);
      assertClose(run(backend), run(reference), 1e-5, 4e-5, what);
    });
  });

  nativeTest(`${name}: products of groups agree with the reference across the edges of their blocks`, () => {
    forSeeds(10, (draws) => {
      const { run, what } = anyRun(draws, [1, 31, 32, 129, 300], [10, 127, 129, 300, 513]);
      assertClose(run(backend), run(reference), 1e-5, 3e-4, what);
    });
    forSeeds(1, (draws) => {
      const [wide, narrow] = [1100, 12];
      for (const [first, second] of [[wide, narrow], [narrow, wide]]) {
        const groups = anyGroups(draws, [20], first, second);
        const runs = [
          product(draws, groups, first, second, true),
          product(draws, groups, first, second, false),
          gradient(draws, groups, first, second),
        ];
        for (const run of runs) assertClose(run(backend), run(reference), 1e-5, 3e-4, `${first} x ${second}`);
      }
    });
  });

  nativeTest(
    `${name}: products of groups have the same bits with 1 to 8 threads, and gradients in whatever pieces`,
    () => {
      forSeeds(12, (draws) => {
        const { run, what } = anyRun(draws, [8, 31, 32, 64, 100], [64, 130, 300]);
        backend.setThreads(1);
        const expected = run(backend);
        for (const threads of [2, 3, 5, 8]) {
          backend.setThreads(threads);
          assertEquals(run(backend), expected, `${threads} threads: ${what}`);
        }
        backend.setThreads(2);
        const groups = anyGroups(draws, [8, 32], 150, 90);
        const seed = draws.whole(0, 1e6);
        const whole = gradient(new Draws(seed), groups, 150, 90)(backend);
        for (const piece of [1, 37, 64]) {
          const pieces = gradient(new Draws(seed), groups, 150, 90, piece)(backend);
          assertEquals(pieces, whole, `pieces of ${piece}`);
        }
      });
    },
  );
}

nativeTest(
  "products of groups: no group, no rows and nothing kept give zeros; lists that do not rise are refused",
  () => {
    const backend = open();
    const none = new Int32Array(0);
    const c = new Float32Array(6).fill(NaN);
    const shape = { allRows: 2, allCols: 3, allInners: 4, groups: 0, keptInners: 0, keptCols: 0, transposeB: true };
    const [a, b] = [new Float32Array(8).fill(1), new Float32Array(12).fill(1)];
    on(backend).groupedGemm(a, b, c, none, none, none, shape);
    assertEquals([...c], [0, 0, 0, 0, 0, 0]);
    c.fill(NaN);
    on(backend).groupedGemm(a, b, c, Int32Array.of(1), none, none, { ...shape, groups: 1 });
    assertEquals([...c], [0, 0, 0, 0, 0, 0]);
    on(backend).groupedGemm(a, b, new Float32Array(0), none, none, none, { ...shape, allRows: 0 });
    for (const target of [backend, reference]) {
      const call = (starts: number[], inners: number[]) => () =>
        on(target).groupedGemm(a, b, c, Int32Array.from(starts), Int32Array.from(inners), none, {
          ...shape,
          groups: starts.length,
          keptInners: inners.length,
        });
      assertThrows(call([1, 1], []), BackendError);
      assertThrows(call([2], []), BackendError);
      assertThrows(call([0], [2, 2]), BackendError);
      assertThrows(call([0], [4]), BackendError);
      assertThrows(call([0], [-1]), BackendError);
    }
  },
);
