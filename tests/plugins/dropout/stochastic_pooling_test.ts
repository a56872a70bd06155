/**
 * Stochastic pooling: what is picked how often, the mean at evaluation, gradients and windows. Statistics lie within four
 * standard errors (error probability 6e-5 each), with fixed seeds.
 */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { gradients, OptionError, ShapeError, Tensor } from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { averagePool2d, maxPool2d, stochasticPooling } from "../../../plugins/mod.ts";
import { assertWithin, mean, variance } from "../../core/_statistics.ts";
import { apart, between, doubles, random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";

Deno.test("stochasticPooling() picks each entry with its share of the sum: 1, 2, 3, 4 has mean 3 and variance 1", () => {
  const count = 100000;
  const model = built(stochasticPooling(4), [1, 4]);
  const x = doubles([[[1, 2, 3, 4]]]);
  assertAlmostEquals(model.forward(x).item(), 3, 1e-12);
  for (const mode of ["train", "sample"] as const) {
    const y = model.forward(x.broadcastTo([count, 1, 4]), { mode, step: 0 }).floats;
    assertWithin(mean(y), 3, 1 / Math.sqrt(count), "mean");
    // The fourth central moment is 2.2.
    assertWithin(variance(y), 1, Math.sqrt(1.2 / count), "variance");
    for (const entry of [1, 2, 3, 4]) {
      const p = entry / 10;
      const found = y.filter((value) => value === entry).length / count;
      assertWithin(found, p, Math.sqrt(p * (1 - p) / count), `entry ${entry}`);
    }
  }
});

Deno.test("stochasticPooling() at evaluation is exactly the mean of training, in windows of any kind", () => {
  const count = 20000;
  for (
    const [shape, options] of [
      [[2, 5], { kernel: 3, stride: 2, padding: 1 }],
      [[1, 3, 4], { kernel: [2, 3], stride: 1 }],
      [[1, 2, 3, 2], { kernel: 2, stride: [1, 1, 2], padding: [0, 1, 0] }],
    ] as const
  ) {
    const { kernel, ...rest } = options;
    const model = built(stochasticPooling(kernel, rest), shape);
    const x = random([1, ...shape], 3); // half of the entries are below 0
    const expected = model.forward(x).floats;
    const y = model.forward(x.broadcastTo([count, ...shape]), { mode: "train", step: 0 }).reshape([count, -1]);
    for (let i = 0; i < expected.length; i++) {
      const values = y.slice([0, i], [count, i + 1]).floats;
      assertWithin(mean(values), expected[i], Math.sqrt(variance(values) / count) + 1e-12, `${shape}, place ${i}`);
    }
  }
});

Deno.test("stochasticPooling() keeps a constant window, and gives 0 for one without an entry above 0, without NaN", () => {
  const model = built(stochasticPooling(2), [3, 2, 2]);
  const x = Tensor.concat([[0.7], [0], [-1]].map((value) => doubles(value).broadcastTo([1, 1, 2, 2])), 1);
  for (const run of [{ mode: "eval" }, { mode: "train", step: 0 }] as const) {
    const inputs = x.withGradient();
    const y = model.forward(inputs, run);
    y.floats.forEach((value, i) => assertAlmostEquals(value, [0.7, 0, 0][i], 1e-15));
    const [dx] = gradients(y.sum(), [inputs]);
    assert(dx.floats.every(Number.isFinite));
    assertEquals([...dx.floats.subarray(4)], new Array(8).fill(0));
  }
});

Deno.test("stochasticPooling() draws for each window, channel, example and step", () => {
  const model = built(stochasticPooling(2), [2, 4, 4]);
  const x = Tensor.of([[1, 2], [3, 4]], "float64").broadcastTo([6, 2, 2, 2, 2, 2]).transpose([0, 1, 2, 4, 3, 5])
    .reshape([6, 2, 4, 4]);
  const whole = model.forward(x, { mode: "train", step: 1 });
  assertEquals(model.forward(x, { mode: "train", step: 1 }).toArray(), whole.toArray());
  assert(whole.sub(model.forward(x, { mode: "train", step: 2 })).abs().max().item() > 0);
  for (const axis of [0, 1, 2, 3]) assert(whole.max(axis).sub(whole.min(axis)).max().item() > 0, `axis ${axis}`);
  const part = model.forward(x.slice([2], [5]), { mode: "train", step: 1, sample: 2 });
  assertEquals(part.toArray(), whole.slice([2], [5]).toArray());
});

Deno.test("the gradient of stochasticPooling() goes to the picked entry, and at evaluation is (2 a - out) / sum", () => {
  const model = built(stochasticPooling(2), [1, 2, 2]);
  const x = doubles([[[[1, 2], [3, 4]]]]).withGradient();
  const seen = new Set<number>();
  for (let step = 0; step < 40; step++) {
    const y = model.forward(x, { mode: "train", step });
    const [dx] = gradients(y.sum(), [x]);
    assertEquals([...dx.floats], [1, 2, 3, 4].map((entry) => entry === y.item() ? 1 : 0));
    seen.add(y.item());
  }
  assertEquals(seen.size, 4);
  const [dx] = gradients(model.forward(x).sum(), [x]);
  [1, 2, 3, 4].forEach((entry, i) => assertAlmostEquals(dx.floats[i], (2 * entry - 3) / 10, 1e-12));
  const wide = built(stochasticPooling(3, { stride: 2, padding: 1 }), [2, 5, 4]);
  checkGradient(([x]) => wide.forward(x), [between(0.1, 2, [2, 2, 5, 4], 1)]);
  checkGradient(([x]) => wide.forward(x, { mode: "train", step: 0 }), [apart([2, 2, 5, 4], 1)]);
});

Deno.test("stochasticPooling() gives places as other poolings do, for batches of any size", () => {
  for (const options of [{ stride: 2 }, { stride: 1, padding: 1 }, { padding: "same" as const, stride: 3 }]) {
    for (const batch of [0, 1, 3]) {
      const x = random([batch, 2, 7, 5], 1);
      const shape = built(averagePool2d(3, options), [2, 7, 5]).forward(x).shape;
      for (const run of [{ mode: "eval" }, { mode: "train", step: 0 }] as const) {
        assertEquals(built(stochasticPooling(3, options), [2, 7, 5]).forward(x, run).shape, shape);
      }
    }
  }
  // A window of one entry is the entry.
  const x = between(0, 1, [2, 2, 3, 3], 1);
  const one = built(stochasticPooling(1), [2, 3, 3]);
  assertEquals(one.forward(x, { mode: "train", step: 0 }).toArray(), x.toArray());
  assertEquals(built(maxPool2d(1), [2, 3, 3]).forward(x).toArray(), x.toArray());
});

Deno.test("stochasticPooling() refuses inputs without windows and options of other axes", () => {
  assertThrows(() => built(stochasticPooling(2), [4]), ShapeError, "with one to three further axes");
  assertThrows(
    () => built(stochasticPooling([2, 2]), [1, 4]),
    OptionError,
    "kernel: expected a whole number or an array of 1",
  );
  assertThrows(() => stochasticPooling(0), OptionError, "kernel: expected a whole number of at least 1");
  assertThrows(() => stochasticPooling(2, { padding: -1 }), OptionError, "padding");
  assertThrows(() => built(stochasticPooling(2, { padding: 2 }), [1, 4]), OptionError, "at most half of the window");
});
