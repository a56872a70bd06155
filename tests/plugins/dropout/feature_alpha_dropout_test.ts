/** Feature alpha dropout: whole channels, the paper's constants, moments, the edges of the rate. */
import { assert, assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { gradients, OptionError, ShapeError, Tensor } from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { alphaDropout } from "../../../plugins/dropout/alpha_dropout.ts";
import { featureAlphaDropout } from "../../../plugins/dropout/feature_alpha_dropout.ts";
import { mean, variance } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";
import { assertNear } from "./_near.ts";

const train = { mode: "train", step: 0 } as const;

Deno.test("featureAlphaDropout() drops whole channels to -alpha', each example its own, and scales and shifts all", () => {
  // a and b of alpha dropout at the rate 0.2, to ten digits.
  const [a, b, least] = [0.8789035834, 0.3090399621, -1.7580993408473766];
  for (const channels of ["first", "last"] as const) {
    const [shape, axes] = channels === "first" ? [[500, 2, 3], [2, 3]] : [[2, 3, 500], [1, 2]];
    const y = built(featureAlphaDropout({ rate: 0.2, channels }), shape).forward(
      Tensor.ones([4, ...shape], "float64"),
      train,
    );
    const values = y.min(axes);
    assertEquals(values.toArray(), y.max(axes).toArray());
    for (const value of values.floats) assertAlmostEquals(value, (value < 0 ? least : 1) * a + b, 2e-9);
    const dropped = values.floats.filter((value) => value < 0).length;
    assertNear(dropped / 2000, 0.2, Math.sqrt(0.2 * 0.8 / 2000), "share of channels dropped");
    assert(values.slice([0], [1]).sub(values.slice([1], [2])).abs().max().item() > 1);
  }
});

Deno.test("featureAlphaDropout() keeps mean 0 and variance 1 of its input", () => {
  const count = 100000;
  for (const rate of [0.1, 0.5, 0.9]) {
    const y = built(featureAlphaDropout({ rate }), [count, 1]).forward(random([1, count, 1], 3), train).floats;
    const fourth = mean(y.map((value) => value ** 4));
    assertNear(mean(y), 0, 1 / Math.sqrt(count), `mean at rate ${rate}`);
    assertNear(variance(y), 1, Math.sqrt((fourth - 1) / count), `variance at rate ${rate}`);
  }
});

Deno.test("featureAlphaDropout() is alpha dropout that shares height and width, bit for bit", () => {
  const x = random([3, 8, 4, 5], 1);
  const run = (variant: Parameters<typeof built>[0]) => built(variant, [8, 4, 5], 9).forward(x, train).toArray();
  assertEquals(
    run(featureAlphaDropout({ rate: 0.3 })),
    run(alphaDropout({ rate: 0.3, share: ["height", "width"] })),
  );
});

Deno.test("featureAlphaDropout() has gradients, is the identity at a rate of 0 and at evaluation, and zero at 1", () => {
  const model = built(featureAlphaDropout({ rate: 0.4 }), [3, 2]);
  for (const batch of [0, 1, 4]) checkGradient(([x]) => model.forward(x, train), [random([batch, 3, 2], 2)]);
  const x = random([2, 3, 2], 1).withGradient();
  assertStrictEquals(model.forward(x), x);
  assertEquals(built(featureAlphaDropout({ rate: 0 }), [3, 2]).forward(x, train).toArray(), x.toArray());
  const gone = built(featureAlphaDropout({ rate: 1 }), [3, 2]).forward(x, train);
  assertEquals(new Set([...gone.floats, ...gradients(gone.sum(), [x])[0].floats]), new Set([0]));
});

Deno.test("featureAlphaDropout() refuses an input without spatial axes and names what fits, and rates outside of [0, 1]", () => {
  assertThrows(() => built(featureAlphaDropout(), [8]), ShapeError, "for [batch, features] use alphaDropout");
  assertThrows(() => featureAlphaDropout({ rate: 1.1 }), OptionError, "[0, 1]");
  assertThrows(() => featureAlphaDropout({ channels: "middle" as "last" }), OptionError, "channels");
});
