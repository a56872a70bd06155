/** What ShakeDrop promises: its factors on the way there and back, their moments, and its special cases. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { gradients, OptionError, type RunOptions, Tensor } from "../../../core/mod.ts";
import {
  dense,
  linear,
  relu,
  residual,
  shakeDrop,
  type ShakeDropOptions,
  stochasticDepth,
} from "../../../plugins/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { assertWithin, correlation, mean, variance } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";
import { withoutDraws } from "../_without_draws.ts";
import { counter } from "./_counted.ts";

const train = { mode: "train", step: 0 } as const;

/** Factors of a branch of ones on the way there, and of its gradient. */
function factorsOf(options: ShakeDropOptions, shape: number[], run: RunOptions = train): [number[], number[]] {
  const model = built(residual(relu(), { branch: shakeDrop(options) }), shape.slice(1), 5);
  const x = Tensor.ones(shape, "float64").withGradient();
  const y = model.forward(x, run);
  const [dx] = gradients(y.sum(), [x]);
  return [[...y.floats].map((value) => value - 1), [...dx.floats].map((value) => value - 1)];
}

Deno.test("factors of shakeDrop() have the mean q and the variance that the paper's ranges give, and 1 with probability q", () => {
  for (const rate of [0.2, 0.5, 0.9]) {
    const q = 1 - rate;
    const count = 40000;
    const [there, back] = factorsOf({ rate, mode: "row" }, [count, 1]);
    // Second moment q + (1 - q)/3; at q = 0.5 the variance is 0.416667. 4 standard errors: wrong once in 16,000 seeds.
    const spread = q + (1 - q) / 3 - q * q;
    assertWithin(mean(there), q, Math.sqrt(spread / count), `mean at ${rate}`);
    const fourth = q + (1 - q) / 5; // of a factor, about 0
    assertWithin(
      mean(there.map((factor) => factor * factor)),
      q + (1 - q) / 3,
      Math.sqrt((fourth - (q + (1 - q) / 3) ** 2) / count),
      `second moment at ${rate}`,
    );
    if (rate === 0.5) assert(Math.abs(variance(there) - 0.416667) < 0.02, String(variance(there)));
    assertWithin(mean(back), (1 + q) / 2, Math.sqrt((q + (1 - q) / 3 - ((1 + q) / 2) ** 2) / count), `back at ${rate}`);
    assertWithin(
      there.filter((factor) => factor === 1).length / count,
      q,
      Math.sqrt(q * rate / count),
      `kept at ${rate}`,
    );
    assert(there.every((factor) => factor >= -1 && factor <= 1));
    // The gradient's factors lie in {1} and [0, 1]; 1 where the branch was kept, and nowhere else.
    back.forEach((factor, i) => {
      assert(factor >= 0 && factor <= 1);
      assertEquals(factor === 1, there[i] === 1);
    });
    const shaken = there.map((factor, i) => [factor, back[i]]).filter(([factor]) => factor !== 1);
    const r = correlation(shaken.map(([factor]) => factor), shaken.map(([, factor]) => factor));
    assertWithin(r, 0, 1 / Math.sqrt(shaken.length), `alpha and beta at ${rate}`);
  }
});

Deno.test("shakeDrop() shares its factors by level, and draws whether to shake once for the batch", () => {
  const shape = [4, 3, 2, 2];
  /** How many factors differ among all entries, one example's, and one channel's. */
  const distinct = (factors: number[]) =>
    [factors, factors.slice(0, 12), factors.slice(0, 4)].map((part) => new Set(part).size);
  const expected = { batch: [1, 1, 1], sample: [4, 1, 1], channel: [12, 3, 1], pixel: [48, 12, 4] };
  for (const level of ["batch", "sample", "channel", "pixel"] as const) {
    let shaken = 0;
    for (let step = 0; step < 40; step++) {
      const [there, back] = factorsOf({ level }, shape, { mode: "train", step });
      if (there.every((factor) => factor === 1)) {
        assert(back.every((factor) => factor === 1));
        continue;
      }
      shaken++;
      assertEquals(distinct(there), expected[level], `${level}, there`);
      assertEquals(distinct(back), expected[level], `${level}, back`);
    }
    assertWithin(shaken / 40, 0.5, 0.5 / Math.sqrt(40), `${level}: shaken`);
  }
});

Deno.test("evaluation of shakeDrop() multiplies by the expectation, for any range", () => {
  const at = (options: ShakeDropOptions) => factorsOf(options, [1, 1], {})[0][0];
  assertAlmostEquals(at({ rate: 0.3 }), 0.7, 2 ** -16);
  for (const q of [0.2, 0.5, 1]) {
    // Factors in [0, 1]: (1 + q) / 2, not q.
    assertAlmostEquals(at({ rate: 1 - q, alpha: [0, 1] }), (1 + q) / 2, 2 ** -16);
  }
  assertAlmostEquals(at({ rate: 0.25, alpha: [-1, 3] }), 0.75 + 0.25, 2 ** -16);
  const [there] = factorsOf({ rate: 0.6, alpha: [0.5, 2], mode: "row" }, [40000, 1]);
  assertWithin(
    mean(there),
    at({ rate: 0.6, alpha: [0.5, 2] }),
    Math.sqrt(variance(there) / 40000),
    "the mean of draws",
  );
  const model = built(residual(relu(), { branch: shakeDrop() }), [1]);
  withoutDraws(() => model.forward(Tensor.ones([1, 1])));
});

Deno.test("shakeDrop() at a rate of 0 is the plain residual layer, gradients included", () => {
  const [there, back] = factorsOf({ rate: 0 }, [3, 2]);
  assertEquals([new Set(there), new Set(back)], [new Set([1]), new Set([1])]);
});

Deno.test("shakeDrop() at a rate of 1 shakes every branch, and what no example keeps evaluates to its shortcut", () => {
  const [there, back] = factorsOf({ rate: 1 }, [50, 2]);
  assert(there.every((factor) => factor > -1 && factor < 1) && back.every((factor) => factor > 0 && factor < 1));
  assertEquals(factorsOf({ rate: 1 }, [1, 1], {})[0], [0]);
  const [gone, none] = factorsOf({ rate: 1, alpha: [0, 0], beta: [0, 0] }, [3, 2]);
  assertEquals([new Set(gone), new Set(none)], [new Set([0]), new Set([0])]);
});

Deno.test("shakeDrop() with alpha and beta of 0 is stochastic depth in its paper's convention, bit for bit", () => {
  const zero = { alpha: [0, 0], beta: [0, 0] } as const;
  for (const mode of ["batch", "row"] as const) {
    const shaking = built(residual(dense(3), { branch: shakeDrop({ rate: 0.4, mode, ...zero }) }), [3], 2);
    const depth = built(residual(dense(3), { branch: stochasticDepth({ rate: 0.4, mode, convention: "classic" }) }), [
      3,
    ], 2);
    const x = random([6, 3], 1);
    for (let step = 0; step < 20; step++) {
      const run = { mode: "train", step } as const;
      const [found, expected] = [shaking, depth].map((model) => {
        const input = x.clone().withGradient();
        const y = model.forward(input, run);
        return [y, ...gradients(y.square().sum(), [input, ...model.parameters().map(({ tensor }) => tensor)])];
      });
      found.forEach((tensor, i) =>
        tensor.floats.forEach((value, j) => assertAlmostEquals(value, expected[i].floats[j], 1e-12))
      );
    }
    assertEquals(shaking.forward(x).toArray(), depth.forward(x).toArray());
  }
});

Deno.test("shakeDrop() with alpha and beta of 0 does not compute a branch that no example keeps", () => {
  const { layer, rows } = counter();
  const branch = shakeDrop({ alpha: [0, 0], beta: [0, 0] });
  const model = built(residual(layer(), { branch }), [1], 2);
  rows.length = 0;
  let kept = 0;
  for (let step = 0; step < 40; step++) {
    if (model.forward(Tensor.ones([2, 1], "float64"), { mode: "train", step }).floats[0] === 3) kept++;
  }
  assertEquals(rows, Array(kept).fill(2));
  assert(kept > 5 && kept < 35);
});

Deno.test("an infinity that shakeDrop() drops gives 0, and no gradient", () => {
  const model = built(
    residual(relu(), { branch: shakeDrop({ rate: 0.5, alpha: [0, 0], beta: [0, 0], mode: "row" }) }),
    [
      1,
    ],
    2,
  );
  const x = Tensor.full([40, 1], Infinity, "float64").withGradient();
  const [dx] = gradients(model.forward(x, train).sum(), [x]);
  assertEquals(new Set(dx.floats), new Set([1, 2]));
  assertEquals(new Set(model.forward(x, train).floats), new Set([Infinity]), "never NaN");
});

Deno.test("with beta as alpha fixed, the gradient of shakeDrop() is that of what is computed", () => {
  const branch = shakeDrop({ rate: 0.5, alpha: [0.25, 0.25], beta: [0.25, 0.25], mode: "row" });
  const model = built(residual(dense(3), { branch }), [3]);
  checkGradient(([x]) => model.forward(x, { mode: "train", step: 1 }), [random([5, 3], 1)]);
});

Deno.test("draws of shakeDrop() belong to the example, however the batch is split, and mode sample draws too", () => {
  const model = built(residual(relu(), { branch: shakeDrop({ rate: 0.7, mode: "row" }) }), [3], 3);
  const x = Tensor.ones([6, 3], "float64");
  for (const mode of ["train", "sample"] as const) {
    const whole = model.forward(x, { mode, step: 1 });
    const parts = [0, 4].map((sample) =>
      model.forward(x.slice([0], [sample === 0 ? 4 : 2]), { mode, step: 1, sample })
    );
    assertEquals(Tensor.concat(parts).toArray(), whole.toArray());
    assert(new Set(whole.floats).size > 5);
  }
});

Deno.test("the rate of shakeDrop() may be a schedule, which evaluation follows", () => {
  const model = built(residual(relu(), { branch: shakeDrop({ rate: linear({ from: 0, to: 1 }) }) }), [1]);
  const at = (step: number) =>
    model.forward(Tensor.ones([1, 1], "float64"), { progress: { step, stepsPerEpoch: 100, totalSteps: 100 } }).item() -
    1;
  assertEquals(at(0), 1);
  assertAlmostEquals(at(25), 0.75, 2 ** -16);
});

Deno.test("shakeDrop() refuses ranges that are none", () => {
  const message = "expected two numbers, the smaller one first";
  assertThrows(() => shakeDrop({ alpha: [1, -1] }), OptionError, `shake-drop.alpha: ${message}`);
  assertThrows(() => shakeDrop({ beta: [0] as never }), OptionError, "shake-drop.beta: ");
  assertThrows(() => shakeDrop({ level: "image" as never }), OptionError, "shake-drop.level: ");
  assertThrows(() => shakeDrop({ rate: -1 }), OptionError, "shake-drop.rate: expected a number in [0, 1]");
});
