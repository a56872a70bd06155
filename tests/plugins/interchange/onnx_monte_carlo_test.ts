/**
 * ONNX files that draw: runs differ, and over many of them outputs have the mean and the mean square that Monte Carlo passes
 * of the model have. Both are estimates; six standard errors of their difference are passed by chance once in 5e8.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type BuildOptions,
  definePlugin,
  type Factory,
  type LayerPlugin,
  type Model,
  PluginError,
  Rows,
  Tensor,
} from "../../../core/mod.ts";
import {
  alphaDropout,
  attentionDropout,
  concreteDropout,
  dense,
  disout,
  dropBlock,
  dropConnect,
  dropFilter,
  dropKey,
  dropout,
  embedding,
  embeddingDropout,
  encoderBlock,
  flatten,
  gaussianDropout,
  gaussianNoise,
  gru,
  lstm,
  marginalisedDropout,
  masksembles,
  maxPoolingDropout,
  multiHeadAttention,
  patchDropout,
  recurrentDropout,
  relu,
  residual,
  rnn,
  rnnDrop,
  sequential,
  shakeDrop,
  shakeShake,
  sigmoid,
  spatialDropout,
  standout,
  stochasticDepth,
  stochasticPooling,
  swapout,
  toOnnx,
  uout,
  variationalDropout,
  variationalRecurrentDropout,
  weightDrop,
  zoneout,
} from "../../../plugins/mod.ts";
import { z } from "zod";
import { disturbed, inputsOf } from "../_disturbed.ts";
import { open } from "./_onnx_runtime.ts";

const features = { inputShape: [6] };
const image = { inputShape: [2, 4, 4] };
const sequence = { inputShape: [4, 4] };
const words: BuildOptions = { inputShape: [5], inputType: "int32" };
const runs = 100;
const rows = 8;

/** Sums over runs of each output's mean and mean square over the rows of a batch, and of the squares of these. */
class Moments {
  readonly sums: Float64Array[];
  count = 0;

  constructor(readonly size: number) {
    this.sums = Array.from({ length: 4 }, () => new Float64Array(size));
  }

  add(output: Tensor): void {
    this.count++;
    const batch = output.shape[0];
    for (let i = 0; i < this.size; i++) {
      let [first, second] = [0, 0];
      for (let row = 0; row < batch; row++) {
        const value = output.floats[row * this.size + i];
        first += value / batch;
        second += value * value / batch;
      }
      [first, second, first * first, second * second].forEach((value, k) => this.sums[k][i] += value);
    }
  }

  /** Mean and squared standard error of the first or second moment of an output. */
  of(moment: 0 | 1, i: number): [mean: number, error: number] {
    const mean = this.sums[moment][i] / this.count;
    const variance = Math.max(0, this.sums[2 + moment][i] / this.count - mean * mean);
    return [mean, variance / (this.count - 1)];
  }
}

/** Asserts that a drawing file has the moments of the model's passes; returns how far runs, and rows of a run, differ at most. */
async function compare(model: Model): Promise<{ runs: number; rows: number }> {
  const { run } = await open(await toOnnx(model, { monteCarlo: true }));
  // All rows are one example, so that a row's draws are as good as another's.
  const inputs = inputsOf(model, 1).map((x) =>
    Tensor.concat(Array<Tensor>(rows).fill(x.cast("float32"))).cast(x.dtype)
  );
  let here: Moments | undefined;
  model.sample(inputs, { passes: runs, rows: Rows.range({ step: 0 }) }, (output) => {
    (here ??= new Moments(output.size / rows)).add(output);
  });
  const there = new Moments(here!.size);
  let [first, apart, alone]: [Tensor | undefined, number, number] = [undefined, 0, 0];
  for (let i = 0; i < runs; i++) {
    const output = (await run(...inputs)).values().next().value!;
    there.add(output);
    apart = Math.max(apart, largest(output, first ??= output));
    const row = output.slice([0], [1]);
    alone = Math.max(alone, largest(output, Tensor.concat(Array<Tensor>(rows).fill(row))));
  }
  for (let i = 0; i < here!.size; i++) {
    for (const moment of [0, 1] as const) {
      const [[a, errorA], [b, errorB]] = [here!.of(moment, i), there.of(moment, i)];
      const allowed = 6 * Math.sqrt(errorA + errorB) + 1e-4 * Math.max(1, Math.abs(a));
      assert(Math.abs(a - b) <= allowed, `moment ${moment + 1} of output ${i}: ${b} in the file, ${a} here`);
    }
  }
  return { runs: apart, rows: alone };
}

/** The largest difference between two tensors. */
function largest(a: Tensor, b: Tensor): number {
  return a.sub(b).abs().max().item();
}

/** A net, what it takes, and whether examples of a batch share its draws. */
const cases: readonly (readonly [name: string, LayerPlugin, BuildOptions, shared?: "shared"])[] = [
  ["dropout", sequential([dense(8), relu(), dropout({ rate: 0.3 }), dense(3)]), features],
  ["classic dropout", sequential([dropout({ rate: 0.3, convention: "classic" }), dense(3)]), features],
  ["dropout of a batch", sequential([dropout({ share: ["batch"] }), dense(3)]), features, "shared"],
  ["dropout of groups", sequential([dropout({ group: 4 }), dense(3)]), features],
  ["variational dropout over time", sequential([variationalDropout(), flatten(), dense(3)]), sequence],
  ["alpha dropout", sequential([alphaDropout({ rate: 0.2 }), dense(3)]), features],
  ["spatial dropout", sequential([spatialDropout({ rate: 0.4 }), flatten(), dense(3)]), image],
  ["Gaussian dropout", sequential([gaussianDropout({ rate: 0.3 }), dense(3)]), features],
  ["Gaussian noise", sequential([gaussianNoise({ stddev: 0.5 }), dense(3)]), features],
  ["uout", sequential([uout({ beta: 0.8 }), dense(3)]), features],
  ["concrete dropout", sequential([dense(5, { weight: concreteDropout({ rate: 0.3 }) }), dense(3)]), features],
  ["masksembles", sequential([dense(12), masksembles(), dense(3)]), features, "shared"],
  ["DropConnect", sequential([dense(5, { weight: dropConnect() }), relu(), dense(3)]), features],
  ["DropConnect over time", dense(3, { weight: dropConnect({ convention: "classic" }) }), sequence],
  ["DropConnect of a batch", dense(3, { weight: dropConnect({ per: "batch" }) }), features, "shared"],
  [
    "DropConnect by normal numbers",
    sequential([dense(5, { weight: dropConnect({ inference: "normal" }) }), relu()]),
    features,
  ],
  ["standout", sequential([dense(5, { weight: standout() }), sigmoid(), dense(2)]), features],
  ["dropped filters", sequential([dense(5, { weight: dropFilter() }), dense(2)]), features, "shared"],
  ["stochastic depth", residual(dense(6), { branch: stochasticDepth({ rate: 0.4 }) }), features],
  [
    "stochastic depth of a batch",
    residual(dense(6), { branch: stochasticDepth({ mode: "batch", convention: "classic" }) }),
    features,
    "shared",
  ],
  ["ShakeDrop", residual(dense(6), { branch: shakeDrop({ level: "channel", mode: "row" }) }), features],
  ["shake-shake", shakeShake([dense(6), dense(6)]), features],
  ["swapout", swapout(dense(6)), features],
  ["swapout by one draw", swapout(dense(6), { shared: true, shortcutRate: 0.3, blockRate: 0.3 }), features],
  ["max-pooling dropout", sequential([maxPoolingDropout(2), flatten(), dense(2)]), image],
  ["zoneout", lstm(2, { recurrent: zoneout({ cell: 0.5, hidden: 0.3 }) }), sequence],
  ["recurrent dropout by step", lstm(2, { recurrent: recurrentDropout({ rate: 0.4 }) }), sequence],
  ["recurrent dropout by sequence", gru(2, { recurrent: recurrentDropout({ rate: 0.4, per: "sequence" }) }), sequence],
  ["variational dropout in a recurrence", gru(2, { recurrent: variationalRecurrentDropout() }), sequence],
  ["dropped memories", lstm(2, { recurrent: rnnDrop(), bidirectional: true }), sequence],
  ["dropped recurrent weights", rnn(2, { weight: weightDrop(), dropout: dropout(), layers: 2 }), sequence],
  ["attention dropout", multiHeadAttention(2, { attention: attentionDropout({ rate: 0.4 }) }), sequence],
  ["dropped keys", multiHeadAttention(2, { attention: dropKey({ rate: 0.6 }), causal: true }), sequence],
  ["a transformer block's dropout", encoderBlock(2, { dropout: dropout(), hidden: dropout() }), sequence],
  [
    "dropped words",
    sequential([embedding(6, 2, { embedding: embeddingDropout() }), flatten(), dense(2)]),
    words,
    "shared",
  ],
  [
    "a sequence's dropped words",
    sequential([embedding(6, 2, { embedding: embeddingDropout({ share: "sequence" }) }), flatten(), dense(2)]),
    words,
  ],
];

for (const [name, layer, options, shared] of cases) {
  Deno.test(`a file that draws has the moments of the model's passes: ${name}`, async () => {
    const found = await compare(disturbed(layer, options));
    assert(found.runs > 1e-3, "two runs gave the same");
    // Products over several rows may differ in their last bits.
    if (shared) assert(found.rows < 1e-5, `rows differ by ${found.rows}`);
    else assert(found.rows > 1e-3, "all rows gave the same");
  });
}

Deno.test("one draw serves all steps of a sequence where it does in the model", async () => {
  const model = disturbed(sequential([variationalDropout()]), { inputShape: [4, 3] });
  const { run } = await open(await toOnnx(model, { monteCarlo: true }));
  const kept = (await run(Tensor.ones([2, 4, 3]))).get("output")!.toArray() as number[][][];
  for (const example of kept) for (const step of example) assertEquals(step, example[0]);
});

Deno.test("so many consecutive examples share a draw as do in the model", async () => {
  const model = disturbed(dropout({ group: 4 }), { inputShape: [20] });
  const { run } = await open(await toOnnx(model, { monteCarlo: true }));
  const rows = (await run(Tensor.ones([6, 20]))).get("output")!.toArray() as number[][];
  for (const row of [1, 2, 3]) assertEquals(rows[row], rows[0]);
  assertEquals(rows[5], rows[4]);
  assert(JSON.stringify(rows[4]) !== JSON.stringify(rows[0])); // equal once in a million runs
});

Deno.test("words that are dropped are dropped wherever they occur in an example", async () => {
  const model = disturbed(embedding(6, 2, { embedding: embeddingDropout({ rate: 0.5, share: "sequence" }) }), words);
  const { run } = await open(await toOnnx(model, { monteCarlo: true }));
  const rowsOfWords = Array<number[]>(40).fill([3, 1, 3, 3, 1]);
  const read = (await run(Tensor.of(rowsOfWords, "int32"))).get("output")!.toArray() as number[][][];
  for (const example of read) {
    assertEquals(example[2], example[0]);
    assertEquals(example[4], example[1]);
  }
  assert(new Set(read.map((example) => JSON.stringify(example))).size > 1);
});

Deno.test("rates of 0 and 1 need no draw, and a file that draws is not folded", async () => {
  for (const rate of [0, 1]) {
    const model = disturbed(sequential([dropout({ rate }), dense(2)]), features);
    const { run } = await open(await toOnnx(model, { monteCarlo: true }));
    const [x] = inputsOf(model, 3);
    const [a, b] = [await run(x), await run(x)].map((found) => found.get("output")!.toArray());
    assertEquals(a, b);
    assertEquals(new TextDecoder().decode(await toOnnx(model, { monteCarlo: true })).includes("Random"), false);
  }
});

Deno.test("a variant that never draws is evaluated in a file that draws, too", async () => {
  const model = disturbed(dense(3, { weight: marginalisedDropout({ rate: 0.3, loss: "squared" }) }), features);
  const { run } = await open(await toOnnx(model, { monteCarlo: true }));
  const inputs = inputsOf(model, 3);
  assert(largest((await run(...inputs)).get("output")!, model.forward(inputs)) < 1e-5);
});

Deno.test("draws that no random node is known for are refused by name", async () => {
  const own: Factory<"activation", Record<never, never>> = definePlugin({
    name: "my-noise",
    options: z.object({}),
    activation: (x, { mode }) => mode === "eval" ? x : x.mul(2),
    claims: { eval: "identity" },
  });
  const refused: readonly (readonly [LayerPlugin, BuildOptions, string])[] = [
    [sequential([disout(), flatten()]), image, "model.0 (disout)"],
    [sequential([dropBlock({ block: 2 }), flatten()]), image, "model.0 (drop-block)"],
    [stochasticPooling(2), image, "model (stochastic-pooling)"],
    [patchDropout(), sequence, "model (patch-dropout)"],
    [sequential([dense(2), own()]), features, "model.1 (my-noise)"],
  ];
  for (const [layer, options, message] of refused) {
    const model = disturbed(layer, options);
    const error = await assertRejects(() => toOnnx(model, { monteCarlo: true }), PluginError);
    assert(error.message.startsWith(`${message}: cannot be exported to ONNX: `), error.message);
    await toOnnx(model); // evaluation can be
  }
});
