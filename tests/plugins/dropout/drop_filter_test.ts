/** DropFilter: whole filters vanish from the weight, and nothing else. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { gradients, keepProbability, Key, OptionError, rateThreshold, Tensor } from "../../../core/mod.ts";
import { conv1d, conv2d, dense, dropFilter, linear } from "../../../plugins/mod.ts";
import { random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";

Deno.test("dropFilter() without a bias is dropout of channels with one mask for the batch", () => {
  for (
    const [layer, shape, axes] of [
      [conv1d(12, 2, { bias: false, weight: dropFilter({ rate: 0.4 }) }), [3, 6], [1]],
      [conv2d(12, 3, { bias: false, groups: 3, weight: dropFilter({ rate: 0.4 }) }), [3, 5, 5], [1, 1]],
      [dense(12, { bias: false, weight: dropFilter({ rate: 0.4 }) }), [4], []],
    ] as const
  ) {
    const model = built(layer, shape);
    const x = random([3, ...shape], 1);
    const plain = model.forward(x);
    for (const step of [1, 2, 3]) {
      const key = Key.seed(1).at("train").at("weight").atStep(step).whole();
      const scale = 1 / keepProbability(rateThreshold(0.4));
      const channels = Tensor.bernoulli([12], key, 0.4, scale, "float64").reshape([1, 12, ...axes]);
      const found = model.forward(x, { mode: "train", step });
      const expected = plain.mask(channels);
      found.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[i], 1e-12));
    }
  }
});

Deno.test("dropFilter() keeps the bias of a dropped filter", () => {
  const model = built(conv2d(5, 1, { weight: dropFilter({ rate: 1 }) }), [2, 2, 2]);
  const [weight, bias] = model.parameters().map(({ tensor }) => tensor);
  bias.assign(Tensor.of([1, -2, 3, 0.5, 0], "float64"));
  const y = model.forward(random([1, 2, 2, 2], 1), { mode: "train", step: 0 });
  assertEquals(y.toArray(), [[1, -2, 3, 0.5, 0].map((b) => [[b, b], [b, b]])]);
  const [towardsWeight, towardsBias] = gradients(y.sum(), [weight, bias]);
  assert(towardsWeight.floats.every((value) => value === 0));
  assertEquals(towardsBias.toArray(), [4, 4, 4, 4, 4]);
});

Deno.test("dropFilter() drops filters at its rate, also under a schedule, independently of each other", () => {
  const model = built(dense(40, { bias: false, weight: dropFilter({ rate: linear({ from: 0, to: 0.6 }) }) }), [1]);
  const [weight] = model.parameters();
  weight.tensor.assign(Tensor.ones([40, 1], "float64"));
  const counts = Array.from({ length: 200 }, (_, i) => {
    const progress = { step: 50 + i, stepsPerEpoch: 1000, totalSteps: 1000 };
    const rate = 0.6 * (50 + i) / 1000;
    const found = model.forward(Tensor.ones([1, 1], "float64"), { mode: "train", progress }).floats;
    const dropped = found.filter((value) => value === 0).length;
    found.forEach((value) => assert(value === 0 || Math.abs(value * (1 - rate) - 1) < 1e-3));
    return [dropped - 40 * rate, 40 * rate * (1 - rate)];
  });
  const [sum, variance] = counts.reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
  // 5 standard errors: an error probability of 6e-7. The sum of squares shows that filters do not fall together.
  assert(Math.abs(sum) <= 5 * Math.sqrt(variance), `${sum} of ${Math.sqrt(variance)}`);
  const squares = counts.reduce((total, [away]) => total + away ** 2, 0);
  assert(Math.abs(squares / variance - 1) <= 5 * Math.sqrt(2 / 200) * 1.2, `${squares / variance}`);
});

Deno.test("dropFilter() evaluates with the whole weight and refuses a rate out of range", () => {
  const [plain, with_] = [conv1d(3, 2), conv1d(3, 2, { weight: dropFilter() })].map((layer) => built(layer, [2, 4]));
  const x = random([2, 2, 4], 1);
  assertEquals(with_.forward(x).toArray(), plain.forward(x).toArray());
  assertThrows(() => dropFilter({ rate: -0.1 }), OptionError, "drop-filter.rate");
});
