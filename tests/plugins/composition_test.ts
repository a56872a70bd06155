/** Layers made of layers: residual, parallel, concat, merge, repeat, graph; and a model's summary. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  formatSummary,
  type LayerPlugin,
  OptionError,
  Registry,
  ShapeError,
  Tensor,
} from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import { builtins } from "../../plugins/builtins.ts";
import {
  concat,
  dense,
  dropout,
  encoderBlock,
  graph,
  type GraphOptions,
  merge,
  parallel,
  relu,
  repeat,
  residual,
  sequential,
  stochasticDepth,
  tanh,
} from "../../plugins/mod.ts";
import { mean } from "../core/_statistics.ts";
import { doubles, random } from "../core/_tensors.ts";
import { built } from "./_apply.ts";

Deno.test("residual() adds the block to its input, or to a projection of it", () => {
  const x = random([3, 4], 1);
  const plain = built(residual(tanh()), [4]);
  assertEquals(plain.forward(x).toArray(), x.add(x.tanh()).toArray());
  const projected = built(residual(dense(2), { projection: dense(2, { bias: false }) }), [4]);
  assertEquals(projected.parameters().map(({ name }) => name), ["projection.weight", "block.weight", "block.bias"]);
  checkGradient(([x]) => projected.forward(x), [x]);
  const branch = stochasticDepth({ rate: 0.5 });
  const varied = built(residual(dense(2), { projection: dense(2), branch }), [4]);
  for (const step of [0, 1, 2]) checkGradient(([x]) => varied.forward(x, { mode: "train", step }), [x]);
});

Deno.test("residual() refuses a block of another shape, even one that would broadcast", () => {
  assertThrows(() => built(residual(dense(1)), [4]), ShapeError, "the shortcut's shape [1, 4], found [1, 1]");
  assertThrows(() => built(residual(dense(1)), [4]), ShapeError, "model (residual): ");
});

Deno.test("parallel() sums its branches, and concat() joins them along channels or features", () => {
  const x = random([2, 3], 1);
  assertEquals(built(parallel([tanh(), relu()]), [3]).forward(x).toArray(), x.tanh().add(x.relu()).toArray());
  assertEquals(
    built(concat([tanh(), relu()]), [3]).forward(x).toArray(),
    Tensor.concat([x.tanh(), x.relu()], 1).toArray(),
  );
  const shapes: [number[], number | undefined, number[]][] = [
    [[5], undefined, [10]],
    [[4, 5], undefined, [4, 10]],
    [[3, 4, 5], undefined, [6, 4, 5]],
    [[4, 5], 1, [8, 5]],
    [[3, 4, 5], -1, [3, 4, 10]],
  ];
  for (const [shape, axis, expected] of shapes) {
    const model = built(concat([tanh(), relu()], { axis }), shape);
    assertEquals(model.forward(random([2, ...shape], 1)).shape, [2, ...expected]);
  }
  checkGradient(([x]) => built(concat([dense(2, { name: "narrow" }), dense(4)]), [3]).forward(x), [x]);
  assertThrows(() => parallel([]), OptionError, "expected at least one branch");
});

Deno.test("merge() makes one tensor of several", () => {
  const [a, b] = [doubles([[1, 5]]), doubles([[3, 2]])];
  const expected = { add: [[4, 7]], multiply: [[3, 10]], mean: [[2, 3.5]], max: [[3, 5]], concat: [[1, 5, 3, 2]] };
  for (const by of ["add", "multiply", "mean", "max", "concat"] as const) {
    const model = buildModel(merge(by), { inputShape: [[2], [2]], dtype: "float64" });
    assertEquals(model.forward([a, b]).toArray(), expected[by]);
  }
});

Deno.test("repeat() has fresh parameters each time, or shares one set", () => {
  const x = random([2, 3], 1);
  const fresh = built(repeat(dense(3), 3), [3]);
  assertEquals(fresh.parameters().length, 6);
  assert(fresh.parameters()[0].tensor.floats[0] !== fresh.parameters()[2].tensor.floats[0]);
  const shared = built(repeat(dense(3), 3, { share: true }), [3]);
  assertEquals(shared.parameters().map(({ name }) => name), ["0.weight", "0.bias"]);
  const weight = shared.parameters()[0].tensor;
  const step = (y: Tensor) => y.matmul(weight, { transposeB: true });
  shared.forward(x).floats.forEach((value, i) => assertAlmostEquals(value, step(step(step(x))).floats[i], 1e-12));
  checkGradient(([x]) => shared.forward(x), [x]);
  assertEquals(built(repeat(dense(3), 0), [3]).forward(x).toArray(), x.toArray());
  assertThrows(() => repeat(dense(3), 1e9), OptionError, "repeat.times: expected a whole number in [0, 10000]");
});

Deno.test("a shared layer draws anew at each use, nested ones too", () => {
  const kept = (layer: LayerPlugin) => {
    const y = built(layer, [10000]).forward(Tensor.ones([1, 10000], "float64"), { mode: "train", step: 0 });
    return mean([...y.floats].map((value) => value === 0 ? 0 : 1));
  };
  const half = dropout({ rate: 0.5 });
  const error = 4 * 0.5 / 100;
  assertAlmostEquals(kept(repeat(half, 2, { share: true })), 0.25, error);
  assertAlmostEquals(kept(repeat(repeat(half, 2, { share: true }), 2, { share: true })), 0.0625, error);
  assertAlmostEquals(kept(repeat(repeat(half, 2), 2, { share: true })), 0.0625, error);
  const nested = repeat(sequential([repeat(half, 2, { share: true, name: "pair" })]), 2, { share: true });
  assertEquals(built(nested, [3]).summary().length, 4);
});

const towers: GraphOptions = {
  inputs: ["image", "table"],
  nodes: {
    out: { layer: dense(2), inputs: "sum" },
    sum: { layer: merge("add"), inputs: ["left", "right"] },
    left: { layer: dense(3), inputs: ["image"] },
    right: { layer: sequential([dense(3), tanh()]), inputs: "table" },
  },
  outputs: ["out", "sum"],
};

Deno.test("graph() runs its nodes in an order that fits, and gives all outputs by name", () => {
  const model = buildModel(graph(towers), { inputShape: [[4], [5]], dtype: "float64" });
  assertEquals(model.summary().map(({ path }) => path), ["", "left", "right", "right.0", "right.1", "sum", "out"]);
  const inputs = [random([2, 4], 1), random([2, 5], 2)];
  const { output, emitted } = model.forwardAll(inputs);
  assertEquals(output.toArray(), model.forward(inputs).toArray());
  assertEquals([...emitted.keys()], ["out", "sum"]);
  assertEquals(emitted.get("out"), output);
  assertEquals(emitted.get("sum")!.shape, [2, 3]);
  checkGradient((given) => {
    const all = model.forwardAll(given);
    return Tensor.concat([all.output, all.emitted.get("sum")!], 1);
  }, inputs);
});

Deno.test("graph() is as good as its JSON, and nests", () => {
  const layer = sequential([graph(towers), relu()]);
  const copy = new Registry(builtins).create(JSON.parse(JSON.stringify(layer)), "model") as unknown as LayerPlugin;
  const options = { inputShape: [[4], [5]], seed: 3, dtype: "float64" } as const;
  const inputs = [random([2, 4], 1), random([2, 5], 2)];
  const [one, other] = [layer, copy].map((layer) => buildModel(layer, options).forwardAll(inputs));
  assertEquals(one.output.toArray(), other.output.toArray());
  assertEquals([...other.emitted.keys()], ["0.out", "0.sum"]);
});

Deno.test("graph() refuses wirings that do not work, and says where", () => {
  const node = (inputs: string | string[]) => ({ layer: relu(), inputs });
  const cases: [GraphOptions, string][] = [
    [{ nodes: { a: node("y") }, outputs: ["a"] }, "graph.nodes.a.inputs: expected names of inputs or nodes (x, a)"],
    [{ nodes: { a: node("x") }, outputs: ["b"] }, "graph.outputs: expected names of inputs or nodes (x, a)"],
    [
      { nodes: { a: node("x"), b: node("c"), c: node("b") }, outputs: ["a"] },
      "graph.nodes: expected nodes without a circle (b, c wait for each other)",
    ],
    [{ nodes: { x: node("x") }, outputs: ["x"] }, "graph.nodes.x: expected nodes with names"],
    [{ nodes: { "a.b": node("x") }, outputs: ["a.b"] }, 'this one is named "a.b"'],
    [{ inputs: ["x", "x"], nodes: {}, outputs: ["x"] }, "graph.inputs: expected names that differ"],
    [{ nodes: {}, outputs: [] }, "graph.outputs: expected at least one output"],
  ];
  for (const [options, message] of cases) assertThrows(() => graph(options), OptionError, message);
  assertThrows(
    () => buildModel(graph(towers), { inputShape: [4] }),
    ShapeError,
    "expected 2 inputs (image, table), found 1",
  );
});

Deno.test("sequential() and repeat() give further inputs, such as a mask, to every layer", () => {
  const layers = sequential([repeat(encoderBlock(1), 2), encoderBlock(1)]);
  const model = buildModel(layers, { inputShape: [[3, 2], [3]], dtype: "float64" });
  const x = random([1, 3, 2], 1);
  const other = Tensor.concat([x.slice([0, 0], [1, 2]), random([1, 1, 2], 2)], 1);
  const run = (x: Tensor) => model.forward([x, doubles([[1, 1, 0]])]).slice([0, 0], [1, 2]).toArray();
  assertEquals(run(x), run(other));
});

Deno.test("formatSummary() lists layers, shapes, parameters and the sites of variants", () => {
  const block = residual(dense(1200), { branch: stochasticDepth() });
  const model = buildModel(sequential([dense(1200), dropout({ name: "drop" }), block]), { inputShape: [8] });
  assertEquals(
    formatSummary(model).split("\n"),
    [
      "place         plugin            output  parameters  site",
      "--------------------------------------------------------------",
      "model         sequential        [1200]",
      "  0           dense             [1200]      10,800",
      "  drop        dropout           [1200]              activation",
      "  2           residual          [1200]",
      "    2.block   dense             [1200]   1,441,200",
      "    2.branch  stochastic-depth  [1200]              branch",
      "--------------------------------------------------------------",
      "1,452,000 parameters, 2 variants, input [8], float32",
    ],
  );
});
