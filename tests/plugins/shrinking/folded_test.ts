/** A folded model: the same outputs with less to multiply by, in evaluation and under masks, and a table that says why not. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type BuildOptions, type LayerPlugin, type Model, OptionError } from "../../../core/mod.ts";
import {
  averagePool2d,
  batchNorm,
  bypass,
  concat,
  conv2d,
  dense,
  dropConnect,
  dropout,
  encoderBlock,
  flatten,
  folded,
  gelu,
  graph,
  leakyRelu,
  linear,
  lstm,
  maxout,
  maxPool2d,
  pruned,
  recurrentDropout,
  relu,
  repeat,
  residual,
  rnnDrop,
  sequential,
  sigmoid,
  stochasticDepth,
  weightDrop,
} from "../../../plugins/mod.ts";
import { loadModel } from "../../../plugins/load_model.ts";
import { inFolder } from "../../cli/_run.ts";
import { difference, disturbed, inputsOf } from "../_disturbed.ts";

const classic = (rate = 0.4) => dropout({ convention: "classic", rate });
const features = { inputShape: [6] };
const image = { inputShape: [2, 6, 6] };
const sequence = { inputShape: [5, 4] };

/** Asserts equal outputs, in evaluation and in passes with masks; the paths of what was folded, and into which layer. */
function assertFolded(model: Model): { folded: Model; into: (string | null)[][] } {
  const before = model.parameters().map(({ tensor }) => Array.from(tensor.floats));
  const { model: after, table } = folded(model);
  const inputs = inputsOf(model, 4);
  for (const run of [{}, { mode: "sample", step: 3 }, { mode: "sample", step: 4 }] as const) {
    const error = difference(after.forward(inputs, run), model.forward(inputs, run));
    assert(error < 2e-6, `differs by ${error} in mode ${"mode" in run ? run.mode : "eval"}`);
  }
  assertEquals(model.parameters().map(({ tensor }) => Array.from(tensor.floats)), before, "the given model stays");
  return { folded: after, into: table.map(({ path, into }) => [path, into]) };
}

const cases: readonly (readonly [string, LayerPlugin, BuildOptions, (string | null)[][]])[] = [
  ["batch norm behind a dense layer", sequential([dense(5), batchNorm(), relu(), dense(2)]), features, [["1", "0"]]],
  [
    "batch norms behind convolutions without and with a bias",
    sequential([
      conv2d(4, 3, { bias: false, padding: 1 }),
      batchNorm({ affine: false }),
      relu(),
      conv2d(6, 3, { groups: 2 }),
      batchNorm({ epsilon: 0.1 }),
      flatten(),
      dense(2),
    ]),
    image,
    [["1", "0"], ["4", "3"]],
  ],
  ["classic dropout of inputs", sequential([classic(), dense(3)]), features, [["0", "1"]]],
  [
    "classic dropout through what passes a factor on",
    sequential([
      conv2d(4, 3, { padding: 1 }),
      classic(0.3),
      leakyRelu(),
      maxPool2d(2),
      averagePool2d(3, { padding: 1 }),
      dropout(),
      flatten(),
      dense(2),
    ]),
    image,
    [["1", "7"]],
  ],
  [
    "two dropouts into one layer, and a batch norm behind it",
    sequential([classic(0.3), relu(), classic(0.5), dense(4), batchNorm(), classic(0.2), dense(2)]),
    features,
    [["0", "3"], ["2", "3"], ["4", "3"], ["5", "6"]],
  ],
  ["a rate of 1", sequential([classic(1), dense(3)]), features, [["0", "1"]]],
  [
    "nested sequences and copies of a block",
    sequential([repeat(sequential([dense(6), batchNorm(), relu(), classic()]), 3), dense(2)]),
    features,
    [["0.0.1", "0.0.0"], ["0.0.3", "0.1.0"], ["0.1.1", "0.1.0"], ["0.1.3", "0.2.0"], ["0.2.1", "0.2.0"], [
      "0.2.3",
      "1",
    ]],
  ],
  [
    "a shared block",
    sequential([repeat(sequential([classic(), dense(6, { bias: false }), batchNorm()]), 3, { share: true }), dense(2)]),
    features,
    [["0.0.0", "0.0.1"], ["0.0.2", "0.0.1"]],
  ],
  [
    "blocks, projections, branches and nodes",
    sequential([
      residual(sequential([dense(8), batchNorm(), relu(), classic(), dense(4)]), {
        projection: sequential([dense(4), batchNorm()]),
      }),
      concat([sequential([dense(3), batchNorm()]), sequential([classic(), dense(2)], { name: "b" })]),
      graph({
        nodes: { a: { layer: sequential([dense(3, { bias: false }), batchNorm()]), inputs: "x" } },
        outputs: ["a"],
      }),
    ]),
    features,
    [
      ["0.projection.1", "0.projection.0"],
      ["0.block.1", "0.block.0"],
      ["0.block.3", "0.block.4"],
      ["1.0.1", "1.0.0"],
      ["1.b.0", "1.b.1"],
      ["2.a.1", "2.a.0"],
    ],
  ],
  [
    "DropConnect",
    sequential([dense(4, { weight: dropConnect({ convention: "classic", per: "batch" }) }), sigmoid(), dense(2)]),
    features,
    [["0.weight", "0"]],
  ],
  [
    "stochastic depth into a product, a folded batch norm's layer, and a batch norm that is left",
    sequential([
      residual(sequential([dense(8), relu(), dense(6)]), { branch: stochasticDepth({ convention: "classic" }) }),
      residual(sequential([dense(6), batchNorm()]), { branch: stochasticDepth({ convention: "classic" }) }),
      residual(sequential([dense(6), relu(), batchNorm()]), { branch: stochasticDepth({ convention: "classic" }) }),
    ]),
    features,
    [["0.branch", "0.block.2"], ["1.branch", "1.block.0"], ["1.block.1", "1.block.0"], ["2.branch", "2.block.2"], [
      "2.block.2",
      null,
    ]],
  ],
];

for (const [name, layer, options, expected] of cases) {
  Deno.test(`folded() takes up ${name}`, () => {
    const { into } = assertFolded(disturbed(layer, options));
    const sorted = (rows: (string | null)[][]) => rows.map(String).sort();
    assertEquals(sorted(into), sorted(expected));
  });
}

Deno.test("what stands between is reported, and left as it is", () => {
  const left: readonly (readonly [LayerPlugin, BuildOptions, string, string])[] = [
    [
      sequential([dense(4), relu(), batchNorm()]),
      features,
      "2",
      "expected a dense layer or convolution, found relu at 1",
    ],
    [batchNorm(), features, "", "no layer stands directly before it"],
    [sequential([dense(4), batchNorm()]), sequence, "1", "its channels are not the units of the dense layer before it"],
    [
      sequential([dense(4, { weight: weightDrop() }), batchNorm()]),
      features,
      "1",
      "weight-drop stands at the weight of 0",
    ],
    [sequential([dense(3), classic()]), features, "1", "no dense layer or convolution follows it"],
    [
      sequential([classic(), gelu(), dense(3)]),
      features,
      "0",
      "expected a dense layer or convolution, found gelu at 1",
    ],
    [encoderBlock(2, { hidden: classic() }), sequence, "hidden", "it stands inside of another layer"],
    [lstm(3, { recurrent: rnnDrop() }), sequence, "recurrent_l0", "it stands inside of another layer"],
    [
      lstm(3, { recurrent: recurrentDropout({ convention: "classic" }) }),
      sequence,
      "recurrent_l0",
      "it stands inside of another layer",
    ],
    [
      maxout(3, { weight: dropConnect({ convention: "classic" }) }),
      features,
      "weight",
      "expected a dense layer or convolution, found maxout",
    ],
    [
      bypass(dense(6), { branch: stochasticDepth({ convention: "classic" }) }),
      features,
      "branch",
      "its branch is no block of layers, but one of bypass",
    ],
    [
      residual(sequential([dense(6), relu()]), { branch: stochasticDepth({ convention: "classic" }) }),
      features,
      "branch",
      "expected a dense layer or convolution, found relu at block.1",
    ],
  ];
  for (const [layer, options, path, why] of left) {
    const model = disturbed(layer, options);
    const { model: after, table } = folded(model);
    assertEquals(table.map(({ path, into, left }) => [path, into, left]), [[path, null, why]]);
    const inputs = inputsOf(model, 3);
    assertEquals(after.forward(inputs).toArray(), model.forward(inputs).toArray());
  }
});

Deno.test("a folded model is saved and loaded, and folds and prunes no further", async () => {
  const layer = sequential([dense(8, { bias: false }), batchNorm(), relu(), classic(), dense(2)]);
  const model = disturbed(layer, features);
  model.configure("3", { rate: 0.7 }); // what counts is the rate of the moment
  const { folded: after } = assertFolded(model);
  assertEquals([...after.plugins().keys()], ["", "0", "2", "3", "4"]);
  assertEquals(after.plugins().get("3")!.options, { ...model.plugins().get("3")!.options, convention: "inverted" });
  await inFolder(async (folder) => {
    await after.save(`${folder}/folded.safetensors`);
    const { model: loaded } = await loadModel(`${folder}/folded.safetensors`);
    const x = inputsOf(model, 3);
    assertEquals(loaded.forward(x).toArray(), after.forward(x).toArray());
  });
  assertEquals(folded(after).table, []);
  assertEquals(pruned(after).model.parameterCount(), after.parameterCount());
});

Deno.test("rates that follow a schedule are looked at at the point of training that is asked about", () => {
  const rate = linear({ from: 0, to: 0.8 });
  const model = disturbed(sequential([dropout({ convention: "classic", rate }), dense(2)]), features);
  const progress = { step: 50, stepsPerEpoch: 100, totalSteps: 101 };
  const { model: after } = folded(model, { progress });
  const x = inputsOf(model, 3);
  assert(difference(after.forward(x, { progress }), model.forward(x, { progress })) < 1e-6);
  assert(difference(after.forward(x), model.forward(x)) > 1e-3, "the factor at the beginning is 1");
});

Deno.test("folded() refuses what is no model, and options that it does not have", () => {
  assertThrows(() => folded(dense(3) as unknown as Model), OptionError, "folded: model: expected a model");
  const model = disturbed(dense(3), features);
  assertThrows(() => folded(model, { layer: 1 } as never), OptionError, "folded.layer");
});
