/**
 * Swapout: its four kinds of units, mean and variance, special cases, and the projection. Statistics lie within four standard
 * errors (error probability 6e-5 each), with fixed seeds.
 */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { gradients, type LayerPlugin, OptionError, predict, ShapeError, Tensor } from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import {
  conv2d,
  dense,
  linear,
  residual,
  sequential,
  swapout,
  type SwapoutOptions,
  tanh,
} from "../../../plugins/mod.ts";
import { assertWithin, mean, variance } from "../../core/_statistics.ts";
import { doubles, random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";

/** `y = t1 x + t2 F(x)` of `count` equal examples of x = 3, with F(x) = 5. */
function outputs(options: Omit<SwapoutOptions, "block">, count: number): number[] {
  const model = built(swapout(dense(1), options), [1]);
  model.parameters().forEach(({ tensor }) => tensor.assign(Tensor.full(tensor.shape, 1.25, "float64")));
  return [...model.forward(doubles([[3]]).broadcastTo([count, 1]), { mode: "train", step: 0 }).floats];
}

Deno.test("swapout() drops shortcut and block each for itself: mean q1 x + q2 F, variance q1 p1 x^2 + q2 p2 F^2", () => {
  const count = 60000;
  for (const [shortcutRate, blockRate] of [[0.5, 0.5], [0.25, 0.75], [0, 0.5], [0.5, 0], [1, 0.5]]) {
    const values = outputs({ shortcutRate, blockRate }, count);
    const [q1, q2] = [1 - shortcutRate, 1 - blockRate];
    const expected = { mean: q1 * 3 + q2 * 5, variance: q1 * shortcutRate * 9 + q2 * blockRate * 25 };
    for (
      const [value, p] of [[0, shortcutRate * blockRate], [3, q1 * blockRate], [5, shortcutRate * q2], [8, q1 * q2]]
    ) {
      const found = values.filter((other) => other === value).length / count;
      assertWithin(found, p, Math.sqrt(p * (1 - p) / count) + 1e-12, `${value} at ${shortcutRate}, ${blockRate}`);
    }
    assertWithin(mean(values), expected.mean, Math.sqrt(expected.variance / count), "mean");
    const fourth = mean(values.map((value) => (value - expected.mean) ** 4));
    // Where two values are equally likely the error is of second order.
    const error = Math.sqrt(Math.max(fourth - expected.variance ** 2, 0) / count) + expected.variance / count;
    assertWithin(variance(values), expected.variance, error, "variance");
  }
});

Deno.test("swapout() that shares its draws is dropout of the sum, unscaled", () => {
  const count = 40000;
  const values = outputs({ shared: true, shortcutRate: 0.3, blockRate: 0.3 }, count);
  assertEquals(new Set(values), new Set([0, 8]));
  assertWithin(values.filter((value) => value === 0).length / count, 0.3, Math.sqrt(0.21 / count), "dropped");
});

Deno.test("swapout() with rates of 0 is a residual layer, with rates of 1 zeros with zero gradients", () => {
  const [model, plain] = [
    built(swapout(sequential([dense(4), tanh()]), { shortcutRate: 0, blockRate: 0 }), [4]),
    built(residual(sequential([dense(4), tanh()])), [4]),
  ];
  plain.parameters().forEach(({ tensor }, i) => tensor.assign(model.parameters()[i].tensor));
  const x = random([3, 4], 1);
  for (const run of [{ mode: "eval" }, { mode: "train", step: 0 }] as const) {
    assertEquals(model.forward(x, run).toArray(), plain.forward(x, run).toArray());
    const none = built(swapout(dense(4), { shortcutRate: 1, blockRate: 1 }), [4]);
    const input = Tensor.full([2, 4], Infinity, "float64").withGradient();
    const y = none.forward(input, run);
    assertEquals(y.abs().max().item(), 0);
    assertEquals(gradients(y.sum(), [input])[0].abs().max().item(), 0);
    const parameters = none.parameters().map(({ tensor }) => tensor);
    for (const gradient of gradients(none.forward(x, run).sum(), parameters)) {
      assertEquals(gradient.abs().max().item(), 0);
    }
  }
});

Deno.test("swapout() at evaluation is the mean; predict with samples averages draws", () => {
  const options = { shortcutRate: 0.25, blockRate: 0.375 };
  const model = built(swapout(dense(2), options), [2]);
  const x = random([1, 2], 1);
  const [weight, bias] = model.parameters().map(({ tensor }) => tensor);
  const block = x.matmul(weight, { transposeB: true }).add(bias);
  const expected = x.mul(0.75).add(block.mul(0.625));
  const found = model.forward(x);
  found.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[i], 1e-12));
  const samples = 4000;
  const drawn = predict(model, x, { samples, seed: 1 });
  drawn.mean.floats.forEach((value, i) =>
    assertWithin(value, expected.floats[i], Math.sqrt(drawn.variance.floats[i] / samples), `unit ${i}`)
  );
  assert(drawn.variance.min().item() > 0);
});

Deno.test("swapout() drops units of the projected shortcut, where the block changes the shape", () => {
  const layer: LayerPlugin = swapout(conv2d(3, 3, { stride: 2, padding: 1 }), {
    shortcutRate: 0.5,
    blockRate: 1,
    projection: conv2d(3, 1, { stride: 2 }),
  });
  const model = built(layer, [2, 5, 5]);
  const x = random([4, 2, 5, 5], 1);
  const y = model.forward(x, { mode: "train", step: 0 });
  const projected = model.forward(x).mul(2); // evaluation gives half of it
  assertEquals(y.shape, [4, 3, 3, 3]);
  let zeros = 0;
  y.floats.forEach((value, i) => {
    if (value === 0) zeros++;
    else assertAlmostEquals(value, projected.floats[i], 1e-12);
  });
  assertWithin(zeros / y.size, 0.5, 0.5 / Math.sqrt(y.size), "units of the projection that are dropped");
  checkGradient(([x]) => model.forward(x, { mode: "train", step: 0 }), [x], {
    parameters: model.parameters().map(({ tensor }) => tensor),
  });
  assertThrows(() => built(swapout(dense(3)), [2]), ShapeError, "a projection on the shortcut can make them fit");
});

Deno.test("swapout() draws for each unit, example and step, alike for a split batch, at the rates of the moment", () => {
  const rate = linear({ from: 0, to: 1 });
  const model = built(swapout(dense(4), { shortcutRate: rate, blockRate: rate }), [4]);
  const x = random([6, 4], 1);
  const at = (step: number, from = 0, to = 6) =>
    model.forward(x.slice([from], [to]), {
      mode: "train",
      progress: { step, stepsPerEpoch: 100, totalSteps: 100 },
      step,
      sample: from,
    });
  assertEquals(at(50, 2, 5).toArray(), at(50).slice([2], [5]).toArray());
  assert(at(51).sub(at(50)).abs().max().item() > 0);
  const begun = { mode: "eval", progress: { step: 0, stepsPerEpoch: 100, totalSteps: 100 } } as const;
  assertEquals(at(0).toArray(), model.forward(x, begun).toArray());
  assertEquals(at(100).abs().max().item(), 0);
  assertThrows(() => swapout(dense(4), { blockRate: 2 }), OptionError, "blockRate: expected a number in [0, 1]");
});
