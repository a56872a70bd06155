import { assert, assertEquals, assertThrows } from "@std/assert";
import * as t from "../../mod.ts";
import { inFolder } from "./datasets/_idx_bytes.ts";

Deno.test("select() gives some of the features, and their gradients", () => {
  const x = t.Tensor.of([[1, 2, 3], [4, 5, 6]]);
  const built = (options: t.SelectOptions) => t.buildModel(t.select(options), { inputShape: [3] });
  assertEquals(built({ from: 1, to: 2 }).forward(x).toArray(), [[2], [5]]);
  assertEquals(built({ to: 2 }).forward(x).toArray(), [[1, 2], [4, 5]]);
  assertEquals(built({ from: 1 }).forward(x).toArray(), [[2, 3], [5, 6]]);
  const deep = t.buildModel(t.select({ from: 1 }), { inputShape: [2, 3] });
  assertEquals(deep.forward(x.reshape([1, 2, 3])).toArray(), [[[2, 3], [5, 6]]]);
  const { mean, variance } = built({ from: 2 }).moments({ mean: x, variance: x.mul(10) });
  assertEquals([mean.toArray(), variance.toArray()], [[[3], [6]], [[30], [60]]]);
  // The features that are left out have no part in the result.
  const model = t.buildModel(t.sequential([t.dense(3), t.select({ from: 1, to: 2 })]), { inputShape: [3], seed: 1 });
  const { tensor } = model.parameters().find(({ name }) => name.endsWith("weight"))!;
  const [gradient] = t.gradients(model.forward(x, { mode: "train", step: 0 }).sum(), [tensor]);
  assertEquals(gradient.toArray(), [[0, 0, 0], [5, 7, 9], [0, 0, 0]]);
  for (const [options, message] of [[{ to: 4 }, "from 0 to below 4"], [{ from: 3 }, "from 3 to below 4"]] as const) {
    assertThrows(() => built(options).forward(x), t.ShapeError, `${message}, found [`);
  }
  assertThrows(() => built({ from: 2, to: 1 }).forward(x), t.ShapeError, "select: expected an input with the features");
  assertThrows(() => t.select({ from: -1 }), t.OptionError, "select.from: expected a whole number of at least 0");
});

Deno.test("a table's categories get an embedding beside its numbers, and new rows are predicted", () =>
  inFolder(async (folder) => {
    const kinds = ["oak", "elm", "fir", "ash"];
    const rows = Array.from({ length: 200 }, (_, i) => `${i % 9},${kinds[i % 4]},${(i % 4 - 1.5) * (i % 9)}`);
    await Deno.writeTextFile(`${folder}/t.csv`, ["height,tree,price", ...rows].join("\n"));
    const data = t.csv({ path: `${folder}/t.csv`, target: "price", encodings: { tree: "index" } });
    const tree = t.sequential([t.select({ from: 1 }), t.embedding(4, 4), t.flatten()]);
    const net = t.sequential([t.concat([t.select({ to: 1 }), tree]), t.dense(32), t.relu(), t.dense(1)]);
    const run = await t.fit(net, {
      data,
      optimizer: t.adam({ learningRate: 0.01 }),
      epochs: 40,
      batchSize: 20,
      seed: 1,
    });
    assert(run.testError < 1, `${run.testError}`);
    await run.save(`${folder}/m.safetensors`);
    const { predictRows } = await t.loadModel(`${folder}/m.safetensors`);
    const [{ prediction }] = await predictRows([{ height: 8, tree: "oak" }]);
    assert(Math.abs(Number(prediction) + 12) < 2, `${prediction}`);
  }));
