import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  Key,
  type Model,
  OptionError,
  predict,
  recycling,
  ShapeError,
  Tensor,
} from "../../../core/mod.ts";
import {
  dense,
  dropout,
  embedding,
  gaussianDropout,
  graph,
  lstm,
  merge,
  relu,
  sequential,
} from "../../../plugins/mod.ts";

const x = Tensor.uniform([7, 5], Key.seed(4), "float64");

const net = (classes = 3) =>
  buildModel(sequential([dense(8), relu(), dropout({ rate: 0.5 }), dense(classes)]), {
    inputShape: [5],
    seed: 2,
    dtype: "float64",
  });

/** Mean and variance of numbers, two passes over them. */
function moments(values: readonly number[]): [number, number] {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return [mean, values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length];
}

Deno.test("without samples it is one pass with dropout off, and the variance is zero", () => {
  const model = net();
  for (const options of [undefined, { samples: 0 }, { samples: 0, seed: 3 }]) {
    const { mean, variance } = predict(model, x, options);
    assertEquals(mean.toArray(), model.forward(x).toArray());
    assertEquals([...variance.floats], new Array(21).fill(0));
  }
});

Deno.test("mean and variance are those of the passes in mode sample, addressed by their numbers", () => {
  const model = net();
  for (const softmax of [false, true]) {
    const { mean, variance } = predict(model, x, { samples: 9, softmax });
    const passes = Array.from({ length: 9 }, (_, pass) => {
      const outputs = model.forward(x, { mode: "sample", step: 0, pass });
      return softmax ? outputs.softmax() : outputs;
    });
    for (let i = 0; i < mean.size; i++) {
      const [expected, spread] = moments(passes.map(({ floats }) => floats[i]));
      assertAlmostEquals(mean.floats[i], expected, 1e-12);
      assertAlmostEquals(variance.floats[i], spread, 1e-12);
    }
  }
});

Deno.test("results do not depend on the batch size, nor on which examples lie around one", () => {
  const model = net();
  const whole = predict(model, x, { samples: 5 });
  for (const batchSize of [1, 2, 3, 6, 7, 100]) {
    const parts = predict(model, x, { samples: 5, batchSize });
    assertEquals(parts.mean.toArray(), whole.mean.toArray());
    assertEquals(parts.variance.toArray(), whole.variance.toArray());
  }
  const last = predict(model, x.slice([4], [7]), { samples: 5, first: 4 });
  assertEquals(last.mean.toArray(), whole.mean.slice([4], [7]).toArray());
});

Deno.test("a seed gives the same masks again, another one others", () => {
  const mean = (seed?: number) => predict(net(), x, { samples: 3, seed }).mean.toArray();
  assertEquals(mean(5), mean(5));
  assertEquals(mean(0), mean());
  assert(JSON.stringify(mean(5)) !== JSON.stringify(mean(6)));
});

Deno.test("the variance of multiplicative noise comes out, in float32 around a large mean too", () => {
  const rate = 0.2; // of an entry x: x^2 rate / (1 - rate)
  const model = buildModel(gaussianDropout({ rate }), { inputShape: [1000] });
  const { mean, variance } = predict(model, Tensor.full([1, 1000], 100), { samples: 400 });
  const expected = 1e4 * rate / (1 - rate);
  // Standard errors over 400000 draws: sqrt(expected / n), and expected sqrt(2 / n).
  assertAlmostEquals(mean.mean().item(), 100, 4 * Math.sqrt(expected / 4e5));
  assertAlmostEquals(variance.mean().item() * 400 / 399, expected, 4 * expected * Math.sqrt(2 / 4e5));
  const still = predict(buildModel(sequential([]), { inputShape: [1] }), Tensor.of([[12345.678]]), { samples: 1000 });
  assertEquals(still.variance.item(), 0);
});

Deno.test("results outlive the training step in which they are made", () => {
  const { mean, variance } = recycling(() => predict(net(), x, { samples: 2 }));
  assertEquals([mean.shape, variance.shape], [[7, 3], [7, 3]]);
  assert(mean.floats.every(Number.isFinite) && variance.floats.every(Number.isFinite));
});

Deno.test("sequences of indices, several inputs and an empty batch are predicted", () => {
  const words = buildModel(sequential([embedding(9, 4), lstm(3), dropout({ rate: 0.5 }), dense(9)]), {
    inputShape: [-1],
    inputType: "int32",
  });
  const text = Tensor.of([[1, 2, 3], [4, 5, 6]], "int32");
  const { mean } = predict(words, text, { samples: 3, softmax: true, batchSize: 1 });
  assertEquals(mean.shape, [2, 3, 9]);
  for (const sum of mean.sum(2).floats) assertAlmostEquals(sum, 1, 1e-5);
  const sum = graph({
    inputs: ["a", "b"],
    nodes: { sum: { layer: merge("add"), inputs: ["a", "b"] } },
    outputs: ["sum"],
  });
  const both = buildModel(sum, { inputShape: [[5], [5]], dtype: "float64" });
  assertEquals(predict(both, [x, x], { batchSize: 2 }).mean.toArray(), x.mul(2).toArray());
  assertEquals(predict(net(), Tensor.zeros([0, 5], "float64"), { samples: 2 }).mean.shape, [0, 3]);
});

Deno.test("a sequence in pieces goes on in each pass from its own state", () => {
  const model = buildModel(sequential([dropout({ rate: 0.5 }), lstm(3)]), { inputShape: [-1, 5], dtype: "float64" });
  const carry = Array.from({ length: 2 }, () => new Map<string, Tensor>());
  const piece = x.reshape([1, 7, 5]);
  predict(model, piece, { samples: 2, carry });
  const { mean } = predict(model, piece, { samples: 2, carry });
  const passes = [0, 1].map((pass) => {
    const own = new Map<string, Tensor>();
    model.forward(piece, { mode: "sample", step: 0, pass, carry: own });
    return model.forward(piece, { mode: "sample", step: 0, pass, carry: own });
  });
  const expected = passes[0].add(passes[1]).mul(0.5);
  mean.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[i], 1e-12));
  assertThrows(() => predict(model, piece, { samples: 3, carry }), OptionError, "a map for each of 3 passes");
});

Deno.test("options out of range, wrong inputs and readings without rows are refused by name", () => {
  const model: Model = net();
  for (const options of [{ samples: -1 }, { samples: 1.5 }, { seed: -1 }, { batchSize: 0 }, { first: NaN }]) {
    assertThrows(() => predict(model, x, options), OptionError, `predict: ${Object.keys(options)[0]}`);
  }
  assertThrows(() => predict(model, Tensor.zeros([2, 4], "float64")), ShapeError, "model");
  assertThrows(() => predict(model, x, { read: (y) => y.sum() }), ShapeError, "7 rows");
});

Deno.test("passes and seeds of predict() make no random sites of their own, so nothing grows with them", () => {
  const sites = new Set<string>();
  const spy: Factory<"activation", Record<never, never>> = definePlugin({
    name: "spy",
    options: z.object({}),
    activation(value, { key }) {
      sites.add(key.path);
      return value;
    },
  });
  const model = buildModel(sequential([spy(), dense(2)]), { inputShape: [5] });
  for (let seed = 0; seed < 40; seed++) predict(model, Tensor.ones([2, 5]), { samples: 5, seed });
  assertEquals([...sites].sort(), ["eval/0", "sample/0"]);
});
