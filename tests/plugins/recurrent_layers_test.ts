/** Recurrent layers: fused steps against composed ones, lengths, states carried on, initial values, sites; embeddings. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  customGradient,
  DataError,
  definePlugin,
  type Factory,
  gradients,
  type LayerPlugin,
  type Model,
  type Plugin,
  PluginError,
  recycling,
  ShapeError,
  Tensor,
} from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import { dropout, embedding, gru, lstm, rnn, sequential, weightDrop } from "../../plugins/mod.ts";
import type { RecurrentOptions } from "../../plugins/layers/_recurrent_options.ts";
import { random, withSeed } from "../core/_tensors.ts";

/** Acts everywhere and changes nothing, so that steps are not fused. */
const onlooker: Factory<"recurrent", Record<never, never>> = definePlugin({
  name: "onlooker",
  options: z.object({}),
  recurrent: (value) => value,
});

/** All options but the number of units. */
type Settings = Omit<RecurrentOptions, "units">;

const kinds: Record<string, (units: number, options?: Settings) => LayerPlugin> = {
  "rnn()": (units, options) => rnn(units, options),
  "rnn(relu)": (units, options) => rnn(units, { activation: "relu", ...options }),
  "lstm()": (units, options) => lstm(units, options),
  "gru()": (units, options) => gru(units, options),
};

function built(layer: LayerPlugin, features: number, seed = 1): Model {
  return buildModel(layer, { inputShape: [-1, features], dtype: "float64", seed });
}

function close(found: Tensor, expected: Tensor, what: string, tolerance = 1e-12): void {
  assertEquals(found.shape, expected.shape, what);
  found.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[i], tolerance, `${what}, element ${i}`));
}

/** Output and gradients towards the input and all parameters. */
function all(model: Model, x: Tensor): Record<string, Tensor> {
  const leaf = x.withGradient();
  const y = model.forward(leaf);
  const parameters = model.parameters();
  const found = gradients(y, [leaf, ...parameters.map((p) => p.tensor)], random(y.shape, 11));
  return { y, d_x: found[0], ...Object.fromEntries(parameters.map(({ name }, i) => [name, found[i + 1]])) };
}

const settings: Record<string, Settings> = {
  "one layer": {},
  "three layers": { layers: 3 },
  "both directions": { layers: 2, bidirectional: true },
  "the last step of both directions": { bidirectional: true, returnSequences: false },
  "padding": { padding: 0 },
  "padding, both directions, the last step": { layers: 2, bidirectional: true, padding: 0, returnSequences: false },
  "a learned initial state": { initialState: "learned", bidirectional: true },
  "no biases": { bias: false },
};

/** `[batch, time, features]` whose rows end at different steps and go on with zeros. */
function padded(shape: readonly [number, number, number], seed: number): Tensor {
  const x = random(shape, seed);
  const [, time, features] = shape;
  for (let row = 0; row < shape[0]; row++) {
    const length = Math.max(time - row, 1);
    x.floats.fill(0, (row * time + length) * features, (row + 1) * time * features);
  }
  return x;
}

for (const [kind, make] of Object.entries(kinds)) {
  Deno.test(`${kind} gives the same fused and step by step, values and gradients`, () => {
    withSeed((seed) => {
      for (const [what, options] of Object.entries(settings)) {
        const x = padded([3, 4, 2], seed);
        const fused = all(built(make(3, options), 2, seed), x);
        const composed = all(built(make(3, { ...options, recurrent: onlooker() }), 2, seed), x);
        for (const name in fused) close(composed[name], fused[name], `${what}: ${name}`);
      }
    });
  });

  Deno.test(`${kind} has the gradient that differences give, for odd shapes`, () => {
    for (const [batch, time, features, units] of [[1, 1, 1, 1], [2, 3, 1, 2], [3, 2, 2, 1], [0, 2, 2, 2]]) {
      for (
        const options of [{}, { bidirectional: true, initialState: "learned" as const }, {
          returnSequences: false,
          layers: 2,
        }]
      ) {
        const model = built(make(units, options), features, 5);
        const parameters = model.parameters().map((p) => p.tensor);
        checkGradient((given) => {
          given.slice(1).forEach((value, i) => parameters[i].assign(value));
          const x = given[0].withGradient();
          const y = model.forward(x);
          return customGradient(given, () => y.clone(), (dy) => gradients(y, [x, ...parameters], dy));
        }, [random([batch, time, features], 3), ...parameters.map((p) => p.clone())]);
      }
    }
  });

  Deno.test(`${kind} gives a padded sequence what it gives the sequence alone, and zeros behind it`, () => {
    for (const options of [{ layers: 2 }, { bidirectional: true }, { bidirectional: true, returnSequences: false }]) {
      const x = padded([3, 5, 2], 4);
      const model = built(make(3, { ...options, padding: 0 }), 2);
      const y = model.forward(x);
      for (let row = 0; row < 3; row++) {
        const length = 5 - row;
        const alone = model.forward(x.slice([row, 0], [row + 1, length]));
        if (y.rank === 2) close(y.slice([row], [row + 1]), alone, `row ${row}`);
        else {
          close(y.slice([row, 0], [row + 1, length]), alone, `row ${row}`);
          assert(y.slice([row, length], [row + 1]).floats.every((value) => value === 0));
        }
      }
    }
  });

  Deno.test(`${kind} takes lengths as a second input, whatever the padding holds`, () => {
    const model = buildModel(make(3, { bidirectional: true }), {
      inputShape: [[-1, 2], []],
      inputType: ["float64", "int32"],
      dtype: "float64",
      seed: 1,
    });
    const x = random([2, 4, 2], 6);
    const y = model.forward([x, Tensor.of([4, 2], "int32")]);
    const alone = built(make(3, { bidirectional: true }), 2).forward(x.slice([1, 0], [2, 2]));
    close(y.slice([1, 0], [2, 2]), alone, "the second row");
    assertThrows(() => model.forward([x, Tensor.of([4, 5], "int32")]), DataError, "found 5 at row 1");
  });

  Deno.test(`${kind} read in pieces with a carried state gives what it gives in one`, () => {
    const model = built(make(3, { layers: 2 }), 2);
    const x = random([2, 7, 2], 8);
    const carry = new Map<string, Tensor>();
    const pieces = recycling(() =>
      [[0, 3], [3, 4], [4, 7]].map(([from, to]) => model.forward(x.slice([0, from], [2, to]), { carry }).keep())
    );
    close(Tensor.concat(pieces, 1), model.forward(x), "pieces");
    const { emitted, output } = model.forwardAll(x);
    close(emitted.get("hidden_l1")!, output.slice([0, 6]).reshape([2, 3]), "final state");
    for (const [name, value] of carry) close(value, emitted.get(name)!, name);
    carry.set("hidden_l0", Tensor.zeros([3, 3], "float64"));
    assertThrows(() => model.forward(x, { carry }), ShapeError, "carried hidden state [2, 3], found [3, 3]");
  });

  Deno.test(`a stateful ${kind} goes on in training where the last batch ended, without a gradient`, () => {
    const model = built(sequential([make(3, { stateful: 2 })]), 2);
    const plain = built(sequential([make(3)]), 2);
    const [first, second] = [random([2, 3, 2], 1), random([2, 3, 2], 2)];
    const at = (step: number) => ({ mode: "train" as const, progress: { step, stepsPerEpoch: 2, totalSteps: 4 } });
    const carry = new Map<string, Tensor>();
    const expected = [first, second].map((x) => plain.forward(x, { carry }));
    close(model.forward(first, at(0)), expected[0], "first batch");
    const leaf = second.withGradient();
    const y = model.forward(leaf, at(1));
    close(y, expected[1], "second batch");
    close(model.forward(first, at(2)), expected[0], "an epoch's first batch");
    close(model.forward(first), expected[0], "evaluation");
    // The weight's gradient is that of the second piece alone, begun at the state carried into it.
    carry.clear();
    plain.forward(first, { carry });
    const other = second.withGradient();
    const z = plain.forward(other, { carry });
    const dy = random(y.shape, 3);
    const found = gradients(y, [leaf, ...model.parameters().map((p) => p.tensor)], dy);
    const wanted = gradients(z, [other, ...plain.parameters().map((p) => p.tensor)], dy);
    found.forEach((gradient, i) => close(gradient, wanted[i], `gradient ${i}`));
    assertThrows(() => model.forward(random([1, 3, 2], 1), at(3)), ShapeError, "expected a batch of 2 sequences");
    for (const [, state] of model.state()) state.assign(Tensor.zeros(state.shape, "float64"));
    close(model.forward(first, at(3)), expected[0], "after a reset");
  });

  Deno.test(`${kind} takes empty batches and sequences, and refuses the last of no steps`, () => {
    for (const recurrent of [undefined, onlooker()]) {
      assertEquals(built(make(3, { recurrent }), 2).forward(random([0, 2, 2], 1)).shape, [0, 2, 3]);
      assertEquals(built(make(3, { recurrent, layers: 2 }), 2).forward(random([2, 0, 2], 1)).shape, [2, 0, 3]);
      const last = built(make(3, { returnSequences: false }), 2);
      assertThrows(() => last.forward(random([2, 0, 2], 1)), ShapeError, "at least one step");
    }
    assertThrows(
      () => buildModel(make(3), { inputShape: [4] }),
      ShapeError,
      "expected an input [batch, time, features]",
    );
  });
}

Deno.test("recurrent parameters begin uniform in +-1/sqrt(units), or orthogonal for each gate", () => {
  const units = 64;
  const model = built(lstm(units), 64);
  for (const { tensor } of model.parameters()) {
    const bound = 1 / Math.sqrt(units);
    assert(tensor.floats.every((value) => Math.abs(value) < bound));
    const variance = tensor.square().mean().item();
    // A uniform number's square has variance 4/45 bound^4.
    const error = Math.sqrt(4 / 45) * bound ** 2 / Math.sqrt(tensor.size);
    assert(Math.abs(variance - bound ** 2 / 3) < 5 * error, `${variance}`);
  }
  const weight = built(gru(7, { recurrentInitializer: "orthogonal" }), 2).parameters()[1].tensor.detach();
  for (let gate = 0; gate < 3; gate++) {
    const block = weight.slice([gate * 7], [(gate + 1) * 7]);
    const product = block.matmul(block, { transposeB: true });
    close(product, Tensor.from(Float64Array.from({ length: 49 }, (_, i) => i % 8 === 0 ? 1 : 0), [7, 7]), "W W^T");
  }
});

Deno.test("a weight variant of a recurrent layer is drawn once a pass, for all steps", () => {
  const model = built(lstm(4, { weight: weightDrop({ rate: 0.5 }) }), 3);
  const plain = built(lstm(4), 3);
  const x = random([2, 6, 3], 1);
  const y = model.forward(x, { mode: "train", step: 0 });
  // Where the gradient of the weight is 0, it was dropped; twice the rest is what all steps used.
  const [, given] = model.parameters();
  const [slope] = gradients(y.square().sum(), [given.tensor]);
  const used = Float64Array.from(given.tensor.floats, (value, i) => slope.floats[i] === 0 ? 0 : 2 * value);
  assert(used.includes(0) && used.some((value) => value !== 0));
  plain.parameters()[1].tensor.assign(Tensor.from(used, given.tensor.shape));
  close(y, plain.forward(x), "all steps");
});

Deno.test("dropout of a recurrent layer acts between layers alone", () => {
  const model = built(lstm(4, { layers: 3, dropout: dropout({ rate: 1 }) }), 3);
  assertEquals(model.summary().map((row) => row.path), ["", "dropout_l0", "dropout_l1"]);
  const x = random([2, 5, 3], 1).withGradient();
  const y = model.forward(x, { mode: "train", step: 0 });
  assert(y.floats.every((value) => value !== 0));
  assert(gradients(y.sum(), [x])[0].floats.every((value) => value === 0));
});

Deno.test("a recurrent variant that acts on nothing that a layer has is refused by name", () => {
  const celled: Factory<"recurrent", Record<never, never>> = definePlugin({
    name: "celled",
    options: z.object({}),
    places: () => ["cell"],
    recurrent: (value) => value,
  });
  assertThrows(() => built(gru(2, { recurrent: celled() }), 2), PluginError, "celled acts on cell; this layer has");
  built(lstm(2, { recurrent: celled() }), 2);
});

Deno.test("a recurrent variant sees each place once a step, with the state before", () => {
  const seen: string[] = [];
  const spy: Factory<"recurrent", Record<never, never>> = definePlugin({
    name: "spy",
    options: z.object({}),
    recurrent(value, { place, time, previous }, { path }) {
      seen.push(`${path} ${place} ${time} ${previous?.shape ?? "-"}`);
      return value;
    },
  });
  const x = random([2, 1, 3], 1);
  const spied = built(lstm(4, { recurrent: spy() as Plugin<"recurrent"> }), 3);
  seen.length = 0; // what building has called does not count
  spied.forward(x);
  assertEquals(seen, [
    "recurrent_l0 input 0 -",
    "recurrent_l0 previous-hidden 0 -",
    "recurrent_l0 candidate 0 -",
    "recurrent_l0 cell 0 2,4",
    "recurrent_l0 hidden 0 2,4",
    "recurrent_l0 carried-cell 0 2,4",
    "recurrent_l0 output 0 -",
  ]);
  const twice = built(gru(4, { layers: 2, recurrent: spy() as Plugin<"recurrent"> }), 3);
  seen.length = 0;
  twice.forward(random([2, 2, 3], 1));
  assertEquals(seen.filter((line) => line.includes("output")), [
    "recurrent_l1 output 0 -",
    "recurrent_l1 output 1 -",
  ]);
});

Deno.test("embedding() names an index out of range, and takes no fractions", () => {
  const model = buildModel(embedding(5, 2), { inputShape: [3] });
  assertThrows(() => model.forward(Tensor.of([[0, 5, 1]])), DataError, "[0, 5), found 5 at position 1");
  assertThrows(() => model.forward(Tensor.of([[0, 1, -1]], "int32")), DataError, "found -1 at position 2");
  assertThrows(() => model.forward(Tensor.of([[0.5, 1, 1]])), DataError, "found 0.5 at position 0");
  assertEquals(model.forward(Tensor.zeros([0, 3])).shape, [0, 3, 2]);
});

Deno.test("embedding() gives zeros for padding, whatever the table holds, and no gradient", () => {
  const model = buildModel(embedding(4, 2, { padding: 2 }), { inputShape: [3], dtype: "float64" });
  const [{ tensor: weight }] = model.parameters();
  assertEquals(weight.slice([2], [3]).toArray(), [[0, 0]]);
  weight.assign(Tensor.of([[1, 1], [2, 2], [9, 9], [3, 3]], "float64"));
  const y = model.forward(Tensor.of([[0, 2, 3]], "int32"));
  assertEquals(y.toArray(), [[[1, 1], [0, 0], [3, 3]]]);
  assertEquals(gradients(y.sum(), [weight])[0].toArray(), [[1, 1], [0, 0], [0, 0], [1, 1]]);
});

Deno.test("an LSTM's gates stand in the order i, f, g, o: two steps by hand", () => {
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
  const [wi, wf, wg, wo] = [0.5, -1, 2, 0.25]; // towards the input
  const [ui, uf, ug, uo] = [1, 0.5, -0.75, 1.5]; // towards the state
  const model = built(lstm(1), 1);
  const numbers: Record<string, number[]> = {
    weight_ih_l0: [wi, wf, wg, wo],
    weight_hh_l0: [ui, uf, ug, uo],
    bias_ih_l0: [0.1, 0.2, 0.3, 0.4],
    bias_hh_l0: [0, 0, 0, 0],
  };
  for (const { name, tensor } of model.parameters()) tensor.assign(Tensor.from(numbers[name], tensor.shape, "float64"));
  let [h, c] = [0, 0];
  const expected = [0.7, -1.3].map((x) => {
    const [i, f, g, o] = [
      sigmoid(wi * x + ui * h + 0.1),
      sigmoid(wf * x + uf * h + 0.2),
      Math.tanh(wg * x + ug * h + 0.3),
      sigmoid(wo * x + uo * h + 0.4),
    ];
    c = f * c + i * g;
    h = o * Math.tanh(c);
    return [h];
  });
  close(model.forward(Tensor.of([[[0.7], [-1.3]]], "float64")), Tensor.of([expected], "float64"), "hidden states");
});
