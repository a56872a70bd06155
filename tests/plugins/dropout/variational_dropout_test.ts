/** Variational (locked) dropout: one mask for all steps, dropout without steps, the edges of the rate. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { gradients, keepProbability, OptionError, rateThreshold, Tensor } from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { dropout } from "../../../plugins/dropout/dropout.ts";
import { variationalDropout } from "../../../plugins/dropout/variational_dropout.ts";
import { linear } from "../../../plugins/schedules/linear.ts";
import { random } from "../../core/_tensors.ts";
import { correlation, mean, variance } from "../../core/_statistics.ts";
import { built } from "../_apply.ts";
import { assertNear } from "./_near.ts";

const train = { mode: "train", step: 0 } as const;

Deno.test("variationalDropout() drops a feature at all steps of a sequence or at none, and each sequence its own", () => {
  const rate = 0.3;
  const y = built(variationalDropout({ rate }), [7, 1000]).forward(Tensor.ones([5, 7, 1000], "float64"), train);
  assertEquals(y.min(1).toArray(), y.max(1).toArray());
  const masks = y.max(1);
  assertEquals(new Set(masks.floats), new Set([0, 1 / keepProbability(rateThreshold(rate))]));
  const dropped = masks.floats.filter((value) => value === 0).length;
  assertNear(dropped / 5000, rate, Math.sqrt(rate * (1 - rate) / 5000), "share dropped");
  const [first, second] = [masks.slice([0], [1]).floats, masks.slice([1], [2]).floats];
  assertNear(correlation(first, second), 0, 1 / Math.sqrt(1000), "correlation of two sequences");
});

Deno.test("variationalDropout() gives a sequence's sum over T steps the variance T^2 p / q, where dropout gives T p / q", () => {
  const [steps, count, rate] = [4, 40000, 0.5];
  const sumsOf = (variant: Parameters<typeof built>[0]) =>
    built(variant, [steps, count]).forward(Tensor.ones([1, steps, count], "float64"), train).sum(1).floats;
  for (
    const [variant, expected] of [[variationalDropout({ rate }), steps ** 2], [dropout({ rate }), steps]] as const
  ) {
    const squares = sumsOf(variant).map((sum) => (sum - steps) ** 2);
    // At this rate the squares of locked sums are all one number.
    const deviation = Math.sqrt(variance(squares)) + 1e-9;
    assertNear(mean(squares), expected, deviation / Math.sqrt(count), variant.plugin);
  }
});

Deno.test("variationalDropout() of [batch, features] is dropout, bit for bit", () => {
  const x = random([6, 50], 1);
  const run = (variant: Parameters<typeof built>[0]) => built(variant, [50], 4).forward(x, train).toArray();
  assertEquals(run(variationalDropout({ rate: 0.4 })), run(dropout({ rate: 0.4 })));
});

Deno.test("variationalDropout() locks the mask of images in a sequence, too", () => {
  const y = built(variationalDropout(), [3, 2, 4, 4]).forward(Tensor.ones([2, 3, 2, 4, 4], "float64"), train);
  assertEquals(y.min(1).toArray(), y.max(1).toArray());
  assertEquals(new Set(y.max(1).floats), new Set([0, 2]));
});

Deno.test("variationalDropout() has gradients, is the identity at a rate of 0 and at evaluation, and zero at 1", () => {
  const model = built(variationalDropout({ rate: 0.4 }), [3, 2]);
  for (const batch of [0, 1, 4]) checkGradient(([x]) => model.forward(x, train), [random([batch, 3, 2], 2)]);
  const x = Tensor.of([[[1, Infinity], [NaN, 2]]], "float64").withGradient();
  assertStrictEquals(built(variationalDropout(), [2, 2]).forward(x), x);
  assertEquals(built(variationalDropout({ rate: 0 }), [2, 2]).forward(x, train).toArray(), x.toArray());
  const gone = built(variationalDropout({ rate: 1 }), [2, 2]).forward(x, train);
  assertEquals(new Set([...gone.floats, ...gradients(gone.sum(), [x])[0].floats]), new Set([0]));
});

Deno.test("variationalDropout() follows a schedule, and refuses rates outside of [0, 1]", () => {
  const model = built(variationalDropout({ rate: linear({ from: 0, to: 1 }) }), [2, 5]);
  const at = (step: number) =>
    model.forward(Tensor.ones([1, 2, 5], "float64"), {
      mode: "train",
      progress: { step, stepsPerEpoch: 10, totalSteps: 10 },
    }).sum().item();
  assertEquals([at(0), at(10)], [10, 0]);
  assertThrows(() => variationalDropout({ rate: -0.1 }), OptionError, "[0, 1]");
});
