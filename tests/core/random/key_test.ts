/** Addresses of randomness: the written-down mapping, known answers, and what splitting a batch leaves alone. */
import { assert, assertEquals, assertNotEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  keepProbability,
  Key,
  OptionError,
  philox4x32,
  rateThreshold,
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

/** The word of an element by the mapping that `core/key.ts` writes down, one Philox call for each. */
function wordOf(seed: bigint, path: string, step: number, element: number): number {
  const block = new Uint32Array(4);
  const number = Math.floor(element / 4);
  const [low, high] = [Number(seed & 0xffffffffn), Number(seed >> 32n)];
  philox4x32(number >>> 0, Math.floor(number / 2 ** 32), step, siteHash(path), low, high, block);
  return block[element % 4];
}

Deno.test("draws follow the mapping of core/key.ts, word by word, for small and large seeds, samples and steps", () => {
  for (const seed of [0n, 42n, 0x123456789abcdef0n, (1n << 64n) - 1n]) {
    for (const first of [0, 3, 2 ** 33 + 1]) {
      for (const step of [0, 7, 0xffffffff]) {
        const key = Key.seed(seed).at("train").at("2").atStep(step).sample(first);
        const shape = [3, 7];
        const words = Array.from({ length: 21 }, (_, i) => wordOf(seed, "train/2", step, first * 7 + i));
        const kept = Tensor.bernoulli(shape, key, 0.3, 1, "float64").floats;
        assertEquals([...kept], words.map((word) => word >= Math.round(0.3 * 2 ** 32) ? 1 : 0));
        const uniform = Tensor.uniform(shape, key, "float64").floats;
        assertEquals([...uniform], words.map((word) => (Math.floor(word / 512) + 0.5) / 2 ** 23));
      }
    }
  }
});

Deno.test("a whole dropout mask has the known answer of an independent implementation", () => {
  const expected = [
    "0001101100011111",
    "0111011001100000",
    "1001100110001101",
    "1010000111110100",
    "1111010101100011",
    "1001111111110010",
    "1001011100010011",
    "0111001101111111",
  ];
  const key = Key.seed(42).at("train").at("0").atStep(3);
  const rows = (mask: Tensor) => expected.map((_, row) => [...mask.floats.slice(row * 16, row * 16 + 16)].join(""));
  assertEquals(rows(Tensor.bernoulli([8, 16], key, 0.5)), expected);
  assertEquals(rows(Tensor.ones([8, 16]).dropout(key, 0.5).mul(0.5)), expected);
  assertEquals(rows(Tensor.ones([8, 16], "float64").dropout(key, 0.5, { scale: false })), expected);
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
  for (const first of [-1, 0.5, 2 ** 53]) assertThrows(() => key.sample(first), OptionError, "sample");
  for (const label of ["", "a/b"]) {
    assertThrows(() => key.at(label), OptionError, "label: expected text without a slash");
  }
  assertThrows(() => key.sample(2 ** 50).address(100), OptionError, "below 2^53");
});

Deno.test("rateThreshold() and keepProbability() agree on the probability that is really used", () => {
  assertEquals([0, 0.5, 1e-6, 1].map(rateThreshold), [0, 2 ** 31, 4295, 0xffffffff]);
  assertEquals(keepProbability(rateThreshold(0.25)), 0.75);
  assert(keepProbability(rateThreshold(1 - 1e-15)) > 0);
  for (const rate of [0.1, 0.3, 1e-6, 1 - 1e-6]) {
    assert(Math.abs(1 - keepProbability(rateThreshold(rate)) - rate) <= 2 ** -33 + 1e-16, String(rate));
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
