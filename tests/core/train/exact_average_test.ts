/** Averages over all masks, beside weight scaling and Monte Carlo. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  dense,
  dropConnect,
  dropout,
  exactAverage,
  gaussianDropout,
  Key,
  type LayerPlugin,
  type Model,
  OptionError,
  PluginError,
  predict,
  relu,
  residual,
  sequential,
  ShapeError,
  spatialDropout,
  stochasticDepth,
  Tensor,
  weightDrop,
} from "../../../mod.ts";

function built(root: LayerPlugin, inputShape: number[]): Model {
  return buildModel(root, { inputShape, seed: 7 });
}

/** Two classes of which the first has the logit `w x`, the other 0. */
function oneWeight(variant: LayerPlugin, weights: number[]): Model {
  const model = built(sequential([variant, dense(2, { bias: false })]), [weights.length]);
  const zeros = weights.map(() => 0);
  model.load(new Map([["model/1.weight", Tensor.from([...weights, ...zeros], [2, weights.length])]]));
  return model;
}

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

Deno.test("two units are four masks, each weighted by its probability", () => {
  const model = oneWeight(dropout({ rate: 0.25, convention: "classic" }), [2, -1]);
  const x = Tensor.from([1, 1, 3, 0.5], [2, 2]);
  const { average, units, masks } = exactAverage(model, x);
  assertEquals([average.shape, units, masks], [[2, 2], 2, 4]);
  for (const [row, [a, b]] of [[2, -1], [6, -0.5]].entries()) {
    const mean = (9 * logistic(a + b) + 3 * logistic(a) + 3 * logistic(b) + logistic(0)) / 16;
    assertAlmostEquals(average.floats[2 * row], mean, 1e-6);
    assertAlmostEquals(average.floats[2 * row + 1], 1 - mean, 1e-6);
  }
  const geometric = exactAverage(model, x, { of: "geometric" }).average;
  assertAlmostEquals(geometric.floats[0], logistic(0.75 * 1), 1e-6);
  // Averages of the outputs themselves: the weights times the probability of keeping.
  const plain = exactAverage(model, x, { softmax: false }).average;
  assertAlmostEquals(plain.floats[0], 0.75, 1e-6);
});

Deno.test("of a softmax of one linear layer, weight scaling is the geometric mean, whatever is dropped before it", () => {
  const x = Tensor.normal([3, 6], Key.seed(3).at("x"));
  for (
    const root of [
      sequential([dropout({ rate: 0.4 }), dense(4)]),
      sequential([dropout({ rate: 0.4, convention: "classic" }), dense(4)]),
      sequential([dropout({ rate: 0.1 }), dropout({ rate: 0.7 }), dense(4)]),
      sequential([dense(2, { weight: weightDrop({ rate: 0.3 }), bias: false })]),
      sequential([residual(dense(6), { branch: stochasticDepth({ rate: 0.3 }) }), dense(4)]),
    ]
  ) {
    const model = built(root, [6]);
    const { average } = exactAverage(model, x, { of: "geometric" });
    const scaled = predict(model, x, { softmax: true }).mean;
    average.floats.forEach((value, i) => assertAlmostEquals(value, scaled.floats[i], 1e-6));
    const arithmetic = exactAverage(model, x).average;
    assert(arithmetic.floats.some((value, i) => Math.abs(value - scaled.floats[i]) > 1e-3));
  }
});

Deno.test("behind a hidden layer of ReLUs weight scaling is near the geometric mean, and not equal", () => {
  const net = sequential([dense(8), relu(), dropout(), dense(5), relu(), dropout(), dense(3)]);
  const model = built(net, [4]);
  const x = Tensor.normal([5, 4], Key.seed(4).at("x"));
  const { average, units } = exactAverage(model, x, { of: "geometric" });
  assertEquals(units, 13);
  const scaled = predict(model, x, { softmax: true }).mean;
  const gaps = [...average.floats].map((value, i) => Math.abs(value - scaled.floats[i]));
  assert(Math.max(...gaps) > 1e-4 && Math.max(...gaps) < 0.2, String(gaps));
});

Deno.test("Monte Carlo tends to the arithmetic mean: it is within 4.5 of its standard errors", () => {
  const x = Tensor.normal([4, 5], Key.seed(5).at("x"));
  for (
    const root of [
      sequential([dropout({ rate: 0.3 }), dense(6), relu(), dropout(), dense(3)]),
      sequential([dense(3, { weight: weightDrop() })]),
      sequential([residual(sequential([dense(5), relu()]), { branch: stochasticDepth({ rate: 0.5 }) }), dense(3)]),
    ]
  ) {
    const model = built(root, [5]);
    const { average } = exactAverage(model, x);
    const samples = 2000;
    const { mean, variance } = predict(model, x, { samples, softmax: true });
    mean.floats.forEach((value, i) => {
      const error = Math.sqrt(variance.floats[i] / samples);
      assert(Math.abs(value - average.floats[i]) < 4.5 * error + 1e-6, `${value} ${average.floats[i]} ${error}`);
    });
  }
});

Deno.test("a draw that axes share is one unit, and rates of 0 and 1 decide nothing", () => {
  const image = Tensor.normal([2, 3, 2, 2], Key.seed(6).at("x"));
  assertEquals(exactAverage(built(spatialDropout(), [3, 2, 2]), image, { softmax: false }).units, 3);
  const shared = sequential([dropout({ share: ["batch"] }), dense(2)]);
  assertEquals(exactAverage(built(shared, [4]), Tensor.ones([2, 4])).masks, 16);
  const none = sequential([dropout({ rate: 0 }), dense(3), dropout({ rate: 1 })]);
  const { masks, average } = exactAverage(built(none, [4]), Tensor.ones([1, 4]), { softmax: false });
  assertEquals([masks, average.toArray()], [1, [[0, 0, 0]]]);
});

Deno.test("sites choose what is averaged over", () => {
  const model = built(sequential([dropout(), dense(3), dropout(), dense(2)]), [4]);
  assertEquals(exactAverage(model, Tensor.ones([1, 4]), { sites: ["^2$"] }).units, 3);
});

Deno.test("what cannot be enumerated is refused by name, and with how many there are", () => {
  const x = Tensor.ones([1, 4]);
  const refuses = (root: LayerPlugin, kind: new (...args: never[]) => Error, words: string, options = {}) => {
    const found = assertThrows(() => exactAverage(built(root, [4]), x, options));
    assert(found instanceof kind && found.message.includes(words), String(found));
  };
  refuses(sequential([dense(21), dropout(), dense(2)]), OptionError, "at most 20 units");
  refuses(sequential([dense(21), dropout(), dense(2)]), OptionError, "found 21");
  refuses(sequential([dense(2, { weight: dropConnect() })]), PluginError, "model.0.weight (drop-connect)");
  refuses(sequential([gaussianDropout(), dense(2)]), PluginError, "model.0 (gaussian-dropout)");
  refuses(dropout(), OptionError, "softmax", { of: "geometric", softmax: false });
  refuses(dropout(), OptionError, "of", { of: "harmonic" });
  assertThrows(() => exactAverage(built(dropout(), [4]), Tensor.ones([0, 4])), ShapeError, "at least one example");
});
