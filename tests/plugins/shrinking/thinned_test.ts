/** The subnets that dropout trained, by themselves. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  alphaDropout,
  attentionDropout,
  batchNorm,
  buildModel,
  bypass,
  conv2d,
  dense,
  dropBlock,
  dropConnect,
  dropout,
  embedding,
  embeddingDropout,
  flatten,
  gaussianDropout,
  globalAveragePool,
  Key,
  layerDrop,
  type LayerPlugin,
  loadModel,
  lstm,
  maxPool2d,
  type Model,
  multiHeadAttention,
  OptionError,
  PluginError,
  relu,
  repeat,
  residual,
  samplesOf,
  selu,
  sequential,
  softmax,
  spatialDropout,
  stochasticDepth,
  stochasticPooling,
  Tensor,
  thinned,
  type ThinnedModel,
  uout,
  variationalRecurrentDropout,
  weightDrop,
} from "../../../mod.ts";

const SIZE = 6;

function built(root: LayerPlugin | LayerPlugin[], inputShape: number[]): Model {
  const model = buildModel(Array.isArray(root) ? sequential(root) : root, { inputShape, seed: 5 });
  // Biases that are not 0, so that they are seen.
  for (const { name, tensor } of model.parameters()) {
    if (name.endsWith("bias")) tensor.assign(Tensor.normal(tensor.shape, Key.seed(1).at(name), tensor.floatType));
  }
  return model;
}

/** Checks that subnets of several steps and examples give what the pass gave; gives the last of them. */
function same(model: Model, tolerance = 1e-6): ThinnedModel[] {
  const x = Tensor.normal([SIZE, ...model.inputShape], Key.seed(2).at("x"));
  const before = model.parameters().map(({ tensor }) => tensor.toArray());
  const made = [[0, 0], [3, 1], [70, 5]].map(([step, example]) => {
    const outputs = model.forward(x, { mode: "train", step }).slice([example], [example + 1]);
    const found = thinned(model, { step, example });
    const own = found.model.forward(x.slice([example], [example + 1]));
    assertEquals(own.shape, outputs.shape);
    const scale = Math.max(1, ...[...outputs.floats].map(Math.abs));
    own.floats.forEach((value, i) => assertAlmostEquals(value / scale, outputs.floats[i] / scale, tolerance));
    assertEquals(found.model.drawingSites(), []);
    return found;
  });
  assertEquals(model.parameters().map(({ tensor }) => tensor.toArray()), before, "the model stays as it is");
  return made;
}

const became = ({ variants }: ThinnedModel) => variants.map(({ path, became }) => `${path} ${became}`);

Deno.test("units that were dropped are taken out, of their layer and the next, and the factor goes into weights", () => {
  const model = built([dropout({ rate: 0.2 }), dense(20), relu(), dropout(), dense(10), relu(), dropout(), dense(3)], [
    4,
  ]);
  for (const found of same(model)) {
    assertEquals(became(found), ["0 folded", "3 folded", "6 folded"]);
    const [first, second, last] = found.table;
    assert(first.units!.after < 20 && second.units!.after < 10 && last.units!.after === 3);
    const expected = first.units!.after * 5 + second.units!.after * (first.units!.after + 1) +
      3 * (second.units!.after + 1);
    assertEquals(found.model.parameterCount(), expected);
  }
  const sizes = new Set(same(model).map(({ model }) => model.parameterCount()));
  assert(sizes.size > 1, "another example has another net");
});

Deno.test("of a convolution, channels go through pooling and flatten; a convention without a factor has none", () => {
  const classic = dropout({ convention: "classic", rate: 0.4 });
  const net = [
    conv2d(6, 3),
    relu(),
    spatialDropout(),
    maxPool2d(2),
    conv2d(5, 3),
    relu(),
    spatialDropout({ rate: 0.3 }),
  ];
  const model = built([...net, maxPool2d(2), flatten(), dense(8), relu(), classic, dense(2)], [2, 14, 14]);
  for (const found of same(model)) {
    assertEquals(became(found), ["2 folded", "6 folded", "11 folded"]);
    assert(found.table[0].units!.after < 6 && found.table[2].units!.after < 8);
  }
});

Deno.test("weights that were dropped are zeros, of one example or of all", () => {
  for (
    const root of [
      [dense(5, { weight: dropConnect() }), relu(), dense(2, { weight: dropConnect({ per: "batch" }) })],
      [dense(5, { weight: weightDrop({ rate: 0.3 }), bias: false }), relu(), dense(2)],
      [dense(5, { weight: dropConnect({ convention: "classic" }) }), relu(), dropout(), dense(2)],
    ]
  ) {
    const [found] = same(built(root, [7]));
    assert(found.table[0].nonZero.after < found.table[0].nonZero.before);
  }
  const convolution = [conv2d(4, 3, { weight: dropConnect() }), relu(), flatten(), dense(2)];
  assertEquals(became(same(built(convolution, [2, 5, 5]))[0]), ["0.weight folded"]);
  assertEquals(became(same(built(lstm(4, { weight: weightDrop() }), [3, 2]))[0]).length, 1);
});

Deno.test("branches that were skipped are gone, and the factor of those that stay goes into the end of their block", () => {
  const block = () => sequential([dense(6), relu(), dropout(), dense(4)]);
  const model = built([repeat(residual(block(), { branch: stochasticDepth({ rate: 0.5 }) }), 5), dense(2)], [4]);
  const fates = new Set(same(model).flatMap(became).map((line) => line.replace(/^\S+ /, "")));
  assertEquals([...fates].sort(), ["folded", "skipped"]);
  const dropped = residual(sequential([dense(4), relu(), dropout()]), { branch: stochasticDepth({ rate: 0.3 }) });
  same(built([dropped, dense(2)], [4]));
  same(built([bypass(sequential([dense(4), relu()]), { branch: layerDrop({ rate: 0.5 }) }), dense(2)], [4]));
  same(
    built([residual(conv2d(2, 3, { padding: "same" }), { branch: stochasticDepth() }), globalAveragePool()], [2, 4, 4]),
  );
});

Deno.test("a mask that cannot go into weights is left as a fixed one", () => {
  const pixels = [dropout(), conv2d(3, 3), relu(), dropout({ rate: 0.3 }), flatten(), dense(4), dropout(), softmax()];
  const [found] = same(built(pixels, [1, 6, 6]));
  assertEquals(became(found), ["0 fixed", "3 folded", "6 folded"]);
  assertEquals(found.model.plugins().get("0")!.plugin, "fixed-mask");
  const behind = [dense(4), relu(), dropout(), softmax()];
  assertEquals(became(same(built(behind, [3]))[0]), ["2 fixed"]);
  assertEquals(became(same(built([dense(4), dropout({ rate: 0 }), relu()], [3]))[0]), ["1 idle"]);
});

Deno.test("noise and other values for what is dropped are factors and shifts of entries", () => {
  for (const variant of [alphaDropout(), gaussianDropout(), uout()]) {
    const [found] = same(built([dense(6), selu(), variant, dense(3)], [4]));
    assertEquals(became(found), ["2 folded"]);
  }
  assertEquals(became(same(built([conv2d(2, 3), alphaDropout(), conv2d(2, 3)], [1, 7, 7]))[0]), ["1 fixed"]);
  same(built([conv2d(2, 3), dropBlock({ block: 3, rate: 0.3 }), flatten(), dense(2)], [1, 9, 9]));
});

Deno.test("words that were dropped are rows of zeros", () => {
  const root = sequential([embedding(7, 4, { embedding: embeddingDropout({ rate: 0.4 }) }), flatten(), dense(2)]);
  const model = buildModel(root, { inputShape: [3], inputType: "int32", seed: 3 });
  const x = Tensor.from(Int32Array.from([0, 1, 2, 3, 4, 5, 6, 0, 1]), [3, 3]);
  const expected = model.forward(x, { mode: "train", step: 4 });
  const { model: subnet } = thinned(model, { step: 4, example: 2 });
  const own = subnet.forward(Tensor.from(Int32Array.from([6, 0, 1]), [1, 3]));
  own.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[4 + i], 1e-6));
});

Deno.test("Monte Carlo passes have subnets, too; another seed has other masks", () => {
  const model = built([dense(20), relu(), dropout(), dense(3)], [4]);
  const x = Tensor.normal([SIZE, 4], Key.seed(2).at("x"));
  const passes = samplesOf(model, x, { samples: 8, seed: 9 });
  const found = thinned(model, { mode: "sample", step: 9, example: 3, pass: 7 }).model.forward(x.slice([3], [4]));
  found.floats.forEach((value, i) => assertAlmostEquals(value, passes.floats[(7 * SIZE + 3) * 3 + i], 1e-5));
  const other = buildModel(model.root, { inputShape: [4], seed: 77 });
  other.load(new Map(model.parameters().map(({ name, tensor }) => [`model/${name}`, tensor])));
  const expected = other.forward(x, { mode: "train", step: 2 });
  const own = thinned(model, { step: 2, example: 1, seed: 77 }).model.forward(x.slice([1], [2]));
  own.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[3 + i], 1e-5));
});

Deno.test("a subnet is saved and loaded like any model, its fixed masks too", async () => {
  const model = built([dense(8), relu(), dropout(), dense(5), relu(), dropout(), softmax()], [4]);
  const { model: subnet } = thinned(model, { step: 1, example: 0 });
  const path = `${await Deno.makeTempDir()}/subnet.safetensors`;
  await subnet.save(path);
  const x = Tensor.ones([2, 4]);
  assertEquals((await loadModel(path)).model.forward(x).toArray(), subnet.forward(x).toArray());
});

Deno.test("batch norm is as in evaluation, and running state stays as it is", () => {
  const model = built([dense(8), batchNorm(), relu(), dropout(), dense(3)], [4]);
  const before = [...model.state().values()].map((tensor) => tensor.toArray());
  const { model: subnet, table } = thinned(model, { step: 1, example: 0 });
  assertEquals([...model.state().values()].map((tensor) => tensor.toArray()), before);
  assert(table[0].units!.after < 8);
  assertEquals(subnet.forward(Tensor.ones([1, 4])).shape, [1, 3]);
});

Deno.test("what depends on its input, stands inside of layers, or draws by itself is refused by name", () => {
  const refuses = (root: LayerPlugin | LayerPlugin[], shape: number[], words: string) => {
    const found = assertThrows(() => thinned(built(root, shape), { step: 0, example: 0 }));
    assert(found instanceof PluginError && found.message.includes(words), String(found));
  };
  refuses(lstm(3, { recurrent: variationalRecurrentDropout() }), [4, 2], "(variational-recurrent-dropout)");
  refuses(multiHeadAttention(2, { attention: attentionDropout() }), [4, 4], "(attention-dropout)");
  refuses([conv2d(2, 3), stochasticPooling(2), flatten(), dense(2)], [1, 8, 8], "(stochastic-pooling)");
  refuses(repeat(sequential([dense(4), dropout()]), 2, { share: true }), [4], "(dropout)");
  const model = built(dense(2), [2]);
  assertThrows(() => thinned(model, { step: -1, example: 0 }), OptionError, "step");
  assertThrows(() => thinned(model, { step: 0, example: 2 ** 24 }), OptionError, "sample");
  assertThrows(() => thinned(model, { step: 0, example: 0, mode: "eval" as "train" }), OptionError, "mode");
});
