/**
 * Weighted channel dropout: how many and which channels are kept, the scale, and its edges. Statistics lie within four
 * standard errors (error probability 6e-5 each), with fixed seeds.
 */
import { assert, assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { gradients, OptionError, ShapeError, Tensor } from "../../../core/mod.ts";
import { linear, weightedChannelDropout, type WeightedChannelDropoutOptions } from "../../../plugins/mod.ts";
import { assertWithin, mean } from "../../core/_statistics.ts";
import { doubles, random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";

/** What becomes of `count` examples with the given scores, over maps of two entries: `[count][channels]`, the maps' means. */
function outputs(scores: number[], options: WeightedChannelDropoutOptions, count: number, step = 0): number[][] {
  const model = built(weightedChannelDropout(options), [scores.length, 2]);
  const x = Tensor.stack([doubles(scores).mul(0.5), doubles(scores).mul(1.5)], 1);
  const y = model.forward(x.broadcastTo([count, ...x.shape]), { mode: "train", step });
  return y.mean(2).toArray() as number[][];
}

Deno.test("weightedChannelDropout() keeps exactly M channels, the rest of the rate rounded, and at least one below rate 1", () => {
  for (const [channels, rate, kept] of [[4, 0.5, 2], [5, 0.2, 4], [10, 0.33, 7], [3, 0.99, 1], [8, 0.01, 8]]) {
    const scores = Array.from({ length: channels }, (_, i) => i + 1);
    for (const row of outputs(scores, { rate }, 50)) {
      assertEquals(row.filter((value) => value !== 0).length, kept, `${channels} channels at rate ${rate}`);
    }
  }
});

Deno.test("weightedChannelDropout() with M = 1 keeps a channel with probability score / sum", () => {
  const count = 40000;
  const rows = outputs([1, 2, 3, 4], { rate: 0.75 }, count);
  for (let i = 0; i < 4; i++) {
    const p = (i + 1) / 10;
    const found = rows.filter((row) => row[i] !== 0).length / count;
    assertWithin(found, p, Math.sqrt(p * (1 - p) / count), `channel ${i}`);
  }
});

Deno.test("weightedChannelDropout() with M = 2 includes scores 1, 2, 3, 4 as sampling without replacement does", () => {
  const count = 40000;
  const rows = outputs([1, 2, 3, 4], { rate: 0.5 }, count);
  [0.234524, 0.44127, 0.608333, 0.715873].forEach((p, i) => {
    const found = rows.filter((row) => row[i] !== 0).length / count;
    assertWithin(found, p, Math.sqrt(p * (1 - p) / count), `channel ${i}`);
  });
});

Deno.test("weightedChannelDropout() chooses channels without a score last, by chance among themselves", () => {
  const count = 4000;
  const one = outputs([0, 5, -3, 0], { rate: 0.75 }, count);
  for (const row of one) assertEquals(row, [0, 5, 0, 0]);
  // Three of four: the one with a score and two of the others, each with probability 2/3; the mean of the third is not 0.
  const three = outputs([0, 5, -3, 0], { rate: 0.25 }, count);
  const found = three.filter((row) => row[2] !== 0).length / count;
  assertWithin(found, 2 / 3, Math.sqrt(2 / 9 / count), "channel of a negative mean");
  assert(three.every((row) => Math.abs(row[1] - 5) < 1e-12), "all of the score is kept: nothing is scaled");
  const none = outputs([0, -1, -2, 0], { rate: 0.5 }, count);
  assert(none.flat().every((value) => Number.isFinite(value)));
  assert(none.every((row) => row[1] === 0 || row[1] === -1), "nothing to divide by: nothing is scaled");
});

Deno.test("weightedChannelDropout() chooses a channel that holds an infinity after all others, so that it is lost", () => {
  for (const value of [Infinity, -Infinity, NaN]) {
    for (const row of outputs([1, value, 0, -1], { rate: 0.25 }, 50)) {
      assertEquals(row[1], 0);
      assert(row.every(Number.isFinite));
    }
  }
});

Deno.test("weightedChannelDropout() scales each example so that the sum of its pooled map stays", () => {
  const scores = [0.3, 2, 0, 1.7, 0.9, 4];
  const sum = scores.reduce((total, score) => total + score);
  for (const rate of [0.2, 0.5, 0.8]) {
    for (const row of outputs(scores, { rate }, 40)) {
      assertAlmostEquals(row.reduce((total, value) => total + value), sum, 1e-9);
      const factors = row.map((value, i) => value / scores[i]).filter((value) => value > 0);
      for (const factor of factors) assertAlmostEquals(factor, factors[0], 1e-9);
    }
  }
});

Deno.test("weightedChannelDropout() drops chosen channels again at a flat rate, whatever their score", () => {
  const count = 20000;
  const rows = outputs([1, 2, 3, 4], { rate: 0, again: 0.4 }, count);
  for (let i = 0; i < 4; i++) {
    const found = rows.filter((row) => row[i] !== 0).length / count;
    assertWithin(found, 0.6, Math.sqrt(0.24 / count), `channel ${i}`);
  }
  const both = outputs([1, 2, 3, 4], { rate: 0.5, again: 0.4 }, count);
  const kept = mean(both.map((row) => row.filter((value) => value !== 0).length));
  assertWithin(kept, 1.2, Math.sqrt(2 * 0.24 / count), "channels kept of two");
  // The sum of the pooled map stays, whatever was dropped in the second place.
  const sums = both.map((row) => row.reduce((total, value) => total + value));
  assert(sums.every((sum) => sum === 0 || Math.abs(sum - 10) < 1e-9));
  // All lost: zeros, not NaN.
  assert(both.some((row) => row.every((value) => value === 0)));
});

Deno.test("weightedChannelDropout() draws for each example and step, of its own scores, and a split of the batch draws alike", () => {
  const model = built(weightedChannelDropout({ rate: 0.5 }), [4, 3]);
  const x = random([6, 4, 3], 1).abs();
  const at = (step: number, from = 0, to = 6) =>
    model.forward(x.slice([from], [to]), { mode: "train", step, sample: from });
  assertEquals(at(1).toArray(), at(1).toArray());
  assertEquals(at(1, 2, 5).toArray(), at(1).slice([2], [5]).toArray());
  assert(at(2).sub(at(1)).abs().max().item() > 0);
  assert(model.forward(x, { mode: "sample", step: 1 }).sub(at(1)).abs().max().item() > 0);
  assertStrictEquals(model.forward(x), x);
});

Deno.test("weightedChannelDropout() of channels last and of features does as of channels first", () => {
  const first = built(weightedChannelDropout({ rate: 0.5 }), [4, 3]);
  const last = built(weightedChannelDropout({ rate: 0.5, channels: "last" }), [3, 4]);
  const x = random([5, 4, 3], 1);
  const run = { mode: "train", step: 0 } as const;
  assertEquals(
    last.forward(x.transpose([0, 2, 1]), run).transpose([0, 2, 1]).toArray(),
    first.forward(x, run).toArray(),
  );
  const flat = built(weightedChannelDropout({ rate: 0.5 }), [4]).forward(random([5, 4], 1), run);
  assert((flat.toArray() as number[][]).every((row) => row.filter((value) => value !== 0).length === 2));
});

Deno.test("the gradient of weightedChannelDropout() is the scale where a channel is kept, and 0 elsewhere", () => {
  const model = built(weightedChannelDropout({ rate: 0.5 }), [4, 3]);
  const x = random([5, 4, 3], 1).withGradient();
  const y = model.forward(x, { mode: "train", step: 0 });
  const [dx] = gradients(y.sum(), [x]);
  assert(y.sub(x.mul(dx)).abs().max().item() < 1e-12);
  assertEquals(dx.floats.filter((value) => value === 0).length, 30);
});

Deno.test("weightedChannelDropout() at a rate of 0 is the identity, at 1 zeros with zero gradients, and follows a schedule", () => {
  const x = random([3, 4, 2], 1);
  const model = built(weightedChannelDropout({ rate: linear({ from: 0, to: 1 }) }), [4, 2]);
  const at = (input: Tensor, step: number) =>
    model.forward(input, { mode: "train", progress: { step, stepsPerEpoch: 100, totalSteps: 100 } });
  assertStrictEquals(at(x, 0), x);
  assertEquals((at(x.abs(), 50).sum(2).toArray() as number[][]).flat().filter((value) => value === 0).length, 6);
  for (const infinite of [false, true]) {
    const input = (infinite ? Tensor.full([3, 4, 2], Infinity, "float64") : x).withGradient();
    const y = at(input, 100);
    assertEquals([y.abs().max().item(), gradients(y.sum(), [input])[0].abs().max().item()], [0, 0]);
  }
  assertThrows(() => weightedChannelDropout({ rate: -1 }), OptionError, "rate: expected a number in [0, 1]");
  assertThrows(() => weightedChannelDropout({ again: 2 }), OptionError, "again: expected a number in [0, 1]");
  assertThrows(() => built(weightedChannelDropout(), []), ShapeError, "expected [batch, channels, ...]");
});
