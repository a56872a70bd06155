/** Uout: bounds and moments of the noise, the variance shift of its paper, gradients, schedules and bad options. */
import { assert, assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { OptionError, Tensor } from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { uout } from "../../../plugins/dropout/uout.ts";
import { linear } from "../../../plugins/schedules/linear.ts";
import { kolmogorovSmirnov, mean, variance } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";
import { assertNear } from "./_near.ts";

const train = { mode: "train", step: 0 } as const;

Deno.test("uout() multiplies, within 1 - beta and 1 + beta, with mean 1 and variance beta^2 / 3", () => {
  const count = 100000;
  for (const beta of [0.1, 0.5, 1]) {
    const y = built(uout({ beta }), [count]).forward(Tensor.full([1, count], -2, "float64"), train);
    const factors = y.div(-2).floats;
    assert(factors.every((factor) => factor > 1 - beta && factor < 1 + beta));
    assertNear(mean(factors), 1, beta / Math.sqrt(3 * count), `mean at ${beta}`);
    // The fourth moment of U(-b, b) is b^4 / 5, so its square has the variance b^4 (1 / 5 - 1 / 9).
    assertNear(variance(factors), beta ** 2 / 3, beta ** 2 * Math.sqrt(4 / 45 / count), `variance at ${beta}`);
    const uniform = (factor: number) => (factor - 1 + beta) / (2 * beta);
    assert(kolmogorovSmirnov(factors, uniform) < 2.7); // exceeded once in a million tests
  }
});

Deno.test("uout() leaves zeros at zero: the noise is a factor, not a term", () => {
  const y = built(uout({ beta: 1 }), [50]).forward(Tensor.zeros([3, 50], "float64"), train);
  assertEquals(new Set(y.floats), new Set([0]));
});

Deno.test("uout() shifts the variance by the paper's factor, for beta 0.1 as dropout at the rate 0.003322", () => {
  const beta = 0.1;
  assertAlmostEquals((beta ** 2 / 3) / (1 + beta ** 2 / 3), 0.003322, 1e-6);
  // At beta 1 the shift is one that can be measured: for c = 1 and v = 1, 1 / (4 / 3 * 2 - 1) = 0.6.
  const count = 200000;
  const x = random([1, count], 3).add(1);
  const y = built(uout({ beta: 1 }), [count]).forward(x, train).floats;
  const center = mean(y);
  const fourth = mean(y.map((value) => (value - center) ** 4));
  const found = variance(y);
  assertNear(found, 1 / 0.6, Math.sqrt((fourth - found ** 2) / count), "variance in training");
});

Deno.test("uout() has the gradients that differences give, draws one number where axes share it, and the identity at 0", () => {
  for (const share of [[], ["batch"], ["height", "width"]] as const) {
    const model = built(uout({ beta: 0.7, share }), [2, 2, 3]);
    for (const batch of [0, 1, 3]) checkGradient(([x]) => model.forward(x, train), [random([batch, 2, 2, 3], 2)]);
  }
  const channels = built(uout({ beta: 1, share: ["height", "width"] }), [5, 2, 3])
    .forward(Tensor.ones([2, 5, 2, 3], "float64"), train);
  assertEquals(channels.max([2, 3]).toArray(), channels.min([2, 3]).toArray());
  assertEquals(new Set(channels.floats).size, 10);
  const x = random([2, 3], 1);
  assertStrictEquals(built(uout({ beta: 0 }), [3]).forward(x, train), x);
  assertStrictEquals(built(uout({ beta: 1 }), [3]).forward(x), x);
});

Deno.test("uout() follows a schedule, and refuses a negative width", () => {
  const model = built(uout({ beta: linear({ from: 0, to: 1 }) }), [100]);
  const widest = (step: number) =>
    model.forward(Tensor.ones([1, 100], "float64"), {
      mode: "train",
      progress: { step, stepsPerEpoch: 10, totalSteps: 10 },
    }).sub(1).abs().max().item();
  assertEquals(widest(0), 0);
  assert(widest(2) <= 0.2 && widest(10) > 0.9);
  assertThrows(() => uout({ beta: -1 }), OptionError, "expected a number of at least 0 or a schedule");
});
