/** What multi-sample dropout promises: the mean over masks on features that are computed once. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  gradients,
  layerPart,
  type LayerPlugin,
  type LossValue,
  type Model,
  OptionError,
  Registry,
  Tensor,
} from "../../../core/mod.ts";
import {
  batchNorm,
  builtins,
  crossEntropy,
  dense,
  digits,
  dropConnect,
  dropout,
  fit,
  gaussianNll,
  graph,
  multiSampleDropout,
  type MultiSampleDropoutOptions,
  relu,
  residual,
  sequential,
  sgd,
  stochasticDepth,
} from "../../../mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { random } from "../../core/_tensors.ts";
import { built, lossOf } from "../_apply.ts";
import { counter } from "./_counted.ts";

const labels = Tensor.of([2, 0, 1, 3, 1, 2], "int32");
const x = () => random([6, 5], 1);

const meanOf = ({ sum, weight }: LossValue) => sum.div(weight!);

/** What training minimizes at a step. */
function objective(model: Model, options: MultiSampleDropoutOptions, input: Tensor = x(), step = 3): Tensor {
  const plugin = multiSampleDropout(options);
  const { again } = model.passes(input, { mode: "train", step });
  return meanOf(plugin.definition.objective!(again, labels, plugin.options));
}

Deno.test("multiSampleDropout() is the mean of the losses of its masks, and so is its gradient", () => {
  const model = built(sequential([dense(8), relu(), dropout({ rate: 0.5 }), dense(4)]), [5]);
  const parameters = model.parameters().map(({ tensor }) => tensor);
  for (const samples of [2, 5]) {
    const found = objective(model, { samples });
    // All of the model, once for each mask: nothing is drawn before the last dropout.
    const losses = Array.from(
      { length: samples },
      (_, pass) => lossOf(crossEntropy(), model.forward(x(), { mode: "train", step: 3, pass }), labels),
    );
    const expected = losses.reduce((a, b) => a.add(b)).div(samples);
    assertAlmostEquals(found.item(), expected.item(), 1e-14);
    const [actual, wanted] = [found, expected].map((loss) => gradients(loss, parameters));
    actual.forEach((gradient, i) =>
      gradient.floats.forEach((value, j) => assertAlmostEquals(value, wanted[i].floats[j], 1e-13))
    );
    assert(new Set(losses.map((loss) => loss.item())).size === samples, "each pass has a mask of its own");
  }
});

Deno.test("multiSampleDropout() with one sample is the plain loss, bit for bit", () => {
  const model = built(sequential([dense(8), relu(), dropout({ rate: 0.5 }), dense(4)]), [5]);
  const plain = lossOf(crossEntropy(), model.forward(x(), { mode: "train", step: 3 }), labels);
  assertEquals(objective(model, { samples: 1 }).item(), plain.item());
});

Deno.test("the features of multiSampleDropout() are computed once, those behind the last dropout once a mask", () => {
  const [below, above] = [counter(), counter()];
  const model = built(sequential([dropout(), below.layer(), dropout({ rate: 0.5 }), above.layer(), dense(4)]), [5]);
  [below, above].forEach(({ rows }) => rows.length = 0);
  objective(model, { samples: 7 });
  assertEquals([below.rows, above.rows], [[6], Array(7).fill(6)]);
});

Deno.test("all masks of multiSampleDropout() see the same features, drawn once", () => {
  // With the last dropout at rest, further passes give what the first gave, whatever was dropped before.
  const layers = (rate: number) => sequential([dropout({ rate: 0.5 }), dense(6), dropout({ rate }), dense(4)]);
  const still = built(layers(0), [5]).passes(x(), { mode: "train", step: 1 });
  for (const pass of [1, 2, 9]) {
    assertEquals(still.again(pass, { from: null }).toArray(), still.output.toArray());
    assertNotEquals(still.again(pass).toArray(), still.output.toArray(), "a whole pass draws all masks anew");
  }
  const model = built(layers(0.5), [5]);
  const { output, again } = model.passes(x(), { mode: "train", step: 1 });
  assertEquals(again(0, { from: null }).toArray(), output.toArray());
  const outputs = [output, again(1, { from: null }), again(2, { from: null })].map((y) => String(y.toArray()));
  assertEquals(new Set(outputs).size, 3);
});

Deno.test("the copies of multiSampleDropout() begin where they are told, also inside of other layers", () => {
  const [a, b, c] = [counter(), counter(), counter()];
  const model = built(sequential([a.layer(), sequential([b.layer(), dropout(), c.layer()]), dropout(), dense(4)]), [5]);
  const runs = (from?: string) => {
    [a, b, c].forEach(({ rows }) => rows.length = 0);
    objective(model, from === undefined ? { samples: 3 } : { samples: 3, from });
    return [a, b, c].map(({ rows }) => rows.length);
  };
  assertEquals(runs(), [1, 1, 1]);
  assertEquals(runs("1.1"), [1, 1, 3]);
  assertEquals(runs("1.2"), [1, 1, 3]);
  assertEquals(runs("1"), [1, 3, 3]);
  assertEquals(runs("0"), [3, 3, 3]);
  assertEquals(runs("3"), [1, 1, 1]);
});

Deno.test("the copies of multiSampleDropout() are right in a graph, whose ways part before the last dropout", () => {
  const [left, right] = [counter(), counter()];
  const model = built(
    graph({
      nodes: {
        left: { layer: left.layer(), inputs: "x" },
        right: { layer: right.layer(), inputs: "x" },
        thin: { layer: dropout({ rate: 0.5 }), inputs: "left" },
        sum: { layer: residual(dense(5)), inputs: "thin" },
        out: { layer: dense(4), inputs: "sum" },
      },
      outputs: ["out"],
    }),
    [5],
  );
  [left, right].forEach(({ rows }) => rows.length = 0);
  const found = objective(model, { samples: 3 });
  assertEquals([left.rows.length, right.rows.length], [1, 1]);
  const losses = [0, 1, 2].map((pass) =>
    lossOf(crossEntropy(), model.forward(x(), { mode: "train", step: 3, pass }), labels).item()
  );
  assertAlmostEquals(found.item(), losses.reduce((a, b) => a + b) / 3, 1e-14);
});

Deno.test("rows that a branch gathers are never taken from another pass", () => {
  const branch = stochasticDepth({ rate: 0.5 });
  const block = (inside: LayerPlugin) => residual(sequential([dense(5), inside, dense(5)]), { branch });
  // The last dropout stands inside a branch, whose surviving examples differ from pass to pass.
  for (const layer of [sequential([block(dropout()), dense(4)]), sequential([block(relu()), dropout(), dense(4)])]) {
    const model = built(layer, [5]);
    for (let step = 0; step < 8; step++) {
      checkGradient(([input]) => objective(model, { samples: 3 }, input, step), [x()]);
    }
  }
  const whole = built(sequential([block(dropout()), dense(4)]), [5]);
  for (let step = 0; step < 8; step++) {
    const { again } = whole.passes(x(), { mode: "train", step });
    assertEquals(again(1, { from: null }).toArray(), whole.forward(x(), { mode: "train", step, pass: 1 }).toArray());
  }
});

/** One layer twice with the same parameters, and a variant behind it. */
const twice: Factory<"layer", { layer: LayerPlugin; variant: LayerPlugin }> = definePlugin({
  name: "twice",
  options: z.object({ layer: layerPart(), variant: layerPart() }),
  forward(x, { options: { layer, variant }, run }) {
    const first = run(layer, x, "layer");
    return run(variant, first.add(run(layer, first, "layer", { use: 1 })), "variant");
  },
});

Deno.test("each use of a shared layer is taken from its own use in the first pass", () => {
  const model = built(sequential([twice({ layer: dense(5), variant: dropout({ rate: 0.5 }) }), dense(4)]), [5]);
  const { again } = model.passes(x(), { mode: "train", step: 2 });
  const whole = model.forward(x(), { mode: "train", step: 2, pass: 1 });
  assertEquals(again(1, { from: null }).toArray(), whole.toArray());
});

Deno.test("batch norm below the last dropout updates its running statistics once a step", () => {
  const layers = () => sequential([batchNorm(), dropout(), dense(4)]);
  const [once, many] = [built(layers(), [5]), built(layers(), [5])];
  once.forward(x(), { mode: "train", step: 3 });
  objective(many, { samples: 4 });
  assertEquals(many.state().get("0.mean")!.toArray(), once.state().get("0.mean")!.toArray());
});

Deno.test("multiSampleDropout() runs whole passes where no variant stands at a layer position", () => {
  const model = built(dense(4, { weight: dropConnect({ rate: 0.5 }) }), [5]);
  const found = objective(model, { samples: 2 });
  const losses = [0, 1].map((pass) =>
    lossOf(crossEntropy(), model.forward(x(), { mode: "train", step: 3, pass }), labels).item()
  );
  assert(losses[0] !== losses[1]);
  assertAlmostEquals(found.item(), (losses[0] + losses[1]) / 2, 1e-14);
});

Deno.test("multiSampleDropout() has right gradients, the masks held", () => {
  const model = built(sequential([dropout({ rate: 0.2 }), dense(8), relu(), dropout({ rate: 0.5 }), dense(4)]), [5]);
  const parameters = model.parameters().map(({ tensor }) => tensor);
  checkGradient(([input]) => objective(model, { samples: 3 }, input), [x()], { parameters });
});

Deno.test("multiSampleDropout() trains, in one part as in several, and is evaluated as the loss of one pass", async () => {
  const root = sequential([dense(64), relu(), dropout({ rate: 0.5 }), dense(10)]);
  const run = (accumulate: number) =>
    fit(root, {
      data: digits({ train: 400, test: 100 }),
      loss: multiSampleDropout({ samples: 4 }),
      optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
      epochs: 6,
      batchSize: 20,
      seed: 1,
      accumulate,
    });
  const [whole, parts] = [await run(1), await run(3)];
  assert(whole.testError < 0.4, `${whole.testError}, where guessing gives 0.9`);
  assertAlmostEquals(parts.testLoss, whole.testLoss, 1e-3);
  const plain = built(root, [5]);
  const outputs = plain.forward(x());
  const short = lossOf(multiSampleDropout(), outputs, labels).item();
  assertEquals(short, lossOf(crossEntropy(), outputs, labels).item());
});

Deno.test("multiSampleDropout() wraps any loss, and tells what of the outputs is its prediction", () => {
  const plugin = multiSampleDropout({ samples: 2, loss: gaussianNll() });
  const outputs = random([3, 4], 1);
  const expected = gaussianNll().definition.prediction!(outputs, gaussianNll().options);
  assertEquals(plugin.definition.prediction!(outputs, plugin.options).toArray(), expected.toArray());
  const again = new Registry(builtins).create(JSON.parse(JSON.stringify(plugin)), "loss");
  assertEquals(JSON.stringify(again), JSON.stringify(plugin));
});

Deno.test("multiSampleDropout() refuses a path without a layer, and numbers of samples out of range", async () => {
  const model = buildModel(sequential([dropout(), dense(4, { weight: dropConnect() })]), { inputShape: [5] });
  for (const from of ["7", "1.weight"]) {
    assertThrows(
      () => model.passes(Tensor.ones([6, 5]), { mode: "train", step: 0 }).again(1, { from }),
      OptionError,
      `from: expected the path of a layer of the model, found "${from}"`,
    );
  }
  const loss = multiSampleDropout({ from: "9" });
  const settings = { data: digits({ train: 20, test: 20 }), loss, optimizer: sgd({ learningRate: 0.1 }), epochs: 1 };
  await assertRejects(() => fit(sequential([dropout(), dense(10)]), settings), OptionError, "from: expected the path");
  const message = "multi-sample-dropout.samples: expected a whole number in [1, 1000]";
  for (const samples of [0, 1.5, 1001]) assertThrows(() => multiSampleDropout({ samples }), OptionError, message);
});

Deno.test("the features that all masks see are computed whole, also where one mask of the batch follows them", () => {
  const layers = sequential([dense(800), dropout({ rate: 0.5, share: ["batch"] }), dense(3)]);
  const model = buildModel(layers, { inputShape: [400], seed: 2 });
  const wide = random([128, 400], 1).cast("float32");
  const { again } = model.passes(wide, { mode: "train", step: 0 });
  for (const pass of [1, 2]) {
    const alone = model.forward(wide, { mode: "train", step: 0, pass });
    again(pass, { from: null }).floats.forEach((value, i) => assertAlmostEquals(value, alone.floats[i], 1e-4));
  }
});
