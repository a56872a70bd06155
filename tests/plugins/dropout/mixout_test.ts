/** Mixout: what dropped and kept weights become, the mean, the variance, the gradient, and the target. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { gradients, keepProbability, Key, type Model, OptionError, rateThreshold, Tensor } from "../../../core/mod.ts";
import { conv2d, dense, linear, lstm, mixout, type MixoutOptions } from "../../../plugins/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";

const parameterOf = (model: Model, name: string) => model.parameters().find((p) => p.name === name)!.tensor;

/** A dense layer without a bias whose weight has moved from its target by `difference`. */
function moved(options: MixoutOptions, units = 20, inputs = 30) {
  const model = built(dense(units, { bias: false, weight: mixout(options) }), [inputs]);
  const target = model.state().get("weight.target")!;
  const difference = random([units, inputs], 6);
  parameterOf(model, "weight").assign(target.add(difference));
  /** The weight that a step uses: what the layer makes of the unit vectors, transposed. */
  const used = (step: number) => model.forward(eye(inputs), { mode: "train", step }).transpose([1, 0]);
  return { model, target, difference, used };
}

function eye(size: number): Tensor {
  return Tensor.from(Float64Array.from({ length: size * size }, (_, i) => i % (size + 1) === 0 ? 1 : 0), [size, size]);
}

Deno.test("mixout() takes dropped weights back to the target exactly, and moves the others away by 1/q", () => {
  for (const rate of [0.1, 0.5, 0.9]) {
    const keep = keepProbability(rateThreshold(rate));
    for (const neurons of [true, false]) {
      const { target, difference, used } = moved({ rate, neurons });
      const found = used(3);
      let dropped = 0;
      found.floats.forEach((value, i) => {
        const u = target.floats[i];
        if (value === u) dropped++;
        else assertAlmostEquals(value, u + difference.floats[i] / keep, 1e-12);
      });
      assert(dropped > 0 && dropped < found.size);
      // Together for all outputs of an input, or each by itself.
      const byInput = (found.sub(target).abs().greater(0).sum(0).toArray() as number[]).filter((n) => n % 20 !== 0);
      assertEquals(byInput.length === 0, neurons);
    }
  }
});

Deno.test("mixout() keeps the mean of each weight and has the variance (p / q) (w - u)^2, a factor 9 at p = 0.9", () => {
  const rate = 0.9;
  const keep = keepProbability(rateThreshold(rate));
  const { target, difference, used } = moved({ rate }, 3, 4);
  const steps = 4000;
  const [sums, squares] = [new Float64Array(12), new Float64Array(12)];
  for (let step = 1; step <= steps; step++) {
    used(step).floats.forEach((value, i) => {
      const away = value - target.floats[i] - difference.floats[i];
      sums[i] += away;
      squares[i] += away ** 2;
    });
  }
  const odds = (1 - keep) / keep;
  assertAlmostEquals(odds, 9, 1e-3);
  // 5 standard errors at 12 entries, of which those of an input move together: 4 means and 4 variances in all, an error
  // probability below 1e-5. The fourth moment of m/q - 1 gives the variance of the squares.
  const fourth = keep * (1 / keep - 1) ** 4 + (1 - keep);
  difference.floats.forEach((d, i) => {
    assert(Math.abs(sums[i] / steps) <= 5 * Math.abs(d) * Math.sqrt(odds / steps), `mean of ${i}`);
    const spread = d ** 2 * Math.sqrt((fourth - odds ** 2) / steps);
    assert(Math.abs(squares[i] / steps - odds * d ** 2) <= 5 * spread, `variance of ${i}`);
  });
});

Deno.test("mixout() has the gradient g m / q towards the weight", () => {
  const { model, target, used } = moved({ rate: 0.7 });
  const keep = keepProbability(rateThreshold(0.7));
  const incoming = random([20, 30], 9);
  const found = used(5);
  const [gradient] = gradients(found.mul(incoming).sum(), [parameterOf(model, "weight")]);
  gradient.floats.forEach((value, i) => {
    const kept = found.floats[i] !== target.floats[i];
    assertAlmostEquals(value, kept ? incoming.floats[i] / keep : 0, 1e-12);
  });
});

Deno.test("mixout() of weights that are their own target gives exactly that target, whatever is drawn", () => {
  for (const dtype of ["float32", "float64"] as const) {
    for (const rate of [0.3, 0.9, 1]) {
      const weight = Tensor.normal([7, 5], Key.seed(1), dtype);
      const { definition, options } = mixout({ rate });
      const method = definition.weight as unknown as (weight: Tensor, context: unknown) => Tensor;
      for (const step of [1, 2, 3]) {
        const key = Key.seed(2).at("train").atStep(step).whole();
        const found = method(weight, { mode: "train", key, options, progress: { step }, state: { target: weight } });
        assertEquals(found.toArray(), weight.toArray());
      }
    }
  }
});

Deno.test("mixout() at a rate of 1 gives the target with zero gradients, and at 0 the weight", () => {
  const { model, target, used } = moved({ rate: 1 });
  const all = used(2);
  assertEquals(all.toArray(), target.toArray());
  assert(gradients(all.sum(), [parameterOf(model, "weight")])[0].floats.every((value) => value === 0));
  const none = moved({ rate: 0 });
  none.used(2).floats.forEach((value, i) =>
    assertAlmostEquals(value, parameterOf(none.model, "weight").floats[i], 1e-14)
  );
});

Deno.test("mixout() with the target zero is dropout of the input with one mask for the batch", () => {
  const model = built(dense(6, { weight: mixout({ rate: 0.4, target: "zero" }) }), [8]);
  assertEquals([...model.state().keys()], []);
  const [weight, bias] = ["weight", "bias"].map((name) => parameterOf(model, name));
  const x = random([3, 8], 1);
  for (const step of [0, 1, 2]) {
    const key = Key.seed(1).at("train").at("weight").atStep(step).whole();
    const input = x.mask(Tensor.bernoulli([1, 8], key, 0.4, 1 / keepProbability(rateThreshold(0.4)), "float64"));
    const expected = input.matmul(weight, { transposeB: true }).add(bias);
    const found = model.forward(x, { mode: "train", step });
    found.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[i], 1e-12));
  }
});

Deno.test("mixout() never mixes the bias", () => {
  const model = built(dense(4, { weight: mixout({ rate: 1 }) }), [3]);
  assertEquals(model.state().size, 1);
  parameterOf(model, "bias").assign(Tensor.of([1, 2, 3, 4], "float64"));
  parameterOf(model, "weight").assign(Tensor.ones([4, 3], "float64"));
  const zeros = Tensor.zeros([1, 3], "float64");
  assertEquals(model.forward(zeros, { mode: "train", step: 3 }).toArray(), [[1, 2, 3, 4]]);
});

Deno.test("mixout() takes the target at the first step of training, and no later", () => {
  const model = built(conv2d(2, 2, { weight: mixout({ rate: 0.5 }) }), [3, 4, 4]);
  const [weight, target] = [parameterOf(model, "weight"), model.state().get("weight.target")!];
  const [begun, later] = [random(weight.shape, 1), random(weight.shape, 2)];
  const x = random([2, 3, 4, 4], 3);
  weight.assign(begun);
  const first = model.forward(x, { mode: "train", step: 0 });
  assertEquals(first.toArray(), model.forward(x).toArray());
  assertEquals(target.toArray(), begun.toArray());
  weight.assign(later);
  for (const run of [{ mode: "train", step: 1 }, { mode: "sample", step: 0 }] as const) model.forward(x, run);
  assertEquals(target.toArray(), begun.toArray());
});

Deno.test("mixout() in a convolution goes back by input channels", () => {
  const model = built(conv2d(4, 2, { bias: false, weight: mixout({ rate: 0.5 }) }), [6, 2, 2]);
  const [weight, target] = [parameterOf(model, "weight"), model.state().get("weight.target")!];
  weight.assign(target.add(1));
  const y = model.forward(random([1, 6, 2, 2], 1), { mode: "train", step: 3 });
  const [gradient] = gradients(y.sum(), [weight]);
  const moved = gradient.abs().greater(0).sum([0, 2, 3]).toArray() as number[];
  assert(moved.every((count) => count === 0 || count === 16), String(moved));
  assert(moved.includes(0) && moved.includes(16), String(moved));
});

Deno.test("mixout() acts on a recurrent weight, drawn once for all steps", () => {
  const model = built(lstm(3, { weight: mixout({ rate: 0.4 }) }), [4, 2]);
  const parameters = model.parameters().map(({ tensor }) => tensor);
  parameterOf(model, "weight_hh_l0").assign(random([12, 3], 9));
  checkGradient(
    (given) => {
      given.forEach((value, i) => parameters[i].assign(value));
      return model.forward(random([2, 4, 2], 1), { mode: "train", step: 3 });
    },
    [],
    { parameters },
  );
});

Deno.test("mixout() follows a schedule of its rate", () => {
  const { model, target } = moved({ rate: linear({ from: 0, to: 1 }), neurons: false });
  const dropped = (step: number) => {
    const progress = { step, stepsPerEpoch: 10, totalSteps: 100 };
    const used = model.forward(eye(30), { mode: "train", progress }).transpose([1, 0]);
    return [...used.floats].filter((value, i) => value === target.floats[i]).length;
  };
  // Of 600 weights; 5 standard errors of a binomial count: an error probability of 6e-7.
  assert(Math.abs(dropped(50) - 300) <= 5 * Math.sqrt(150), String(dropped(50)));
  assertEquals(dropped(100), 600);
});

Deno.test("mixout() refuses a rate out of range and an unknown target", () => {
  assertThrows(() => mixout({ rate: 1.1 }), OptionError, "mixout.rate");
  assertThrows(() => mixout({ target: "end" as "zero" }), OptionError, "mixout.target");
});
