/** `predict --laplace` by the approximation that `evaluate --laplace` has kept. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import type { ClassPrediction } from "../../../mod.ts";
import { cli, inFolder, writeConfig } from "../_run.ts";

const line = (i: number) => `${Math.cos(i)},${Math.sin(2 * i)}`;

async function json(args: readonly string[]) {
  const { status, out, err } = await cli([...args, "--json"]);
  assertEquals(status, 0, err);
  return JSON.parse(out);
}

Deno.test("predict --laplace says of the test part what evaluate has judged, and of new rows the same without the data", () =>
  inFolder(async (folder) => {
    const rows = Array.from({ length: 100 }, (_, i) => `${line(i)},${i % 3 ? "in" : "out"}`);
    await Deno.writeTextFile(`${folder}/t.csv`, ["a,b,kind", ...rows].join("\n"));
    const config = await writeConfig(folder, {
      dataset: { plugin: "csv", path: `${folder}/t.csv`, target: "kind" },
      model: [{ plugin: "dense", units: 8 }, "relu", { plugin: "dropout", rate: 0.3 }, { plugin: "dense", units: 2 }],
      epochs: 5,
    });
    const run = `${folder}/run`;
    assertEquals((await cli(["train", "--config", config, "--out", run])).status, 0);
    const asked = ["predict", "--run", run, "--laplace"];
    const none = await cli(asked);
    assertEquals([none.status, none.out], [2, ""]);
    assertStringIncludes(none.err, "--laplace: expected a run whose last layer was approximated;");
    const plain = await json(["predict", "--run", run]);
    for (const [structure, passes] of [["kronecker", []], ["full", ["--samples", "20"]]] as const) {
      const judged = await json(["evaluate", "--run", run, "--laplace", structure, ...passes]);
      const found = await json([...asked, ...passes]);
      assertAlmostEquals(found.testError, judged.scores.error, 1e-12);
      assertEquals(found.laplace.priorPrecision, judged.laplace.priorPrecision);
      const all = await json([...asked, ...passes, "--limit", "1000"]);
      const entropy = all.predictions.reduce((sum: number, row: ClassPrediction) => sum + row.entropy, 0);
      assertAlmostEquals(entropy / all.predictions.length, judged.scores.entropy, 1e-5);
      assert(found.predictions[0].entropy > plain.predictions[0].entropy);
    }
    // New rows need neither data nor training examples.
    await Deno.writeTextFile(`${folder}/new.csv`, `a,b\n${line(1)}\n${line(2)}\n`);
    await Deno.remove(`${folder}/t.csv`);
    const input = await json([...asked, "--input", `${folder}/new.csv`, "--samples", "20", "--quantiles", "0.1,0.9"]);
    const [row] = input.predictions;
    assert(row.mutualInformation > 0 && row.quantiles["0.9"].in > row.quantiles["0.1"].in);
    for (
      const [more, message] of [
        [["--weight-scaling"], "--weight-scaling: expected nothing beside --laplace"],
        [["--samples", "2", "--sites", "2"], "--sites: expected nothing beside --laplace"],
        [["--settle", "0.1"], "--laplace: expected nothing beside --settle"],
        [["--temperature", "fitted"], "--temperature: expected a number beside --laplace"],
      ] as const
    ) {
      const ran = await cli([...asked, "--input", `${folder}/new.csv`, ...more]);
      assertEquals([ran.status, ran.out], [2, ""], ran.err);
      assertStringIncludes(ran.err, message);
    }
  }));

Deno.test("of numbers predict --laplace has both variances in the targets' units; a run that went on is another one", () =>
  inFolder(async (folder) => {
    const rows = Array.from({ length: 60 }, (_, i) => `${line(i)},${1000 * Math.cos(i) + 300 * Math.sin(7 * i)}`);
    await Deno.writeTextFile(`${folder}/t.csv`, ["a,b,price", ...rows].join("\n"));
    const dataset = { plugin: "csv", path: `${folder}/t.csv`, target: "price" };
    const model = [{ plugin: "dense", units: 4 }, "relu", { plugin: "dense", units: 1 }];
    const config = await writeConfig(folder, { dataset, model, epochs: 3, batchSize: 10 });
    const run = `${folder}/run`;
    assertEquals((await cli(["train", "--config", config, "--out", run])).status, 0);
    await json(["evaluate", "--run", run, "--laplace", "full"]);
    await Deno.writeTextFile(`${folder}/new.csv`, `a,b\n${line(1)}\n${line(2)}\n`);
    const asked = ["predict", "--run", run, "--laplace", "--input", `${folder}/new.csv`];
    const [closed] = (await json([...asked, "--quantiles", "0.5"])).predictions;
    const [drawn] = (await json([...asked, "--samples", "3000"])).predictions;
    assert(closed.aleatoric[0] > 1000 && closed.epistemic[0] > 0);
    assertAlmostEquals(closed.variance[0], closed.aleatoric[0] + closed.epistemic[0], 1e-3 * closed.variance[0]);
    assertAlmostEquals(closed.predictiveQuantiles["0.5"][0], closed.prediction[0], 1e-2);
    assertEquals(drawn.aleatoric, closed.aleatoric);
    assert(Math.abs(drawn.epistemic[0] / closed.epistemic[0] - 1) < 0.15, `${drawn.epistemic} for ${closed.epistemic}`);
    await cli(["train", "--resume", run, "--epochs", "4"]);
    const ran = await cli(asked);
    assertEquals([ran.status, ran.out], [2, ""], ran.err);
    assertStringIncludes(ran.err, "found one of other weights: the model has been trained since");
    await Deno.writeFile(`${run}/laplace.safetensors`, new Uint8Array(5));
    const damaged = await cli(asked);
    assertEquals(damaged.status, 2);
    assertStringIncludes(damaged.err, "laplace.safetensors is not a whole safetensors file");
  }));
