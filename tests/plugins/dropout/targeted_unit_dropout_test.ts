/**
 * Targeted dropout of units: which units are candidates, what is drawn, and what evaluation prunes. Statistics lie within
 * four standard errors (error probability 6e-5 each), with fixed seeds.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { gradients, type Model, OptionError, Tensor } from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { conv1d, dense, linear, targetedUnitDropout, type TargetedUnitDropoutOptions } from "../../../plugins/mod.ts";
import { assertWithin } from "../../core/_statistics.ts";
import { doubles, random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";

/** Units whose weights have the given norms. */
function layer(norms: readonly number[], options: TargetedUnitDropoutOptions): Model {
  const model = built(dense(norms.length, { weight: targetedUnitDropout(options) }), [2]);
  const [weight, bias] = model.parameters().map(({ tensor }) => tensor);
  weight.assign(doubles(norms.map((norm) => [0.6 * norm, -0.8 * norm])));
  bias.assign(Tensor.full([norms.length], 0.25, "float64"));
  return model;
}

/** Which units have weights in a pass, from what the input (1, 0) makes of them. */
function units(model: Model, run: Parameters<Model["forward"]>[1]): number[] {
  const y = model.forward(doubles([[1, 0]]), run).floats;
  return Array.from(y, (value) => value === 0.25 ? 0 : 1);
}

Deno.test("targetedUnitDropout() at evaluation prunes the floor(target units) units of the smallest norms, biases stay", () => {
  const norms = [5, 1, 4, 2, 3, 7, 6, 9, 8, 10];
  for (const [target, count] of [[0, 0], [0.19, 1], [0.5, 5], [0.7, 7], [0.99, 9], [1, 10]]) {
    const found = units(layer(norms, { target }), { mode: "eval" });
    assertEquals(found, norms.map((norm) => norm <= count ? 0 : 1), `target ${target}`);
  }
  // 0.29 of 100 is 29, although the product of the two numbers is below.
  const hundred = layer(Array.from({ length: 100 }, (_, i) => i + 1), { target: 0.29 });
  assertEquals(units(hundred, { mode: "eval" }).filter((kept) => kept === 0).length, 29);
});

Deno.test("targetedUnitDropout() takes the first of units with equal norms, and always as many as said", () => {
  assertEquals(units(layer([3, 3, 3, 3, 3, 3], { target: 0.5 }), { mode: "eval" }), [0, 0, 0, 1, 1, 1]);
  assertEquals(units(layer([3, 1, 3, 3, 1, 3], { target: 0.5 }), { mode: "eval" }), [0, 0, 1, 1, 0, 1]);
});

Deno.test("targetedUnitDropout() drops each candidate as a whole with its rate, unscaled, and no other unit", () => {
  const steps = 3000;
  for (const mode of ["train", "sample"] as const) {
    const model = layer([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], { rate: 0.3, target: 0.5 });
    const kept = new Array<number>(10).fill(0);
    let together = 0;
    for (let step = 0; step < steps; step++) {
      const y = model.forward(doubles([[1, 0], [0, 1]]), { mode, step }).sub(0.25).toArray() as number[][];
      y[0].forEach((value, i) => {
        const [a, b] = [0.6 * (i + 1), -0.8 * (i + 1)];
        const whole = value === 0 ? y[1][i] === 0 : Math.abs(value - a) < 1e-12 && Math.abs(y[1][i] - b) < 1e-12;
        assert(whole, "both weights of a unit, for both examples, or none");
        if (value !== 0) kept[i]++;
      });
      if (y[0][0] !== 0 && y[0][1] !== 0) together++;
    }
    const error = Math.sqrt(0.21 / steps);
    kept.forEach((count, i) => {
      if (i < 5) assertWithin(count / steps, 0.7, error, `unit ${i}`);
      else assertEquals(count, steps);
    });
    assertWithin(together / steps, 0.49, Math.sqrt(0.49 * 0.51 / steps), "two candidates draw for themselves");
    // Weights kept: 1 - alpha floor(gamma d) / d.
    const share = kept.reduce((sum, count) => sum + count, 0) / (10 * steps);
    assertWithin(share, 1 - 0.3 * 0.5, error * Math.sqrt(5) / 10, "share of the weights that are kept");
  }
});

Deno.test("targetedUnitDropout() with a rate of 1 trains the pruned net; with a target of 1 it is unscaled dropout of units", () => {
  const pruned = layer([1, 2, 3, 4], { rate: 1, target: 0.5 });
  assertEquals(units(pruned, { mode: "train", step: 3 }), units(pruned, { mode: "eval" }));
  assertEquals(units(layer([1, 2, 3, 4], { rate: 1, target: 1 }), { mode: "train", step: 0 }), [0, 0, 0, 0]);
  assertEquals(units(layer([1, 2, 3, 4], { rate: 0, target: 1 }), { mode: "train", step: 0 }), [1, 1, 1, 1]);
  assertEquals(units(layer([1, 2, 3, 4], { target: 0 }), { mode: "train", step: 0 }), [1, 1, 1, 1]);
});

Deno.test("dropped units of targetedUnitDropout() have gradients of 0, all others whole ones, and none is NaN", () => {
  for (const options of [{ rate: 0.5, target: 0.75 }, { rate: 1, target: 0.5 }, { rate: 1, target: 1 }]) {
    for (const run of [{ mode: "train", step: 2 }, { mode: "eval" }] as const) {
      const model = layer([1, 2, 3, 4], options);
      const weight = model.parameters()[0].tensor;
      const [found] = gradients(model.forward(doubles([[1, 2]]), run).sum(), [weight]);
      assertEquals(found.toArray(), units(model, run).map((kept) => [kept, 2 * kept]));
    }
  }
  const model = built(conv1d(4, 2, { weight: targetedUnitDropout() }), [2, 5]);
  const parameters = model.parameters().map(({ tensor }) => tensor);
  checkGradient(([x]) => model.forward(x, { mode: "train", step: 2 }), [random([2, 2, 5], 1)], { parameters });
});

Deno.test("targetedUnitDropout() of an infinite weight gives 0", () => {
  const model = layer([1, 2], { rate: 1, target: 1 });
  model.parameters()[0].tensor.assign(Tensor.full([2, 2], Infinity, "float64"));
  assertEquals(units(model, { mode: "train", step: 0 }), [0, 0]);
  assertEquals(units(model, { mode: "eval" }), [0, 0]);
});

Deno.test("targetedUnitDropout() ranks the filters of a convolution by all of their taps", () => {
  const model = built(conv1d(3, 2, { weight: targetedUnitDropout({ target: 0.34 }) }), [2, 4]);
  // Norms 2, sqrt(4.25), sqrt(3.25).
  model.parameters()[0].tensor.assign(doubles([[[2, 0], [0, 0]], [[0, 2], [0, 0.5]], [[1, 1], [1, 0.5]]]));
  const y = model.forward(Tensor.ones([1, 2, 4], "float64"));
  const bias = model.parameters()[1].tensor.floats;
  assertEquals([0, 1, 2].map((channel) => y.floats[3 * channel] === bias[channel]), [false, false, true]);
});

Deno.test("both numbers of targetedUnitDropout() may be schedules, and bad ones are refused", () => {
  const ramp = linear({ from: 0, to: 1 });
  const model = layer([4, 3, 2, 1], { rate: 1, target: ramp });
  const at = (step: number) => units(model, { mode: "train", progress: { step, stepsPerEpoch: 100, totalSteps: 100 } });
  assertEquals([at(0), at(50), at(100)], [[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]]);
  assertThrows(() => targetedUnitDropout({ rate: 1.5 }), OptionError, "rate: expected a number in [0, 1]");
  assertThrows(() => targetedUnitDropout({ target: -0.1 }), OptionError, "target: expected a number in [0, 1]");
});
