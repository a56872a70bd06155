/** Constraints: what they project, and what they leave alone. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { buildModel, Key, type Model, noGrad, OptimizerDriver, optionsAt, Tensor } from "../../core/mod.ts";
import { maxNorm } from "../../plugins/constraints/max_norm/max_norm.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { sgd } from "../../plugins/optimizers/sgd/sgd.ts";
import { linear } from "../../plugins/schedules/linear.ts";

function project(weight: Tensor, max: number): void {
  const constraint = maxNorm({ max });
  const model = { parameters: () => [{ name: "w", tensor: weight, constraint }] } as unknown as Model;
  const still = new OptimizerDriver(sgd({ learningRate: 0 }), model);
  still.update([Tensor.zeros(weight.shape, weight.dtype)], { step: 0, stepsPerEpoch: 1, totalSteps: 1 });
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
