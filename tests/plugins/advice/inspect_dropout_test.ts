/** Each finding on a model that has the fault, and none on one that has not. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  adamw,
  alphaDropout,
  attentionDropout,
  batchNorm,
  buildModel,
  byLayer,
  consistency,
  conv2d,
  dense,
  dropConnect,
  dropout,
  type DropoutFinding,
  embedding,
  embeddingDropout,
  encoderBlock,
  type FindingCode,
  flatten,
  inspectDropout,
  type InspectOptions,
  layerDrop,
  layerNorm,
  type LayerPlugin,
  learnedPositions,
  lstm,
  maxNorm,
  OptionError,
  rDrop,
  recurrentDropout,
  relu,
  repeat,
  residual,
  rnnDrop,
  selu,
  sequential,
  sgd,
  spatialDropout,
  stochasticDepth,
  variationalRecurrentDropout,
} from "../../../mod.ts";
import { varianceRatio } from "../../../plugins/advice/_places.ts";

const half = () => dropout({ rate: 0.5 });
const block = (rate: Parameters<typeof stochasticDepth>[0]) => residual(dense(64), { branch: stochasticDepth(rate) });

/** A kind of finding: a model that has the fault, where it is, and a model that has not. */
interface Case {
  readonly code: FindingCode;
  readonly what: string;
  readonly faulty: LayerPlugin;
  readonly path: string;
  readonly fine: LayerPlugin;
  readonly options?: InspectOptions;
  /** What the fine one is trained with; default the same. */
  readonly fineOptions?: InspectOptions;
}

const plainNet = () => sequential([dense(64), relu(), half(), dense(10)]);

const cases: readonly Case[] = [
  {
    code: "output-dropped",
    what: "dropout behind the last layer with weights",
    faulty: sequential([dense(64), relu(), half(), dense(10), dropout({ rate: 0.2 })]),
    path: "model.4",
    fine: plainNet(),
  },
  {
    code: "before-batch-norm",
    what: "dropout before a batch norm, with a layer between them",
    faulty: sequential([dense(64), relu(), half(), dense(64), batchNorm(), relu(), dense(10)]),
    path: "model.2",
    fine: sequential([dense(64), batchNorm(), relu(), half(), dense(10)]),
  },
  {
    code: "strong-weight-decay",
    what: "an L2 penalty of 0.01 beside dropout",
    faulty: plainNet(),
    path: "optimizer",
    options: { optimizer: sgd({ learningRate: 0.01, weightDecay: 0.01 }) },
    fine: plainNet(),
    fineOptions: { optimizer: sgd({ learningRate: 0.01, weightDecay: 5e-4 }) },
  },
  {
    code: "strong-weight-decay",
    what: "a decoupled decay of 0.5 beside dropout; 0.1 is usual",
    faulty: plainNet(),
    path: "optimizer",
    options: { optimizer: adamw({ weightDecay: 0.5 }) },
    fine: plainNet(),
    fineOptions: { optimizer: adamw({ weightDecay: 0.1 }) },
  },
  {
    code: "fresh-recurrent-masks",
    what: "a mask at each step on what the state carries",
    faulty: sequential([lstm(32, { recurrent: rnnDrop({ rate: 0.25, per: "step" }) }), dense(10)]),
    path: "model.0.recurrent",
    fine: sequential([lstm(32, { recurrent: rnnDrop({ rate: 0.25 }) }), dense(10)]),
  },
  {
    code: "fresh-recurrent-masks",
    what: "a mask at each step on h before its product; on the candidate it may be",
    faulty: sequential([
      lstm(32, { recurrent: recurrentDropout({ rate: 0.25, place: "previous-hidden" }) }),
      dense(10),
    ]),
    path: "model.0.recurrent",
    fine: sequential([lstm(32, { recurrent: recurrentDropout({ rate: 0.25 }) }), dense(10)]),
  },
  {
    code: "fresh-recurrent-masks",
    what: "a mask at each step between layers",
    faulty: sequential([lstm(32, { layers: 2, dropout: dropout({ rate: 0.3 }) }), dense(10)]),
    path: "model.0.dropout",
    fine: sequential([lstm(32, { layers: 2, dropout: dropout({ rate: 0.3, share: ["time"] }) }), dense(10)]),
  },
  {
    code: "selu-without-alpha",
    what: "classic dropout behind selu",
    faulty: sequential([dense(64), selu(), dropout({ rate: 0.1 }), dense(10)]),
    path: "model.2",
    fine: sequential([dense(64), selu(), alphaDropout({ rate: 0.1 }), dense(10)]),
  },
  {
    code: "alpha-without-selu",
    what: "alpha dropout behind relu",
    faulty: sequential([dense(64), relu(), alphaDropout({ rate: 0.1 }), dense(10)]),
    path: "model.2",
    fine: sequential([dense(64), selu(), alphaDropout({ rate: 0.1 }), dense(10)]),
  },
  {
    code: "units-of-feature-maps",
    what: "classic dropout on feature maps",
    faulty: sequential([conv2d(8, 3), relu(), dropout({ rate: 0.1 }), flatten(), dense(10)]),
    path: "model.2",
    fine: sequential([conv2d(8, 3), relu(), spatialDropout({ rate: 0.1 }), flatten(), half(), dense(10)]),
  },
  {
    code: "rate-above-usual",
    what: "half of the inputs dropped",
    faulty: sequential([half(), dense(10)]),
    path: "model.0",
    fine: sequential([dropout({ rate: 0.2 }), dense(10)]),
  },
  {
    code: "rate-above-usual",
    what: "attention at 0.5",
    faulty: sequential([embedding(9, 8), encoderBlock(2, { attention: attentionDropout({ rate: 0.5 }) }), dense(9)]),
    path: "model.1.attention",
    fine: sequential([embedding(9, 8), encoderBlock(2, { attention: attentionDropout({ rate: 0.1 }) }), dense(9)]),
  },
  {
    code: "rate-above-usual",
    what: "a rate by layer at the input",
    faulty: sequential([dropout({ rate: byLayer({ hidden: 0.5 }) }), dense(64), relu(), dense(10)]),
    path: "model.0",
    fine: sequential([dropout({ rate: byLayer({ input: 0.2, hidden: 0.5 }) }), dense(64), relu(), dense(10)]),
  },
  {
    code: "keep-probability",
    what: "a rate of 0.9",
    faulty: sequential([dense(640), relu(), dropout({ rate: 0.9 }), dense(10)]),
    path: "model.2",
    fine: sequential([dense(640), relu(), dropout({ rate: 0.1 }), dense(10)]),
  },
  {
    code: "embedding-units",
    what: "single numbers of word vectors",
    faulty: sequential([embedding(50, 32), dropout({ rate: 0.3 }), lstm(32), dense(50)]),
    path: "model.1",
    fine: sequential([embedding(50, 32, { embedding: embeddingDropout({ rate: 0.1 }) }), lstm(32), dense(50)]),
  },
  {
    code: "no-max-norm",
    what: "a large rate of learning and nothing that bounds the weights",
    faulty: plainNet(),
    path: "optimizer",
    options: { optimizer: sgd({ learningRate: 0.5, momentum: 0.95 }) },
    fine: sequential([dense(64, { constraint: maxNorm({ max: 3 }) }), relu(), half(), dense(10)]),
  },
  {
    code: "narrow-layer",
    what: "half of 16 units",
    faulty: sequential([dense(16), relu(), half(), dense(10)]),
    path: "model.2",
    fine: sequential([dense(32), relu(), half(), dense(10)]),
  },
  {
    code: "doubled-variant",
    what: "two variants one right behind the other",
    faulty: sequential([dense(64), dropout({ rate: 0.2 }), relu(), half(), dense(10)]),
    path: "model.3",
    fine: sequential([dense(64), relu(), dropout({ rate: 0.2 }), dense(64), relu(), half(), dense(10)]),
  },
  {
    code: "doubled-variant",
    what: "the weights and their inputs",
    faulty: sequential([dense(64), relu(), half(), dense(64, { weight: dropConnect() }), relu(), dense(10)]),
    path: "model.3.weight",
    fine: sequential([dense(64), relu(), dense(64, { weight: dropConnect() }), relu(), half(), dense(10)]),
  },
  {
    code: "nothing-drawn",
    what: "rates of 0 throughout",
    faulty: sequential([dense(64), relu(), dropout({ rate: 0 }), dense(10)]),
    path: "model",
    fine: plainNet(),
  },
  {
    code: "passes-alike",
    what: "R-Drop without dropout",
    faulty: sequential([dense(64), relu(), dense(10)]),
    path: "loss",
    options: { loss: rDrop() },
    fine: plainNet(),
  },
  {
    code: "few-blocks",
    what: "layer drop with two blocks",
    faulty: sequential([repeat(residual(dense(64), { branch: layerDrop() }), 2), dense(10)]),
    path: "model.0.block.branch",
    fine: sequential([repeat(residual(dense(64), { branch: layerDrop() }), 12), dense(10)]),
  },
  {
    code: "level-depth",
    what: "the same rate in all of eight blocks",
    faulty: sequential([repeat(block({ rate: 0.5 }), 8), dense(10)]),
    path: "model.0.block.branch",
    fine: sequential([repeat(block({ rate: byLayer({ last: 0.5 }) }), 8), dense(10)]),
  },
];

const codes = (found: readonly DropoutFinding[]) => found.map(({ code }) => code);

for (const { code, what, faulty, path, fine, options, fineOptions = options } of cases) {
  Deno.test(`inspectDropout finds ${code}: ${what}`, () => {
    const all = inspectDropout(faulty, options);
    assert(codes(all).includes(code), `found ${JSON.stringify(codes(all))}`);
    const found = all.find((finding) => finding.code === code)!;
    assertEquals(found.path, path);
    for (const said of [found.problem, found.remedy, found.source.where]) assert(said.length > 10, said);
    assert(found.source.url.startsWith("https://"));
    assert(!codes(inspectDropout(fine, fineOptions)).includes(code), JSON.stringify(inspectDropout(fine, fineOptions)));
  });
}

Deno.test("a norm behind dropout is no layer with weights; a branch that is dropped is no output", () => {
  const normed = sequential([dense(64), relu(), dense(10), half(), layerNorm()]);
  assertEquals(codes(inspectDropout(normed)), ["output-dropped"]);
  const branch = sequential([dense(64), residual(sequential([relu(), half()]))]);
  assertEquals(codes(inspectDropout(branch)), []);
  assertEquals(codes(inspectDropout(half())), ["rate-above-usual"], "dropout alone is at the input");
});

Deno.test("dropout of the input before batch norm is a hint, without a number", () => {
  const [finding, ...others] = inspectDropout(
    sequential([dropout({ rate: 0.2 }), dense(64), batchNorm(), relu(), dense(9)]),
  );
  assertEquals([finding.code, finding.severity, others.length], ["before-batch-norm", "hint", 0]);
  assert(!finding.problem.includes("evaluation is"), finding.problem);
});

Deno.test("dropout of whole maps, by what it shares, is not taken for that of units", () => {
  const maps = dropout({ rate: 0.1, share: ["height", "width"] });
  assertEquals(codes(inspectDropout(sequential([conv2d(8, 3), relu(), maps, flatten(), dense(10)]))), []);
});

Deno.test("a layer is told to be narrow for a rate that stays, and how wide it would have to be", () => {
  const net = (rate: number) => sequential([dense(16), relu(), dropout({ rate }), dense(10)]);
  const [finding] = inspectDropout(net(0.4));
  assertEquals([finding.code, finding.changes], ["narrow-layer", [{ path: "model.0.units", value: 27 }]]);
  assertEquals(codes(inspectDropout(net(0.9))), ["keep-probability"]);
  assertEquals(codes(inspectDropout(net(0.7))), ["rate-above-usual"]);
});

Deno.test("inspectDropout says nothing of the 2014 paper's net with its settings", () => {
  const bounded = (units: number) => dense(units, { constraint: maxNorm({ max: 2 }) });
  const net = sequential([
    dropout({ rate: 0.2 }),
    bounded(1024),
    relu(),
    half(),
    bounded(1024),
    relu(),
    half(),
    bounded(10),
  ]);
  assertEquals(inspectDropout(net, { optimizer: sgd({ learningRate: 0.3, momentum: 0.95 }) }), []);
});

Deno.test("inspectDropout says nothing of a transformer with dropout where the paper has it", () => {
  const attention = attentionDropout({ rate: 0.1 });
  const drop = dropout({ rate: 0.1 });
  const layer = encoderBlock(2, { attention, dropout: drop });
  const net = sequential([embedding(9, 16), learnedPositions({ dropout: drop }), repeat(layer, 4), dense(9)]);
  assertEquals(inspectDropout(net, { optimizer: adamw() }), []);
});

Deno.test("inspectDropout says nothing of a recurrent net with the same masks along a sequence", () => {
  const recurrent = variationalRecurrentDropout({ input: 0.5, hidden: 0.3, output: 0.5 });
  assertEquals(inspectDropout(sequential([embedding(50, 32), lstm(64, { recurrent }), dense(50)])), []);
});

Deno.test("a built model is looked at as its description is", () => {
  const net = sequential([dense(64), relu(), half(), dense(10), half()]);
  assertEquals(inspectDropout(buildModel(net, { inputShape: [4] })), inspectDropout(net));
});

Deno.test("faults are told first, then warnings, then hints", () => {
  const net = sequential([half(), dense(16), relu(), half(), dense(10), half()]);
  assertEquals(inspectDropout(net).map(({ severity, code }) => `${severity} ${code}`), [
    "fault output-dropped",
    "warning rate-above-usual",
    "hint narrow-layer",
  ]);
});

Deno.test("what a finding changes makes it go away", () => {
  const found = inspectDropout(sequential([dense(64), relu(), dropout({ rate: 0.9 }), dense(10)]));
  assertEquals(found.map(({ changes }) => changes)[0], [{ path: "model.2.rate", value: 0.1 }]);
  const net = sequential([repeat(block({ rate: 0.5 }), 8), dense(10)]);
  assertEquals(inspectDropout(net)[0].changes, [
    { path: "model.0.block.branch.rate", value: { plugin: "by-layer", last: 0.5 } },
  ]);
});

Deno.test("the shift of variance is that of Li et al. for the ReLU of normal numbers", () => {
  assertAlmostEquals(varianceRatio(0.1), 0.859850, 1e-6);
  assertAlmostEquals(varianceRatio(0.2), 0.731670, 1e-6);
  assertAlmostEquals(varianceRatio(0.5), 0.405360, 1e-6);
  const [finding] = inspectDropout(sequential([dense(64), relu(), half(), batchNorm(), dense(10)]));
  assertStringIncludes(finding.problem, "0.41");
});

Deno.test("consistency is a loss of several passes, too; a stopped pooling draws without a rate", () => {
  const net = sequential([dense(64), relu(), dense(10)]);
  assertEquals(codes(inspectDropout(net, { loss: consistency() })), ["passes-alike"]);
});

Deno.test("what is no layer is refused in one sentence", () => {
  assertThrows(
    () => inspectDropout(sgd() as never),
    OptionError,
    "inspectDropout: model: expected a model, or a layer",
  );
  assertThrows(() => inspectDropout(plainNet(), { optimiser: sgd() } as never), OptionError, "optimiser");
});
