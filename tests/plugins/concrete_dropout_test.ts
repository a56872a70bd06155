/** Concrete dropout: masks, penalty, gradients of the rate, and that the rate is learned as the paper says. */
import { assert, assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  gradients,
  Key,
  type Model,
  OptimizerDriver,
  OptionError,
  type Plugin,
  recycling,
  ShapeError,
  Tensor,
} from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import { concreteDropout, type ConcreteDropoutOptions } from "../../plugins/dropout/concrete_dropout.ts";
import { conv1d } from "../../plugins/layers/conv1d.ts";
import { conv2d } from "../../plugins/layers/conv2d.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { lstm } from "../../plugins/layers/lstm.ts";
import { relu } from "../../plugins/layers/relu.ts";
import { sequential } from "../../plugins/layers/sequential.ts";
import { gaussianNll } from "../../plugins/losses/gaussian_nll.ts";
import { adam } from "../../plugins/optimizers/adam/adam.ts";
import { assertWithin, mean } from "../core/_statistics.ts";
import { random } from "../core/_tensors.ts";
import { built, lossOf } from "./_apply.ts";

const at = (options: ConcreteDropoutOptions, shape: readonly number[]): Model =>
  built(concreteDropout(options), shape, 3);

Deno.test("concreteDropout() drops with its rate as the temperature goes to 0, and scales as dropout does", () => {
  const count = 40000;
  for (const rate of [0.1, 0.5, 0.7]) {
    const y = at({ rate, temperature: 1e-4 }, [count]).forward(Tensor.ones([1, count], "float64"), {
      mode: "train",
      step: 0,
    });
    const hard = y.floats.filter((value) => value < 1e-9 || Math.abs(value * (1 - rate) - 1) < 1e-9).length;
    // A soft value needs |logit u + logit p| below about 20 t.
    assert(hard > 0.99 * count, `${hard} of ${count} are hard`);
    const dropped = y.floats.filter((value) => value < 0.5 / (1 - rate)).length / count;
    assertWithin(dropped, rate, Math.sqrt(rate * (1 - rate) / count), `share dropped at rate ${rate}`);
    assertWithin(mean(y.floats), 1, Math.sqrt(rate / (1 - rate) / count), `mean at rate ${rate}`);
  }
});

Deno.test("concreteDropout() is x z / (1 - p) with the paper's z", () => {
  const [rate, temperature] = [0.2, 0.3];
  const x = random([50, 4], 1);
  const y = at({ rate, temperature }, [4]).forward(x, { mode: "train", step: 5 });
  const key = Key.seed(3).at("train").at("(root)").atStep(5);
  const u = Tensor.uniform([50, 4], key, "float64").floats;
  y.floats.forEach((value, i) => {
    const logits = Math.log(rate / (1 - rate)) + Math.log(u[i] / (1 - u[i]));
    const z = 1 - 1 / (1 + Math.exp(-logits / temperature));
    assertAlmostEquals(value, x.floats[i] * z / (1 - rate), 1e-12);
  });
});

Deno.test("concreteDropout() spatially scales whole channels", () => {
  const y = at({ rate: 0.5, spatial: true }, [6, 3, 2]).forward(Tensor.ones([4, 6, 3, 2], "float64"), {
    mode: "train",
    step: 0,
  });
  assertEquals(y.min([2, 3]).toArray(), y.max([2, 3]).toArray());
  assert(new Set(y.max([2, 3]).floats).size > 10);
  assertThrows(() => at({ spatial: true }, [6]), ShapeError, "[batch, channels, ...]");
});

Deno.test("concreteDropout() has the paper's penalty, at a dense layer's weight and at a layer position", () => {
  const [rate, wr, dr] = [0.3, 0.7, 0.05];
  const entropy = rate * Math.log(rate) + (1 - rate) * Math.log(1 - rate);
  const options = { rate, weightRegularizer: wr, dropoutRegularizer: dr };
  const penalty = (model: Model, shape: readonly number[]) =>
    model.forwardWithPenalty(random([2, ...shape], 1), { mode: "train", step: 0 })[1]!.item();
  const whole = built(dense(5, { weight: concreteDropout(options) }), [4]);
  const squares = whole.parameters()[0].tensor.square().sum().item();
  assertAlmostEquals(penalty(whole, [4]), wr * squares / (1 - rate) + dr * 4 * entropy, 1e-12);
  assertAlmostEquals(penalty(at(options, [7]), [7]), dr * 7 * entropy, 1e-12);
  assertAlmostEquals(penalty(at({ ...options, spatial: true }, [6, 3, 2]), [6, 3, 2]), dr * 6 * entropy, 1e-12);
});

Deno.test("concreteDropout() has the gradients that central differences give, of the input, the weight and the rate", () => {
  for (const batch of [1, 3]) {
    const models: [Model, readonly number[]][] = [
      [at({ rate: 0.3, temperature: 0.5 }, [4]), [4]],
      [at({ rate: 0.3, spatial: true }, [2, 3]), [2, 3]],
      [built(dense(2, { weight: concreteDropout({ rate: 0.3, temperature: 0.5 }) }), [3]), [3]],
      [built(conv1d(2, 2, { weight: concreteDropout({ rate: 0.3, spatial: true }) }), [2, 3]), [2, 3]],
    ];
    for (const [model, shape] of models) {
      const parameters = model.parameters().map(({ tensor }) => tensor);
      checkGradient(([x]) => model.forward(x, { mode: "train", step: 0 }), [random([batch, ...shape], 2)], {
        parameters,
      });
      checkGradient(
        ([x]) => {
          const [y, penalty] = model.forwardWithPenalty(x, { mode: "train", step: 0 });
          return y.sum().add(penalty!.mul(1e5));
        },
        [random([batch, ...shape], 2)],
        { parameters },
      );
    }
  }
});

Deno.test("concreteDropout() is the identity at evaluation, draws in mode sample, and tells its rate", () => {
  const model = at({ rate: 0.25 }, [4]);
  const x = random([3, 4], 1);
  assertStrictEquals(model.forward(x), x);
  const sample = (step: number) => JSON.stringify(model.forward(x, { mode: "sample", step }).toArray());
  assertEquals(sample(1), sample(1));
  assert(sample(1) !== sample(2));
  const whole = model.forward(x, { mode: "train", step: 0 });
  assertEquals(
    model.forward(x.slice([1]), { mode: "train", step: 0, sample: 1 }).toArray(),
    whole.slice([1]).toArray(),
  );
  assertEquals(model.forward(x.slice([0], [0]), { mode: "train", step: 0 }).shape, [0, 4]);
  const hosted = built(sequential([dense(2, { weight: concreteDropout({ rate: 0.25 }) })]), [4]);
  assertAlmostEquals(hosted.forwardAll(x).emitted.get("0.weight.rate")!.item(), 0.25, 1e-12);
});

Deno.test("concreteDropout() at a convolution drops its inputs, single entries or whole channels, as before it", () => {
  const x = random([3, 4, 5, 6], 1);
  for (const spatial of [false, true]) {
    const variant = concreteDropout({ rate: 0.4, spatial });
    const layer = conv2d(6, [2, 3], { stride: 2, padding: 1, groups: 2, weight: variant });
    const model = built(layer, [4, 5, 6], 3);
    const plain = built(conv2d(6, [2, 3], { stride: 2, padding: 1, groups: 2 }), [4, 5, 6], 3);
    // The same masks, from the path at which the layer has its variant.
    const u = Tensor.uniform(
      spatial ? [3, 4, 1, 1] : x.shape,
      Key.seed(3).at("train").at("weight").atStep(0),
      "float64",
    );
    const odds = u.log().sub(u.neg().add(1).log()).add(Math.log(0.4 / 0.6));
    const mask = odds.div(spatial ? 2 / 3 : 0.1).sigmoid().neg().add(1);
    const expected = plain.forward(x.mul(mask).div(0.6));
    const found = model.forward(x, { mode: "train", step: 0 });
    assert(found.sub(expected).abs().max().item() < 1e-12, `spatial: ${spatial}`);
    assertEquals(model.forward(x).toArray(), plain.forward(x).toArray());
  }
});

Deno.test("concreteDropout() counts K inputs: channels with spatial, else all of an example's, of a dense layer one position's", () => {
  const [rate, wr, dr] = [0.3, 0.7, 0.05];
  const entropy = rate * Math.log(rate) + (1 - rate) * Math.log(1 - rate);
  const options = { rate, weightRegularizer: wr, dropoutRegularizer: dr };
  const cases: [Parameters<typeof built>[0], number[], number][] = [
    [conv1d(2, 3, { weight: concreteDropout(options) }), [4, 7], 28],
    [conv1d(2, 3, { weight: concreteDropout({ ...options, spatial: true }) }), [4, 7], 4],
    [conv2d(2, 2, { groups: 2, weight: concreteDropout({ ...options, spatial: true }) }), [6, 3, 5], 6],
    [dense(5, { weight: concreteDropout(options) }), [3, 4], 4],
    [dense(5, { weight: concreteDropout({ ...options, spatial: true }) }), [3, 4], 4],
  ];
  for (const [layer, shape, dropped] of cases) {
    const model = built(layer, shape);
    const squares = model.parameters()[0].tensor.square().sum().item();
    const penalty = model.forwardWithPenalty(random([2, ...shape], 1), { mode: "train", step: 0 })[1]!.item();
    assertAlmostEquals(penalty, wr * squares / (1 - rate) + dr * dropped * entropy, 1e-12, layer.plugin);
  }
});

Deno.test("concreteDropout() with spatial drops a dense layer's inputs at all positions alike", () => {
  const variant = concreteDropout({ rate: 0.5, spatial: true, temperature: 0.01 });
  const model = built(dense(1, { weight: variant, bias: false }), [6, 40]);
  const y = model.forward(Tensor.ones([3, 6, 40], "float64"), { mode: "train", step: 0 });
  assert(y.max(1).sub(y.min(1)).abs().max().item() < 1e-12);
  assertEquals(new Set(y.slice([0, 0], [3, 1]).floats).size, 3);
});

Deno.test("concreteDropout() refuses recurrent weights, spatial masks without further axes, and rates of 0 and 1", () => {
  // The compiler refuses it, too.
  const weight = concreteDropout() as unknown as Plugin<"weight">;
  assertThrows(() => lstm(2, { weight }), OptionError, "expected a weight plugin");
  const spatial = concreteDropout({ spatial: true });
  assertThrows(() => built(dense(2, { weight: spatial }), [3]), ShapeError, "[batch, ..., inputs]");
  for (const rate of [0, 1]) assertThrows(() => concreteDropout({ rate }), OptionError, "(0, 1)");
});

/** Learned rates after training on `examples` points of y = 2 x + 8 + noise, the paper's toy, with a small network. */
function learnedRates(examples: number, steps: number): number[] {
  const weight = () => concreteDropout({ weightRegularizer: 1e-8 / examples, dropoutRegularizer: 2 / examples });
  const layers = [dense(24), relu(), dense(24, { weight: weight() }), relu(), dense(2, { weight: weight() })];
  const model = buildModel(sequential(layers), { inputShape: [1], seed: 2 });
  const x = Tensor.normal([examples, 1], Key.seed(1).at("x"));
  const y = x.mul(2).add(8).add(Tensor.normal([examples, 1], Key.seed(1).at("noise")));
  const optimizer = new OptimizerDriver(adam({ learningRate: 0.01 }), model);
  const parameters = model.parameters().map(({ tensor }) => tensor);
  for (let step = 0; step < steps; step++) {
    recycling(() => {
      const from = step * 20 % examples;
      const progress = { step, stepsPerEpoch: 1, totalSteps: steps };
      const inputs = x.slice([from], [Math.min(from + 20, examples)]);
      const targets = y.slice([from], [Math.min(from + 20, examples)]);
      const [outputs, penalty] = model.forwardWithPenalty(inputs, { mode: "train", progress });
      const loss = lossOf(gaussianNll(), outputs, targets).mul(2).add(penalty!);
      optimizer.update(gradients(loss, parameters), progress);
    });
  }
  return model.parameters().filter(({ name }) => name.endsWith("logit"))
    .map(({ tensor }) => 1 / (1 + Math.exp(-tensor.item())));
}

Deno.test("concreteDropout() learns a smaller rate from more examples", () => {
  const few = learnedRates(10, 1500);
  const many = learnedRates(5000, 1500);
  few.forEach((rate, i) => assert(rate > 2 * many[i], `${few} after 10 examples, ${many} after 5000`));
});
