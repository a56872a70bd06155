/**
 * Shakeout: the effective weight, its moments, the surrogate gradient, and its special cases. Statistics lie within four
 * standard errors (error probability 6e-5 each), with fixed seeds.
 */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { gradients, keepProbability, OptionError, rateThreshold, type Tensor } from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { conv2d, dense, linear, shakeout, type ShakeoutOptions } from "../../../plugins/mod.ts";
import { assertWithin, mean, variance } from "../../core/_statistics.ts";
import { doubles, random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";

/** What an input of 1 becomes by a single weight, under `count` masks. */
function effective(weight: number, options: ShakeoutOptions, count: number): Float64Array {
  const model = built(dense(1, { bias: false, weight: shakeout(options) }), [1]);
  model.parameters()[0].tensor.assign(doubles([[weight]]));
  return model.forward(doubles([[1]]).broadcastTo([count, 1]), { mode: "train", step: 0 }).floats as Float64Array;
}

Deno.test("shakeout() makes of a weight w either -c sgn w or (w + c p sgn w) / q, with mean w and variance (|w| + c)^2 p / q", () => {
  const count = 100000;
  for (const [w, c, p] of [[0.3, 0.1, 0.5], [-0.3, 0.1, 0.5], [0.2, 1, 0.3], [-2, 0.5, 0.8]]) {
    const q = keepProbability(rateThreshold(p));
    const values = effective(w, { rate: p, strength: c }, count);
    const sign = Math.sign(w);
    const [dropped, kept] = [-c * sign, (w + c * (1 - q) * sign) / q];
    for (const value of values) assert(Math.min(Math.abs(value - dropped), Math.abs(value - kept)) < 1e-12, `${value}`);
    const expected = (Math.abs(w) + c) ** 2 * (1 - q) / q;
    assertWithin(mean(values), w, Math.sqrt(expected / count), `mean of ${w}, ${c}, ${p}`);
    // Of two equally likely values the squared distance from the mean is one number, so that its error is of second order.
    const fourth = mean(values.map((value) => (value - w) ** 4));
    const error = Math.sqrt(Math.max(fourth - expected ** 2, 0) / count) + expected / count;
    assertWithin(variance(values), expected, error, `variance of ${w}, ${c}, ${p}`);
  }
  // The worked example: -0.1 or 0.7, with variance 0.16.
  const found = new Set(Array.from(effective(0.3, { rate: 0.5, strength: 0.1 }, 100), (value) => value.toFixed(12)));
  assertEquals([...found].sort(), ["-0.100000000000", "0.700000000000"]);
});

Deno.test("shakeout() leaves a weight of 0 at 0, and the bias alone", () => {
  assertEquals(new Set(effective(0, { strength: 3 }, 100)), new Set([0]));
  const model = built(dense(2, { weight: shakeout() }), [1]);
  const [weight, bias] = model.parameters().map(({ tensor }) => tensor);
  weight.assign(doubles([[0], [0]]));
  bias.assign(doubles([1, -2]));
  assertEquals(model.forward(random([1, 1], 1), { mode: "train", step: 0 }).toArray(), [[1, -2]]);
});

Deno.test("shakeout() draws once for an input of an example, for all units", () => {
  const model = built(dense(2, { bias: false, weight: shakeout({ rate: 0.5, strength: 1 }) }), [1]);
  model.parameters()[0].tensor.assign(doubles([[2], [-3]]));
  const y = model.forward(doubles([[1]]).broadcastTo([300, 1]), { mode: "train", step: 0 }).toArray() as number[][];
  for (const [a, b] of y) assertEquals(a < 0, b > 0, "both dropped or both kept");
  assertEquals(new Set(y.map(([a]) => a)).size, 2, "examples draw for themselves");
});

Deno.test("shakeout() of strength 0 is dropout of the inputs, in dense layers and convolutions", () => {
  for (
    const [shape, layer] of [
      [[4], (weight?: ReturnType<typeof shakeout>) => dense(3, { ...(weight && { weight }) })],
      [[3, 4], (weight?: ReturnType<typeof shakeout>) => dense(3, { ...(weight && { weight }) })],
      [[2, 5, 5], (weight?: ReturnType<typeof shakeout>) => conv2d(3, 2, { ...(weight && { weight }) })],
    ] as const
  ) {
    const model = built(layer(shakeout({ rate: 0.4, strength: 0 })), shape);
    const plain = built(layer(), shape);
    plain.parameters().forEach(({ tensor }, i) => tensor.assign(model.parameters()[i].tensor));
    const x = random([3, ...shape], 1);
    const y = model.forward(x, { mode: "train", step: 5 });
    // Which inputs are dropped is seen from the gradient towards them.
    const inputs = x.detach().withGradient();
    const [found] = gradients(model.forward(inputs, { mode: "train", step: 5 }).sum(), [inputs]);
    const [all] = gradients(plain.forward(inputs).sum(), [inputs]);
    const q = keepProbability(rateThreshold(0.4));
    const mask = found.div(all).floats; // 0 or 1 / q
    assertEquals(mask.every((m) => Math.abs(m) < 1e-9 || Math.abs(m - 1 / q) < 1e-9), true);
    const thinned = x.mul(found.div(all));
    assert(plain.forward(thinned).sub(y).abs().max().item() < 1e-9);
  }
});

Deno.test("shakeout() in a convolution is the sum over the window of effective weights times inputs", () => {
  const model = built(conv2d(2, [1, 2], { bias: false, weight: shakeout({ rate: 0.5, strength: 0.25 }) }), [1, 1, 3]);
  const w = [[0.5, -1], [2, 0.75]];
  model.parameters()[0].tensor.assign(doubles(w).reshape([2, 1, 1, 2]));
  const x = [1, -2, 3];
  const seen = new Set<string>();
  for (let step = 0; step < 60; step++) {
    const y = model.forward(doubles(x).reshape([1, 1, 1, 3]), { mode: "train", step }).floats;
    const fits = [0, 1, 2, 3, 4, 5, 6, 7].filter((bits) => {
      const m = x.map((_, i) => (bits >> i) & 1 ? 2 : 0);
      const value = (unit: number, at: number) =>
        [0, 1].reduce((sum, tap) => {
          const weight = w[unit][tap];
          const used = m[at + tap] * weight + 0.25 * Math.sign(weight) * (m[at + tap] - 1);
          return sum + used * x[at + tap];
        }, 0);
      return [0, 1, 2, 3].every((i) => Math.abs(y[i] - value(i >> 1, i & 1)) < 1e-12);
    });
    assertEquals(fits.length, 1, `step ${step}`);
    seen.add(String(fits[0]));
  }
  assertEquals(seen.size, 8, "all masks occur");
});

Deno.test("the gradient of shakeout() towards a weight is m/q + c (m/q - 1) k (1 - tanh^2(k w)), not the derivative", () => {
  for (const k of [1, 4]) {
    const [w, c] = [0.3, 0.1];
    const model = built(dense(1, { bias: false, weight: shakeout({ rate: 0.5, strength: c, sharpness: k }) }), [1]);
    const weight = model.parameters()[0].tensor;
    weight.assign(doubles([[w]]));
    const seen = new Set<number>();
    for (let step = 0; step < 20; step++) {
      const y = model.forward(doubles([[1]]), { mode: "train", step });
      const m = y.item() < 0 ? 0 : 2;
      const [found] = gradients(y.sum(), [weight]);
      assertAlmostEquals(found.item(), m + c * (m - 1) * k * (1 - Math.tanh(k * w) ** 2), 1e-12);
      seen.add(m);
    }
    assertEquals(seen.size, 2);
  }
});

Deno.test("the gradient of shakeout() towards the input is that of differences", () => {
  const options = { rate: 0.5, strength: 0.7 };
  const layers: [Tensor, ReturnType<typeof built>][] = [
    [random([4, 3], 1), built(dense(2, { weight: shakeout(options) }), [3])],
    [random([2, 2, 4, 4], 1), built(conv2d(2, 2, { padding: 1, weight: shakeout(options) }), [2, 4, 4])],
  ];
  for (const [x, model] of layers) {
    for (const mode of ["train", "sample", "eval"] as const) {
      checkGradient(([x]) => model.forward(x, { mode, step: 1 }), [x]);
    }
  }
});

Deno.test("shakeout() is the plain layer at evaluation and at a rate of 0, and refuses a rate of 1 and wrong strengths", () => {
  const model = built(dense(2, { weight: shakeout({ rate: linear({ from: 0, to: 0.9 }) }) }), [3]);
  const x = random([4, 3], 1);
  const plain = model.forward(x);
  const [weight, bias] = model.parameters().map(({ tensor }) => tensor);
  assert(x.matmul(weight, { transposeB: true }).add(bias).sub(plain).abs().max().item() < 1e-12);
  model.configure("weight", { rate: 0.5 });
  assertEquals(model.forward(x).toArray(), plain.toArray());
  model.configure("weight", { rate: linear({ from: 0, to: 0.9 }) });
  const at = (step: number) =>
    model.forward(x, { mode: "train", progress: { step, stepsPerEpoch: 11, totalSteps: 11 } });
  assertEquals(at(0).toArray(), plain.toArray());
  assert(at(10).sub(plain).abs().max().item() > 1e-3);
  assertThrows(
    () => shakeout({ rate: 1 }),
    OptionError,
    "rate: expected a number in [0, 1): at 1 no weight has a mean",
  );
  assertThrows(() => shakeout({ strength: -1 }), OptionError, "strength: expected a number of at least 0");
  assertThrows(() => shakeout({ sharpness: 0 }), OptionError, "sharpness: expected a number above 0, found 0");
});
