/** Attention that keeps no matrix of queries by keys: the same numbers as attention that does. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  applyMask,
  type AttentionOptions,
  gradients,
  Key,
  type Mask,
  maskedScore,
  noGrad,
  OptionError,
  reference,
  Rows,
  scaledDotProductAttention,
  Tensor,
  useBackend,
} from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { random } from "../_tensors.ts";

const key = Key.seed(5).at("attention").withRows(Rows.range({ first: 3, step: 2 }));
const [batch, heads, queries, keys, features, values] = [4, 2, 5, 7, 3, 2];
const shapes = [[batch, heads, queries, features], [batch, heads, keys, features], [batch, heads, keys, values]];
const inputs = () => shapes.map((shape, i) => random(shape, i + 1));
const keyMask = Tensor.from(Array.from({ length: batch * keys }, (_, i) => i % 3), [batch, keys], "int32");

/** The output and the gradients towards queries, keys and values. */
function all(tensors: readonly Tensor[], options: AttentionOptions): Tensor[] {
  const [q, k, v] = tensors.map((tensor) => tensor.withGradient());
  const y = scaledDotProductAttention(q, k, v, options);
  return [y, ...gradients(y, [q, k, v], random(y.shape, 9).cast(y.floatType))];
}

/** The same, through all of the scores and weights. */
function composed(tensors: readonly Tensor[], options: AttentionOptions): Tensor[] {
  const { scores, weights } = options;
  const act = (mask: AttentionOptions["scores"]) => (value: Tensor) => mask ? applyMask(value, mask as Mask) : value;
  return all(tensors, { ...options, scores: act(scores), weights: act(weights) });
}

function assertSame(found: readonly Tensor[], expected: readonly Tensor[], tolerance: number, what: string): void {
  expected.forEach((tensor, i) => {
    assertEquals(found[i].shape, tensor.shape);
    const apart = found[i].sub(tensor).abs().max().item();
    assert(apart <= tolerance, `${what}: output ${i} is ${apart} apart`);
  });
}

const hides = (rate: number, more: Partial<Mask> = {}): AttentionOptions => ({
  scores: { key, rate, a: 1, c: maskedScore, empty: "kept", ...more },
});
const drops = (rate: number, more: Partial<Mask> = {}): AttentionOptions => ({ weights: { key, rate, ...more } });

Deno.test("attention with masks that draw gives the numbers and gradients of the same masks on all scores and weights", () => {
  // Among the rates are some that take 32 bits, and some that leave no key to most rows.
  const cases = [{}, ...[0, 0.001, 0.3, 0.95, 0.999].flatMap((rate) => [hides(rate), drops(rate)]), drops(1)];
  for (const mask of cases) {
    for (const more of [{}, { causal: true }, { keyMask }, { causal: true, keyMask, scale: 2 }]) {
      const options = { ...mask, ...more };
      const what = JSON.stringify(options, (name, value) => name === "key" || name === "keyMask" ? name : value);
      assertSame(all(inputs(), options), composed(inputs(), options), 1e-12, what);
      const single = inputs().map((tensor) => tensor.cast("float32"));
      assertSame(all(single, options), composed(single, options), 1e-4, `${what} in float32`);
    }
  }
});

Deno.test("attention takes any mask, also those that say more than which entries are dropped", () => {
  const factor = random([batch, 1, 1, 1], 7);
  const masks = [
    drops(0.4, { group: 2 }),
    drops(0.4, { a: 1 }),
    drops(0.4, { share: [1] }),
    drops(0.4, { a: factor }),
    drops(0.4, { b: 0.5 }),
    drops(0.4, { c: 0.1 }),
    drops(0.4, { empty: "kept" }),
    drops(0.4, { key: key.whole() }),
    hides(0.4, { empty: "lost" }),
    hides(0.4, { c: -1 }),
    hides(0.4, { a: 2 }),
    { ...hides(0.4), ...drops(0.4, { key: key.at("weights") }) },
  ];
  for (const options of masks) {
    assertSame(all(inputs(), options), composed(inputs(), options), 1e-12, JSON.stringify(Object.keys(options)));
  }
  const [q, k, v] = inputs();
  assertThrows(() => scaledDotProductAttention(q, k, v, drops(2)), OptionError, "rate: expected a number in [0, 1]");
  assertThrows(() => scaledDotProductAttention(q, k.cast("float32"), v), OptionError, "operands of one type");
});

Deno.test("attention has right gradients, the masks held", () => {
  for (const options of [{}, hides(0.4), drops(0.4), { ...drops(0.4), causal: true, keyMask }]) {
    checkGradient(([q, k, v]) => scaledDotProductAttention(q, k, v, options), inputs());
  }
});

Deno.test("attention takes no queries, no keys, no values and no features", () => {
  for (const [queries, keys, features, values] of [[0, 2, 2, 2], [2, 0, 2, 2], [2, 2, 0, 2], [2, 2, 2, 0]]) {
    const empty = [[queries, features], [keys, features], [keys, values]].map((shape) => Tensor.ones([2, 1, ...shape]));
    const [y, dQ, dK, dV] = all(empty, drops(0.4));
    assertEquals([y, dQ, dK, dV].map(({ shape }) => shape.slice(2)), [
      [queries, values],
      [queries, features],
      [keys, features],
      [keys, values],
    ]);
    if (keys === 0) assert(y.floats.every((value) => value === 0));
  }
});

Deno.test("attention keeps no matrix of queries by keys, forward and backward", () => {
  const time = 96;
  const largest = (options: AttentionOptions) => {
    let found = 0;
    const before = useBackend({
      ...reference,
      allocate: ((dtype: "float32", length: number) => {
        found = Math.max(found, length);
        return reference.allocate(dtype, length);
      }) as typeof reference.allocate,
    });
    try {
      all([1, 2, 3].map((seed) => random([1, 1, time, 2], seed).cast("float32")), { ...options, causal: true });
    } finally {
      useBackend(before);
    }
    return found;
  };
  for (const options of [{}, hides(0.2), drops(0.2)]) assert(largest(options) <= 4 * time);
  assert(largest({ weights: (weights) => weights }) >= time * time);
  noGrad(() => assert(largest({}) <= 4 * time));
});
