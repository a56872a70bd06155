/** `predict` uses what a run was measured with: the weights, and the options of that moment. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { latestCheckpoint, measuredWeights } from "../../../mod.ts";
import { cli, inFolder, writeConfig } from "../_run.ts";

Deno.test("predict after train with an average of the weights gives the error that train measured", async () => {
  await inFolder(async (folder) => {
    const config = await writeConfig(folder, {
      average: { plugin: "ema", decay: 0.99 },
      epochs: 1,
      batchSize: 20,
      validation: 0.1,
    });
    const out = `${folder}/run`;
    const trained = await cli(["train", "--config", config, "--out", out, "--json"]);
    const predicted = await cli(["predict", "--run", out, "--json"]);
    const { testError, validationError } = JSON.parse(trained.out).runs[0];
    assertEquals(JSON.parse(predicted.out).testError, testError);
    // The part that was held back is in the metrics, too.
    const metrics = JSON.parse(await Deno.readTextFile(`${out}/metrics.jsonl`));
    assert(validationError > 0 && validationError === metrics.validationError);
    // The average of nine steps lags far behind the weights.
    const { snapshot } = await latestCheckpoint(out, console.error);
    const weights = measuredWeights(snapshot).get("model/1.weight")!;
    assertNotEquals(weights.toArray(), snapshot.tensors.get("model/1.weight")!.toArray());
    assertEquals(weights.toArray(), snapshot.tensors.get("average/mean/1.weight")!.toArray());
    assert(![...measuredWeights(snapshot).keys()].some((name) => name.startsWith("average/")));
  });
});

Deno.test("predict after train with a rate that is a schedule gives the error that train measured", async () => {
  await inFolder(async (folder) => {
    const model = [
      { plugin: "dense", units: 16 },
      { plugin: "relu" },
      // Evaluation multiplies by the keep probability, which moves the outputs over the ReLU behind it.
      { plugin: "dropout", rate: { plugin: "linear", from: 0, to: 0.9 }, convention: "classic" },
      { plugin: "dense", units: 10 },
    ];
    const config = await writeConfig(folder, { model, epochs: 2 });
    const out = `${folder}/run`;
    const trained = await cli(["train", "--config", config, "--out", out, "--json"]);
    const predicted = await cli(["predict", "--run", out, "--json"]);
    assertEquals(JSON.parse(predicted.out).testError, JSON.parse(trained.out).runs[0].testError);
  });
});
