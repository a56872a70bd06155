/** Weights for PyTorch: its names, and numbers that come back bit for bit. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  type BuildOptions,
  decodeSafetensors,
  encodeSafetensors,
  type LayerPlugin,
  type Model,
  OptionError,
  PluginError,
} from "../../../core/mod.ts";
import {
  batchNorm,
  concreteDropout,
  conv2d,
  dense,
  dropConnect,
  dropout,
  encoderBlock,
  flatten,
  folded,
  fromPyTorch,
  linear,
  lstm,
  masksembles,
  maxPool2d,
  multiHeadAttention,
  relu,
  residual,
  sequential,
  sigmoid,
  stochasticDepth,
  targetedUnitDropout,
  toPyTorch,
  zoneout,
} from "../../../plugins/mod.ts";
import { difference, disturbed, inputsOf } from "../_disturbed.ts";

const features = { inputShape: [6] };
const image = { inputShape: [2, 6, 6] };
const sequence = { inputShape: [5, 4] };

Deno.test("toPyTorch() and fromPyTorch() are each other's inverse, bit for bit, also through a file", () => {
  const models: readonly (readonly [LayerPlugin, BuildOptions])[] = [
    [sequential([conv2d(4, 3), batchNorm(), relu(), maxPool2d(2), dropout(), flatten(), dense(3)]), image],
    [sequential([lstm(3, { layers: 2, bidirectional: true, dropout: dropout() }), dense(2)]), sequence],
    [sequential([multiHeadAttention(2), encoderBlock(2, { dropout: dropout() })]), sequence],
    [
      sequential([dense(4, { weight: concreteDropout() }), residual(dense(4), { branch: stochasticDepth() })]),
      features,
    ],
  ];
  for (const [layer, options] of models) {
    for (const dtype of ["float32", "float64"] as const) {
      const model = disturbed(layer, { ...options, dtype });
      const bytes = encodeSafetensors(toPyTorch(model));
      const other = buildModel(layer, { ...options, dtype, seed: 2 });
      fromPyTorch(other, decodeSafetensors(bytes, "the file").tensors);
      const [x, y] = [model, other].map((one) => one.forward(inputsOf(model, 3).map((x) => x.cast(dtype))).toArray());
      assertEquals(x, y);
      assertEquals(
        [...toPyTorch(other)].map(([, { floats }]) => floats),
        [...toPyTorch(model)].map(([, t]) => t.floats),
      );
    }
  }
});

Deno.test("names are those of nn.Sequential, of a single layer, and those that are asked for", () => {
  const names = (
    layer: LayerPlugin,
    options: BuildOptions,
    naming = {},
  ) => [...toPyTorch(buildModel(layer, options), naming).keys()];
  const layer = sequential([dense(4, { name: "hidden" }), batchNorm(), dropout(), dense(2)]);
  const norm = ["1.weight", "1.bias", "3.weight", "3.bias", "1.running_mean", "1.running_var"];
  assertEquals(names(layer, features), ["hidden.weight", "hidden.bias", ...norm]);
  assertEquals(names(layer, features, { names: { hidden: "0" } }), ["0.weight", "0.bias", ...norm]);
  assertEquals(names(layer, features, { layer: "1" }), ["weight", "bias", "running_mean", "running_var"]);
  assertEquals(names(layer, features, { layer: "1", names: { "1.mean": null, "1.variance": null } }), [
    "weight",
    "bias",
  ]);
  assertEquals(names(lstm(2, { stateful: 3 }), sequence), ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]);
  assertEquals(names(dense(4, { weight: concreteDropout() }), features), ["weight", "bias"]);
});

Deno.test("the factor of classic dropout is in the weights, since dropout there has none", () => {
  const rate = linear({ from: 0, to: 0.8 });
  const classic = dropout({ convention: "classic", rate });
  const model = disturbed(sequential([dense(4), batchNorm(), relu(), classic, dense(2)]), features);
  const progress = { step: 50, stepsPerEpoch: 100, totalSteps: 101 };
  const inverted = buildModel(sequential([dense(4), batchNorm(), relu(), dropout(), dense(2)]), features);
  fromPyTorch(inverted, toPyTorch(model, { progress }));
  const x = inputsOf(model, 3);
  assert(difference(inverted.forward(x), model.forward(x, { progress })) < 1e-6);
  const plain = folded(model, { progress, batchNorm: false }).model;
  const numbers = (of: Model) => [...toPyTorch(of, { progress })].map(([name, { floats }]) => [name, floats]);
  assertEquals(numbers(plain), numbers(model), "what is folded already stays");
});

Deno.test("variants that PyTorch's layers do not have at evaluation are refused by name", () => {
  const classic = { convention: "classic" } as const;
  const refused: readonly (readonly [LayerPlugin, BuildOptions, string])[] = [
    [sequential([dropout(classic), sigmoid(), dense(2)]), features, "model.0 (dropout)"],
    [sequential([dense(12), masksembles()]), features, "model.1 (masksembles)"],
    [lstm(2, { recurrent: zoneout() }), sequence, "model.recurrent_l0 (zoneout)"],
    [dense(3, { weight: targetedUnitDropout() }), features, "model.weight (targeted-unit-dropout)"],
  ];
  for (const [layer, options, message] of refused) {
    const error = assertThrows(() => toPyTorch(buildModel(layer, options)), PluginError);
    assert(error.message.startsWith(`${message}: expected a variant that is the identity`), error.message);
  }
  toPyTorch(buildModel(dense(3, { weight: dropConnect(classic) }), features));
  const model = buildModel(dense(3), features);
  assertThrows(() => toPyTorch(dense(3) as never), OptionError, "toPyTorch: model");
  assertThrows(() => toPyTorch(model, { layer: "8" }), OptionError, "toPyTorch: layer");
  assertThrows(() => toPyTorch(model, { names: { no: "0" } }), OptionError, "toPyTorch: names");
  assertThrows(() => toPyTorch(model, { strict: true } as never), OptionError, "toPyTorch.strict");
});
