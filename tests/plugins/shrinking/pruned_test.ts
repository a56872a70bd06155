/** A pruned model: smaller, with the same outputs, saved and loaded like any other, and a table that says what went. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  fit,
  Key,
  type LayerPlugin,
  type Model,
  OptionError,
  part,
  type Plugin,
  PluginError,
  type Progress,
  type Shape,
  Tensor,
} from "../../../core/mod.ts";
import {
  averagePool2d,
  batchNorm,
  bypass,
  conv2d,
  dense,
  digits,
  dropConnect,
  dropout,
  embedding,
  encoderBlock,
  everyOther,
  flatten,
  gaussianDropout,
  globalAveragePool,
  groupNorm,
  layerDrop,
  leakyRelu,
  linear,
  lstm,
  maxPool2d,
  mixout,
  multiHeadAttention,
  pruned,
  pruneLayers,
  relu,
  repeat,
  residual,
  sequential,
  sgd,
  sigmoid,
  sparseVariationalDropout,
  spatialDropout,
  targetedUnitDropout,
  targetedWeightDropout,
  weightDrop,
} from "../../../plugins/mod.ts";
import { loadModel } from "../../../plugins/load_model.ts";
import { random } from "../../core/_tensors.ts";

function built(layer: LayerPlugin, inputShape: Shape | Shape[], seed = 1): Model {
  const model = buildModel(layer, { inputShape, seed, dtype: "float64" });
  // Biases and norms that do something.
  for (const { name, tensor } of model.parameters()) {
    if (tensor.rank === 1) tensor.assign(tensor.add(random(tensor.shape, name.length).mul(0.3)));
  }
  for (const [name, tensor] of model.state()) {
    if (name.endsWith("mean")) tensor.assign(random(tensor.shape, 3));
    if (name.endsWith("variance")) tensor.assign(random(tensor.shape, 4).square().add(0.5));
  }
  return model;
}

function assertSame(small: Model, model: Model, x: Tensor | Tensor[], progress?: Progress): void {
  const [found, expected] = [small, model].map((one) => one.forward(x, progress === undefined ? {} : { progress }));
  assertEquals(found.shape, expected.shape);
  found.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[i], 1e-10, `output ${i}`));
}

const parameterOf = (model: Model, name: string) => model.parameters().find((p) => p.name === name)!.tensor;

/** Sets rows (axis 0) or columns (axis 1) of a weight to zeros. */
function clear(tensor: Tensor, axis: 0 | 1, entries: readonly number[]): void {
  const strip = tensor.shape.slice(axis + 1).reduce((size, extent) => size * extent, 1);
  tensor.floats.forEach((_, i) => {
    if (entries.includes(Math.floor(i / strip) % tensor.shape[axis])) tensor.floats[i] = 0;
  });
}

const units = (table: ReturnType<typeof pruned>["table"]) =>
  table.map(({ units }) => units && [units.before, units.after]);

// ---- weights ----

Deno.test("pruned() writes the zeros of targeted weight dropout into the layers, and the variant goes", () => {
  const weight = targetedWeightDropout({ target: 0.75 });
  const model = built(sequential([dense(12, { weight }), relu(), dense(3)]), [8]);
  const { model: small, table } = pruned(model);
  assertSame(small, model, random([5, 8], 1));
  assertEquals(small.summary().filter(({ site }) => site !== null), []);
  assertEquals(parameterOf(small, "0.weight").floats.filter((value) => value === 0).length, 12 * 6);
  assertEquals(table, [
    {
      path: "0",
      plugin: "dense",
      parameters: { before: 108, after: 108 },
      nonZero: { before: 108, after: 36 },
      units: { before: 12, after: 12 },
      gone: false,
    },
    {
      path: "2",
      plugin: "dense",
      parameters: { before: 39, after: 39 },
      nonZero: { before: 39, after: 39 },
      units: { before: 3, after: 3 },
      gone: false,
    },
  ]);
  // The given model is as it was.
  assertEquals(parameterOf(model, "0.weight").floats.every((value) => value !== 0), true);
  assertEquals(model.summary().filter(({ site }) => site !== null).length, 1);
});

Deno.test("pruned() prunes the weights of every host, each projection and direction by itself", () => {
  const weight = targetedWeightDropout({ target: 0.5 });
  const hosts: [LayerPlugin, Shape | Shape[], Tensor[], string[]][] = [
    [conv2d(4, 2, { groups: 2, weight }), [2, 4, 4], [random([2, 2, 4, 4], 1)], ["weight"]],
    [lstm(4, { layers: 2, bidirectional: true, weight, inputWeight: weight }), [4, 2], [random([2, 4, 2], 1)], [
      "weight_ih_l0",
      "weight_hh_l0",
      "weight_ih_l0_reverse",
      "weight_hh_l1_reverse",
    ]],
    [multiHeadAttention(2, { weight }), [3, 4], [random([2, 3, 4], 1)], ["in_proj_weight", "out_proj.weight"]],
    [
      multiHeadAttention(2, { attends: "memory", weight }),
      [[3, 4], [5, 6]],
      [random([2, 3, 4], 1), random([2, 5, 6], 2)],
      ["q_proj_weight", "k_proj_weight", "v_proj_weight", "out_proj.weight"],
    ],
    [repeat(encoderBlock(2, { weight }), 2), [3, 4], [random([2, 3, 4], 1)], [
      "0.self_attn.in_proj_weight",
      "1.linear1.weight",
      "1.linear2.weight",
    ]],
  ];
  for (const [layer, shape, x, names] of hosts) {
    const model = built(layer, shape);
    const { model: small } = pruned(model);
    assertSame(small, model, x);
    assertEquals(small.summary().filter(({ site }) => site !== null), []);
    for (const name of names) {
      const { floats, size } = parameterOf(small, name);
      assertEquals(floats.filter((value) => value === 0).length, size / 2, name);
    }
  }
  const table = buildModel(embedding(6, 4, { weight }), { inputShape: [3], inputType: "int32", dtype: "float64" });
  const indices = Tensor.from(Int32Array.of(0, 5, 2), [1, 3]);
  assertEquals(pruned(table).model.forward(indices).toArray(), table.forward(indices).toArray());
});

Deno.test("pruned() looks at schedules at the point of training that it is told", () => {
  const weight = targetedWeightDropout({ target: linear({ from: 0, to: 0.8 }) });
  const model = built(sequential([dense(6, { weight })]), [10]);
  const progress = { step: 50, stepsPerEpoch: 10, totalSteps: 100 };
  const zeros = (small: Model) => small.parameters()[0].tensor.floats.filter((value) => value === 0).length;
  assertEquals(zeros(pruned(model).model), 0);
  const { model: half } = pruned(model, { progress });
  assertEquals(zeros(half), 6 * 4);
  assertSame(half, model, random([2, 10], 1), progress);
});

// ---- units ----

Deno.test("pruned() takes targeted units out of their layer and of the next, and what they said into its bias", () => {
  const weight = targetedUnitDropout({ target: 0.5 });
  for (
    const between of [[relu()], [leakyRelu(), dropout()], [sigmoid(), gaussianDropout()], [batchNorm(), relu()], []]
  ) {
    const model = built(sequential([dense(8, { weight }), ...between, dense(3)]), [5]);
    const { model: small, table } = pruned(model);
    assertSame(small, model, random([6, 5], 2));
    assertEquals(units(table).filter((row) => row !== null && row[0] === 8), [[8, 4]]);
    assertEquals(parameterOf(small, "0.weight").shape, [4, 5]);
    assertEquals(small.parameters().map(({ name }) => name), model.parameters().map(({ name }) => name));
  }
});

Deno.test("pruned() takes channels out through pooling, batch norm, dropout and flatten, and through convolutions", () => {
  const weight = targetedUnitDropout({ target: 0.5 });
  const net = sequential([
    conv2d(8, 3, { weight }),
    batchNorm(),
    relu(),
    spatialDropout(),
    maxPool2d(2),
    sequential([conv2d(6, 2, { weight }), relu(), averagePool2d(2)]),
    flatten(),
    dense(10, { weight }),
    relu(),
    dense(4),
  ]);
  const model = built(net, [3, 14, 12]);
  const { model: small, table } = pruned(model);
  assertSame(small, model, random([2, 3, 14, 12], 1));
  assertEquals(units(table), [[8, 4], null, [6, 3], [10, 5], [4, 4]]);
  assertEquals(parameterOf(small, "5.0.weight").shape, [3, 4, 2, 2]);
  assertEquals(parameterOf(small, "7.weight").shape, [5, 3 * 2 * 2]);
  assertEquals(small.state().get("1.mean")!.shape, [4]);
  assertEquals(table[1].parameters, { before: 16, after: 8 });
});

Deno.test("pruned() leaves a channel that says something to padding, and takes out one that is silent", () => {
  const model = built(sequential([conv2d(3, 2), relu(), conv2d(2, 3, { padding: 1 })]), [1, 6, 6]);
  clear(parameterOf(model, "0.weight"), 0, [0, 2]);
  parameterOf(model, "0.bias").assign(Tensor.of([-1, 0.5, 0.7], "float64"));
  const { model: small, table } = pruned(model);
  assertSame(small, model, random([2, 1, 6, 6], 1));
  assertEquals(units(table)[0], [3, 2]); // the last one reaches the border's zeros, the first one is cut off
  const global = built(sequential([conv2d(3, 2), sigmoid(), globalAveragePool(), dense(2)]), [1, 6, 6]);
  clear(parameterOf(global, "0.weight"), 0, [0, 2]);
  assertSame(pruned(global).model, global, random([2, 1, 6, 6], 1));
  assertEquals(units(pruned(global).table)[0], [3, 1]);
});

Deno.test("pruned() takes out units that nothing uses, layer after layer back to the first", () => {
  const model = built(sequential([dense(6), relu(), dense(5), relu(), dense(4)]), [3]);
  clear(parameterOf(model, "4.weight"), 1, [0, 1, 2]);
  // What is left of the middle layer uses three of the first one's units.
  clear(parameterOf(model, "2.weight"), 1, [5]);
  const [middle] = [parameterOf(model, "2.weight").floats];
  for (const row of [3, 4]) for (const column of [0, 1]) middle[row * 6 + column] = 0;
  const { model: small, table } = pruned(model);
  assertSame(small, model, random([4, 3], 1));
  assertEquals(units(table), [[6, 3], [5, 2], [4, 4]]);
});

Deno.test("pruned() leaves each layer a unit, whatever goes", () => {
  const all = built(sequential([dense(4), relu(), dense(3), relu(), dense(2)]), [3]);
  clear(parameterOf(all, "0.weight"), 0, [0, 1, 2, 3]);
  clear(parameterOf(all, "4.weight"), 1, [0, 1, 2]);
  const { model: small, table } = pruned(all);
  assertSame(small, all, random([4, 3], 1));
  assertEquals(units(table), [[4, 1], [3, 1], [2, 2]]);
  const speaking = built(sequential([dense(4), sigmoid(), dense(2)]), [3]);
  clear(parameterOf(speaking, "0.weight"), 0, [0, 1, 2, 3]);
  assertSame(pruned(speaking).model, speaking, random([4, 3], 1));
  assertEquals(units(pruned(speaking).table), [[4, 1], [2, 2]]);
});

Deno.test("pruned() keeps units where something between or beside them depends on all of them", () => {
  const nets: [LayerPlugin[], Shape][] = [
    [[dense(6), groupNorm(2), dense(2)], [3]],
    [[conv2d(4, 1), relu(), conv2d(4, 1, { groups: 2 })], [2, 3, 3]],
    [[dense(6, { weight: mixout() }), relu(), dense(2)], [3]],
    [[dense(6), relu(), dense(2, { weight: mixout() })], [3]],
    [[dense(6), relu(), dense(2)], [4, 3]], // units of each step of a sequence
    [[dense(6), relu()], [3]],
  ];
  for (const [layers, shape] of nets) {
    const model = built(sequential(layers), shape);
    clear(parameterOf(model, "0.weight"), 0, [1, 2]);
    const { model: small, table } = pruned(model);
    assertSame(small, model, random([2, ...shape], 1));
    assertEquals(table.filter(({ units }) => units !== null && units.before !== units.after), []);
  }
});

Deno.test("pruned() does not take the steps of a sequence for units", () => {
  const model = built(sequential([dense(4), relu(), dense(2)]), [2, 3]);
  clear(parameterOf(model, "0.weight"), 0, [0, 2]);
  parameterOf(model, "0.bias").assign(Tensor.of([-1, -1, 0.7, 0.2], "float64"));
  assertSame(pruned(model).model, model, random([3, 2, 3], 1));
});

Deno.test("pruned() keeps other variants, which go on drawing, and adds to no bias that one of them scales", () => {
  const other = dropConnect({ convention: "classic" });
  const model = built(sequential([dense(5), sigmoid(), dense(2, { weight: other })]), [3]);
  clear(parameterOf(model, "0.weight"), 0, [1, 2]);
  clear(parameterOf(model, "2.weight"), 1, [4]);
  const { model: small, table } = pruned(model);
  assertSame(small, model, random([4, 3], 1));
  assertEquals(units(table)[0], [5, 4]);
  assertEquals(small.summary().find(({ path }) => path === "2.weight")!.plugin, "drop-connect");
  const stateless = built(sequential([dense(5, { weight: weightDrop() }), relu(), dropout(), dense(2)]), [3]);
  clear(parameterOf(stateless, "0.weight"), 0, [1, 2]);
  assertSame(pruned(stateless).model, stateless, random([4, 3], 1));
  assertEquals(units(pruned(stateless).table)[0], [5, 3]);
});

Deno.test("pruned() goes into the blocks of residual layers, whose own width stays", () => {
  const weight = targetedUnitDropout({ target: 0.5 });
  const block = sequential([dense(8, { weight }), relu(), dense(4)]);
  const model = built(sequential([residual(block), bypass(block), relu(), dense(2)]), [4]);
  const { model: small, table } = pruned(model);
  assertSame(small, model, random([3, 4], 1));
  assertEquals(units(table), [[8, 4], [4, 4], [8, 4], [4, 4], [2, 2]]);
});

/** Sets the noise of some weights so that they drown in it: `log alpha` is 5 there, and -5 elsewhere. */
function drown(model: Model, path: string, drowned: (unit: number, input: number) => boolean): void {
  const [weight, noise] = ["weight", "weight.log_variance"].map((name) => parameterOf(model, `${path}.${name}`));
  const inputs = weight.shape[1];
  const kernel = weight.size / weight.shape[0] / inputs;
  noise.floats.forEach((_, i) => {
    const place = Math.floor(i / kernel);
    const logAlpha = drowned(Math.floor(place / inputs), place % inputs) ? 5 : -5;
    noise.floats[i] = Math.log(weight.floats[i] ** 2 + 1e-8) + logAlpha;
  });
}

Deno.test("pruned() zeroes what sparse variational dropout drowned, and takes out units and channels that are gone", () => {
  const weight = sparseVariationalDropout({ examples: 100 });
  const net = sequential([
    conv2d(5, 2, { weight }),
    relu(),
    maxPool2d(2),
    flatten(),
    dense(6, { weight }),
    relu(),
    dense(3, { weight }),
  ]);
  const model = built(net, [2, 7, 7]);
  drown(model, "0", (channel, input) => channel === 1 || (channel === 2 && input === 0));
  drown(model, "4", (unit, input) => unit === 4 || (input >= 27 && input < 36) || (unit === 0 && input < 20)); // channel 3
  drown(model, "6", (_unit, input) => input === 5);
  const { model: small, table } = pruned(model);
  assertSame(small, model, random([3, 2, 7, 7], 1));
  assertEquals(units(table), [[5, 3], [6, 4], [3, 3]]);
  assertEquals(small.parameters().map(({ name }) => name).filter((name) => name.includes("log_variance")), []);
  const [first, second, third] = table.map(({ nonZero }) => nonZero.after);
  assertEquals(first, 3 * 8 + 3 - 4); // half of channel 2 is zero
  // Of unit 0, columns below 20 are zero: channels 0 and 2 are left of these, 9 columns and 2.
  assertEquals(second, 4 * 27 + 4 - 11);
  assertEquals(third, 3 * 4 + 3);
});

Deno.test("pruned() shrinks each of a repeated layer's copies by itself", () => {
  const block = sequential([dense(6), relu(), dense(4)]);
  const model = built(sequential([repeat(block, 3), dense(2)]), [4]);
  clear(parameterOf(model, "0.1.0.weight"), 0, [0, 1]);
  clear(parameterOf(model, "0.2.2.weight"), 1, [3]);
  const { model: small, table } = pruned(model);
  assertSame(small, model, random([2, 4], 1));
  assertEquals(units(table).map((row) => row![1]), [6, 4, 4, 4, 5, 4, 2]);
  const shared = built(repeat(block, 3, { share: true }), [4]);
  clear(parameterOf(shared, "0.0.weight"), 0, [0, 1]);
  assertSame(pruned(shared).model, shared, random([2, 4], 1));
});

// ---- blocks ----

Deno.test("pruned() takes out the layers that were marked, and leaves the others their names", () => {
  const block = bypass(encoderBlock(2), { branch: layerDrop() });
  const model = built(sequential([repeat(block, 4), dense(3)]), [5, 4]);
  pruneLayers(model, everyOther(4));
  const { model: small, table } = pruned(model);
  assertSame(small, model, random([2, 5, 4], 1));
  const paths = [...small.plugins().keys()];
  assert(paths.includes("0.0.block") && paths.includes("0.2.block") && !paths.includes("0.1"));
  assertEquals(table.filter(({ gone }) => gone).length, table.filter(({ path }) => /^0\.[13]\./.test(path)).length);
  for (const { gone, parameters } of table) assertEquals(parameters.after, gone ? 0 : parameters.before);
  assertEquals(
    parameterOf(small, "0.2.block.linear1.weight").toArray(),
    parameterOf(model, "0.2.block.linear1.weight").toArray(),
  );
});

Deno.test("pruned() takes residual branches out, keeps projections, and leaves nothing of a model that was all branches", () => {
  const drop = () => layerDrop({ pruned: true });
  const net = sequential([
    residual(dense(4), { branch: drop() }),
    residual(dense(3), { branch: drop(), projection: dense(3) }),
    residual(residual(dense(3), { branch: drop() })),
    bypass(sequential([dense(3), relu()]), { branch: layerDrop() }),
  ]);
  const model = built(net, [4]);
  const { model: small } = pruned(model);
  assertSame(small, model, random([2, 4], 1));
  assertEquals(small.parameters().map(({ name }) => name), [
    "1.projection.weight",
    "1.projection.bias",
    "3.block.0.weight",
    "3.block.0.bias",
  ]);
  const empty = pruned(built(residual(dense(4), { branch: drop() }), [4])).model;
  assertEquals(empty.forward(Tensor.ones([1, 4], "float64")).toArray(), [[1, 1, 1, 1]]);
});

// ---- as a model ----

Deno.test("a pruned model is saved, loaded and pruned again, and keeps options that were configured", async () => {
  const weight = targetedUnitDropout({ target: 0.5 });
  const block = residual(sequential([dense(6, { weight }), relu(), dense(4)]), { branch: layerDrop() });
  const model = built(sequential([repeat(block, 3), dropout({ rate: 0.5 }), dense(2)]), [4]);
  pruneLayers(model, [1]);
  model.configure("1", { rate: 0.1 });
  const { model: small } = pruned(model);
  assertEquals(small.plugins().get("1")!.options.rate, 0.1);
  const path = `${await Deno.makeTempDir()}/small.safetensors`;
  await small.save(path);
  const { model: loaded } = await loadModel(path);
  const x = random([3, 4], 1);
  assertEquals(loaded.forward(x).toArray(), small.forward(x).toArray());
  assertSame(loaded, model, x);
  assertEquals(loaded.parameterCount(), small.parameterCount());
  const again = pruned(loaded);
  assertEquals(again.model.parameterCount(), small.parameterCount());
  // It trains on, too.
  assertEquals(small.forward(x, { mode: "train", step: 1 }).shape, [3, 2]);
});

Deno.test("pruning a trained net with targeted units changes none of its answers", async () => {
  const weight = targetedUnitDropout({ rate: 0.5, target: 0.75 });
  const data = digits({ train: 300, test: 100 });
  const net = sequential([flatten(), dense(48, { weight }), relu(), dropout({ rate: 0.2 }), dense(10)]);
  const run = await fit(net, { data, optimizer: sgd({ learningRate: 0.1 }), epochs: 2, batchSize: 20, seed: 1 });
  const { model: small, table } = pruned(run.model);
  const x = Tensor.uniform([20, ...run.model.inputShape], Key.seed(1));
  const [found, expected] = [small, run.model].map((model) => model.forward(x));
  found.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[i], 1e-4));
  assertEquals(units(table), [[48, 12], [10, 10]]);
  assert(small.parameterCount() * 3.5 < run.model.parameterCount());
});

// ---- variants and layers of one's own ----

/** Halves small weights' count in evaluation: those below a limit, as a variant of somebody else might. */
const below: Factory<"weight", { limit?: number; wrong?: boolean }> = definePlugin({
  name: "below",
  options: z.object({ limit: z.number().default(0.2), wrong: z.boolean().default(false) }),
  init: ({ dtype, inputShape }) => ({
    params: { gain: Tensor.full([1], 2, dtype) },
    state: { seen: Tensor.zeros(inputShape, dtype) },
  }),
  weight: (weight, { options: { limit }, params }) =>
    weight.mask(weight.detach().abs().greater(limit)).mul(params.gain),
  prunes: (weight, { options: { limit, wrong }, params, state, path }) => {
    assertEquals([Object.keys(params), Object.keys(state), path.endsWith("weight")], [["gain"], ["seen"], true]);
    if (wrong) return params.gain;
    return weight.mask(weight.abs().greater(limit)).mul(params.gain);
  },
});

/** A layer with a weight under a name of its own. */
const ownHost: Factory<"layer", { weight: Plugin<"weight"> }> = definePlugin({
  name: "own-host",
  options: z.object({ weight: part("weight") }),
  init: ({ dtype }) => ({ params: { kernel: Tensor.ones([2, 2], dtype) } }),
  forward: (x, { options, params, serve }) => x.matmul(serve("weight", options.weight, [params.kernel])),
});

Deno.test("pruned() prunes by a variant of one's own, whose parameters go with it", () => {
  const model = built(sequential([dense(6, { weight: below() }), relu(), dense(2)]), [3]);
  parameterOf(model, "0.weight.gain").assign(Tensor.of([3], "float64"));
  const { model: small } = pruned(model);
  assertSame(small, model, random([4, 3], 1));
  assertEquals(small.parameters().map(({ name }) => name), ["0.weight", "0.bias", "2.weight", "2.bias"]);
});

Deno.test("pruned() says what is wrong: an unknown layer, a weight of another shape, an unknown option", () => {
  assertThrows(
    () => pruned(built(ownHost({ weight: below() }), [2])),
    PluginError,
    "model.weight (below): expected a layer with the parameter weight, whose weight can be written, found none",
  );
  assertThrows(
    () => pruned(built(sequential([dense(2, { weight: below({ wrong: true }) })]), [2])),
    Error,
    "model.0.weight (below): expected a weight of shape [2, 2] from its method prunes, found [1]",
  );
  const model = built(dense(2), [2]);
  assertThrows(() => pruned(model, { step: 3 } as never), OptionError, "pruned");
});
