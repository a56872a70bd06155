/** Gaussian noise: moments, the penalty that it amounts to, gradients, schedules and bad options. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { gradients, OptionError, ShapeError, Tensor } from "../../../core/mod.ts";
import { gaussianNoise } from "../../../plugins/dropout/gaussian_noise.ts";
import { linear } from "../../../plugins/schedules/linear.ts";
import { kolmogorovSmirnov, mean, variance } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";
import { assertNear } from "./_near.ts";

const train = { mode: "train", step: 0 } as const;

Deno.test("gaussianNoise() adds noise of mean 0 and variance stddev^2, whatever it is added to", () => {
  const count = 100000;
  for (const stddev of [0.1, 1, 3]) {
    for (const input of [0, -7]) {
      const y = built(gaussianNoise({ stddev }), [1]).forward(Tensor.full([count, 1], input, "float64"), train).floats;
      assertNear(mean(y), input, stddev / Math.sqrt(count), `mean at ${stddev}`);
      assertNear(variance(y), stddev ** 2, stddev ** 2 * Math.sqrt(2 / count), `variance at ${stddev}`);
    }
  }
});

Deno.test("gaussianNoise() is normal: its fourth moment is three times the square of its variance", () => {
  const count = 100000;
  const y = built(gaussianNoise({ stddev: 2 }), [count]).forward(Tensor.zeros([1, count], "float64"), train).floats;
  // The eighth moment of a standard normal number is 105, so the fourth has the variance 105 - 9.
  assertNear(mean(y.map((value) => (value / 2) ** 4)), 3, Math.sqrt(96 / count), "fourth moment");
});

Deno.test("gaussianNoise() before a linear unit adds stddev^2 |w|^2 to its expected squared error, as in Bishop (1995)", () => {
  const [count, stddev] = [100000, 0.5];
  const [w, x, target] = [Tensor.of([[2], [-1], [0.5]], "float64"), Tensor.of([[1, 2, 3]], "float64"), 4];
  const noisy = built(gaussianNoise({ stddev }), [3]).forward(x.broadcastTo([count, 3]), train);
  const errors = noisy.matmul(w).sub(target).square().floats;
  const clean = (2 * 1 - 2 + 1.5 - target) ** 2;
  const added = stddev ** 2 * (4 + 1 + 0.25);
  // (e + n)^2 with n ~ N(0, s^2) has the variance 2 s^4 + 4 e^2 s^2.
  const deviation = Math.sqrt(2 * added ** 2 + 4 * clean * added);
  assertNear(mean(errors), clean + added, deviation / Math.sqrt(count), "squared error");
});

Deno.test("gaussianNoise() passes gradients on as they are, also where the input is infinite", () => {
  const x = Tensor.of([[1, Infinity, -2]], "float64").withGradient();
  const y = built(gaussianNoise({ stddev: 1 }), [3]).forward(x, train);
  const upstream = random([1, 3], 4);
  assertEquals(gradients(y, [x], upstream)[0].toArray(), upstream.toArray());
});

Deno.test("gaussianNoise() shares a number along axes, and of stddev 0 and at evaluation is the identity", () => {
  const x = random([4, 3, 5], 1);
  const shared = built(gaussianNoise({ share: ["batch", -1] }), [3, 5]).forward(x, train).sub(x);
  assert(shared.sub(shared.slice([0, 0, 0], [1, 3, 1])).abs().max().item() < 1e-12);
  assertEquals(new Set(shared.slice([0, 0, 0], [1, 3, 1]).floats).size, 3);
  assertStrictEquals(built(gaussianNoise({ stddev: 0 }), [3, 5]).forward(x, train), x);
  assertStrictEquals(built(gaussianNoise({ stddev: 9 }), [3, 5]).forward(x), x);
  assertThrows(() => built(gaussianNoise({ share: ["width"] }), [3]).forward(random([2, 3], 1), train), ShapeError);
});

Deno.test("gaussianNoise() follows a schedule of its deviation", () => {
  const model = built(gaussianNoise({ stddev: linear({ from: 0, to: 2 }) }), [2000]);
  const at = (step: number) =>
    model.forward(Tensor.zeros([1, 2000], "float64"), {
      mode: "train",
      progress: { step, stepsPerEpoch: 10, totalSteps: 10 },
    }).floats;
  assertEquals(new Set(at(0)), new Set([0]));
  assertNear(variance(at(5)), 1, Math.sqrt(2 / 2000), "variance half way");
});

Deno.test("gaussianNoise() refuses a negative deviation, and none above", () => {
  assertThrows(() => gaussianNoise({ stddev: -0.1 }), OptionError, "expected a number of at least 0 or a schedule");
  assertThrows(() => gaussianNoise({ stddev: NaN }), OptionError);
  gaussianNoise({ stddev: 50 });
});

Deno.test("gaussianNoise() has the distribution function of the normal distribution", () => {
  const y = built(gaussianNoise({ stddev: 1 }), [5000]).forward(Tensor.zeros([1, 5000], "float64"), train);
  // 1.95 is exceeded with probability 1e-3; logistic noise of the same variance gives above 2.
  const phi = (x: number) => Tensor.of([x / Math.SQRT2], "float64").erf().item() / 2 + 0.5;
  assert(kolmogorovSmirnov(y.floats, phi) < 1.95);
});
