/** Building and running models: places, shapes, modes, randomness, and errors that name the layer. */
import { assert, assertEquals, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  gradients,
  type LayerPlugin,
  OptionError,
  PluginError,
  ShapeError,
  Tensor,
} from "../../../core/mod.ts";
import { dropout } from "../../../plugins/dropout/dropout.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { flatten } from "../../../plugins/layers/flatten.ts";
import { maxout } from "../../../plugins/layers/maxout.ts";
import { relu } from "../../../plugins/layers/relu.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { sigmoid } from "../../../plugins/layers/sigmoid.ts";
import { tanh } from "../../../plugins/layers/tanh.ts";
import { linear } from "../../../plugins/schedules/linear.ts";
import { random } from "../_tensors.ts";

type None = Record<never, never>;

Deno.test("a model has its parameters in the order of its layers, under their paths", () => {
  const model = buildModel(
    sequential([dense(4, { name: "in" }), relu(), sequential([dense(3, { bias: false })]), dense(2)]),
    { inputShape: [5] },
  );
  assertEquals(model.parameters().map((p) => [p.name, p.tensor.shape]), [
    ["in.weight", [4, 5]],
    ["in.bias", [4]],
    ["2.0.weight", [3, 4]],
    ["3.weight", [2, 3]],
    ["3.bias", [2]],
  ]);
  assertEquals(model.parameterCount(), 20 + 4 + 12 + 6 + 2);
  assertEquals(model.summary().map((row) => [row.path, row.plugin, row.shape, row.parameters]), [
    ["", "sequential", [2], 0],
    ["in", "dense", [4], 24],
    ["1", "relu", [4], 0],
    ["2", "sequential", [3], 0],
    ["2.0", "dense", [3], 12],
    ["3", "dense", [2], 8],
  ]);
});

Deno.test("initial parameters follow from the seed and the layer's path alone", () => {
  const weights = (root: LayerPlugin, seed: number) =>
    buildModel(root, { inputShape: [5], seed }).parameters().map((p) => p.tensor.toArray());
  const [one, two] = [sequential([dense(4), relu()]), sequential([dense(4), dropout(), dense(2)])];
  assertEquals(weights(one, 1), weights(one, 1));
  assertNotEquals(weights(one, 1), weights(one, 2));
  assertEquals(weights(one, 1)[0], weights(two, 1)[0]);
});

Deno.test("two layers with one name are refused by their place", () => {
  const twice = sequential([dense(3, { name: "a" }), dense(3, { name: "a" })]);
  const error = assertThrows(() => buildModel(twice, { inputShape: [2] }), PluginError);
  assertStringIncludes(error.message, "model.a (dense): two plugins have this place");
  const number = sequential([dense(3, { name: "1" }), dense(3)]);
  assertThrows(() => buildModel(number, { inputShape: [2] }), PluginError, "model.1");
});

Deno.test("what is not a layer is refused as a model", () => {
  // deno-lint-ignore no-explicit-any
  for (const root of [linear({ from: 0, to: 1 }), { plugin: "dense" }, null] as any[]) {
    assertThrows(() => buildModel(root, { inputShape: [2] }), OptionError, "model: expected a layer plugin");
  }
});

Deno.test("a shape that does not fit is refused by the layer's place, once, with the shapes", () => {
  const maxouts = sequential([dense(3), sequential([flatten(), maxout(2)], { name: "tail" })]);
  buildModel(maxouts, { inputShape: [4] });
  const images = sequential([sequential([maxout(2, { name: "first" })], { name: "head" })]);
  const error = assertThrows(() => buildModel(images, { inputShape: [2, 3] }), ShapeError);
  assertEquals(error.message.match(/model/g)?.length, 1);
  assertStringIncludes(error.message, "model.head.first (maxout)");
  assertStringIncludes(error.message, "[2, 3]");
  const model = buildModel(dense(3), { inputShape: [4] });
  assertThrows(() => model.forward(Tensor.ones([2, 5])), ShapeError, "[batch, 4], found [2, 5]");
  assertThrows(() => model.forward(Tensor.of(1)), ShapeError, "found []");
  assertThrows(() => buildModel(sequential([dense(3)]), { inputShape: [] }), ShapeError, "model.0 (dense)");
});

Deno.test("a layer that runs a child in some passes only is refused by the child's place", () => {
  const moody: Factory<"layer", None> = definePlugin({
    name: "moody",
    options: z.object({}),
    forward: (x, { run, building }) => run(relu(), x, building ? "a" : "b"),
  });
  const model = buildModel(moody(), { inputShape: [2] });
  assertThrows(() => model.forward(Tensor.ones([1, 2])), PluginError, "model.b (relu): this place did not exist");
});

Deno.test("a variant whose output has another shape is refused by its place", () => {
  const bad: Factory<"activation", None> = definePlugin({
    name: "bad",
    options: z.object({}),
    activation: (x) => x.sum(1, true),
  });
  assertThrows(
    () => buildModel(sequential([bad()]), { inputShape: [3] }),
    ShapeError,
    "model.0 (bad): expected an output",
  );
});

Deno.test("an empty batch, a batch of one, and more axes pass through dense layers", () => {
  const model = buildModel(sequential([dense(3), tanh(), dropout(), dense(2)]), { inputShape: [4] });
  for (const mode of ["eval", "train", "sample"] as const) {
    assertEquals(model.forward(Tensor.ones([0, 4]), { mode, step: 0 }).shape, [0, 2]);
    assertEquals(model.forward(Tensor.ones([1, 4]), { mode, step: 0 }).shape, [1, 2]);
  }
  assertEquals(buildModel(dense(3), { inputShape: [5, 4] }).forward(Tensor.ones([2, 5, 4])).shape, [2, 5, 3]);
});

Deno.test("configure() changes the rate in place, without rebuilding and without touching parameters", () => {
  const model = buildModel(sequential([dense(100), dropout({ rate: 0.5 })]), { inputShape: [3], seed: 1 });
  const before = model.parameters().map((p) => p.tensor);
  const dropped = () => {
    const y = model.forward(Tensor.ones([50, 3]), { mode: "train", step: 0 });
    return y.floats.filter((value) => value === 0).length / y.size;
  };
  const half = dropped();
  model.configure("1", { rate: 0.1 });
  const tenth = dropped();
  model.configure("1", { rate: 0 });
  assert(Math.abs(half - 0.5) < 0.03 && Math.abs(tenth - 0.1) < 0.02, `${half}, ${tenth}`);
  assertEquals(dropped(), 0);
  model.parameters().forEach((p, i) => assert(p.tensor === before[i]));
  assertThrows(() => model.configure("1", { rate: 2 }), OptionError, "found 2");
  assertThrows(() => model.configure("7", { rate: 0 }), OptionError, 'one of "", "0", "1"');
  assertEquals(dropped(), 0);
});

Deno.test("schedules as options follow the progress of each pass", () => {
  const model = buildModel(dropout({ rate: linear({ from: 0, to: 1 }) }), { inputShape: [1000], seed: 1 });
  const dropped = (step: number) => {
    const progress = { step, stepsPerEpoch: 10, totalSteps: 100 };
    const y = model.forward(Tensor.ones([10, 1000]), { mode: "train", progress });
    return y.floats.filter((value) => value === 0).length / y.size;
  };
  for (const [step, rate] of [[0, 0], [25, 0.25], [50, 0.5], [100, 1]]) {
    assert(Math.abs(dropped(step) - rate) <= 4 * Math.sqrt(rate * (1 - rate) / 10000), `step ${step}`);
  }
});

const activations = { relu, sigmoid, tanh };
for (const [name, activation] of Object.entries(activations)) {
  Deno.test(`dense with ${name} fused behind it equals dense and ${name} apart, with its gradients`, () => {
    const options = { inputShape: [7], seed: 3, dtype: "float64" } as const;
    const fused = buildModel(sequential([dense(5), activation()]), options);
    // A layer in between keeps the two apart.
    const apart = buildModel(sequential([dense(5), dropout({ rate: 0 }), activation()]), options);
    const x = random([6, 7], 1).withGradient();
    const results = [fused, apart].map((model) => {
      const y = model.forward(x);
      const wrt = [x, ...model.parameters().map((p) => p.tensor)];
      return [y, ...gradients(y, wrt, random(y.shape, 2))];
    });
    results[0].forEach((tensor, i) => {
      const difference = tensor.sub(results[1][i]).abs().max().item();
      assert(difference <= 1e-12, `result ${i}: ${difference}`);
    });
  });
}

Deno.test("masks of a model depend on mode, step, pass, place and seed, and are equal when drawn again", () => {
  const root = sequential([dropout(), dropout({ name: "b", rate: 0 })]);
  const model = buildModel(root, { inputShape: [64], seed: 1 });
  const x = Tensor.ones([2, 64]);
  const run = (options: Parameters<typeof model.forward>[1]) => model.forward(x, options).toArray();
  const base = run({ mode: "train", step: 3 });
  assertEquals(run({ mode: "train", step: 3 }), base);
  assertEquals(run({ mode: "train", progress: { step: 3, stepsPerEpoch: 1, totalSteps: 9 } }), base);
  const others = [
    run({ mode: "train", step: 4 }),
    run({ mode: "sample", step: 3 }),
    run({ mode: "train", step: 3, sample: 2 }),
    run({ mode: "train", step: 3, pass: 1 }),
    buildModel(root, { inputShape: [64], seed: 2 }).forward(x, { mode: "train", step: 3 }).toArray(),
    buildModel(sequential([relu(), dropout()]), { inputShape: [64], seed: 1 }).forward(x, { mode: "train", step: 3 })
      .toArray(),
  ];
  [base, ...others].forEach((a, i, all) => all.slice(0, i).forEach((b, j) => assertNotEquals(a, b, `${j} and ${i}`)));
});

Deno.test("a split batch draws the masks of the whole one, for units and for weights", () => {
  const dropWeight: Factory<"weight", None> = definePlugin({
    name: "drop-weight",
    options: z.object({}),
    weight: (weight, { key, mode }) => mode === "eval" ? weight : weight.dropout(key, 0.5),
  });
  const model = buildModel(sequential([dropout(), dense(6, { weight: dropWeight() }), relu(), dropout()]), {
    inputShape: [5],
    seed: 1,
    dtype: "float64",
  });
  const x = random([9, 5], 4);
  const whole = model.forward(x, { mode: "train", step: 2 });
  const parts = [[0, 4], [4, 5], [5, 9]].map(([from, to]) =>
    model.forward(x.slice([from], [to]), { mode: "train", step: 2, sample: from })
  );
  assertEquals(Tensor.concat(parts).toArray(), whole.toArray());
});

Deno.test("running state changes in mode train only, and only under a name that init gave", () => {
  const counter: Factory<"layer", { wrong?: boolean }> = definePlugin({
    name: "counter",
    options: z.object({ wrong: z.boolean().default(false) }),
    init: () => ({ state: { count: Tensor.zeros([1]) } }),
    forward(x, { state, setState, options }) {
      setState(options.wrong ? "cuont" : "count", state.count.add(1));
      return x.add(0);
    },
  });
  const model = buildModel(sequential([counter()]), { inputShape: [1] });
  const count = () => model.state().get("0.count")!.item();
  for (const mode of ["eval", "sample", "train", "train"] as const) {
    model.forward(Tensor.ones([1, 1]), { mode, step: 0 });
  }
  assertEquals(count(), 2);
  const wrong = buildModel(sequential([counter({ wrong: true })]), { inputShape: [1] });
  assertThrows(
    () => wrong.forward(Tensor.ones([1, 1]), { mode: "train", step: 0 }),
    PluginError,
    'no state named "cuont"',
  );
});

Deno.test("penalties are added up over the plugins that have one, each with its own context", () => {
  const decay: Factory<"layer", { strength: number }> = definePlugin({
    name: "decay",
    options: z.object({ strength: z.number() }),
    init: () => ({ params: { w: Tensor.of([3]) } }),
    forward: (x, { params }) => x.mul(params.w),
    penalty: ({ params, options }) => params.w.square().sum().mul(options.strength),
  });
  const model = buildModel(sequential([decay({ strength: 1 }), decay({ strength: 10 })]), { inputShape: [1] });
  const [y, penalty] = model.forwardWithPenalty(Tensor.ones([1, 1]));
  assertEquals([y.item(), penalty!.item()], [9, 99]);
  assertEquals(buildModel(dense(1), { inputShape: [1] }).forwardWithPenalty(Tensor.ones([1, 1]))[1], null);
});

Deno.test("a context is frozen", () => {
  let frozen = false;
  const spy: Factory<"activation", None> = definePlugin({
    name: "spy",
    options: z.object({}),
    activation(x, context) {
      frozen = Object.isFrozen(context) && Object.isFrozen(context.options);
      return x;
    },
  });
  buildModel(spy(), { inputShape: [1] });
  assert(frozen);
});

Deno.test("atLayers is told what each layer gives, inner ones first, an activation with the layer that applies it", () => {
  const root = sequential([dense(4, { name: "in" }), relu(), sequential([dense(3), dropout()]), dense(2)]);
  const model = buildModel(root, { inputShape: [5], seed: 1, dtype: "float64" });
  const x = random([3, 5], 1);
  const told: [string, string, string, number[]][] = [];
  let least = Infinity;
  const output = model.forward(x, {
    atLayers: ({ path, plugin, epilogue, output }) => {
      told.push([path, plugin, epilogue, [...output.shape]]);
      if (path === "in") least = Math.min(...output.floats);
    },
  });
  assertEquals(told, [
    ["in", "dense", "relu", [3, 4]],
    ["2.0", "dense", "none", [3, 3]],
    ["2.1", "dropout", "none", [3, 3]],
    ["2", "sequential", "none", [3, 3]],
    ["3", "dense", "none", [3, 2]],
    ["", "sequential", "none", [3, 2]],
  ]);
  assertEquals(least, 0); // rectified already
  assertEquals(output.toArray(), model.forward(x).toArray());
});
