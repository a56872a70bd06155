import { assertEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  CheckpointError,
  decodeSafetensors,
  encodeSafetensors,
  Key,
  type LayerPlugin,
  type Model,
  OptionError,
  type Shape,
  Tensor,
} from "../../../core/mod.ts";
import { fromPyTorch } from "../../../mod.ts";
import {
  batchNorm,
  conv1d,
  conv2d,
  conv3d,
  decoderBlock,
  dense,
  dropout,
  embedding,
  encoderBlock,
  flatten,
  groupNorm,
  gru,
  layerNorm,
  lstm,
  multiHeadAttention,
  relu,
  repeat,
  rnn,
  sequential,
} from "../../../plugins/mod.ts";

/** Float64 tensors of some shapes with numbers of their own, by name. */
function numbered(shapes: Record<string, Shape>): Map<string, Tensor> {
  return new Map(
    Object.entries(shapes).map(([name, shape]) => [name, Tensor.uniform(shape, Key.seed(3).at(name), "float64")]),
  );
}

/** All of a model's tensors by name, as plain numbers. */
function contents(model: Model): Record<string, unknown> {
  const tensors = [...model.parameters().map(({ name, tensor }): [string, Tensor] => [name, tensor]), ...model.state()];
  return Object.fromEntries(tensors.map(([name, tensor]) => [name, tensor.toArray()]));
}

/** What PyTorch 1.13 lists as the shapes of a layer's `state_dict()`. */
const layers: Record<string, [layer: LayerPlugin, inputShape: Shape | Shape[], stateDict: Record<string, Shape>]> = {
  "nn.Linear": [dense(3), [5], { weight: [3, 5], bias: [3] }],
  "nn.Linear(bias=False)": [dense(3, { bias: false }), [5], { weight: [3, 5] }],
  "nn.Conv1d": [conv1d(4, 3), [2, 7], { weight: [4, 2, 3], bias: [4] }],
  "nn.Conv2d": [conv2d(4, [3, 2], { groups: 2 }), [6, 7, 7], { weight: [4, 3, 3, 2], bias: [4] }],
  "nn.Conv3d": [conv3d(4, 2), [3, 4, 4, 4], { weight: [4, 3, 2, 2, 2], bias: [4] }],
  "nn.BatchNorm2d": [batchNorm(), [3, 4, 4], {
    weight: [3],
    bias: [3],
    running_mean: [3],
    running_var: [3],
    num_batches_tracked: [],
  }],
  "nn.LayerNorm": [layerNorm({ axes: 2 }), [4, 3], { weight: [4, 3], bias: [4, 3] }],
  "nn.GroupNorm": [groupNorm(2), [4, 3], { weight: [4], bias: [4] }],
  "nn.Embedding": [embedding(7, 3), [-1], { weight: [7, 3] }],
  "nn.RNN": [rnn(2), [-1, 3], { weight_ih_l0: [2, 3], weight_hh_l0: [2, 2], bias_ih_l0: [2], bias_hh_l0: [2] }],
  "nn.GRU(bidirectional=True)": [gru(2, { bidirectional: true }), [-1, 3], {
    weight_ih_l0: [6, 3],
    weight_hh_l0: [6, 2],
    bias_ih_l0: [6],
    bias_hh_l0: [6],
    weight_ih_l0_reverse: [6, 3],
    weight_hh_l0_reverse: [6, 2],
    bias_ih_l0_reverse: [6],
    bias_hh_l0_reverse: [6],
  }],
  "nn.LSTM(num_layers=2, bias=False)": [lstm(2, { layers: 2, bias: false }), [-1, 3], {
    weight_ih_l0: [8, 3],
    weight_hh_l0: [8, 2],
    weight_ih_l1: [8, 2],
    weight_hh_l1: [8, 2],
  }],
  "nn.MultiheadAttention": [multiHeadAttention(2), [5, 4], {
    in_proj_weight: [12, 4],
    in_proj_bias: [12],
    "out_proj.weight": [4, 4],
    "out_proj.bias": [4],
  }],
  "nn.MultiheadAttention(kdim=6, vdim=6)": [multiHeadAttention(2, { attends: "memory" }), [[5, 4], [3, 6]], {
    q_proj_weight: [4, 4],
    k_proj_weight: [4, 6],
    v_proj_weight: [4, 6],
    in_proj_bias: [12],
    "out_proj.weight": [4, 4],
    "out_proj.bias": [4],
  }],
  "nn.TransformerEncoderLayer": [encoderBlock(2, { feedForward: 8 }), [5, 4], block("self_attn")],
  "nn.TransformerDecoderLayer": [
    decoderBlock(2, { feedForward: 8 }),
    [[5, 4], [3, 4]],
    block("self_attn", "multihead_attn"),
  ],
};

function block(...attentions: string[]): Record<string, Shape> {
  const shapes: Record<string, Shape> = {
    "linear1.weight": [8, 4],
    "linear1.bias": [8],
    "linear2.weight": [4, 8],
    "linear2.bias": [4],
  };
  attentions.forEach((name) => {
    shapes[`${name}.in_proj_weight`] = [12, 4];
    shapes[`${name}.in_proj_bias`] = [12];
    shapes[`${name}.out_proj.weight`] = [4, 4];
    shapes[`${name}.out_proj.bias`] = [4];
  });
  for (let norm = 1; norm <= attentions.length + 1; norm++) {
    shapes[`norm${norm}.weight`] = [4];
    shapes[`norm${norm}.bias`] = [4];
  }
  return shapes;
}

const ours: Record<string, string> = { running_mean: "mean", running_var: "variance" };

for (const [name, [layer, inputShape, shapes]] of Object.entries(layers)) {
  Deno.test(`the entries of ${name} go where they belong`, () => {
    const model = buildModel(layer, { inputShape, dtype: "float64" });
    const stateDict = numbered(shapes);
    fromPyTorch(model, stateDict);
    const expected = [...stateDict].filter(([name]) => name !== "num_batches_tracked")
      .map(([name, tensor]) => [ours[name] ?? name, tensor.toArray()]);
    assertEquals(contents(model), Object.fromEntries(expected));
  });
}

const net = () => sequential([conv2d(2, 3), batchNorm(), relu(), flatten(), dropout({ rate: 0.5 }), dense(3)]);
const netShapes: Record<string, Shape> = {
  "0.weight": [2, 1, 3, 3],
  "0.bias": [2],
  "1.weight": [2],
  "1.bias": [2],
  "1.running_mean": [2],
  "1.running_var": [2],
  "5.weight": [3, 8],
  "5.bias": [3],
};
const built = () => buildModel(net(), { inputShape: [1, 4, 4] });

Deno.test("a network's weights come out of a safetensors file by the names of nn.Sequential", () => {
  const model = built();
  const stateDict = new Map(numbered(netShapes)).set("1.num_batches_tracked", Tensor.from([7], [], "int32"));
  fromPyTorch(model, decodeSafetensors(encodeSafetensors(stateDict), "net.safetensors").tensors);
  assertEquals(model.state().get("1.variance")!.toArray(), stateDict.get("1.running_var")!.cast("float32").toArray());
  assertEquals(model.parameters()[4].tensor.toArray(), stateDict.get("5.weight")!.cast("float32").toArray());
});

Deno.test("a plain record serves as well, and the numbers are copies", () => {
  const model = buildModel(dense(1), { inputShape: [1] });
  const weight = Tensor.of([[2]]);
  fromPyTorch(model, { weight, bias: Tensor.of([1]) });
  weight.floats[0] = 5;
  assertEquals(contents(model), { weight: [[2]], bias: [1] });
});

Deno.test("missing, surplus and misshapen entries are all named with both shapes, and nothing is changed", () => {
  const model = built();
  const before = contents(model);
  const stateDict = numbered({ ...netShapes, "5.weight": [8, 3], "6.weight": [4, 4] });
  stateDict.delete("1.running_mean");
  const { message } = assertThrows(() => fromPyTorch(model, stateDict), CheckpointError);
  for (
    const part of [
      '1.mean takes "1.running_mean" of shape [2], found none',
      '5.weight takes "5.weight" of shape [3, 8], found [8, 3]',
      'nothing takes "6.weight" of shape [4, 4]',
    ]
  ) assertEquals(message.includes(part), true, message);
  assertEquals(contents(model), before);
});

Deno.test("names map beginnings and whole names; the longest beginning counts", () => {
  const model = buildModel(
    sequential([dense(2, { name: "hidden" }), batchNorm({ name: "norm" }), repeat(dense(2, { bias: false }), 2)]),
    { inputShape: [1], dtype: "float64" },
  );
  const stateDict = numbered({
    "net.fc1.weight": [2, 1],
    offset: [2],
    "net.bn.weight": [2],
    "net.bn.bias": [2],
    "net.bn.running_mean": [2],
    "net.spread": [2],
    "net.layers.0.weight": [2, 2],
    "net.layers.1.weight": [2, 2],
  });
  fromPyTorch(model, stateDict, {
    names: {
      "": "net",
      hidden: "net.fc1",
      "hidden.bias": "offset",
      norm: "net.bn",
      "norm.variance": "net.spread",
      "2": "net.layers",
    },
  });
  const found = contents(model);
  assertEquals(found["hidden.bias"], stateDict.get("offset")!.toArray());
  assertEquals(found["norm.mean"], stateDict.get("net.bn.running_mean")!.toArray());
  assertEquals(found["norm.variance"], stateDict.get("net.spread")!.toArray());
  assertEquals(found["2.1.weight"], stateDict.get("net.layers.1.weight")!.toArray());
});

Deno.test("one layer of a larger model takes the entries of a layer by itself", () => {
  const model = built();
  const stateDict = numbered({ weight: [2], bias: [2], running_mean: [2], running_var: [2] });
  const others = contents(model)["5.weight"];
  fromPyTorch(model, stateDict, { layer: "1" });
  assertEquals(contents(model)["1.mean"], stateDict.get("running_mean")!.cast("float32").toArray());
  assertEquals(contents(model)["5.weight"], others);
  const prefixed = new Map([...stateDict].map(([name, tensor]) => [`bn.${name}`, tensor]));
  fromPyTorch(model, prefixed, { layer: "1", names: { "": "bn" } });
  fromPyTorch(model, prefixed, { layer: "1", names: { "1": "bn" } });
});

Deno.test("null keeps a learned initial state, and a stateful layer's running state may be missing", () => {
  const model = buildModel(lstm(2, { initialState: "learned", stateful: 3 }), { inputShape: [-1, 3] });
  const stateDict = numbered({ weight_ih_l0: [8, 3], weight_hh_l0: [8, 2], bias_ih_l0: [8], bias_hh_l0: [8] });
  assertThrows(() => fromPyTorch(model, stateDict), CheckpointError, "initial_hidden_l0");
  fromPyTorch(model, stateDict, { names: { initial_hidden_l0: null, initial_cell_l0: null } });
  assertEquals(contents(model).initial_hidden_l0, [0, 0]);
});

Deno.test("descriptions, unknown layers and names that begin nothing are refused by name", () => {
  assertThrows(() => fromPyTorch(dense(2) as unknown as Model, {}), OptionError, "a model made by buildModel");
  assertThrows(() => fromPyTorch(built(), {}, { layer: "9" }), OptionError, '"9"');
  assertThrows(() => fromPyTorch(built(), {}, { names: { hidden: "fc" } }), OptionError, '"hidden"');
});
