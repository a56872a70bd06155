/** What is recorded of a net, against answers that are known. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { observeLayers } from "../../../cli/report/observe_layers.ts";
import { observeSites } from "../../../cli/report/observe_sites.ts";
import { observeWeights } from "../../../cli/report/observe_weights.ts";
import {
  attentionDropout,
  buildModel,
  concreteDropout,
  conv2d,
  dense,
  dropConnect,
  dropout,
  embedding,
  embeddingDropout,
  encoderBlock,
  gaussianDropout,
  type LayerPlugin,
  linear,
  lstm,
  maxNorm,
  type Model,
  relu,
  residual,
  sequential,
  type Split,
  stochasticDepth,
  Tensor,
  variationalRecurrentDropout,
  zoneout,
} from "../../../mod.ts";

const COUNT = 64;

/** Examples of numbers between 0.1 and 1.1, none of them 0. */
function split(shape: readonly number[], count = COUNT): Split {
  const size = count * shape.reduce((a, b) => a * b, 1);
  const inputs = Float32Array.from({ length: size }, (_, i) => 0.1 + ((i * 7919) % 1009) / 1009);
  return { count, shape, inputs, scale: 1, targets: new Float32Array(count) };
}

const at = (step: number) => ({ step, stepsPerEpoch: 10, totalSteps: 100 });

const built = (layers: readonly LayerPlugin[], inputShape: readonly number[]): Model =>
  buildModel(sequential([...layers]), { inputShape, seed: 3 });

function only(layers: readonly LayerPlugin[], shape: readonly number[], step = 0) {
  const found = [...observeSites(built(layers, shape), split(shape), COUNT, at(step))];
  assertEquals(found.length, 1);
  return found[0][1];
}

Deno.test("a site's realised rate is the share of zeros that its mask really has", () => {
  const model = built([dropout({ rate: 0.3 }), dense(2)], [200]);
  const { asked, realised, variant, role } = observeSites(model, split([200]), COUNT, at(7)).get("0")!;
  assertEquals([variant, role, asked], ["dropout", "activation", 0.3]);
  let zeros = 0;
  const x = Tensor.ones([COUNT, 200]);
  const masked = built([dropout({ rate: 0.3 })], [200]).forward(x, { mode: "train", step: 7 });
  for (const value of masked.floats) if (value === 0) zeros++;
  assertEquals(realised, zeros / x.size);
});

Deno.test("rates of 0 and 1, scheduled and learned rates are told as they are at that step", () => {
  assertEquals(only([dropout({ rate: 0 })], [50]).realised, 0);
  assertEquals(only([dropout({ rate: 1 })], [50]).realised, 1);
  const scheduled = only([dropout({ rate: linear({ from: 0.1, to: 0.6 }) })], [500], 50);
  assertAlmostEquals(scheduled.asked!, 0.35, 1e-9);
  assertAlmostEquals(scheduled.realised!, 0.35, 0.01);
  const model = built([concreteDropout({ rate: 0.1 }), dense(2)], [500]);
  model.parameters().find(({ name }) => name === "0.logit")!.tensor.assign(Tensor.full([], Math.log(0.4 / 0.6)));
  const learned = observeSites(model, split([500]), COUNT, at(0)).get("0")!;
  assertAlmostEquals(learned.asked!, 0.4, 1e-6);
  assertAlmostEquals(learned.realised!, 0.4, 0.01);
});

Deno.test("noise drops nothing: it has a rate, and no share of zeros", () => {
  assertEquals(only([gaussianDropout({ rate: 0.5 })], [100]), {
    variant: "gaussian-dropout",
    role: "activation",
    asked: 0.5,
    realised: null,
  });
});

Deno.test("what is dropped inside of layers is seen: weights, products, recurrences, attention, branches", () => {
  const near = (layers: readonly LayerPlugin[], shape: readonly number[], rate: number, tolerance = 0.03) => {
    const { asked, realised, role } = only(layers, shape);
    assertAlmostEquals(asked!, rate, 1e-9, role);
    assert(realised !== null && Math.abs(realised - rate) < tolerance, `${role}: ${realised}, expected ${rate}`);
  };
  near([dense(40, { weight: dropConnect({ rate: 0.5 }) })], [60], 0.5);
  near([conv2d(6, 3, { weight: dropConnect({ rate: 0.25 }) })], [3, 9, 9], 0.25);
  near([lstm(16, { recurrent: variationalRecurrentDropout({ input: 0.2, hidden: 0.2, output: 0.2 }) })], [6, 30], 0.2);
  near([lstm(16, { recurrent: zoneout({ cell: 0.4, hidden: 0.2 }) })], [6, 30], 0.3);
  near([encoderBlock(2, { attention: attentionDropout({ rate: 0.4 }) })], [6, 8], 0.4);
  near([residual(dense(12), { branch: stochasticDepth({ rate: 0.5 }) })], [12], 0.5, 0.2);
});

Deno.test("of words that are dropped those count that differ, however frequent one of them is", () => {
  const root = embedding(500, 4, { embedding: embeddingDropout({ rate: 0.4 }) });
  const model = buildModel(root, { inputShape: [3], seed: 3 });
  const words = { ...split([3]), inputs: new Float32Array(3 * COUNT) }; // always the same one
  const { asked, realised } = observeSites(model, words, COUNT, at(0)).get("embedding")!;
  assertEquals(asked, 0.4);
  assertAlmostEquals(realised!, 0.4, 0.06);
});

Deno.test("looking changes nothing of a model", () => {
  const layers = [dropout(), dense(20, { constraint: maxNorm({ max: 1 }) }), relu(), concreteDropout(), dense(3)];
  const model = built(layers, [30]);
  const before = model.parameters().map(({ tensor }) => tensor.toArray());
  observeSites(model, split([30]), COUNT, at(3));
  observeLayers(model, split([30]), COUNT, at(3));
  observeWeights(model, at(3));
  assertEquals(model.parameters().map(({ tensor }) => tensor.toArray()), before);
});

Deno.test("dead units, activity and histograms of a layer are those of its outputs", () => {
  const model = built([dense(4), relu(), dense(1)], [2]);
  const [weight, bias] = model.parameters().map(({ tensor }) => tensor);
  weight.assign(Tensor.of([[1, 0], [0, 0], [0, 0], [-1, 0]]));
  bias.assign(Tensor.of([0, 2, -1, 0])); // x, 2, dead, dead since x > 0
  const { dead, active, mean, zeros, outputs, means, units, plugin } = observeLayers(model, split([2], 300), 300, at(0))
    .get("1")!;
  assertEquals([plugin, units, dead, active, zeros], ["relu", 4, 0.5, 0.5, 600]);
  const xs = Array.from(split([2], 300).inputs).filter((_, i) => i % 2 === 0);
  const sum = xs.reduce((a, b) => a + b, 0);
  assertAlmostEquals(mean, (sum + 600) / 1200, 1e-6);
  assertEquals([outputs.from, outputs.to, outputs.counts.reduce((a, b) => a + b)], [0, 4, 600]);
  assertEquals(outputs.counts[16], 300); // exactly 2
  assertEquals([means.counts.reduce((a, b) => a + b), means.counts[0]], [4, 2]);
});

Deno.test("units of convolutions are channels, and a rectifier by itself is seen too", () => {
  const model = built([conv2d(5, 3), relu(), conv2d(2, 3)], [1, 8, 8]);
  const found = observeLayers(model, split([1, 8, 8]), COUNT, at(0));
  assertEquals([...found].map(([path, { units, plugin }]) => [path, units, plugin]), [["1", 5, "relu"]]);
});

Deno.test("max-norm's hits are the units whose weights are as long as it allows", () => {
  const model = built([dense(4, { constraint: maxNorm({ max: 2 }) })], [2]);
  model.parameters()[0].tensor.assign(Tensor.of([[2, 0], [0, 1], [Math.SQRT2, Math.SQRT2], [1.9, 0]]));
  const found = observeWeights(model, at(0));
  assertEquals(found.get("0.weight")!.limit, 2);
  assertEquals(found.get("0.weight")!.hits, 0.5);
  assertAlmostEquals(found.get("0.weight")!.norm, Math.sqrt(4 + 1 + 4 + 1.9 ** 2), 1e-6);
  assertEquals(found.get("0.bias"), { norm: 0 });
});
