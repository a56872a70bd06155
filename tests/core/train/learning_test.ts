/** Other ways of learning: plugins that hand out gradients, in any number of parts, with what they ask for. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { z } from "zod";
import {
  type Dataset,
  definePlugin,
  type Factory,
  fit,
  type FitOptions,
  gradients,
  Key,
  type LayerPlugin,
  OptionError,
  type Plugin,
  PluginError,
  ShapeError,
  Tensor,
  Trainer,
} from "../../../core/mod.ts";
import { dropout } from "../../../plugins/dropout/dropout.ts";
import { batchNorm } from "../../../plugins/layers/batch_norm.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { relu } from "../../../plugins/layers/relu.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { crossEntropy } from "../../../plugins/losses/cross_entropy.ts";
import { sgd } from "../../../plugins/optimizers/sgd/sgd.ts";
import { copy, network, numbers, options } from "../_runs.ts";

/** What training does without a plugin: the gradient of the loss through the whole model; or of some parameters alone. */
const backpropagation: Factory<"learning", { only?: string }> = definePlugin({
  name: "backpropagation",
  options: z.object({ only: z.string().default("") }),
  learn({ inputs, parameters, forward, loss, give, options: { only } }) {
    const { sum } = loss(forward(inputs));
    const names = [...parameters.keys()].filter((name) => name.startsWith(only));
    const found = gradients(sum, names.map((name) => parameters.get(name)!));
    names.forEach((name, i) => give(name, found[i]));
  },
});

async function run(root: LayerPlugin, changes: Partial<FitOptions>) {
  const trainer = await Trainer.create(root, options(changes));
  while (!trainer.done) await trainer.runEpoch();
  const { runningLoss, runningError, testLoss } = trainer.history.at(-1)!;
  return { weights: numbers(copy(trainer.snapshot())), metrics: [runningLoss, runningError, testLoss] };
}

for (const accumulate of [1, 3]) {
  Deno.test(`a plugin that takes the loss's gradient learns as training does without it, in ${accumulate} parts`, async () => {
    const loss = crossEntropy({ classWeights: [1, 2, 0.5] });
    const root = accumulate === 1 ? sequential([dense(4), batchNorm(), relu(), dropout(), dense(3)]) : network();
    const plain = await run(root, { loss, accumulate, clip: { norm: 0.1 } });
    const taught = await run(root, { loss, accumulate, clip: { norm: 0.1 }, learning: backpropagation() });
    for (const name in plain.weights) {
      plain.weights[name].forEach((weight, i) => assertAlmostEquals(taught.weights[name][i], weight, 1e-5, name));
    }
    plain.metrics.forEach((value, i) => assertAlmostEquals(taught.metrics[i], value, 1e-5));
  });
}

Deno.test("a parameter that is handed no gradient stays as it is, and others do not", async () => {
  const first = await Trainer.create(network(), options());
  const before = numbers(copy(first.snapshot()));
  const { weights } = await run(network(), { learning: backpropagation({ only: "4" }), clip: { norm: 1 } });
  assertEquals(weights["model/1.weight"], before["model/1.weight"]);
  assertNotEquals(weights["model/4.weight"], before["model/4.weight"]);
});

Deno.test("gradients for no parameter, of another shape, or handed out twice are refused by name", async () => {
  const giving = (give: (give: (name: string, gradient: Tensor) => void) => void): Plugin<"learning"> => {
    const wrong: Factory<"learning", Record<never, never>> = definePlugin({
      name: "wrong",
      options: z.object({}),
      learn: (context) => give(context.give),
    });
    return wrong();
  };
  const refuse = async (learning: Plugin<"learning">, type: new (...args: never[]) => Error, text: string) =>
    void await assertRejects(() => fit(dense(3), options({ learning })), type, text);
  const one = Tensor.zeros([3]);
  await refuse(
    giving((give) => give("gain", one)),
    PluginError,
    'wrong: expected to give the gradient of one of weight, bias, found "gain"',
  );
  await refuse(
    giving((give) => give("weight", one)),
    ShapeError,
    "wrong: expected a gradient of the shape [3, 6] of weight, found [3]",
  );
  await refuse(
    giving((give) => (give("bias", one), give("bias", one))),
    PluginError,
    "the gradient of bias was given twice",
  );
  await refuse(sgd() as unknown as Plugin<"learning">, OptionError, "learning: expected a learning plugin");
});

Deno.test("a plugin's draws belong to the step and to the example's place in the batch", async () => {
  const draws = async (accumulate: number) => {
    const found: number[] = [];
    const drawing: Factory<"learning", Record<never, never>> = definePlugin({
      name: "drawing",
      options: z.object({}),
      learn: ({ inputs, key }) => void found.push(...Tensor.uniform([inputs.shape[0]], key.at("x")).floats),
    });
    await fit(dense(3), options({ learning: drawing(), epochs: 1, batchSize: 25, accumulate }));
    return found;
  };
  const whole = await draws(1);
  assertEquals(new Set(whole).size, 50);
  assertEquals(await draws(3), whole);
});

/** A restricted Boltzmann machine of binary units: the layer gives the mean of the visible units after one round trip. */
const boltzmann: Factory<"layer", { hidden: number }> = definePlugin({
  name: "boltzmann",
  options: z.object({ hidden: z.int() }),
  init: ({ inputShape: [visible], key, options: { hidden }, dtype }) => ({
    params: {
      weight: Tensor.normal([hidden, visible], key.at("weight").whole(), dtype).mul(0.1),
      visible: Tensor.zeros([visible], dtype),
      hidden: Tensor.zeros([hidden], dtype),
    },
  }),
  forward(x, { params }) {
    const hidden = x.matmul(params.weight.transpose()).add(params.hidden).sigmoid();
    return hidden.matmul(params.weight).add(params.visible).sigmoid();
  },
});

/**
 * Contrastive divergence with one step of Gibbs sampling. Hinton, "Training Products of Experts by Minimizing Contrastive
 * Divergence", Neural Computation 14 (2002): the gradient of the weights is `<h v> of the model - <h v> of the data`.
 */
const contrastiveDivergence: Factory<"learning", Record<never, never>> = definePlugin({
  name: "contrastive-divergence",
  options: z.object({}),
  learn({ inputs: data, parameters, key, give }) {
    const [weight, visible, hidden] = ["weight", "visible", "hidden"].map((name) => parameters.get(name)!.detach());
    const up = (v: Tensor) => v.matmul(weight.transpose()).add(hidden).sigmoid();
    const sample = (p: Tensor, at: string) => p.greater(Tensor.uniform(p.shape, key.at(at), p.floatType));
    const h0 = up(data);
    const v1 = sample(sample(h0, "hidden").matmul(weight).add(visible).sigmoid(), "visible");
    const h1 = up(v1);
    give("weight", h1.transpose().matmul(v1).sub(h0.transpose().matmul(data)));
    give("visible", v1.sub(data).sum(0));
    give("hidden", h1.sub(h0).sum(0));
  },
});

/** Stripes of four pixels: 1100 or 0011 in one half, and the other half alike, with a pixel turned now and then. */
function stripes(): Dataset {
  const count = 200;
  const turned = Tensor.uniform([count, 8], Key.seed(9).at("stripes")).floats;
  const inputs = Float32Array.from({ length: 8 * count }, (_, i) => {
    const [example, pixel] = [Math.floor(i / 8), i % 4];
    const on = example % 2 === (pixel < 2 ? 0 : 1);
    return Number(on !== (turned[i] < 0.05));
  });
  const part = { count, shape: [8], inputs, scale: 1, targets: inputs };
  return { name: "stripes", classes: 0, outputs: 8, train: part, test: part };
}

Deno.test("contrastive divergence teaches a Boltzmann machine stripes, the same bits in one part and in several but for rounding", async () => {
  const settings = {
    data: stripes(),
    learning: contrastiveDivergence(),
    optimizer: sgd({ learningRate: 0.5 }),
    epochs: 30,
    batchSize: 20,
    seed: 4,
  };
  const result = await fit(boltzmann({ hidden: 3 }), settings);
  const [first, last] = [result.history[0].testError, result.testError];
  assert(first > 0.4 && last < 0.3, `error of reconstruction ${first}, then ${last}; a turned pixel alone gives 0.22`);
  // It never asked for the loss, so none was seen in training.
  assert(Number.isNaN(result.runningLoss));
  const again = await fit(boltzmann({ hidden: 3 }), settings);
  assertEquals(again.testLoss, result.testLoss);
  const one = await fit(boltzmann({ hidden: 3 }), { ...settings, epochs: 1 });
  const split = await fit(boltzmann({ hidden: 3 }), { ...settings, epochs: 1, accumulate: 4 });
  one.model.parameters().forEach(({ tensor }, i) => {
    const other = split.model.parameters()[i].tensor;
    tensor.floats.forEach((value, j) => assertAlmostEquals(other.floats[j], value, 1e-5));
  });
});
