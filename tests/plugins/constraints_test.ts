/** Constraints: what they project, and what they leave alone. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  Key,
  type Model,
  noGrad,
  OptimizerDriver,
  OptionError,
  optionsAt,
  type Plugin,
  Tensor,
} from "../../core/mod.ts";
import { maxNorm } from "../../plugins/constraints/max_norm/max_norm.ts";
import { minMaxNorm } from "../../plugins/constraints/min_max_norm.ts";
import { nonNegative } from "../../plugins/constraints/non_negative.ts";
import { unitNorm } from "../../plugins/constraints/unit_norm.ts";
import { embedding } from "../../plugins/layers/embedding.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { sgd } from "../../plugins/optimizers/sgd/sgd.ts";
import { linear } from "../../plugins/schedules/linear.ts";

function project(weight: Tensor, max: number): void {
  constrain(weight, maxNorm({ max }));
}

function constrain(weight: Tensor, constraint: Plugin<"constraint">): Tensor {
  const model = { parameters: () => [{ name: "w", tensor: weight, constraint }] } as unknown as Model;
  const still = new OptimizerDriver(sgd({ learningRate: 0 }), model);
  still.update([Tensor.zeros(weight.shape, weight.dtype)], { step: 0, stepsPerEpoch: 1, totalSteps: 1 });
  return weight;
}

const norm = (row: Tensor) => Math.sqrt(row.square().sum().item());

Deno.test("maxNorm() shrinks longer rows to its length, keeps their direction, and leaves others bit for bit", () => {
  const weight = Tensor.of([[3, 4], [0.3, -0.4], [0, 0], [-6, 8], [0.6, 0.8]], "float64");
  const before = weight.clone();
  project(weight, 2);
  assertAlmostEquals(weight.floats[0], 1.2, 1e-15);
  assertAlmostEquals(weight.floats[1], 1.6, 1e-15);
  assertAlmostEquals(weight.floats[6], -1.2, 1e-15);
  for (const row of [1, 2, 4]) {
    assertEquals(weight.slice([row], [row + 1]).floats, before.slice([row], [row + 1]).floats);
  }
});

Deno.test("maxNorm() leaves short rows of random float32 weights bit for bit, and shortens all long ones", () => {
  const weight = Tensor.normal([200, 9], Key.seed(1));
  const before = weight.clone();
  project(weight, 3);
  let short = 0;
  for (let i = 0; i < 200; i++) {
    const [row, was] = [weight, before].map((tensor) => tensor.slice([i], [i + 1]));
    if (norm(was) < 3 - 1e-6) {
      short++;
      assertEquals(row.floats, was.floats);
    }
    assert(norm(row) <= 3 * (1 + 1e-6), `row ${i}: ${norm(row)}`);
  }
  assert(short > 50 && short < 150, String(short));
});

Deno.test("maxNorm() takes all axes but the first together, as for the kernels of a convolution", () => {
  const weight = Tensor.full([2, 3, 2, 2], 1, "float64");
  project(weight, Math.sqrt(3));
  weight.floats.forEach((value) => assertAlmostEquals(value, 0.5, 1e-15));
});

Deno.test("a dense layer's constraint holds after each update, on its weight and not on its bias", () => {
  const model = buildModel(dense(4, { constraint: maxNorm({ max: 0.5 }) }), { inputShape: [3], seed: 1 });
  const driver = new OptimizerDriver(sgd({ learningRate: 1 }), model);
  const [weight, bias] = model.parameters().map((p) => p.tensor);
  noGrad(() =>
    driver.update([Tensor.full([4, 3], -5), Tensor.full([4], -5)], { step: 0, stepsPerEpoch: 1, totalSteps: 1 })
  );
  for (let i = 0; i < 4; i++) assertAlmostEquals(norm(weight.slice([i], [i + 1])), 0.5, 1e-6);
  assertEquals(bias.toArray(), [5, 5, 5, 5]);
});

Deno.test("maxNorm() may follow a schedule", () => {
  const constraint = maxNorm({ max: linear({ from: 4, to: 2 }) });
  assertEquals(optionsAt(constraint, { step: 5, stepsPerEpoch: 1, totalSteps: 10 }, "constraint").max, 3);
});

/** Rows of length 5, 0.5, 0, 10 and 1. */
const rows = () => Tensor.of([[3, 4], [0.3, -0.4], [0, 0], [-6, 8], [0.6, 0.8]], "float64");

function assertClose(found: Tensor, expected: readonly number[]): void {
  found.floats.forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-14, `entry ${i}`));
}

Deno.test("minMaxNorm() brings each row to the nearest allowed length, and leaves the others and zeros bit for bit", () => {
  const weight = constrain(rows(), minMaxNorm({ min: 0.75, max: 2 }));
  assertClose(weight, [1.2, 1.6, 0.45, -0.6, 0, 0, -1.2, 1.6, 0.6, 0.8]);
  assertEquals(weight.floats.slice(8), rows().floats.slice(8));
  assertEquals(weight.floats.slice(4, 6), new Float64Array(2));
});

Deno.test("minMaxNorm() by default is max-norm with length 1, and shrinks nothing inside of the ball", () => {
  const normal = Tensor.normal([300, 3], Key.seed(2));
  const weight = normal.mul(0.6);
  const before = weight.clone();
  constrain(weight, minMaxNorm());
  let inside = 0;
  for (let i = 0; i < 300; i++) {
    const [row, was] = [weight, before].map((tensor) => tensor.slice([i], [i + 1]));
    if (norm(was) < 1 - 1e-6) {
      inside++;
      assertEquals(row.floats, was.floats);
    } else assertAlmostEquals(norm(row), Math.min(1, norm(was)), 1e-6);
  }
  assert(inside > 50 && inside < 250, String(inside));
});

Deno.test("minMaxNorm() goes a share of the way where it is told so", () => {
  const weight = constrain(rows(), minMaxNorm({ min: 1, max: 2, strength: 0.25 }));
  // Lengths 5 to 4.25, 0.5 to 0.625, 10 to 8; zeros and length 1 stay.
  assertClose(weight, [2.55, 3.4, 0.375, -0.5, 0, 0, -4.8, 6.4, 0.6, 0.8]);
});

Deno.test("unitNorm() divides each row by its length, but for zeros", () => {
  assertClose(constrain(rows(), unitNorm()), [0.6, 0.8, 0.6, -0.8, 0, 0, -0.6, 0.8, 0.6, 0.8]);
  for (const dtype of ["float32", "float64"] as const) {
    const tiny = constrain(Tensor.full([1, 4], 1e-12, dtype), unitNorm());
    tiny.floats.forEach((value) => assertAlmostEquals(value, 0.5, 1e-6));
    assertEquals(constrain(Tensor.zeros([2, 3], dtype), unitNorm()).floats.every((value) => value === 0), true);
  }
});

Deno.test("nonNegative() sets what is below 0 to 0 and leaves the rest bit for bit", () => {
  const weight = constrain(Tensor.of([[1.5, -2, 0], [-1e-30, 1e-30, 3]], "float64"), nonNegative());
  assertEquals(weight.toArray(), [[1.5, 0, 0], [0, 1e-30, 3]]);
});

Deno.test("constraints on lengths take a filter as a whole, or each of its windows", () => {
  const filters = () => Tensor.of([[[3, 4], [0, 1]], [[0, 0], [12, -5]]], "float64"); // two filters, two channels, windows of 2
  const [a, b] = [Math.sqrt(26), 13]; // lengths of the filters
  assertClose(constrain(filters(), unitNorm()), [3 / a, 4 / a, 0, 1 / a, 0, 0, 12 / b, -5 / b]);
  assertClose(constrain(filters(), unitNorm({ per: "kernel" })), [0.6, 0.8, 0, 1, 0, 0, 12 / 13, -5 / 13]);
  assertClose(constrain(filters(), maxNorm({ max: 13 / 2 })), [3, 4, 0, 1, 0, 0, 6, -2.5]);
  assertClose(constrain(filters(), maxNorm({ max: 2.5, per: "kernel" })), [
    1.5,
    2,
    0,
    1,
    0,
    0,
    12 * 2.5 / 13,
    -5 * 2.5 / 13,
  ]);
  const between = minMaxNorm({ min: 2, max: 6.5, per: "kernel" });
  assertClose(constrain(filters(), between), [3, 4, 0, 2, 0, 0, 6, -2.5]);
  for (const constraint of [maxNorm({ per: "kernel" }), minMaxNorm({ per: "kernel" }), unitNorm({ per: "kernel" })]) {
    assertThrows(() => constrain(rows(), constraint), OptionError, 'expected "unit" at a weight without windows');
  }
});

Deno.test("minMaxNorm() refuses lengths out of order, also where a schedule brings them so", () => {
  assertThrows(
    () => minMaxNorm({ min: 2, max: 1 }),
    OptionError,
    "min-max-norm.max: expected a number of at least min",
  );
  assertThrows(() => minMaxNorm({ min: -1 }), OptionError, "min-max-norm.min");
  assertThrows(() => minMaxNorm({ strength: 0 }), OptionError, "min-max-norm.strength");
  assertThrows(() => unitNorm({ per: "row" as "unit" }), OptionError, "unit-norm.per");
  const rising = minMaxNorm({ min: linear({ from: 0, to: 4, over: 1 }), max: 1 });
  const at = (step: number) => optionsAt(rising, { step, stepsPerEpoch: 10, totalSteps: 10 }, "min-max-norm");
  assertEquals(at(1).min, 0.4);
  assertThrows(() => at(10), OptionError, "min-max-norm.max");
});

Deno.test("an embedding's constraint holds for each symbol's vector", () => {
  const model = buildModel(embedding(4, 3, { constraint: unitNorm() }), { inputShape: [2], inputType: "int32" });
  const driver = new OptimizerDriver(sgd({ learningRate: 0.1 }), model);
  const [table] = model.parameters().map((p) => p.tensor);
  noGrad(() => driver.update([Tensor.ones([4, 3])], { step: 0, stepsPerEpoch: 1, totalSteps: 1 }));
  for (let i = 0; i < 4; i++) assertAlmostEquals(norm(table.slice([i], [i + 1])), 1, 1e-6);
});
