/** Layers of one's own in an ONNX file, what the file says of itself, and what is refused. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  affine,
  buildModel,
  definePlugin,
  type Factory,
  layerPart,
  type LayerPlugin,
  OptionError,
  part,
  type Plugin,
  PluginError,
  prepareInputs,
  restoreOutputs,
  Tensor,
} from "../../../core/mod.ts";
import {
  batchNorm,
  conv1d,
  dense,
  dropConnect,
  dropout,
  embedding,
  graph,
  linear,
  lstm,
  merge,
  relu,
  sequential,
  tanh,
  toOnnx,
} from "../../../plugins/mod.ts";
import { difference, disturbed, inputsOf } from "../_disturbed.ts";
import { assertSame, open } from "./_onnx_runtime.ts";

const features = { inputShape: [6] };
const text = async (bytes: Promise<Uint8Array>) => new TextDecoder().decode(await bytes);

/** A layer with a weight at which variants stand, a child, and an activation that it fuses. */
const gated: Factory<"layer", { gate: LayerPlugin; weight?: Plugin<"weight"> }, ["gate"]> = definePlugin({
  name: "gated",
  options: z.object({ gate: layerPart(), weight: part("weight").optional() }),
  positional: ["gate"],
  fuses: true,
  init: ({ inputShape, dtype }) => ({ params: { weight: Tensor.full([inputShape[0], inputShape[0]], 0.5, dtype) } }),
  forward(x, { options, params, run, serve, epilogue }) {
    const weight = options.weight === undefined ? params.weight : serve("weight", options.weight, [params.weight]);
    return affine(x, weight, null, epilogue).mul(run(options.gate, x, "gate"));
  },
  onnx(x, { params, run, op, weight, epilogue }) {
    const product = op("Gemm", [x, weight("weight", params.weight)], { attributes: { transB: 1 } });
    const names = { relu: "Relu", tanh: "Tanh", sigmoid: "Sigmoid", none: "Identity" };
    return op("Mul", [op(names[epilogue], [product]), run("gate", x)]);
  },
});

/** A layer that says nothing of ONNX, or something wrong. */
function silent(onnx?: () => never): LayerPlugin {
  const layer: Factory<"layer", Record<never, never>> = definePlugin({
    name: "silent",
    options: z.object({}),
    forward: (x) => x.mul(2),
    ...(onnx && { onnx }),
  });
  return layer();
}

Deno.test("a layer of one's own says its nodes, with children, variants at its weight and a fused activation", async () => {
  await assertSame(disturbed(gated(sequential([dense(6), tanh()])), features));
  await assertSame(disturbed(sequential([gated(dense(6)), relu(), dense(2)]), features));
  const weight = dropConnect({ per: "batch", convention: "classic" });
  await assertSame(disturbed(sequential([gated(dense(6), { weight }), tanh()]), features));
});

Deno.test("a layer that does not say how, or says it wrongly, is named", async () => {
  const failing = (onnx?: () => never) => () => toOnnx(buildModel(sequential([dense(3), silent(onnx)]), features));
  const cases: readonly (readonly [(() => never) | undefined, string])[] = [
    [undefined, "model.1 (silent): cannot be exported to ONNX: it does not say how: its definition has no part onnx."],
    [(() => undefined) as never, "expected a value of the graph from its part onnx, found undefined."],
    [() => {
      throw new Error("no time.");
    }, "model.1 (silent): cannot be exported to ONNX: no time."],
  ];
  for (const [onnx, message] of cases) {
    const error = await assertRejects(failing(onnx), PluginError);
    assert(error.message.endsWith(message), error.message);
    assertEquals(error.message.split("cannot be exported").length, 2, error.message);
  }
  const definition = { name: "wrong", options: z.object({}), weight: (w: Tensor) => w, onnx: () => {} };
  assertThrows(
    () => definePlugin(definition as never),
    PluginError,
    'has no part "onnx"; it belongs to activation or layer',
  );
});

Deno.test("a product that is more than another weight's is not taken for one", async () => {
  const made = (name: string, factor: (x: Tensor) => Tensor): Plugin<"product"> => {
    const variant: Factory<"product", Record<never, never>> = definePlugin({
      name,
      options: z.object({}),
      product: (x, weight, bias, { multiply }) => multiply(x, weight.mul(factor(x)), bias),
    });
    return variant();
  };
  await assertSame(disturbed(dense(3, { weight: made("halved", () => Tensor.of([0.5])) }), features));
  const model = disturbed(dense(3, { weight: made("looking", (x) => x.abs().max().add(1)) }), features);
  await assertRejects(
    () => toOnnx(model),
    PluginError,
    "model.weight (looking): cannot be exported to ONNX: it says neither",
  );
});

Deno.test("inputs and outputs have the graph's names, and any number of examples", async () => {
  const layer = graph({
    inputs: ["image", "table"],
    nodes: { both: { layer: merge("concat"), inputs: ["image", "table"] }, label: { layer: dense(2), inputs: "both" } },
    outputs: ["label", "both"],
  });
  const model = disturbed(layer, { inputShape: [[3], [4]] });
  const { inputs, outputs } = await open(await toOnnx(model));
  assertEquals([inputs, outputs], [["image", "table"], ["label", "both"]]);
  const several = await open(await toOnnx(disturbed(merge("add"), { inputShape: [[3], [3]] })));
  assertEquals([several.inputs, several.outputs], [["input_0", "input_1"], ["output"]]);
});

Deno.test("constants have the names of a saved model, whatever else is called so", async () => {
  const layer = sequential([dense(3, { name: "input" }), batchNorm({ name: "output" })]);
  const whole = await text(toOnnx(disturbed(layer, features), { fold: false }));
  for (const name of ["input.weight", "output.bias", "state/output.mean", "preprocessing", "none: inputs are as"]) {
    assert(whole.includes(name), name);
  }
  await assertSame(disturbed(layer, features));
});

Deno.test("a model of float64 becomes a file of float32", async () => {
  const model = disturbed(sequential([lstm(3), dense(2)]), { inputShape: [5, 4], dtype: "float64" });
  const { run } = await open(await toOnnx(model));
  const x = inputsOf(model, 2);
  const y = model.forward(x.map((one) => one.cast("float64")));
  assert(difference((await run(...x)).get("output")!, y) < 1e-5);
});

Deno.test("what the data set did is done in the file where that is asked for", async () => {
  const model = disturbed(sequential([dense(2)]), { inputShape: [2, 2, 3] });
  const preprocessing = {
    dataset: "made",
    shape: [2, 2, 3],
    classes: 0,
    outputs: 2,
    layout: "channels-last" as const,
    scale: 0.5,
    inputUnits: { mean: [1, -2], deviation: [2, 4] },
    targetUnits: { mean: [100, 10], deviation: [5, 2] },
  };
  const bytes = await toOnnx(model, { preprocessing });
  const { run } = await open(bytes);
  const raw = inputsOf(model, 2)[0].reshape([2, 2, 3, 2]);
  const here = restoreOutputs(preprocessing, model.forward(prepareInputs(preprocessing, raw.floats)));
  assert(difference((await run(raw)).get("output")!, here) < 1e-5);
  assert(new TextDecoder().decode(bytes).includes("in the graph"));
});

Deno.test("rates that follow a schedule are those of the point of training that is asked about", async () => {
  const rate = linear({ from: 0, to: 0.8 });
  const progress = { step: 50, stepsPerEpoch: 100, totalSteps: 101 };
  const model = disturbed(dropout({ rate, convention: "classic" }), features);
  await assertSame(model, { progress });
  const [middle, end] = [progress, { ...progress, step: 100 }].map((progress) => text(toOnnx(model, { progress })));
  assert(await middle !== await end);
});

Deno.test("an index that is no symbol, and an open extent that has to be known, are told", async () => {
  const { run } = await open(await toOnnx(buildModel(embedding(6, 2), { inputShape: [3], inputType: "int32" })));
  await assertRejects(() => run(Tensor.of([[1, 2, 6]], "int32")));
  const open1d = buildModel(conv1d(2, 1, { padding: "same" }), { inputShape: [2, -1] });
  await assertRejects(() => toOnnx(open1d), PluginError, 'padding "same" depends on extents that are open');
});

Deno.test("toOnnx() refuses what is no model, and options that it does not have", async () => {
  await assertRejects(() => toOnnx(dense(3) as never), OptionError, "toOnnx: model: expected a model");
  const model = buildModel(dense(3), features);
  await assertRejects(() => toOnnx(model, { opset: 12 } as never), OptionError, "toOnnx.opset");
  await assertRejects(
    () => toOnnx(model, { monteCarlo: true }),
    OptionError,
    "monteCarlo: expected false, since the model",
  );
});
