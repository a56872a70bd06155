/** Addresses of randomness: the written-down mapping, known answers, and what splitting a batch leaves alone. */
import { assert, assertEquals, assertNotEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  decisionBits,
  keepProbability,
  Key,
  OptionError,
  philox4x32,
  rateThreshold,
  Rows,
  type Shape,
  SiteCollisionError,
  siteHash,
  Tensor,
} from "../../../core/mod.ts";

Deno.test("philox4x32() gives the published answers", () => {
  const lines = Deno.readTextFileSync(new URL("../../vectors/philox4x32.txt", import.meta.url)).split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"));
  assert(lines.length >= 6);
  for (const line of lines) {
    const [rounds, ...words] = line.trim().split(/\s+/);
    const [c0, c1, c2, c3, k0, k1, ...expected] = words.map((word) => parseInt(word, 16));
    const out = new Uint32Array(4);
    philox4x32(c0, c1, c2, c3, k0, k1, out, 0, Number(rounds));
    assertEquals([...out], expected, line);
  }
});

Deno.test("siteHash() gives the known answers of an independent implementation", () => {
  const known: Record<string, number> = {
    "": 0xab3e7c0b,
    a: 0x91e9da27,
    mask: 0x0c3a09c5,
    "train/0": 0xc6e961fe,
    "train/3.weight": 0xef7a5188,
    "sample/encoder.0": 0x74877bf7,
    "init/(root)/weight": 0x491ba618,
    "\u00e4": 0x12ca0103,
    "\u{1f3b2}": 0x428ed336,
  };
  for (const [path, hash] of Object.entries(known)) assertEquals(siteHash(path), hash, path);
});

/** Words of an example's row, by the mapping that `core/random/key.ts` writes down, in arithmetic of big numbers. */
function wordsOf(
  seed: bigint,
  path: string,
  at: { sample: number; step: number; pass: number },
  count: number,
): number[] {
  const out: number[] = [];
  for (let block = 0n; out.length < count; block++) {
    const counter = block | BigInt(at.pass) << 26n | BigInt(at.sample) << 40n | BigInt(at.step) << 64n |
      BigInt(siteHash(path)) << 96n;
    const words = [0n, 32n, 64n, 96n].map((shift) => Number(counter >> shift & 0xffffffffn));
    const four = new Uint32Array(4);
    const [c0, c1, c2, c3] = words;
    philox4x32(c0, c1, c2, c3, Number(seed & 0xffffffffn), Number(seed >> 32n), four);
    out.push(...four);
  }
  return out.slice(0, count);
}

/** Half-words of 16 bits, the low half of each word first. */
const halvesOf = (words: readonly number[]) => words.flatMap((word) => [word & 0xffff, word >>> 16]);

Deno.test("draws follow the mapping of core/random/key.ts at the ends of every field of the counter", () => {
  for (const seed of [0n, 42n, 0x123456789abcdef0n, (1n << 64n) - 1n]) {
    for (const sample of [0, 3, 2 ** 24 - 3]) {
      for (const step of [0, 7, 2 ** 32 - 1]) {
        for (const pass of [0, 63, 64, 2 ** 14 - 1]) {
          const key = Key.seed(seed).at("train").at("2").withRows(Rows.range({ first: sample, step, pass }));
          const words = [0, 1, 2].map((row) => wordsOf(seed, "train/2", { sample: sample + row, step, pass }, 8));
          const uniform = Tensor.uniform([3, 7], key, "float64").floats;
          const expected = words.flatMap((row) =>
            row.slice(0, 7).map((word) => (Math.floor(word / 512) + 0.5) / 2 ** 23)
          );
          assertEquals([...uniform], expected);
          const coarse = Tensor.bernoulli([3, 11], key, 0.3, 1, "float64").floats;
          const halves = words.flatMap((row) => halvesOf(row).slice(0, 11));
          assertEquals([...coarse], halves.map((half) => half >= Math.round(0.3 * 65536) ? 1 : 0));
          const fine = Tensor.bernoulli([3, 7], key, 0.998, 1, "float64").floats;
          const whole = words.flatMap((row) => row.slice(0, 7));
          assertEquals([...fine], whole.map((word) => word >= Math.round(0.998 * 2 ** 32) ? 1 : 0));
        }
      }
    }
  }
});

Deno.test("whole masks have the known answers of an independent implementation", () => {
  const expected = [
    "0000000101001111",
    "1001110101001101",
    "0000111010011001",
    "1110100101011111",
    "0111101011111000",
    "0101110111101111",
    "0010100000010101",
    "1111001101100000",
  ];
  const key = Key.seed(42).at("train").at("0").atStep(3);
  const rows = (mask: Tensor) => expected.map((_, row) => [...mask.floats.slice(row * 16, row * 16 + 16)].join(""));
  assertEquals(rows(Tensor.bernoulli([8, 16], key, 0.5)), expected);
  assertEquals(rows(Tensor.ones([8, 16]).dropout(key, 0.5).mul(0.5)), expected);
  assertEquals(rows(Tensor.ones([8, 16], "float64").dropout(key, 0.5, { scale: false })), expected);
  const far = Key.seed((1n << 63n) + 9n).at("sample").at("encoder.0").withRows(Rows.of([
    { sample: 2 ** 24 - 1, step: 2 ** 32 - 1, pass: 2 ** 14 - 1 },
    { sample: 2 ** 24 - 6, step: 2 ** 32 - 1, pass: 2 ** 14 - 1 },
  ]));
  const [first, second] = Tensor.bernoulli([2, 19], far, 0.3).toArray() as number[][];
  assertEquals([first.join(""), second.join("")], [
    "0111101011100110111",
    "1011111011011101101",
  ]);
});

Deno.test("a step of a sequence is a position in the row: pieces of a draw are the draw", () => {
  const key = Key.seed(8).at("hidden").sample(5);
  for (const [rate, cols] of [[0.3, 5], [0.3, 16], [0.001, 7]]) {
    const whole = Tensor.bernoulli([3, 4 * cols], key, rate, 1, "float64");
    for (let time = 0; time < 4; time++) {
      const piece = whole.slice([0, time * cols], [3, (time + 1) * cols]);
      assertEquals(Tensor.bernoulli([3, cols], key.later(time), rate, 1, "float64").toArray(), piece.toArray());
    }
  }
});

Deno.test("rows have the same numbers wherever they stand: gathered, repeated, beside other passes and steps", () => {
  const key = Key.seed(3).at("mask");
  const draw = (rows: Rows, count: number) =>
    Tensor.normal([count, 5], key.withRows(rows), "float64").toArray() as number[][];
  const step7 = draw(Rows.range({ step: 7 }), 6);
  const step8 = draw(Rows.range({ step: 8 }), 6);
  const pass2 = draw(Rows.range({ step: 7, pass: 2 }), 6);
  const mixed = Rows.of([
    { sample: 4, step: 7 },
    { sample: 4, step: 8 },
    { sample: 1, step: 7, pass: 2 },
    { sample: 4, step: 7 },
  ]);
  assertEquals(draw(mixed, 4), [step7[4], step8[4], pass2[1], step7[4]]);
  assertEquals(draw(mixed.gather([2, 0]), 2), [pass2[1], step7[4]]);
  assertEquals(draw(Rows.range({ step: 7 }).gather([5, 0, 3]), 3), [step7[5], step7[0], step7[3]]);
  assertThrows(() => draw(mixed, 3), OptionError, "a draw for 4 rows");
  for (const row of [{ sample: -1 }, { sample: 2 ** 24 }, { sample: 0, pass: 2 ** 14 }, { sample: 0, step: 0.5 }]) {
    assertThrows(() => Rows.of([row]), OptionError, "a whole number in [0, 2^");
  }
  assertThrows(() => draw(Rows.range({ first: 2 ** 24 - 2 }), 3), OptionError, "sample");
});

Deno.test("rows that share a draw have that of one example, each in its own pass", () => {
  const key = Key.seed(3).at("mask");
  const draw = (rows: Rows) => Tensor.uniform([6, 4], key.withRows(rows), "float64").toArray() as number[][];
  const all = draw(Rows.range({ step: 1 }).shared());
  for (const row of all) assertEquals(row, draw(Rows.range({ step: 1 }))[0]);
  const groups = draw(Rows.range({ first: 2, step: 1 }).grouped(3));
  const plain = draw(Rows.range({ step: 1 }));
  assertEquals(groups, [plain[0], plain[1], plain[1], plain[1], plain[2], plain[2]]);
  const passes = Rows.of([0, 1, 2, 0, 1, 2].map((sample, i) => ({ sample, step: 1, pass: i < 3 ? 0 : 5 })));
  const shared = draw(passes.shared());
  assertEquals(shared[1], shared[0]);
  assertEquals(shared[4], shared[3]);
  assertNotEquals(shared[3], shared[0]);
  assertEquals(shared[3], draw(Rows.range({ step: 1, pass: 5 }))[0]);
});

Deno.test("a draw without a batch axis is one row, whatever its shape", () => {
  const key = Key.seed(6).at("weight").atStep(2);
  const flat = Tensor.bernoulli([1, 24], key, 0.5).toArray() as number[][];
  assertEquals(Tensor.bernoulli([4, 6], key.sample(9).whole(), 0.5).reshape([24]).toArray(), flat[0]);
  assertEquals(Tensor.ones([2, 3, 4]).dropout(key.whole(), 0.5, { scale: false }).reshape([24]).toArray(), flat[0]);
});

Deno.test("masks are equal for any split of the batch over keys with sample offsets", () => {
  const key = Key.seed(5).at("site").atStep(9);
  const draws: ((shape: Shape, key: Key) => Tensor)[] = [
    (shape, key) => Tensor.bernoulli(shape, key, 0.4),
    (shape, key) => Tensor.uniform(shape, key),
    (shape, key) => Tensor.normal(shape, key),
    (shape, key) => Tensor.ones(shape).dropout(key, 0.4),
    (shape, key) => Tensor.ones(shape).dropout(key, 0.4, { sharedAxes: [1] }),
    (shape, key) => Tensor.ones(shape).dropout(key, 0.4, { sharedAxes: [0] }),
  ];
  for (const draw of draws) {
    for (const rest of [[5], [3, 3], [1]]) {
      const whole = draw([11, ...rest], key);
      for (const cuts of [[0, 11], [0, 1, 11], [0, 4, 5, 11], [0, 2, 4, 6, 8, 10, 11]]) {
        const parts = cuts.slice(1).map((to, i) => draw([to - cuts[i], ...rest], key.sample(cuts[i])));
        assertEquals(Tensor.concat(parts).toArray(), whole.toArray());
      }
    }
  }
});

Deno.test("masks differ for other steps, sites, seeds and samples, and are equal when drawn again", () => {
  const key = Key.seed(1).at("a");
  const draw = (key: Key) => Tensor.uniform([64], key).toArray();
  assertEquals(draw(key), draw(key));
  assertEquals(draw(key.atStep(0).sample(0)), draw(key));
  const others = [
    key.atStep(1),
    key.at("b"),
    Key.seed(1).at("b"),
    Key.seed(1),
    Key.seed(2).at("a"),
    Key.seed(1n << 32n).at("a"),
    key.sample(64),
  ];
  const all = [key, ...others].map(draw);
  for (let i = 0; i < all.length; i++) {
    for (let j = 0; j < i; j++) assertNotEquals(all[i], all[j], `draws ${j} and ${i}`);
  }
});

Deno.test("keys are immutable and say where they stand", () => {
  const key = Key.seed(1).at("a");
  const other = key.at("b").atStep(3).sample(5);
  assertEquals([key.path, key.step, key.first], ["a", 0, 0]);
  assertEquals([other.path, other.step, other.first], ["a/b", 3, 5]);
  assertEquals(other.site, siteHash("a/b"));
});

Deno.test("two sites with one hash are refused with both paths, in either order", () => {
  // Found by a birthday search over layer-0, layer-1, ...
  const [one, two] = ["layer-550267", "layer-1041250"];
  assertEquals(siteHash(one), siteHash(two));
  for (const [first, second] of [[one, two], [two, one]]) {
    const root = Key.seed(3);
    root.at(first);
    root.at(first); // the same site again is no collision
    const error = assertThrows(() => root.at(second), SiteCollisionError);
    assert(error.message.includes(one) && error.message.includes(two), error.message);
    Key.seed(3).at(second); // another root key has sites of its own
  }
});

Deno.test("seeds, steps, samples and labels outside their range are refused by name", () => {
  for (const seed of [-1, 1.5, NaN, 2 ** 53, -1n, 1n << 64n]) {
    assertThrows(() => Key.seed(seed), OptionError, "seed: expected a whole number in [0, 2^53)");
  }
  const key = Key.seed(0);
  for (const step of [-1, 0.5, 2 ** 32]) assertThrows(() => key.atStep(step), OptionError, "[0, 2^32)");
  for (const first of [-1, 0.5, 2 ** 24]) assertThrows(() => key.sample(first), OptionError, "sample");
  for (const pass of [-1, 0.5, 2 ** 14]) assertThrows(() => key.atPass(pass), OptionError, "pass");
  for (const label of ["", "a/b"]) {
    assertThrows(() => key.at(label), OptionError, "label: expected text without a slash");
  }
  assertThrows(() => key.later(2 ** 27).draw(1, 2), OptionError, "at most 268435456 numbers");
  key.later(2 ** 27).draw(1, 2, 16);
});

Deno.test("rateThreshold() and keepProbability() agree on the probability that is really used", () => {
  assertEquals([0, 0.5, 1e-6, 1].map(rateThreshold), [0, 2 ** 31, 4295, 0xffffffff]);
  assertEquals(keepProbability(rateThreshold(0.25)), 0.75);
  assert(keepProbability(rateThreshold(1 - 1e-15)) > 0);
  for (const rate of [1e-6, 0.0038, 1 - 0.0038, 1 - 1e-6]) {
    assertEquals(decisionBits(rateThreshold(rate)), 32);
    assert(Math.abs(1 - keepProbability(rateThreshold(rate)) - rate) <= 2 ** -33 + 1e-16, String(rate));
  }
  for (const rate of [2 ** -8, 0.1, 0.3, 1 - 2 ** -8]) {
    assertEquals(decisionBits(rateThreshold(rate)), 16);
    assert(Math.abs(1 - keepProbability(rateThreshold(rate)) - rate) <= 2 ** -17 + 1e-16, String(rate));
  }
});

Deno.test("kept values are divided by the probability that is really used", () => {
  for (const rate of [0.1, 1 / 3, 1e-6]) {
    const y = Tensor.ones([1000], "float64").dropout(Key.seed(1), rate);
    const expected = 1 / keepProbability(rateThreshold(rate));
    assert(y.floats.every((value) => value === 0 || value === expected));
  }
});

Deno.test("a rate of 0 is the identity and a rate of 1 gives zeros with zero gradients, also for inf and NaN", () => {
  const key = Key.seed(1);
  const x = Tensor.of([[Infinity, NaN, -Infinity, 1]]);
  assertStrictEquals(x.dropout(key, 0), x);
  for (const options of [{}, { scale: false }, { sharedAxes: [1] }]) {
    assertEquals(x.dropout(key, 1, options).toArray(), [[0, 0, 0, 0]]);
  }
  assertEquals(Tensor.bernoulli([1, 4], key, 1, 7).toArray(), [[0, 0, 0, 0]]);
  assertEquals(Tensor.bernoulli([1, 4], key, 0, 7).toArray(), [[7, 7, 7, 7]]);
  for (const rate of [-0.1, 1.1, NaN]) {
    assertThrows(() => x.dropout(key, rate), OptionError, "rate: expected a number in [0, 1]");
    assertThrows(() => Tensor.bernoulli([1], key, rate), OptionError, "rate: expected a number in [0, 1]");
  }
});
