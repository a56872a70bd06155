/** `export`, as a user runs it: files that other programs read, and one sentence where there can be none. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { buildModel, decodeSafetensors, type Model, prepareInputs, restoreOutputs, Tensor } from "../../core/mod.ts";
import { batchNorm, curriculumDropout, dense, dropout, fromPyTorch, relu, sequential } from "../../plugins/mod.ts";
import { loadModel } from "../../plugins/load_model.ts";
import { fadingDropout } from "../../examples/fading_dropout.ts";
import { difference, inputsOf } from "../plugins/_disturbed.ts";
import { open } from "../plugins/interchange/_onnx_runtime.ts";
import { cli, inFolder, small, writeConfig } from "./_run.ts";

/** The flags of the task. */
const flags = ["--allow-read", "--allow-write"];

/** The configuration of a small net with all that is folded. */
const net = {
  dataset: small.dataset,
  epochs: 1,
  model: [
    { plugin: "dropout", rate: 0.2, convention: "classic" },
    { plugin: "dense", units: 24 },
    { plugin: "batch-norm" },
    { plugin: "relu" },
    { plugin: "dropout", rate: 0.5 },
    { plugin: "dense", units: 10 },
  ],
};

/** Trains a run into a folder. */
async function train(folder: string, changes: Record<string, unknown>, name = "run"): Promise<string> {
  const out = `${folder}/${name}`;
  const { status, err } = await cli(["train", "--config", await writeConfig(folder, changes), "--out", out]);
  assertEquals(status, 0, err);
  return out;
}

/** Exports with a result in JSON. */
async function exported(run: string, ...args: string[]): Promise<Record<string, unknown>> {
  const { status, out, err } = await cli(["export", "--run", run, "--json", ...args], flags);
  assertEquals(status, 0, err);
  return JSON.parse(out);
}

/** Pictures with numbers of their own. */
const pictures = (model: Model) => inputsOf(model, 3)[0].abs();

Deno.test("a run becomes an ONNX file, weights for PyTorch, and a folded model, which all give what it does", async () => {
  await inFolder(async (folder) => {
    const run = await train(folder, net);
    const { model, progress, preprocessing } = await loadModel(`${run}/model.safetensors`);
    const x = pictures(model);
    const y = model.forward(x, { progress });

    const { file, opset, mode, folded } = await exported(run);
    assertEquals([file, opset, mode], [`${run}/model.onnx`, 17, "eval"]);
    const table = [
      { path: "0", plugin: "dropout", into: "1", left: null },
      { path: "2", plugin: "batch-norm", into: "1", left: null },
    ];
    assertEquals(folded, table);
    const evaluates = await open(await Deno.readFile(`${run}/model.onnx`));
    assertEquals([evaluates.inputs, evaluates.outputs], [["input"], ["output"]]);
    assert(difference((await evaluates.run(x)).get("output")!, y) < 1e-5);

    await exported(run, "--preprocessing", "--out", `${folder}/raw.onnx`);
    const raw = await open(await Deno.readFile(`${folder}/raw.onnx`));
    const bytes = Tensor.from(Float32Array.from({ length: 2 * x.size / 3 }, (_, i) => i % 256), [
      2,
      ...x.shape.slice(1),
    ]);
    const prepared = prepareInputs(preprocessing!, Uint8Array.from(bytes.floats));
    assert(difference((await raw.run(bytes)).get("output")!, model.forward(prepared, { progress })) < 1e-5);

    await exported(run, "--monte-carlo", "--out", `${folder}/draws.onnx`);
    const draws = await open(await Deno.readFile(`${folder}/draws.onnx`));
    const passes = [await draws.run(x), await draws.run(x)].map((found) => found.get("output")!);
    assert(difference(passes[0], passes[1]) > 1e-3);

    const torch = await exported(run, "--format", "pytorch");
    assertEquals(torch.file, `${run}/model.pytorch.safetensors`);
    const { tensors } = decodeSafetensors(await Deno.readFile(torch.file as string), "the file");
    const same = sequential([dropout(), dense(24), batchNorm(), relu(), dropout(), dense(10)]);
    const other = buildModel(same, { inputShape: model.inputShape });
    fromPyTorch(other, tensors);
    assert(difference(other.forward(x), y) < 1e-5);

    const plain = await exported(run, "--format", "safetensors");
    assertEquals(plain.folded, table);
    const loaded = await loadModel(plain.file as string);
    assertEquals(loaded.model.plugins().has("2"), false);
    assertEquals(loaded.preprocessing, preprocessing);
    assert(difference(loaded.model.forward(x), y) < 1e-5);

    const told = await cli(["export", "--run", run], flags);
    assertMatch(
      told.out,
      /model\.onnx: ONNX of the default operators at version 17; it evaluates; its inputs are to be/,
    );
    assertMatch(told.out, /2 +batch-norm +1/);
  });
});

Deno.test("--thinned writes the subnet that a place of a batch met in a step, at the rates of that step", async () => {
  await inFolder(async (folder) => {
    const rate = { plugin: "curriculum-dropout", rate: 0.6, gamma: 0.5 };
    const layers = [
      { plugin: "dense", units: 24 },
      { plugin: "relu" },
      { plugin: "dropout", rate },
      { plugin: "dense", units: 10 },
    ];
    const run = await train(folder, { dataset: small.dataset, epochs: 2, batchSize: 50, model: layers });
    const found = await exported(run, "--format", "safetensors", "--thinned", "3:7");
    assertEquals(found.file, `${run}/thinned-3-7.folded.safetensors`);
    const { model: whole, progress } = await loadModel(`${run}/model.safetensors`);
    const told = found.thinned as { step: number; example: number; parameters: number; of: number };
    assertEquals([told.step, told.example, told.of], [3, 7, whole.parameterCount()]);
    assert(told.parameters < told.of);
    // The net as it was trained: its rate then, its weights now.
    const scheduled = curriculumDropout({ rate: 0.6, gamma: 0.5 });
    const net = sequential([dense(24), relu(), dropout({ rate: scheduled }), dense(10)]);
    const trained = buildModel(net, { inputShape: whole.inputShape, seed: whole.built.seed });
    trained.load(new Map(whole.parameters().map(({ name, tensor }) => [`model/${name}`, tensor])));
    const x = inputsOf(whole, 8)[0].abs();
    const met = trained.forward(x, { mode: "train", progress: { ...progress!, step: 3 } }).slice([7, 0], [8, 10]);
    const { model: subnet, preprocessing } = await loadModel(found.file as string);
    assertEquals([subnet.drawingSites(), preprocessing!.classes], [[], 10]);
    assert(difference(subnet.forward(x.slice([7, 0], [8, 784])), met) < 1e-4);
    await exported(run, "--thinned", "3:7");
    const onnx = await open(await Deno.readFile(`${run}/thinned-3-7.onnx`));
    assert(difference((await onnx.run(x)).get("output")!, subnet.forward(x)) < 1e-5);
    for (
      const [place, message] of [
        ["8:0", /^error: --thinned: expected a step in \[0, 8\), which the run has trained, found 8\.$/m],
        ["0:50", /^error: --thinned: expected a place in the batch, in \[0, 50\), found 50\.$/m],
        ["7", /^error: --thinned: expected STEP:EXAMPLE, two whole numbers such as 500:7, found "7"\.$/m],
      ] as const
    ) {
      const { status, err } = await cli(["export", "--run", run, "--thinned", place], flags);
      assertEquals(status, 2, err);
      assertMatch(err, message);
    }
  });
});

Deno.test("a table's file takes columns and gives prices, with a variant of one's own in the net", async () => {
  await inFolder(async (folder) => {
    const config = new URL("../../examples/houses.json", import.meta.url).pathname;
    const trained = await cli(["train", "--config", config, "--epochs", "1", "--out", `${folder}/run`]);
    assertEquals(trained.status, 0, trained.err);
    const run = `${folder}/run`;
    await exported(run, "--preprocessing");
    const { model, preprocessing, progress } = await loadModel(`${run}/model.safetensors`, {
      plugins: [fadingDropout],
    });
    const { run: price } = await open(await Deno.readFile(`${run}/model.onnx`));
    const row = pictures(model);
    const here = restoreOutputs(preprocessing!, model.forward(prepareInputs(preprocessing!, row.floats), { progress }));
    assert(preprocessing!.targetUnits!.deviation[0] > 1000);
    assert(difference((await price(row)).get("output")!, here) < 1e-5);
    await exported(run, "--monte-carlo", "--out", `${folder}/draws.onnx`); // its variant says its draw as a mask
  });
});

Deno.test("what cannot be exported is one sentence with status 2, and no file", async () => {
  await inFolder(async (folder) => {
    const model = [{ plugin: "drop-block", block: 1 }, { plugin: "flatten" }, { plugin: "dense", units: 10 }];
    const run = await train(folder, { ...net, dataset: { ...small.dataset, flatten: false }, model });
    const plain = await train(folder, { ...net, model: [{ plugin: "dense", units: 10 }] }, "plain");
    const before = [...Deno.readDirSync(run)].map(({ name }) => name).sort();
    const refusals: [string[], RegExp][] = [
      [["--run", run, "--monte-carlo"], /^error: model\.0 \(drop-block\): cannot be exported to ONNX: its draws/],
      [
        ["--run", plain, "--monte-carlo"],
        /^error: --monte-carlo: expected a run with dropout, found "?one in which nothing/,
      ],
      [["--run", run, "--format", "tensorflow"], /^error: --format: expected one of onnx, pytorch, safetensors, found/],
      [
        ["--run", run, "--format", "pytorch", "--monte-carlo"],
        /^error: --monte-carlo: expected the format onnx, found/,
      ],
      [["--run", run, "--format", "pytorch", "--preprocessing"], /^error: --preprocessing: expected the format onnx/],
      [["--run", run, "--name", "other"], /^error: --name: expected one of the runs run, found "other"/],
      [["--run", run, "--out", `${run}/model.safetensors`], /^error: --out: expected another file than the run's own/],
      [["--run", run, "--out", `${folder}/none/model.onnx`], /^error: --out: expected a file in a folder that exists/],
      [["--run", `${folder}/none`], /^error: --run: expected a file that exists/],
      [[], /^error: --run: expected the folder of a finished run/],
    ];
    for (const [args, message] of refusals) {
      const { status, err } = await cli(["export", ...args], flags);
      assertEquals(status, 2, `${args}: ${err}`);
      assertMatch(err, message);
      assertEquals(err.trimEnd().split("\n").length, 1, err);
    }
    assertEquals([...Deno.readDirSync(run)].map(({ name }) => name).sort(), before);
    await Deno.remove(`${run}/model.safetensors`);
    const unfinished = await cli(["export", "--run", run], flags);
    assertEquals(unfinished.status, 2);
    assertMatch(unfinished.err, /model\.safetensors cannot be read/);
  });
});
