/** Gaussian, alpha and spatial dropout: what each paper promises, gradients, sharing, and the edges of the rate. */
import { assert, assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  gradients,
  keepProbability,
  OptionError,
  type Plugin,
  rateThreshold,
  ShapeError,
  Tensor,
} from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import { alphaDropout } from "../../plugins/dropout/alpha_dropout.ts";
import { gaussianDropout } from "../../plugins/dropout/gaussian_dropout.ts";
import { spatialDropout } from "../../plugins/dropout/spatial_dropout.ts";
import { assertWithin, mean, variance } from "../core/_statistics.ts";
import { random } from "../core/_tensors.ts";
import { built } from "./_apply.ts";

/** The output in mode train of one input, under `count` independent masks: `[count, ...shape]`. */
function draws(variant: Plugin<"activation">, x: Tensor, count: number): Tensor {
  return built(variant, x.shape, 7).forward(x.broadcastTo([count, ...x.shape]), { mode: "train", step: 0 });
}

Deno.test("gaussianDropout() multiplies by noise of mean 1 and variance rate / (1 - rate)", () => {
  const count = 200000;
  for (const rate of [0.1, 0.5, 0.9]) {
    const y = draws(gaussianDropout({ rate }), Tensor.of([-2], "float64"), count).floats;
    const expected = 4 * rate / (1 - rate);
    assertWithin(mean(y), -2, Math.sqrt(expected / count), `mean at rate ${rate}`);
    assertWithin(variance(y), expected, expected * Math.sqrt(2 / count), `variance at rate ${rate}`);
  }
});

Deno.test("gaussianDropout() refuses a rate of 1, as a number and as the value of a schedule, and says why", () => {
  assertThrows(() => gaussianDropout({ rate: 1 }), OptionError, "no finite variance");
  const model = built(gaussianDropout({ rate: 0.5 }), [2]);
  assertThrows(() => model.configure("", { rate: 1 }), OptionError, "no finite variance");
});

Deno.test("alphaDropout() keeps mean and variance of a standard normal input", () => {
  const count = 400000;
  const x = random([count, 1], 3);
  for (const rate of [0.05, 0.1, 0.5, 0.8]) {
    const y = built(alphaDropout({ rate }), [1], 5).forward(x, { mode: "train", step: 0 }).floats;
    assertWithin(mean(y), 0, 1 / Math.sqrt(count), `mean at rate ${rate}`);
    const fourth = mean(y.map((value) => value ** 4) as Float64Array);
    assertWithin(variance(y), 1, Math.sqrt((fourth - 1) / count), `variance at rate ${rate}`);
  }
});

Deno.test("alphaDropout() scales by a and shifts by b of the paper, and drops to -alpha'", () => {
  // a and b to ten digits.
  const expected: Record<number, [a: number, b: number]> = {
    0.05: [0.9548444760, 0.0839355722],
    0.1: [0.9212845161, 0.1619709701],
    0.2: [0.8789035834, 0.3090399621],
    0.5: [0.8864048947, 0.7791939305],
  };
  for (const [rate, [a, b]] of Object.entries(expected)) {
    for (const input of [0, 1]) {
      const y = draws(alphaDropout({ rate: Number(rate) }), Tensor.of([input], "float64"), 200).floats;
      for (const value of y) assertAlmostEquals(value, (value < 0 ? -1.7580993408473766 : input) * a + b, 2e-9);
      assert(y.some((value) => value < 0) && y.some((value) => value > 0));
    }
  }
});

Deno.test("alphaDropout() drops whole channels when height and width are shared", () => {
  const y = draws(alphaDropout({ rate: 0.5, share: ["height", "width"] }), random([4, 3, 2], 1), 20);
  const spread = y.max([2, 3]).sub(y.min([2, 3])).floats;
  const dropped = spread.filter((value) => value === 0).length;
  assertWithin(dropped, 40, Math.sqrt(20), "channels dropped");
});

Deno.test("alphaDropout() at a rate of 1 gives what it tends to: zeros, with zero gradients", () => {
  const x = random([5, 3], 1).withGradient();
  const y = built(alphaDropout({ rate: 1 }), [3]).forward(x, { mode: "train", step: 0 });
  assertEquals(new Set(y.floats), new Set([0]));
  assertEquals(new Set(gradients(y.sum(), [x])[0].floats), new Set([0]));
  const nearly = built(alphaDropout({ rate: 1 - 2 ** -30 }), [3]).forward(x, { mode: "train", step: 0 });
  for (const value of nearly.floats) assertAlmostEquals(value, 0, 1e-4);
});

Deno.test("spatialDropout() drops or scales whole channels, each example its own", () => {
  for (const [channels, shape] of [["first", [40, 3, 2]], ["last", [3, 40]]] as const) {
    const y = draws(spatialDropout({ rate: 0.4, channels }), Tensor.ones(shape, "float64"), 50);
    const axes = channels === "first" ? [2, 3] : [1];
    const low = y.min(axes);
    assertEquals(low.toArray(), y.max(axes).toArray());
    for (const value of low.floats) {
      if (value !== 0) assertAlmostEquals(value, 1 / keepProbability(rateThreshold(0.4)), 1e-9);
    }
    assertWithin(mean(low.floats), 1, Math.sqrt(0.4 / 0.6 / 2000), "mean");
    const [first, second] = [low.slice([0], [1]).floats, low.slice([1], [2]).floats];
    assert(first.some((value, i) => value !== second[i]));
  }
});

Deno.test("spatialDropout() refuses an input without spatial axes and names what fits", () => {
  assertThrows(() => built(spatialDropout(), [8]), ShapeError, "for [batch, features] use dropout");
});

const variants: [Plugin<"activation">, readonly number[]][] = [
  [gaussianDropout({ rate: 0.3 }), [3]],
  [gaussianDropout({ rate: 0.3, share: ["batch"] }), [3]],
  [gaussianDropout({ rate: 0.3, share: ["time"] }), [2, 3]],
  [alphaDropout({ rate: 0.3 }), [1]],
  [alphaDropout({ rate: 0.3, share: ["width"] }), [2, 1, 3]],
  [spatialDropout({ rate: 0.3 }), [2, 3]],
  [spatialDropout({ rate: 0.3, channels: "last" }), [3, 2]],
];

for (const [variant, shape] of variants) {
  const title = `${variant.plugin}(${JSON.stringify(variant.options)})`;
  Deno.test(`${title}: gradients, evaluation, modes, keys and an empty batch`, () => {
    const model = built(variant, shape, 3);
    for (const batch of [0, 1, 5]) {
      checkGradient(([x]) => model.forward(x, { mode: "train", step: 0 }), [random([batch, ...shape], 2)]);
    }
    const x = random([4, ...shape], 1);
    assertStrictEquals(model.forward(x), x);
    const train = (step: number) => model.forward(x, { mode: "train", step }).toArray();
    assertEquals(train(1), train(1));
    assert(JSON.stringify(train(1)) !== JSON.stringify(train(2)));
    assert(JSON.stringify(model.forward(x, { mode: "sample", step: 1 }).toArray()) !== JSON.stringify(train(1)));
    const still = built(variant.with({ rate: 0 }), shape);
    assertEquals(still.forward(x, { mode: "train", step: 0 }).toArray(), x.toArray());
  });

  Deno.test(`${title}: a batch in parts draws what the whole batch draws`, () => {
    const model = built(variant, shape, 3);
    const x = random([6, ...shape], 1);
    const whole = model.forward(x, { mode: "train", step: 0 });
    const part = model.forward(x.slice([2], [6]), { mode: "train", step: 0, sample: 2 });
    assertEquals(whole.slice([2]).toArray(), part.toArray());
  });
}
