/** `predict --settle` draws passes for an example only until its class is settled. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { digits, loadDataset } from "../../../mod.ts";
import { cli, inFolder, writeConfig } from "../_run.ts";

Deno.test("predict --settle says how many passes each example took, and at which class it is settled", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 12 });
    const out = `${folder}/run`;
    await cli(["train", "--config", config, "--out", out]);
    const asked = ["predict", "--run", out, "--settle", "0.2", "--samples", "200"];
    const ran = await cli([...asked, "--limit", "200", "--json"]);
    assertEquals(ran.status, 0, ran.err);
    const found = JSON.parse(ran.out);
    assertEquals([found.samples, found.settle, found.examples, found.predictions.length], [200, 0.2, 200, 200]);
    const rows: { passes: number; settled: boolean; target: number; prediction: number }[] = found.predictions;
    assert(rows.every(({ passes, settled }) => passes === 200 || settled));
    assertEquals(found.settled, rows.filter(({ settled }) => settled).length / 200);
    assertEquals(found.testError, rows.filter(({ target, prediction }) => target !== prediction).length / 200);
    const mean = rows.reduce((sum, { passes }) => sum + passes, 0) / 200;
    assert(Math.abs(found.passes.mean - mean) < 1e-9 && mean < 200, `${mean}`);
    const table = await cli([...asked, "--limit", "3"]);
    assertMatch(table.out, /passes in the mean.*\n\n *row +target +prediction +probability +passes +settled/);
    assertEquals((await cli([...asked, "--format", "csv"])).out.trim().split("\n").length, 201);
    // The same images as a file: the same classes after as many passes, whatever parts they are read in.
    const { test } = await loadDataset(digits({ train: 200, test: 200 }));
    const file = `${folder}/images.txt`;
    const lines = Array.from({ length: 30 }, (_, i) => test.inputs.slice(784 * i, 784 * (i + 1)).join(" "));
    await Deno.writeTextFile(file, lines.join("\n"));
    const input = await cli([...asked, "--input", file, "--json"]);
    assertEquals(input.status, 0, input.err);
    const said = JSON.parse(input.out);
    const drawn = (all: { passes: number; settled: boolean; prediction: number | string }[]) =>
      all.map(({ passes, settled, prediction }) => [passes, settled, String(prediction)]);
    assertEquals(drawn(said.predictions), drawn(found.predictions.slice(0, 30)));
    assertEquals([said.examples, said.predictions[3].probabilities["7"] > 0], [30, true]);
    const few = await cli([...asked, "--input", file, "--format", "jsonl", "--limit", "2"]);
    assertEquals(few.out.trim().split("\n").map((line) => JSON.parse(line).index), [0, 1]);
    assertMatch(few.err, /classes are settled.*at most 200/);
    const rest = ["--settle", "0.1", "--input", file];
    for (
      const [args, message] of [
        [[...rest, "--data", folder], "--data: expected nothing beside --input"],
        [["--settle", "2"], "--settle: expected a probability in (0, 1)"],
        [["--settle", "0.1", "--quantiles", "0.5"], "--quantiles: expected nothing beside --settle"],
        [["--settle", "0.1", "--weight-scaling"], "--weight-scaling"],
      ] as const
    ) {
      const refused = await cli(["predict", "--run", out, ...args]);
      assertEquals([refused.status, refused.out], [2, ""], refused.err);
      assertStringIncludes(refused.err, message);
    }
  }));
