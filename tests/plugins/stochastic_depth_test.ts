/** What the paper of stochastic depth promises, its two conventions, and what is not computed. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  gradients,
  keepProbability,
  OptionError,
  rateThreshold,
  type RunOptions,
  Tensor,
} from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import {
  dense,
  linear,
  linearRates,
  residual,
  sequential,
  stochasticDepth,
  type StochasticDepthOptions,
} from "../../plugins/mod.ts";
import { assertWithin, mean } from "../core/_statistics.ts";
import { random } from "../core/_tensors.ts";
import { built } from "./_apply.ts";
import { withoutDraws } from "./_without_draws.ts";

let computed = 0;

/** Twice its input; counts how often it is computed. */
const double: Factory<"layer", Record<never, never>> = definePlugin({
  name: "double",
  options: z.object({}),
  forward(x) {
    computed++;
    return x.mul(2);
  },
});

/** What `double` and its shortcut make of ones: 1 where the branch is dropped. */
function ones(options: StochasticDepthOptions, batch: number, run: RunOptions, seed = 1): number[] {
  const model = built(residual(double(), { branch: stochasticDepth(options) }), [1], seed);
  computed = 0;
  return [...model.forward(Tensor.ones([batch, 1], "float64"), run).floats];
}

Deno.test("stochasticDepth() by rows keeps each example's branch unless it is dropped with the rate, scaled by the inverse of the rest", () => {
  for (const rate of [0.1, 0.5, 0.8]) {
    const found = ones({ rate }, 20000, { mode: "train", step: 0 });
    for (const value of found) {
      assert(
        value === 1 || Math.abs(value - 1 - 2 / keepProbability(rateThreshold(rate))) < 1e-8,
        String(value),
      );
    }
    const kept = mean(found.map((value) => value === 1 ? 0 : 1));
    assertWithin(kept, 1 - rate, Math.sqrt(rate * (1 - rate) / 20000), `rate ${rate}`);
  }
});

Deno.test("stochasticDepth() by batch gives all examples one draw, and does not compute a dropped branch", () => {
  const rate = 0.3;
  let kept = 0;
  for (let step = 0; step < 2000; step++) {
    const found = ones({ rate, mode: "batch" }, 3, { mode: "train", step }, 2);
    assertEquals(new Set(found).size, 1);
    assertEquals(computed, found[0] === 1 ? 0 : 1);
    kept += computed;
  }
  assertWithin(kept / 2000, 1 - rate, Math.sqrt(0.21 / 2000), "computed branches");
});

Deno.test("stochasticDepth() by rows does not compute a branch that no example keeps", () => {
  let left = 0;
  for (let step = 0; step < 300; step++) {
    const found = ones({ rate: 0.7 }, 2, { mode: "train", step });
    const nobody = found.every((value) => value === 1);
    assertEquals(computed, nobody ? 0 : 1);
    if (nobody) left++;
  }
  assertWithin(left / 300, 0.49, Math.sqrt(0.49 * 0.51 / 300), "branches left out");
});

Deno.test("stochasticDepth() with the classic convention scales at evaluation, as the paper does, and not in training", () => {
  const options = { rate: 0.75, convention: "classic" } as const;
  assertEquals(new Set(ones(options, 100, { mode: "train", step: 0 })), new Set([1, 3]));
  assertEquals(ones(options, 2, { mode: "eval" }), [1.5, 1.5]);
  assertEquals(ones({ rate: 0.75 }, 2, { mode: "eval" }), [3, 3]);
});

Deno.test("stochasticDepth() with a rate of 0 keeps every branch, of 1 none, with zero gradients", () => {
  for (const mode of ["row", "batch"] as const) {
    assertEquals(ones({ rate: 0, mode }, 3, { mode: "train", step: 0 }), [3, 3, 3]);
    const model = built(residual(dense(2), { branch: stochasticDepth({ rate: 1, mode }) }), [2]);
    const x = random([3, 2], 1).withGradient();
    const y = model.forward(x, { mode: "train", step: 0 });
    assertEquals(y.toArray(), x.toArray());
    const [dx, ...found] = gradients(y.sum(), [x, ...model.parameters().map(({ tensor }) => tensor)]);
    assertEquals(new Set(dx.floats), new Set([1]));
    for (const gradient of found) assertEquals(new Set(gradient.floats), new Set([0]));
  }
  assertEquals(ones({ rate: 1, convention: "classic" }, 2, { mode: "eval" }), [1, 1]);
  assertEquals(computed, 0);
});

Deno.test("stochasticDepth() has right gradients, the draws held, for sequences and images too", () => {
  for (const mode of ["row", "batch"] as const) {
    for (const convention of ["inverted", "classic"] as const) {
      for (const shape of [[5, 3], [4, 1, 3], [3, 2, 2, 3]]) {
        const branch = stochasticDepth({ rate: 0.4, mode, convention });
        const model = built(residual(sequential([dense(3), double()]), { branch }), shape.slice(1));
        for (const step of [1, 2, 3]) {
          checkGradient(([x]) => model.forward(x, { mode: "train", step }), [random(shape, 1)]);
        }
      }
    }
  }
});

Deno.test("draws of stochasticDepth() belong to the example, and a batch's to the step, however the batch is split", () => {
  for (const mode of ["row", "batch"] as const) {
    for (let step = 0; step < 20; step++) {
      const whole = ones({ rate: 0.5, mode }, 6, { mode: "train", step });
      const parts = [0, 4].map((sample) =>
        ones({ rate: 0.5, mode }, sample === 0 ? 4 : 2, { mode: "train", step, sample })
      );
      assertEquals(parts.flat(), whole);
    }
  }
});

Deno.test("the rate of stochasticDepth() may be a schedule", () => {
  const model = built(residual(double(), { branch: stochasticDepth({ rate: linear({ from: 0, to: 1 }) }) }), [1]);
  const kept = (step: number) => {
    const progress = { step, stepsPerEpoch: 101, totalSteps: 101 };
    const y = model.forward(Tensor.ones([4000, 1], "float64"), { mode: "train", progress });
    return mean([...y.floats].map((value) => value === 1 ? 0 : 1));
  };
  assertEquals(kept(0), 1);
  assertWithin(kept(50), 0.5, 0.5 / Math.sqrt(4000), "half way");
});

Deno.test("stochasticDepth() draws nothing in mode eval", () => {
  const models = (["row", "batch"] as const).map((mode) =>
    buildModel(residual(double(), { branch: stochasticDepth({ mode }) }), { inputShape: [2] })
  );
  withoutDraws(() => {
    for (const model of models) assertEquals(model.forward(Tensor.ones([1, 2])).toArray(), [[3, 3]]);
  });
});

Deno.test("linearRates() rises from the first branch to the last", () => {
  assertEquals(linearRates(4), [0.125, 0.25, 0.375, 0.5]);
  assertEquals(linearRates(2, { last: 0.2 }), [0.1, 0.2]);
  assertEquals(linearRates(0), []);
  // The paper: with a last rate of 0.5, about L / 4 branches are left out on average.
  assertAlmostEquals(mean(linearRates(54)), (54 + 1) / (4 * 54), 1e-12);
  assertThrows(() => linearRates(1.5), OptionError, "depth: expected a whole number of at least 0, found 1.5");
  assertThrows(() => linearRates(2, { last: 2 }), OptionError, "last: expected a number in [0, 1], found 2");
});
