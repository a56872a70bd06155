import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Floats } from "../../core/backend/arrays.ts";
import type { DrawAddress } from "../../core/backend/draw.ts";
import * as random from "../../core/backend/random.ts";
import { useBackend } from "../../core/mod.ts";
import { BackendError } from "../../core/errors.ts";
import { philox4x32 } from "../../core/random/philox.ts";
import { type Draws, forSeeds, instructionSets, nativeTest, open } from "./_native.ts";

/** Arguments of one try: `[rows, cols]`, arrays that begin anywhere in memory, and a draw. */
interface Case {
  x: Floats;
  other: Floats;
  draw: DrawAddress;
  rows: number;
  cols: number;
  bits: 16 | 32;
  threshold: number;
}

/** Every kernel that draws, by name. */
const kernels: Record<string, (out: Floats, c: Case) => void> = {
  mask: (out, { x, draw, rows, cols, threshold, bits }) =>
    random.mask(x, out, draw, rows, cols, threshold, bits, 1 / 0.7, 0, 0),
  "mask with b and c": (out, { x, draw, rows, cols, threshold, bits }) =>
    random.mask(x, out, draw, rows, cols, threshold, bits, 0.9, 0.1, -1.7),
  select: (out, { x, other, draw, rows, cols, threshold, bits }) =>
    random.select(x, other, out, draw, rows, cols, threshold, bits, 1.1),
  bernoulli: (out, { draw, rows, cols, threshold, bits }) =>
    random.bernoulli(out, draw, rows, cols, threshold, bits, 1.1),
  uniform: (out, { draw, rows, cols }) => random.uniform(out, draw, rows, cols),
  normal: (out, { draw, rows, cols }) => random.normal(out, draw, rows, cols),
};

/** A table whose rows stand anywhere: block 0, any pass, sample and step. */
function anyTable(draws: Draws, rows: number): Uint32Array<ArrayBuffer> {
  const table = new Uint32Array(3 * rows);
  for (let row = 0; row < rows; row++) {
    table[3 * row] = draws.pick([0, 0xfc000000, draws.whole(0, 63) * 2 ** 26]);
    table[3 * row + 1] = draws.pick([row, 0xffffffff, draws.whole(0, 0xffffffff)]);
    table[3 * row + 2] = draws.pick([7, draws.whole(0, 0xffffffff)]);
  }
  return table;
}

function anyCase(draws: Draws): Case {
  const [rows, cols] = draws.pick([
    [1, 40_003],
    [1, draws.whole(1, 3000)],
    [draws.whole(1, 700), draws.whole(1, 12)],
    [draws.whole(1, 90), draws.whole(12, 90)],
    [draws.whole(1, 70), draws.whole(90, 300)],
    [3, 7001],
    [0, 5],
    [4, 0],
  ]);
  const shift = draws.whole(0, 7);
  const bits = draws.pick([16, 32] as const);
  const last = 2 ** 26 * 128 / 32 - cols;
  return {
    x: draws.floats(rows * cols + shift).subarray(shift),
    other: draws.floats(rows * cols),
    draw: {
      header: Uint32Array.from({ length: 3 }, () => draws.whole(0, 0xffffffff)),
      table: anyTable(draws, rows),
      offset: draws.pick([0, draws.whole(0, 1000), last - draws.whole(0, 9)]),
    },
    rows,
    cols,
    bits,
    threshold: draws.pick([0, 1, draws.whole(0, bits === 16 ? 65535 : 0xffffffff)]),
  };
}

const bitsOf = (x: Float32Array<ArrayBuffer>) => new Int32Array(x.buffer, x.byteOffset, x.length);

for (const [name, run] of Object.entries(kernels)) {
  nativeTest(`${name}: the same bits as the twin for any table, offset, threads and instruction set`, () => {
    const backends = instructionSets.map((instructions) => open(instructions));
    forSeeds(25, (draws) => {
      const c = anyCase(draws);
      const n = c.rows * c.cols;
      const expected = new Float32Array(n);
      run(expected, c);
      for (const backend of backends) {
        const before = useBackend(backend);
        try {
          for (const threads of [1, 3]) {
            backend.setThreads(threads);
            const room = new Float32Array(n + 2).fill(7);
            const out = room.subarray(1, 1 + n);
            run(out, c);
            const what = `${backend.info().instructions}, ${threads} threads, [${c.rows}, ${c.cols}], ${c.bits} bits`;
            const at = bitsOf(out.slice()).findIndex((value, i) => value !== bitsOf(expected)[i]);
            assertEquals(at, -1, `${what}: element ${at} is ${out[at]}, not ${expected[at]}`);
            assertEquals([room[0], room[n + 1]], [7, 7], "wrote outside its array");
          }
          backend.setThreads(2);
        } finally {
          useBackend(before);
        }
      }
    });
  });
}

Deno.test("numbers stand where the mapping says, in words and in half-words", () => {
  const header = Uint32Array.of(11, 12, 13);
  const table = Uint32Array.of(5 * 2 ** 26, 1000, 77, 0, 3, 78);
  const offset = 9;
  const [rows, cols] = [2, 30];
  const words = (row: number, block: number) => {
    const out = new Uint32Array(4);
    philox4x32(table[3 * row] + block, table[3 * row + 1], table[3 * row + 2], 13, 11, 12, out);
    return out;
  };
  const uniforms = new Float64Array(rows * cols);
  random.uniform(uniforms, { header, table, offset }, rows, cols);
  for (const threshold of [100, 20_000, 40_000, 60_000]) {
    const kept = new Float64Array(rows * cols);
    random.bernoulli(kept, { header, table, offset }, rows, cols, threshold, 16, 1);
    const wide = new Float64Array(rows * cols);
    random.bernoulli(wide, { header, table, offset }, rows, cols, threshold * 65536, 32, 1);
    for (let row = 0; row < rows; row++) {
      for (let col = 0; col < cols; col++) {
        const position = offset + col;
        const half = new Uint16Array(words(row, position >> 3).buffer)[position % 8];
        const word = words(row, position >> 2)[position % 4];
        assertEquals(kept[row * cols + col], half < threshold ? 0 : 1);
        assertEquals(wide[row * cols + col], word < threshold * 65536 ? 0 : 1);
        assertEquals(uniforms[row * cols + col], ((word >>> 9) + 0.5) / 2 ** 23);
      }
    }
  }
});

nativeTest("large arrays, which are written past the caches, have the same bits", () => {
  const n = (1 << 22) + 13;
  const draw = { header: Uint32Array.of(5, 6, 7), table: Uint32Array.of(0, 3, 9), offset: 5 };
  const on = (instructions: "auto" | "portable", body: () => void) => {
    const before = useBackend(open(instructions));
    try {
      body();
    } finally {
      useBackend(before);
    }
  };
  const x = new Float32Array(n + 3).subarray(3);
  on("auto", () => random.uniform(x, draw, 1, n));
  const c: Case = { x, other: x, draw, rows: 1, cols: n, bits: 16, threshold: 30_000 };
  for (const run of Object.values(kernels)) {
    const [a, b] = [new Float32Array(n + 1).subarray(1), new Float32Array(n)];
    on("auto", () => run(a, c));
    on("portable", () => run(b, c));
    // Compared at once: element by element would take a while.
    assert(a.every((value, i) => value === b[i]));
  }
});

nativeTest("a dropped infinity or NaN gives c, and x may be out", () => {
  const draw = { header: Uint32Array.of(1, 0, 0), table: Uint32Array.of(0, 0, 0), offset: 0 };
  const n = 5000;
  for (const backend of instructionSets.map((instructions) => open(instructions))) {
    const before = useBackend(backend);
    try {
      const kept = new Float32Array(n);
      random.bernoulli(kept, draw, 1, n, 32768, 16, 1);
      for (const bad of [Infinity, -Infinity, NaN]) {
        const x = new Float32Array(n).fill(bad);
        random.mask(x, x, draw, 1, n, 32768, 16, 2, 0, 0.25);
        assertEquals(x, kept.map((keep) => keep === 1 ? bad : 0.25));
      }
    } finally {
      useBackend(before);
    }
  }
});

Deno.test("a draw that leaves its row, or whose table is too short, is refused", () => {
  const header = new Uint32Array(3);
  const out = new Float32Array(20);
  const run = (draw: Partial<DrawAddress>) =>
    random.bernoulli(out, { header, table: new Uint32Array(6), offset: 0, ...draw }, 2, 10, 5, 32, 1);
  run({ offset: 2 ** 28 - 10 });
  assertThrows(() => run({ offset: 2 ** 28 - 9 }), BackendError, "draw.offset");
  assertThrows(() => run({ offset: -1 }), BackendError, "draw.offset");
  assertThrows(() => run({ table: new Uint32Array(5) }), BackendError, "draw.table");
  assertThrows(() => run({ header: new Uint32Array(2) }), BackendError, "draw.header");
  assertThrows(() => run({ header: undefined }), BackendError, "draw.header");
});
