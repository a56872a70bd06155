/**
 * Max-pooling dropout: probabilities of ranks, inputs of any sign, the mean at evaluation, and gradients. Statistics lie
 * within four standard errors (error probability 6e-5 each), with fixed seeds.
 */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { gradients, OptionError, ShapeError, Tensor } from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { linear, maxPool2d, maxPoolingDropout } from "../../../plugins/mod.ts";
import { assertWithin, mean, variance } from "../../core/_statistics.ts";
import { apart, doubles, random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";

Deno.test("maxPoolingDropout() gives rank k of a window with probability q p^(k - 1), and 0 with p^n", () => {
  const count = 60000;
  for (const [rate, expected, spread] of [[0.5, 3.0625, 1.43359375], [0.2, 3.7504, 0.3088998]] as const) {
    const model = built(maxPoolingDropout(4, { rate }), [1, 4]);
    const x = doubles([[[2, 4, 1, 3]]]);
    // Rates that are no multiple of 2^-16 are rounded in training.
    assertAlmostEquals(model.forward(x).item(), expected, 1e-12);
    for (const mode of ["train", "sample"] as const) {
      const y = model.forward(x.broadcastTo([count, 1, 4]), { mode, step: 0 }).floats;
      for (const value of [0, 1, 2, 3, 4]) {
        const p = value === 0 ? rate ** 4 : (1 - rate) * rate ** (4 - value);
        const found = y.filter((other) => other === value).length / count;
        assertWithin(found, p, Math.sqrt(p * (1 - p) / count), `${value} at rate ${rate}`);
      }
      assertWithin(mean(y), expected, Math.sqrt(spread / count), "mean");
      const fourth = mean(y.map((value) => (value - expected) ** 4) as Float64Array);
      assertWithin(variance(y), spread, Math.sqrt((fourth - spread ** 2) / count), "variance");
    }
  }
});

Deno.test("maxPoolingDropout() of inputs of any sign: evaluation is the mean over all masks", () => {
  const windows = [[3, -1, 2, -5], [-1, -2, -3, -0.5], [0, -1, 2, 0], [1, 1, 2, -1], [0, 0, 0, 0], [-1, 0, -2, -3]];
  for (const rate of [0.3, 0.5, 0.9]) {
    const model = built(maxPoolingDropout(4, { rate }), [1, 4]);
    for (const window of windows) {
      let expected = 0;
      for (let bits = 0; bits < 16; bits++) {
        const kept = window.map((_, i) => (bits >> i) & 1);
        const probability = kept.reduce((p, bit) => p * (bit === 1 ? 1 - rate : rate), 1);
        expected += probability * Math.max(...window.map((value, i) => kept[i] === 1 ? value : 0));
      }
      assertAlmostEquals(model.forward(doubles([[window]])).item(), expected, 1e-12, `${window} at rate ${rate}`);
    }
  }
});

Deno.test("maxPoolingDropout() at evaluation is the mean of training in windows that overlap or reach into the padding", () => {
  const count = 20000;
  for (
    const [shape, options] of [
      [[2, 5], { kernel: 3, stride: 2, padding: 1 }],
      [[1, 3, 4], { kernel: [2, 3], stride: 1 }],
      [[1, 2, 3, 2], { kernel: 2, stride: [1, 1, 2], padding: [0, 1, 0] }],
    ] as const
  ) {
    const { kernel, ...rest } = options;
    const model = built(maxPoolingDropout(kernel, { ...rest, rate: 0.25 }), shape);
    for (const x of [random([1, ...shape], 3), random([1, ...shape], 3).abs().neg()]) {
      const expected = model.forward(x).floats;
      const y = model.forward(x.broadcastTo([count, ...shape]), { mode: "train", step: 0 }).reshape([count, -1]);
      for (let i = 0; i < expected.length; i++) {
        const values = y.slice([0, i], [count, i + 1]).floats;
        assertWithin(mean(values), expected[i], Math.sqrt(variance(values) / count) + 1e-12, `${shape}, place ${i}`);
      }
    }
  }
});

Deno.test("maxPoolingDropout() at a rate of 0 is max pooling, and at 1 zeros with zero gradients, in every mode", () => {
  const x = random([2, 2, 5, 4], 1);
  x.floats[3] = Infinity;
  const [none, all] = [0, 1].map((rate) => built(maxPoolingDropout(3, { rate, padding: 1, stride: 2 }), [2, 5, 4]));
  const expected = built(maxPool2d(3, { padding: 1, stride: 2 }), [2, 5, 4]).forward(x);
  for (const run of [{ mode: "eval" }, { mode: "train", step: 0 }, { mode: "sample", step: 0 }] as const) {
    assertEquals(none.forward(x, run).toArray(), expected.toArray());
    const inputs = x.detach().withGradient();
    const y = all.forward(inputs, run);
    assertEquals([y.abs().max().item(), y.shape], [0, expected.shape]);
    assertEquals(gradients(y.sum(), [inputs])[0].abs().max().item(), 0);
  }
});

Deno.test("the gradient of maxPoolingDropout() goes to the winner, and nowhere where a dropped entry wins", () => {
  const model = built(maxPoolingDropout(2, { rate: 0.5 }), [1, 2, 2]);
  const x = doubles([[[[1, -2], [3, 4]]]]).withGradient();
  const seen = new Set<number>();
  for (let step = 0; step < 200; step++) {
    const y = model.forward(x, { mode: "train", step });
    const [dx] = gradients(y.sum(), [x]);
    assertEquals([...dx.floats], [1, -2, 3, 4].map((entry) => entry === y.item() ? 1 : 0));
    seen.add(y.item());
  }
  assertEquals([...seen].sort(), [0, 1, 3, 4]);
  const [dx] = gradients(model.forward(x).sum(), [x]);
  assertEquals([...dx.floats], [0.125, 0, 0.25, 0.5]);
  const wide = built(maxPoolingDropout(3, { stride: 2, padding: 1, rate: 0.3 }), [2, 5, 4]);
  for (const run of [{ mode: "eval" }, { mode: "train", step: 0 }] as const) {
    checkGradient(([x]) => wide.forward(x, run), [apart([2, 2, 5, 4], 1)]);
    checkGradient(([x]) => wide.forward(x, run), [apart([2, 2, 5, 4], 1).sub(10)]);
  }
});

Deno.test("maxPoolingDropout() draws for each entry, example and step, and follows a schedule", () => {
  const model = built(maxPoolingDropout(2, { rate: linear({ from: 0, to: 1 }) }), [2, 4, 4]);
  const x = apart([1, 2, 4, 4], 1).abs().broadcastTo([6, 2, 4, 4]);
  const at = (step: number, from = 0, to = 6) =>
    model.forward(x.slice([from], [to]), {
      mode: "train",
      progress: { step, stepsPerEpoch: 100, totalSteps: 100 },
      step,
      sample: from,
    });
  const whole = at(60);
  assertEquals(at(60).toArray(), whole.toArray());
  assertEquals(at(60, 2, 5).toArray(), whole.slice([2], [5]).toArray());
  assert(whole.max(0).sub(whole.min(0)).max().item() > 0);
  assert(at(61).sub(whole).abs().max().item() > 0);
  assertEquals(at(0).toArray(), built(maxPool2d(2), [2, 4, 4]).forward(x).toArray());
  assertEquals(at(100).abs().max().item(), 0);
});

Deno.test("maxPoolingDropout() keeps the shape of max pooling for batches of any size, and refuses what has no windows", () => {
  for (const batch of [0, 1, 3]) {
    const model = built(maxPoolingDropout(2), [2, 4, 5]);
    const x = Tensor.ones([batch, 2, 4, 5], "float64");
    for (const run of [{ mode: "eval" }, { mode: "train", step: 0 }] as const) {
      assertEquals(model.forward(x, run).shape, [batch, 2, 2, 2]);
    }
  }
  assertThrows(() => built(maxPoolingDropout(2), [4]), ShapeError, "with one to three further axes");
  assertThrows(() => built(maxPoolingDropout(2, { stride: [1, 1] }), [1, 4]), OptionError, "stride");
  assertThrows(() => maxPoolingDropout(2, { rate: 2 }), OptionError, "rate: expected a number in [0, 1]");
});
