/** Models as files: everything comes back without the program that made it, and what is no such file is refused. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  CheckpointError,
  csv,
  decodeSafetensors,
  definePlugin,
  encodeSafetensors,
  evaluate,
  type Factory,
  fit,
  Key,
  type LayerPlugin,
  loadDataset,
  loadModel,
  type Model,
  OptionError,
  PluginError,
  predict,
  prepareInputs,
  preprocessingOf,
  restoreOutputs,
  Tensor,
  Trainer,
  uci,
} from "../../../mod.ts";
import * as t from "../../../mod.ts";
import { inFolder } from "../../plugins/datasets/_idx_bytes.ts";
import { corners, options } from "../_runs.ts";

/** Saves a model and reads it back. */
async function through(model: Model, how: Parameters<Model["save"]>[1] = {}, plugins: t.AnyFactory[] = []) {
  let loaded: t.LoadedModel | undefined;
  await inFolder(async (folder) => {
    const path = `${folder}/new/m.safetensors`;
    await model.save(path, how);
    assertEquals([...Deno.readDirSync(`${folder}/new`)].map(({ name }) => name), ["m.safetensors"]);
    loaded = await loadModel(path, { plugins });
  });
  return loaded!;
}

const thin = () => t.dropout({ rate: 0.3 });

/** Models of many kinds: the layer and the shape of an example. */
const kinds: Record<string, [LayerPlugin, readonly number[], t.DType?]> = {
  dense: [t.sequential([t.dense(5, { constraint: t.maxNorm({ max: 2 }) }), t.relu(), thin(), t.dense(3)]), [6]],
  convolution: [
    t.sequential([t.conv2d(3, 3, { padding: 1 }), t.batchNorm(), t.relu(), t.maxPool2d(2), t.flatten(), t.dense(2)]),
    [1, 6, 6],
  ],
  recurrent: [t.sequential([t.embedding(7, 4), t.lstm(5, { recurrent: t.zoneout() }), t.dense(7)]), [4]],
  transformer: [
    t.sequential([t.encoderBlock(2, { feedForward: 8, attention: t.attentionDropout({ rate: 0.2 }) }), t.dense(2)]),
    [3, 4],
  ],
  residual: [
    t.sequential([
      t.residual(t.sequential([t.dense(6), t.relu()]), { branch: t.stochasticDepth({ rate: 0.4 }) }),
      thin(),
    ]),
    [
      6,
    ],
  ],
  "gaussian dropconnect": [
    t.sequential([
      t.dense(4, { weight: t.dropConnect({ inference: "normal", samples: 2 }), name: "hidden" }),
      t.relu(),
    ]),
    [6],
  ],
};

for (const [name, [root, inputShape]] of Object.entries(kinds)) {
  Deno.test(`a saved model answers as before, in every mode: ${name}`, async () => {
    const model = buildModel(root, { inputShape, seed: 12 });
    const shape = [4, ...inputShape];
    const x = name === "recurrent"
      ? Tensor.from(Float32Array.from({ length: 16 }, (_, i) => i % 7), shape)
      : Tensor.normal(shape, Key.seed(3).at("x"));
    // Running statistics that are not those of the beginning.
    model.forward(x, { mode: "train", step: 1 });
    const { model: loaded, preprocessing } = await through(model);
    assertEquals(preprocessing, undefined);
    assertEquals(loaded.parameters().map((p) => p.name), model.parameters().map((p) => p.name));
    assertEquals(
      [...loaded.state()].map(([name, s]) => [name, s.toArray()]),
      [...model.state()].map(([name, s]) => [name, s.toArray()]),
    );
    assertEquals(loaded.forward(x).toArray(), model.forward(x).toArray());
    assertEquals(
      loaded.forward(x, { mode: "sample", step: 2 }).toArray(),
      model.forward(x, { mode: "sample", step: 2 }).toArray(),
    );
    assertEquals(JSON.stringify(loaded.root), JSON.stringify(model.root));
    assertEquals(
      loaded.parameters().map((p) => p.constraint?.plugin),
      model.parameters().map((p) => p.constraint?.plugin),
    );
  });
}

Deno.test("a saved model keeps its element type, its input types, open extents and a seed of 64 bits", async () => {
  const model = buildModel(t.embedding(5, 3), {
    inputShape: [-1],
    inputType: "int32",
    dtype: "float64",
    seed: 2n ** 63n + 1n,
  });
  const { model: loaded } = await through(model);
  assertEquals([loaded.dtype, loaded.inputShapes, loaded.built], ["float64", [[-1]], model.built]);
  const x = Tensor.from(Int32Array.of(0, 4, 2), [1, 3]);
  assertEquals(loaded.forward(x).toArray(), model.forward(x).toArray());
});

Deno.test("a saved model keeps what has been configured since it was built", async () => {
  const model = buildModel(t.sequential([t.dense(4), t.dropout({ rate: 0.5, name: "thin" })]), { inputShape: [3] });
  model.configure("thin", { rate: 0.125 });
  const { model: loaded } = await through(model);
  assertEquals(loaded.plugins().get("thin")!.options.rate, 0.125);
  const x = Tensor.ones([2, 3]);
  const sample = { mode: "sample", step: 1 } as const;
  assertEquals(loaded.forward(x, sample).toArray(), model.forward(x, sample).toArray());
});

Deno.test("a run's model is saved as it was measured: its average, its schedules' last values, its preprocessing", async () => {
  const rate = t.linear({ from: 0, to: 0.5 });
  const root = t.sequential([t.dense(8), t.relu(), t.dropout({ rate, convention: "classic" }), t.dense(3)]);
  const data = { ...corners(), classNames: ["left", "right", "top"] };
  const run = await fit(root, options({ data, average: t.ema({ decay: 0.9 }), epochs: 2 }));
  await inFolder(async (folder) => {
    const path = `${folder}/m.safetensors`;
    await run.save(path);
    const { model, preprocessing } = await loadModel(path);
    const { loss, error } = evaluate(model, corners());
    assertEquals([loss, error], [run.testLoss, run.testError]);
    assertEquals(model.plugins().get("2")!.options.rate, 0.5);
    assertEquals(preprocessing, {
      dataset: "corners",
      shape: [6],
      classes: 3,
      outputs: 0,
      classNames: data.classNames,
      scale: 1,
    });
    assertEquals(run.preprocessing, preprocessing);
    // Saved without a moment, schedules stay.
    const { model: again } = await through(run.model);
    assertEquals(JSON.stringify(again.root), JSON.stringify(root));
  });
});

Deno.test("a run is saved in its middle as it would be measured then", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/m.safetensors`;
    const trainer = await Trainer.create(t.dense(3), options({ average: t.ema({ decay: 0.9 }) }));
    await trainer.runEpoch();
    await trainer.save(path);
    const { model } = await loadModel(path);
    assertEquals(evaluate(model, corners()).loss, trainer.history[0].testLoss);
    assertNotEquals(evaluate(trainer.model, corners()).loss, trainer.history[0].testLoss);
  });
});

Deno.test("a saved model does to the raw cells of a table what the data set did, and answers in the target's units", async () => {
  await inFolder(async (folder) => {
    const rows = Array.from({ length: 40 }, (_, i) => [i, 7, i * i % 11, 100 + 3 * i]);
    await Deno.writeTextFile(`${folder}/data.txt`, rows.map((row) => row.join(" ")).join("\n"));
    const files = {
      index_features: "0\n1\n2",
      index_target: "3",
      n_splits: "1",
      index_train_0: "0\n5\n9\n30",
      index_test_0: "1\n2",
    };
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}.txt`, text);
    const data = await loadDataset(uci({ data: folder }));
    const model = buildModel(t.dense(1), { inputShape: [3], seed: 1 });
    const { model: loaded, preprocessing } = await through(model, { preprocessing: data });
    const raw = [1, 2].flatMap((row) => rows[row].slice(0, 3));
    const inputs = prepareInputs(preprocessing!, raw);
    assertEquals([...inputs.floats], [...data.test.inputs]);
    const outputs = restoreOutputs(preprocessing!, predict(loaded, inputs).mean).floats;
    const rms = Math.sqrt(((outputs[0] - 103) ** 2 + (outputs[1] - 106) ** 2) / 2);
    const { error } = evaluate(model, data, t.meanSquaredError());
    assert(Math.abs(rms - error) < 1e-4, `${rms} and ${error}`);
    await assertRejects(
      async () => void await prepareInputs(preprocessing!, [1, 2]),
      t.ShapeError,
      "whole examples of shape [3], found 2",
    );
  });
});

Deno.test("preprocessing says what is done to bytes, to channels and to columns", async () => {
  const image = {
    count: 1,
    shape: [2, 1, 2],
    inputs: Uint8Array.of(0, 51, 102, 255),
    scale: 1 / 255,
    labels: Int32Array.of(1),
  };
  const normalize = { mean: [0.5, 0], deviation: [0.5, 2] };
  const part = { ...image, normalize };
  const pictures = { name: "pictures", classes: 2, outputs: 0, train: part, test: part };
  const expected = t.makeBatch(part, 0, 0, 1).inputs.toArray();
  assertEquals(prepareInputs(preprocessingOf(pictures), image.inputs).toArray(), expected);
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/t.csv`, "x,z,kind\n1.5,7,pear\n2.25,7,apple\n3,7,pear\n9,7,apple\n10,7,pear\n");
    const table = await loadDataset(csv({ path: `${folder}/t.csv`, target: "kind", testFraction: 0.4 }));
    const { preprocessing } = await through(buildModel(t.dense(2), { inputShape: [2] }), { preprocessing: table });
    assertEquals(preprocessing, preprocessingOf(table));
    assertEquals([preprocessing!.classNames, preprocessing!.inputUnits!.deviation[1]], [["apple", "pear"], Infinity]);
    const known = new Map([1.5, 2.25, 3, 9, 10].map((x) => [prepareInputs(preprocessing!, [x, 7]).floats[0], x]));
    for (let i = 0; i < table.train.count; i++) assert(known.has(table.train.inputs[2 * i]));
  });
});

/** Adds a learned number, and a number that is given. */
const shifting: Factory<"layer", { by?: number; table?: unknown }> = definePlugin({
  name: "shifting",
  options: z.object({ by: z.custom<number>((x) => typeof x === "number").default(1), table: z.unknown().optional() }),
  init: () => ({ params: { own: Tensor.of([0.5]) } }),
  forward: (x, { params, options }) => x.add(params.own).add(options.by),
});

Deno.test("plugins of one's own are loaded by their names, when they are given", async () => {
  const model = buildModel(t.sequential([shifting({ by: Infinity }), shifting({ by: -0 })]), { inputShape: [2] });
  const { model: loaded } = await through(model, {}, [shifting]);
  const [first, second] = ["0", "1"].map((path) => loaded.plugins().get(path)!.options.by);
  assert(first === Infinity && Object.is(second, -0));
  await inFolder(async (folder) => {
    const path = `${folder}/m.safetensors`;
    await model.save(path);
    await assertRejects(() => loadModel(path), PluginError, 'unknown plugin "shifting"');
    await assertRejects(() => loadModel(path, { plugin: [shifting] } as never), OptionError, "loadModel.plugin");
  });
});

Deno.test("a model with an option that is no plain data is refused, and nothing is written", async () => {
  await inFolder(async (folder) => {
    for (const table of [() => 1, Tensor.ones([2]), new Map()]) {
      const model = buildModel(shifting({ table }), { inputShape: [2] });
      const error = await assertRejects(() => model.save(`${folder}/m.safetensors`), CheckpointError);
      assert(error.message.startsWith("A model cannot be saved: expected plain data in model.table"), error.message);
    }
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("files that are damaged, of another version, or no saved models are refused with their name", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/m.safetensors`;
    const model = buildModel(t.sequential([t.dense(4), thin(), t.dense(2)]), { inputShape: [3] });
    await model.save(path);
    const good = await Deno.readFile(path);
    const refuse = async (bytes: Uint8Array, text: string) => {
      await Deno.writeFile(path, bytes);
      const error = await assertRejects(() => loadModel(path), CheckpointError);
      assert(error.message.includes(text) && error.message.includes(path), error.message);
    };
    const { tensors, metadata } = decodeSafetensors(good, path);
    await refuse(
      encodeSafetensors(tensors, { ...metadata, version: "2" }),
      "expected a saved model of version 1, found version 2",
    );
    await refuse(
      encodeSafetensors(tensors, { format: "pt" }),
      'is no saved model: expected the format "thinned-model" in its metadata, found "pt"',
    );
    await refuse(encodeSafetensors(tensors), "found undefined");
    await refuse(good.subarray(0, good.length - 3), "not a whole safetensors file");
    await refuse(new Uint8Array(0), "not a whole safetensors file");
    // Any byte of the numbers, and a word of the description.
    for (const at of [good.length - 1, good.length - 40]) {
      const bad = good.slice();
      bad[at] ^= 1;
      await refuse(bad, "is damaged: it does not have the SHA-256");
    }
    await refuse(
      encodeSafetensors(tensors, { ...metadata, model: metadata.model.replace("0.3", "0.4") }),
      "is damaged",
    );
    const fewer = new Map([...tensors].slice(1));
    await refuse(encodeSafetensors(fewer, metadata), "is damaged");
    await Deno.remove(path);
    await assertRejects(() => loadModel(path), CheckpointError, `${path} cannot be read`);
    assertNotEquals(good.length, 0);
  });
});

Deno.test("saving takes the numbers of the moment in which it was called, and replaces the file as a whole", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/m.safetensors`;
    const model = buildModel(t.dense(1), { inputShape: [1] });
    const [weight] = model.parameters().map(({ tensor }) => tensor);
    weight.assign(Tensor.of([[1]]));
    await model.save(path);
    weight.assign(Tensor.of([[2]]));
    const saving = model.save(path);
    weight.assign(Tensor.of([[3]]));
    await saving;
    assertEquals((await loadModel(path)).model.parameters()[0].tensor.item(), 2);
    await assertRejects(() => model.save(`${path}/inside`), CheckpointError, "cannot be written");
    await assertRejects(() => model.save(path, { data: 1 } as never), OptionError, "save.data: expected one of");
  });
});

Deno.test({
  name: "saving and loading name the permission that is missing",
  permissions: { read: false, write: false },
  fn: async () => {
    const model = buildModel(t.dense(1), { inputShape: [1] });
    await assertRejects(() => model.save("runs/m.safetensors"), t.PermissionError, "--allow-write=runs");
    await assertRejects(() => loadModel("runs/m.safetensors"), t.PermissionError, "--allow-read=runs/m.safetensors");
  },
});
