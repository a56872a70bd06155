/** What the papers of attention dropout and DropKey promise. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  applyMask,
  type AttentionMaskSite,
  type AttentionOptions,
  buildModel,
  definePlugin,
  type Factory,
  gradients,
  keepProbability,
  Key,
  type MaskPart,
  type Mode,
  OptionError,
  rateThreshold,
  reference,
  scaledDotProductAttention,
  Tensor,
  useBackend,
} from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import { attentionDropout, dropKey, encoderBlock, linear, multiHeadAttention } from "../../plugins/mod.ts";
import { assertWithin, mean } from "../core/_statistics.ts";
import { random, withSeed } from "../core/_tensors.ts";
import { built } from "./_apply.ts";
import { withoutDraws } from "./_without_draws.ts";

/** The weights that attention multiplies the values by, with DropKey at its scores. */
function weightsWith(rate: number, scores: Tensor, key: Key, options: AttentionOptions = {}): Tensor {
  const variant = dropKey({ rate });
  const [batch, heads, queries, keys] = scores.shape;
  const identity = Tensor.from(
    Float64Array.from({ length: keys * keys }, (_, i) => i % (keys + 1) === 0 ? 1 : 0),
    [keys, keys],
  ).cast(scores.dtype).broadcastTo([batch, heads, keys, keys]);
  // deno-lint-ignore no-explicit-any
  const context = { mode: "train" as Mode, key, options: variant.options } as any;
  const part = variant.definition.attention as MaskPart<unknown, AttentionMaskSite>;
  return scaledDotProductAttention(scores, identity, identity, {
    ...options,
    scale: 1,
    scores: (value) => applyMask(value, part.mask(context, { shape: value.shape, stage: "scores" })!),
  }).reshape([batch, heads, queries, keys]);
}

const key = (seed: number) => Key.seed(seed).at("attention");

Deno.test("dropKey(): rows of weights sum to 1, and keys that stay keep their proportions", () => {
  withSeed((seed) => {
    const scores = random([3, 2, 4, 6], seed);
    const plain = scores.softmax();
    const weights = weightsWith(0.4, scores, key(seed));
    let hidden = 0;
    for (let row = 0; row < 24; row++) {
      const found = [...weights.floats.slice(6 * row, 6 * row + 6)];
      assertAlmostEquals(found.reduce((a, b) => a + b), 1, 1e-12);
      const before = [...plain.floats.slice(6 * row, 6 * row + 6)];
      const mass = before.reduce((sum, value, i) => found[i] === 0 ? sum : sum + value, 0);
      found.forEach((value, i) => value === 0 ? hidden++ : assertAlmostEquals(value, before[i] / mass, 1e-12));
    }
    assert(hidden > 0);
  });
});

Deno.test("dropKey() hides a key with probability rate - rate^n, n the keys that may be seen", () => {
  withSeed((seed) => {
    for (const [rate, keys] of [[0.3, 8], [0.5, 2], [0.9, 3], [0.2, 1]]) {
      const rows = 20000;
      const weights = weightsWith(rate, Tensor.zeros([rows, 1, 1, keys]), key(seed));
      const fractions = Array.from({ length: rows }, (_, row) => {
        return mean(weights.floats.slice(row * keys, (row + 1) * keys).map((value) => value === 0 ? 1 : 0));
      });
      const expected = rate - rate ** keys;
      // A row's fraction has at most the variance of independent keys plus that of being all or nothing.
      const error = Math.sqrt((rate * (1 - rate) / keys + rate ** keys) / rows);
      assertWithin(mean(fractions), expected, error, `rate ${rate}, ${keys} keys`);
    }
  });
});

Deno.test("dropKey() keeps all keys of a row that would lose them all, and masks hold in it", () => {
  withSeed((seed) => {
    for (const dtype of ["float32", "float64"] as const) {
      const scores = random([50, 1, 3, 3], seed).cast(dtype);
      const keyMask = Tensor.from(Array.from({ length: 150 }, (_, i) => i % 3 === 2 ? 0 : 1), [50, 3]);
      const weights = weightsWith(0.95, scores, key(seed), { causal: true, keyMask });
      for (let i = 0; i < weights.size; i++) {
        const [query, keyAt] = [Math.floor(i / 3) % 3, i % 3];
        if (keyAt > query || keyAt === 2) assertEquals(weights.floats[i], 0);
        if (keyAt === 0) assertAlmostEquals(mean(weights.floats.slice(i, i + 3)), 1 / 3, 1e-6);
        if (query === 0 && keyAt === 0) assertEquals(weights.floats[i], 1);
      }
    }
  });
});

Deno.test("dropKey() refuses a rate of 1 by name, and takes a schedule", () => {
  assertThrows(() => dropKey({ rate: 1 }), OptionError, "drop-key.rate: expected a number in [0, 1)");
  const layer = multiHeadAttention(1, { attention: dropKey({ rate: linear({ from: 0, to: 0.9 }) }) });
  const model = built(layer, [4, 2]);
  const x = random([20, 4, 2], 1);
  const at = (step: number) => ({ mode: "train", progress: { step, stepsPerEpoch: 100, totalSteps: 100 } }) as const;
  assertEquals(model.forward(x, at(0)).toArray(), model.forward(x).toArray());
  assert(model.forward(x, at(99)).sub(model.forward(x)).abs().max().item() > 0.01);
});

Deno.test("attentionDropout(): weights are 0 or divided by the keep probability, as often as the rate says", () => {
  withSeed((seed) => {
    const variant = attentionDropout({ rate: 0.3 });
    const weights = random([40, 2, 10, 10], seed).softmax();
    const part = variant.definition.attention as MaskPart<unknown, AttentionMaskSite>;
    const run = (mode: Mode) => {
      // deno-lint-ignore no-explicit-any
      const context = { mode, key: key(seed), options: variant.options } as any;
      const mask = part.mask(context, { shape: weights.shape, stage: "weights" })!;
      return applyMask(weights, mask, mode === "eval");
    };
    const dropped = run("train");
    const keep = keepProbability(rateThreshold(0.3));
    const zeros = dropped.floats.filter((value, i) => {
      if (value !== 0) assertAlmostEquals(value, weights.floats[i] / keep, 1e-12);
      return value === 0;
    });
    assertWithin(zeros.length / 8000, 0.3, Math.sqrt(0.21 / 8000), "dropped weights");
    assertEquals(run("eval"), weights);
    assertEquals(run("sample").toArray(), dropped.toArray());
    // Unlike DropKey's, rows sum to 1 only in expectation.
    const sums = dropped.sum(3).floats;
    assert(Math.max(...sums) > 1.01 && Math.min(...sums) < 0.99);
    const deviations = sums.map((sum) => (sum - 1) ** 2);
    assertWithin(mean(sums), 1, Math.sqrt(mean(deviations) / sums.length), "mean row sum");
  });
});

Deno.test("attention variants have right gradients, the masks held, and the rate 1 gives finite zeros", () => {
  for (const attention of [attentionDropout({ rate: 0.4 }), dropKey({ rate: 0.4 }), attentionDropout({ rate: 1 })]) {
    for (const shape of [[2, 3, 4], [1, 1, 2], [3, 5, 2]]) {
      const model = built(multiHeadAttention(2, { attention, causal: shape[1] === 5 }), shape.slice(1));
      checkGradient(([x]) => model.forward(x, { mode: "train", step: 0 }).add(x.mul(0)), [random(shape, 3)]);
    }
  }
});

Deno.test("masks of attention variants belong to the example, not to its place in the batch", () => {
  for (const attention of [attentionDropout({ rate: 0.4 }), dropKey({ rate: 0.4 })]) {
    const model = built(multiHeadAttention(2, { attention }), [3, 4]);
    const x = random([4, 3, 4], 1);
    const whole = model.forward(x, { mode: "train", step: 0 });
    const part = model.forward(x.slice([2], [4]), { mode: "train", step: 0, sample: 2 });
    assertEquals(whole.slice([2], [4]).toArray(), part.toArray());
  }
});

Deno.test("attention variants draw nothing in mode eval, and are the identity", () => {
  const [plain, ...models] = [undefined, attentionDropout(), dropKey()].map((attention) =>
    buildModel(encoderBlock(2, { attention }), { inputShape: [3, 4] })
  );
  const x = random([2, 3, 4], 1).cast("float32");
  withoutDraws(() => {
    for (const model of models) {
      assertEquals(model.forward(x).toArray(), plain.forward(x).toArray());
      assertThrows(() => model.forward(x, { mode: "sample", step: 0 }), Error, "a number was drawn");
    }
  });
});

/** Elements of the largest buffer that a body asks for. */
function largestBuffer(body: () => void): number {
  let largest = 0;
  const allocate = (dtype: "float32", length: number) => {
    largest = Math.max(largest, length);
    return reference.allocate(dtype, length);
  };
  const before = useBackend({ ...reference, allocate: allocate as typeof reference.allocate });
  try {
    body();
  } finally {
    useBackend(before);
  }
  return largest;
}

Deno.test("variants that only draw masks keep no matrix of queries by keys, unless somebody asks what keys received", () => {
  const [time, width] = [64, 4];
  for (const attention of [undefined, attentionDropout({ rate: 0.4 }), dropKey({ rate: 0.4 })]) {
    const model = buildModel(multiHeadAttention(2, { attention, causal: true }), { inputShape: [time, width] });
    const x = random([1, time, width], 1).cast("float32").withGradient();
    const mode = { mode: "train", step: 3 } as const;
    const found: Tensor[] = [];
    const least = largestBuffer(() => {
      const y = model.forward(x, mode);
      found.push(y, ...gradients(y.sum(), [x]));
    });
    assert(least <= 3 * time * width, `${least} numbers`);
    const most = largestBuffer(() => {
      const { output, emitted } = model.forwardAll(x, mode);
      found.push(output, ...gradients(output.sum(), [x]), emitted.get("received")!);
    });
    assert(most >= 2 * time * time);
    const [y, dx, wholeY, wholeDx, received] = found;
    assert(y.sub(wholeY).abs().max().item() < 1e-5 && dx.sub(wholeDx).abs().max().item() < 1e-4);
    assertEquals(received.shape, [1, time]);
  }
});

Deno.test("a penalty of an attention variant sees all weights", () => {
  const costly: Factory<"attention", Record<string, never>> = definePlugin({
    name: "costly",
    options: z.object({}),
    attention: { mask: ({ key }) => ({ key, rate: 0.5 }) },
    penalty: (_context, { input, output }) => input!.add(output!).sum(),
  });
  const model = built(multiHeadAttention(2, { attention: costly() }), [3, 4]);
  const x = random([5, 3, 4], 1);
  const [y, penalty] = model.forwardWithPenalty(x, { mode: "train", step: 0 });
  assert(penalty!.item() > 5 * 2 * 3); // rows of the input alone sum to 1
  const { output } = model.forwardAll(x, { mode: "train", step: 0 });
  assert(y.sub(output).abs().max().item() < 1e-12);
});
