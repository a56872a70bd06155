/** Zoneout, variational recurrent dropout, embedding dropout and weight drop: the facts of their papers. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import {
  buildModel,
  customGradient,
  fit,
  gradients,
  keepProbability,
  Key,
  type LayerPlugin,
  type Model,
  type Plugin,
  rateThreshold,
  Registry,
  Tensor,
} from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import { builtins } from "../../plugins/builtins.ts";
import {
  adam,
  crossEntropy,
  dense,
  dropout,
  embedding,
  embeddingDropout,
  gru,
  lstm,
  rnn,
  sequential,
  variationalRecurrentDropout,
  weightDrop,
  zoneout,
} from "../../plugins/mod.ts";
import { assertWithin } from "../core/_statistics.ts";
import { random, withSeed } from "../core/_tensors.ts";

const train = { mode: "train", step: 0 } as const;

function built(layer: LayerPlugin, features: number, seed = 1): Model {
  return buildModel(layer, { inputShape: [-1, features], dtype: "float64", seed });
}

function close(found: Tensor, expected: Tensor, what: string, tolerance = 1e-12): void {
  assertEquals(found.shape, expected.shape, what);
  found.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[i], tolerance, `${what}, element ${i}`));
}

/** Checks the gradients of a pass in training, whose masks are held, towards the input and all parameters. */
function checkModel(model: Model, x: Tensor): void {
  const parameters = model.parameters().map((p) => p.tensor);
  checkGradient((given) => {
    given.slice(1).forEach((value, i) => parameters[i].assign(value));
    const leaf = given[0].withGradient();
    const y = model.forward(leaf, train);
    return customGradient(given, () => y.clone(), (dy) => gradients(y, [leaf, ...parameters], dy));
  }, [x, ...parameters.map((p) => p.clone())]);
}

const layers: Record<string, (options: { recurrent?: Plugin<"recurrent"> }) => LayerPlugin> = {
  "rnn()": (options) => rnn(3, options),
  "lstm()": (options) => lstm(3, options),
  "gru()": (options) => gru(3, { bidirectional: true, ...options }),
};

for (const [kind, make] of Object.entries(layers)) {
  Deno.test(`zoneout() and variational dropout in ${kind} have the gradient that differences give, masks held`, () => {
    withSeed((seed) => {
      for (const recurrent of [zoneout({ cell: 0.4, hidden: 0.3 }), variationalRecurrentDropout()]) {
        checkModel(built(make({ recurrent }), 2, seed), random([2, 3, 2], seed));
      }
    });
  });

  Deno.test(`variants of rate 0 leave ${kind} as it is, in training as in evaluation`, () => {
    const x = random([2, 4, 2], 3);
    const plain = built(make({}), 2).forward(x);
    for (
      const recurrent of [
        zoneout({ cell: 0, hidden: 0 }),
        variationalRecurrentDropout({ input: 0, hidden: 0, output: 0 }),
      ]
    ) {
      const model = built(make({ recurrent }), 2);
      close(model.forward(x, train), plain, "train");
      close(model.forward(x), plain, "eval");
    }
    close(built(make({ recurrent: variationalRecurrentDropout() }), 2).forward(x), plain, "eval");
  });
}

Deno.test("zoneout() at rate 1 keeps the initial state for ever, with a gradient towards it alone", () => {
  for (const mode of ["train", "eval", "sample"] as const) {
    const model = built(lstm(3, { initialState: "learned", recurrent: zoneout({ cell: 1, hidden: 1 }) }), 2);
    const start = model.parameters().find((p) => p.name === "initial_hidden_l0")!.tensor;
    start.assign(Tensor.of([1, -2, 3], "float64"));
    const y = model.forward(random([2, 4, 2], 1), { mode, step: 0 });
    close(y, start.reshape([1, 1, 3]).broadcastTo([2, 4, 3]), mode);
    const { emitted } = model.forwardAll(random([2, 4, 2], 1), { mode, step: 0 });
    assert(emitted.get("cell_l0")!.floats.every((value) => value === 0));
    for (const { name, tensor } of model.parameters()) {
      const [slope] = gradients(y.sum(), [tensor]);
      assert(slope.floats.every((value) => value === (name === "initial_hidden_l0" ? 8 : 0)), name);
    }
  }
});

Deno.test("zoneout() gives each unit its previous or its new value, at its rate, another draw each step", () => {
  const [batch, time, units, rate] = [8, 20, 50, 0.3];
  const model = built(rnn(units, { recurrent: zoneout({ hidden: rate }) }), 2);
  const x = random([batch, time, 2], 1);
  const y = model.forward(x, train);
  let [kept, repeats] = [0, 0];
  const masks: boolean[][] = [];
  for (let t = 1; t < time; t++) {
    const [before, now] = [y.slice([0, t - 1], [batch, t]), y.slice([0, t], [batch, t + 1])];
    const mask = Array.from(now.floats, (value, i) => value === before.floats[i]);
    kept += mask.filter(Boolean).length;
    if (t > 1) repeats += mask.filter((value, i) => value && masks[t - 2][i]).length;
    masks.push(mask);
  }
  const count = batch * units * (time - 1);
  assertWithin(kept / count, rate, Math.sqrt(rate * (1 - rate) / count), "share that kept the previous value");
  const pairs = batch * units * (time - 2);
  const both = rate * rate;
  assertWithin(repeats / pairs, both, 2 * Math.sqrt(both * (1 - both) / pairs), "share that kept it twice running");
  // The other units hold what the layer computes from the previous state, undivided.
  const plain = built(rnn(units), 2);
  const carry = new Map([["hidden_l0", y.slice([0, 4], [batch, 5]).reshape([batch, units])]]);
  const next = plain.forward(x.slice([0, 5], [batch, 6]), { carry });
  const found = y.slice([0, 5], [batch, 6]);
  masks[4].forEach((same, i) => {
    if (!same) assertAlmostEquals(found.floats[i], next.floats[i], 1e-12);
  });
});

Deno.test("zoneout() of the cell leaves the hidden state of the same step alone, as in the paper", () => {
  const x = random([2, 2, 2], 1);
  const model = built(lstm(4, { recurrent: zoneout({ cell: 1, hidden: 0 }) }), 2);
  const plain = built(lstm(4), 2);
  const y = model.forward(x, train);
  const first = plain.forward(x).slice([0, 0], [2, 1]);
  close(y.slice([0, 0], [2, 1]), first, "first step");
  // In the second step the cell state is 0 again, and the hidden state is that of the first.
  const carry = new Map([["hidden_l0", first.reshape([2, 4])], ["cell_l0", Tensor.zeros([2, 4], "float64")]]);
  close(y.slice([0, 1]), plain.forward(x.slice([0, 1]), { carry }), "second step");
});

Deno.test("zoneout() draws the cell and the hidden state apart, and each step anew", () => {
  const [batch, units, time] = [50, 8, 3];
  const seen = new Map<string, boolean[]>();
  const model = built(lstm(units, { recurrent: zoneout({ cell: 0.5, hidden: 0.5 }) }), 2);
  const y = model.forward(random([batch, time, 2], 4), train);
  for (let t = 1; t < time; t++) {
    const [before, now] = [t - 1, t].map((at) => y.slice([0, at], [batch, at + 1]).floats);
    seen.set(`hidden ${t}`, Array.from(now, (value, i) => value === before[i]));
  }
  // The cell's masks are read from the final states of sequences cut after one and two steps.
  const cellAfter = (steps: number) =>
    model.forwardAll(random([batch, time, 2], 4).slice([0, 0], [batch, steps]), train).emitted.get("cell_l0")!.floats;
  for (let t = 1; t < time; t++) {
    const [before, now] = [cellAfter(t), cellAfter(t + 1)];
    seen.set(`cell ${t}`, Array.from(now, (value, i) => value === before[i]));
  }
  const names = [...seen.keys()];
  for (const a of names) {
    const kept = seen.get(a)!.filter(Boolean).length / (batch * units);
    assertWithin(kept, 0.5, Math.sqrt(0.25 / (batch * units)), a);
    for (const b of names.filter((name) => name > a)) {
      const agreeing = seen.get(a)!.filter((value, i) => value === seen.get(b)![i]).length / (batch * units);
      assertWithin(agreeing, 0.5, Math.sqrt(0.25 / (batch * units)), `${a} and ${b}`);
    }
  }
});

Deno.test("zoneout() evaluates to the mean over masks of one step", () => {
  const [batch, rate] = [20_000, 0.35];
  const model = built(rnn(1, { recurrent: zoneout({ hidden: rate }) }), 1);
  const x = Tensor.full([batch, 1, 1], 0.8, "float64");
  const start = () => new Map([["hidden_l0", Tensor.full([batch, 1], -0.7, "float64")]]);
  const sampled = model.forward(x, { mode: "sample", step: 0, carry: start() });
  const expected = model.forward(x, { carry: start() }).floats[0];
  const spread = Math.abs(Math.max(...sampled.floats.subarray(0, 99)) - Math.min(...sampled.floats.subarray(0, 99)));
  const error = spread * Math.sqrt(rate * (1 - rate) / batch);
  assertWithin(sampled.mean().item(), expected, error, "mean");
});

/** Where a step is zero. */
function zeros(y: Tensor, row: number, time: number): boolean[] {
  return Array.from(y.slice([row, time], [row + 1, time + 1]).floats, (value) => value === 0);
}

Deno.test("variational recurrent dropout has one mask a sequence, and another for each sequence and step of training", () => {
  const model = built(lstm(40, { recurrent: variationalRecurrentDropout({ input: 0, hidden: 0, output: 0.5 }) }), 2);
  const x = random([2, 5, 2], 1);
  const y = model.forward(x, train);
  for (let row = 0; row < 2; row++) {
    for (let t = 1; t < 5; t++) assertEquals(zeros(y, row, t), zeros(y, row, 0));
  }
  assertNotEquals(zeros(y, 0, 0), zeros(y, 1, 0));
  assertNotEquals(zeros(model.forward(x, { ...train, step: 1 }), 0, 0), zeros(y, 0, 0));
  // A split of the batch draws the same masks.
  close(model.forward(x.slice([1]), { ...train, sample: 1 }), y.slice([1]), "second row alone");
});

Deno.test("variational recurrent dropout of inputs and hidden units is a product with masks that time shares", () => {
  const [features, units] = [6, 5];
  const recurrent = variationalRecurrentDropout({ input: 0.5, hidden: 0.5, output: 0 });
  const model = built(rnn(units, { recurrent }), features);
  const x = random([1, 4, features], 1).withGradient();
  const y = model.forward(x, train);
  // A dropped input has no gradient at any step; a kept one is doubled.
  const [dx] = gradients(y.square().sum(), [x]);
  const inputMask = Float64Array.from(dx.floats.subarray(0, features), (value) => value === 0 ? 0 : 2);
  assert(inputMask.includes(0) && inputMask.includes(2));
  for (let i = 0; i < dx.size; i++) assertEquals(dx.floats[i] === 0, inputMask[i % features] === 0);
  const weights = model.parameters();
  const [dHidden] = gradients(y.square().sum(), [weights[1].tensor]);
  const hiddenMask = Float64Array.from(dHidden.floats.subarray(0, units), (value) => value === 0 ? 0 : 2);
  const plain = built(rnn(units), features);
  plain.parameters()[0].tensor.assign(weights[0].tensor.mul(Tensor.from(inputMask, [features])));
  plain.parameters()[1].tensor.assign(weights[1].tensor.mul(Tensor.from(hiddenMask, [units])));
  close(y, plain.forward(x), "masked weights");
});

Deno.test("variational recurrent dropout drops at its rates and keeps the mean of what is linear in the masks", () => {
  const [batch, units, rate] = [400, 50, 0.3];
  const model = built(
    lstm(units, { recurrent: variationalRecurrentDropout({ input: 0, hidden: 0, output: rate }) }),
    1,
  );
  const x = Tensor.ones([batch, 2, 1], "float64");
  const y = model.forward(x, train);
  const plain = model.forward(x);
  const count = batch * units;
  const dropped = y.slice([0, 0], [batch, 1]).floats.filter((value) => value === 0).length;
  assertWithin(dropped / count, rate, Math.sqrt(rate * (1 - rate) / count), "dropped");
  const ratio = y.div(plain).slice([0, 0], [batch, 1]).mean().item();
  assertWithin(ratio, 1, Math.sqrt(rate / (1 - rate) / count), "mean of the factor");
});

Deno.test("variational recurrent dropout at rate 1 gives zeros with zero gradients", () => {
  const model = built(lstm(3, { recurrent: variationalRecurrentDropout({ output: 1 }) }), 2);
  const x = random([2, 3, 2], 1).withGradient();
  const y = model.forward(x, train);
  assert(y.floats.every((value) => value === 0));
  assert(gradients(y.sum(), [x])[0].floats.every((value) => value === 0));
});

function words(variant: Plugin<"embedding">, vocabulary = 200, features = 2): Model {
  const model = buildModel(embedding(vocabulary, features, { embedding: variant }), {
    inputShape: [-1],
    inputType: "int32",
    dtype: "float64",
  });
  model.parameters()[0].tensor.assign(Tensor.ones([vocabulary, features], "float64"));
  return model;
}

/** The same sentence of all words, twice over, in each row. */
function sentences(rows: number, vocabulary: number): Tensor {
  return Tensor.from(Int32Array.from({ length: rows * 2 * vocabulary }, (_, i) => i % vocabulary), [
    rows,
    2 * vocabulary,
  ]);
}

Deno.test("embeddingDropout() drops whole word types, everywhere in the batch or in each sequence", () => {
  const rate = 0.3;
  for (const share of ["batch", "sequence"] as const) {
    const model = words(embeddingDropout({ rate, share }));
    const y = model.forward(sentences(3, 200), train);
    const factors = y.slice([0, 0, 0], [3, 400, 1]).reshape([3, 2, 200]);
    close(y.slice([0, 0, 1]).reshape([3, 2, 200]), factors, "the features of a word");
    close(factors.slice([0, 0], [3, 1]), factors.slice([0, 1]), "both occurrences");
    const rows = (factors.slice([0, 0], [3, 1]).toArray() as number[][][]).map(([row]) => row);
    if (share === "batch") assertEquals(rows[1], rows[0]);
    else assertNotEquals(rows[1], rows[0]);
    assertEquals(
      new Set(rows.flat().map((value) => value.toFixed(6))),
      new Set(["0.000000", (1 / keepProbability(rateThreshold(0.3))).toFixed(6)]),
    );
    const count = share === "batch" ? 200 : 600;
    const dropped = rows.slice(0, count / 200).flat().filter((value) => value === 0).length;
    assertWithin(dropped / count, rate, Math.sqrt(rate * (1 - rate) / count), "dropped");
    assertNotEquals(model.forward(sentences(3, 200), { ...train, step: 1 }).toArray(), y.toArray());
    // A split of the batch draws the same masks.
    close(model.forward(sentences(1, 200), { ...train, sample: 2 }), y.slice([2]), "the last row alone");
    assert(model.forward(sentences(1, 200)).floats.every((value) => value === 1));
  }
});

Deno.test("embeddingDropout() at the ends of its range, its gradient, and empty batches", () => {
  for (const share of ["batch", "sequence"] as const) {
    assert(words(embeddingDropout({ rate: 0, share })).forward(sentences(2, 200), train).floats.every((v) => v === 1));
    const none = words(embeddingDropout({ rate: 1, share }));
    const y = none.forward(sentences(2, 200), train);
    assert(y.floats.every((value) => value === 0));
    assert(gradients(y.sum(), [none.parameters()[0].tensor])[0].floats.every((value) => value === 0));
    const model = words(embeddingDropout({ rate: 0.4, share }), 5, 3);
    const [{ tensor: table }] = model.parameters();
    const ids = Tensor.of([[1, 4, 1], [0, 2, 1]], "int32");
    checkGradient((given) => {
      table.assign(given[0]);
      const y = model.forward(ids, train);
      return customGradient(given, () => y.clone(), (dy) => gradients(y, [table], dy));
    }, [random([5, 3], 1)]);
    assertEquals(model.forward(Tensor.from(new Int32Array(0), [0, 3]), train).shape, [0, 3, 3]);
  }
});

Deno.test("weightDrop() drops weights or rows at its rate, keeps their mean, and is whole in evaluation", () => {
  const [units, inputs, rate] = [300, 60, 0.4];
  for (const rows of [false, true]) {
    const model = buildModel(dense(units, { bias: false, weight: weightDrop({ rate, rows }) }), {
      inputShape: [inputs],
      dtype: "float64",
    });
    const [{ tensor: weight }] = model.parameters();
    weight.assign(Tensor.ones([units, inputs], "float64"));
    const one = Tensor.from(Float64Array.from({ length: inputs * inputs }, (_, i) => i % (inputs + 1) === 0 ? 1 : 0), [
      inputs,
      inputs,
    ]);
    const used = model.forward(one, train); // [inputs, units]
    assertEquals(
      new Set(Array.from(used.floats, (v) => v.toFixed(6))),
      new Set(["0.000000", (1 / keepProbability(rateThreshold(0.4))).toFixed(6)]),
    );
    const draws = rows ? used.slice([0, 0], [1, units]) : used;
    const dropped = draws.floats.filter((value) => value === 0).length;
    assertWithin(dropped / draws.size, rate, Math.sqrt(rate * (1 - rate) / draws.size), "dropped");
    if (rows) close(used, used.slice([0, 0], [1, units]).broadcastTo([inputs, units]), "rows");
    assert(model.forward(one).floats.every((value) => value === 1));
    // All examples of a batch, and all parts of a split batch, use one mask.
    close(model.forward(one.slice([7]), { ...train, sample: 7 }), used.slice([7]), "part of the batch");
  }
});

Deno.test("weightDrop() in an LSTM has the gradient that differences give, and none at rate 1", () => {
  checkModel(built(lstm(3, { weight: weightDrop() }), 2), random([2, 3, 2], 1));
  checkModel(built(gru(3, { weight: weightDrop({ rows: true }), layers: 2 }), 2), random([1, 2, 2], 1));
  const model = built(lstm(3, { weight: weightDrop({ rate: 1 }) }), 2);
  const [, { tensor: weight }] = model.parameters();
  const y = model.forward(random([2, 3, 2], 1), train);
  assert(y.floats.every((value) => Number.isFinite(value) && value !== 0));
  assert(gradients(y.sum(), [weight])[0].floats.every((value) => value === 0));
});

Deno.test("a language model with all variants is as good as its JSON, and learns which word came first", async () => {
  const described = sequential([
    embedding(4, 8, { embedding: embeddingDropout({ rate: 0.05, share: "sequence" }) }),
    lstm(16, {
      layers: 2,
      returnSequences: false,
      recurrent: zoneout({ cell: 0.2, hidden: 0.05 }),
      weight: weightDrop({ rate: 0.1 }),
      dropout: dropout({ rate: 0.1 }),
    }),
    dense(4),
  ]);
  const json = JSON.parse(JSON.stringify(described));
  const layer = new Registry(builtins).create(json, "layer") as LayerPlugin;
  assertEquals(JSON.parse(JSON.stringify(layer)), json);
  const split = (count: number, seed: number) => {
    const inputs = Float32Array.from(Tensor.uniform([count, 6], Key.seed(seed)).floats, (u) => Math.floor(4 * u));
    const labels = Int32Array.from({ length: count }, (_, i) => inputs[6 * i]);
    return { count, shape: [6], inputs, scale: 1, labels };
  };
  const data = { name: "first word", classes: 4, outputs: 0, train: split(480, 1), test: split(200, 2) };
  const settings = { data, loss: crossEntropy(), optimizer: adam({ learningRate: 0.01 }), epochs: 8, batchSize: 32 };
  const run = await fit(layer, { ...settings, seed: 1 });
  assert(run.testError! < 0.1, `test error ${run.testError}`);
});
