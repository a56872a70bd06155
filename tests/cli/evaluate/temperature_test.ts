/** Temperatures that `evaluate` finds, in later predictions; and foreign inputs from files. */
import { assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { type ClassPrediction, loadModel, temper } from "../../../mod.ts";
import { cli, inFolder, writeConfig } from "../_run.ts";

const table = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const [a, b] = [Math.cos(i) * (1 + i % 2), Math.sin(i) * (1 + i % 2)];
    return `${a.toFixed(3)},${b.toFixed(3)},${i % 7 === 0 ? "far" : i % 2 ? "outer" : "inner"}`;
  });

const model = [{ plugin: "dense", units: 16 }, { plugin: "relu" }, { plugin: "dropout", rate: 0.2 }, {
  plugin: "dense",
  units: 3,
}];

Deno.test("predict --temperature fitted gives probabilities at the temperature that evaluate has kept", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/t.csv`, ["a,b,kind", ...table(240)].join("\n"));
    const dataset = { plugin: "csv", path: `${folder}/t.csv`, target: "kind" };
    const config = await writeConfig(folder, { dataset, model, epochs: 5, validation: 0.2 });
    const out = `${folder}/run`;
    await cli(["train", "--config", config, "--out", out]);
    const before = await cli(["predict", "--run", out, "--temperature", "fitted"]);
    assertEquals(before.status, 2);
    assertStringIncludes(before.err, "--temperature: expected a run whose temperature was fitted");
    const input = `${folder}/rows.csv`;
    await Deno.writeTextFile(input, "a,b\n0.1,0.9\n2,0.1\n");
    for (const [rows, passes] of [[[], []], [["--input", input], ["--samples", "4"]]]) {
      const judged = JSON.parse((await cli(["evaluate", "--run", out, ...passes, "--json"])).out);
      const { temperature } = judged.temperature;
      const ask = async (more: string[]) => {
        const ran = await cli(["predict", "--run", out, ...rows, ...passes, ...more, "--json"]);
        assertEquals(ran.status, 0, ran.err);
        return JSON.parse(ran.out);
      };
      const plain = await ask([]);
      const fitted = await ask(["--temperature", "fitted"]);
      assertEquals([fitted.temperature, plain.temperature], [temperature, undefined]);
      for (const [i, { probabilities, entropy, prediction }] of fitted.predictions.entries()) {
        const own = plain.predictions[i];
        const wanted = temper(Object.values<number>(own.probabilities), temperature);
        Object.values<number>(probabilities).forEach((p, k) => assertAlmostEquals(p, wanted[k], 1e-9));
        assertAlmostEquals(entropy, -wanted.reduce((sum, p) => sum + p * Math.log(p), 0), 1e-9);
        assertEquals([prediction, fitted.predictions[i].deviation], [own.prediction, own.deviation]);
      }
      if (rows.length > 0) {
        assertEquals((await ask(["--temperature", String(temperature)])).predictions, fitted.predictions);
      }
    }
    const { predictRows } = await loadModel(`${out}/model.safetensors`);
    const [row] = await predictRows([{ a: 0.1, b: 0.9 }], { temperature: 2 }) as ClassPrediction[];
    const [plain] = await predictRows([{ a: 0.1, b: 0.9 }]) as ClassPrediction[];
    assertEquals(Object.values(row.probabilities), [...temper(Object.values(plain.probabilities), 2)]);
    // A run that has gone on since is another one.
    await cli(["train", "--resume", out, "--epochs", "6"]);
    for (
      const [args, message] of [
        [["--temperature", "fitted"], "before the run went on"],
        [["--temperature", "0"], "--temperature: expected a number above 0"],
        [
          ["--samples", "4", "--average", "geometric", "--temperature", "fitted"],
          "a number beside --average geometric",
        ],
      ] as const
    ) {
      const ran = await cli(["predict", "--run", out, ...args]);
      assertEquals(ran.status, 2, ran.err);
      assertStringIncludes(ran.err, message);
    }
    // Foreign rows of a file, far away from all others.
    const foreign = `${folder}/foreign.csv`;
    await Deno.writeTextFile(foreign, "a,b\n0,0\n0,0.01\n0.01,0\n");
    const spotted = JSON.parse((await cli(["evaluate", "--run", out, "--foreign", foreign, "--json"])).out).foreign;
    assertEquals([spotted.dataset, spotted.examples], [foreign, 3]);
    const wrong = await cli(["evaluate", "--run", out, "--foreign", `${folder}/none.csv`]);
    assertEquals(wrong.status, 2);
    assertStringIncludes(wrong.err, "--foreign: expected a file or folder that exists");
  }));

Deno.test("foreign inputs of a file are read as those of training", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 3 });
    const out = `${folder}/run`;
    await cli(["train", "--config", config, "--out", out]);
    // Three images of 28 x 28 bytes: white, and two of stripes.
    const bytes = new Uint8Array(16 + 3 * 784);
    new DataView(bytes.buffer).setUint32(0, 0x803);
    [3, 28, 28].forEach((extent, i) => new DataView(bytes.buffer).setUint32(4 + 4 * i, extent));
    for (let i = 0; i < 3 * 784; i++) bytes[16 + i] = i < 784 || i % 28 < 14 ? 255 : 0;
    await Deno.writeFile(`${folder}/images.idx`, bytes);
    const ran = await cli(["evaluate", "--run", out, "--foreign", `${folder}/images.idx`, "--json"]);
    assertEquals(ran.status, 0, ran.err);
    assertEquals(JSON.parse(ran.out).foreign.examples, 3);
    await Deno.writeTextFile(`${folder}/short.txt`, "1 2 3\n");
    const short = await cli(["evaluate", "--run", out, "--foreign", `${folder}/short.txt`]);
    assertEquals([short.status, short.out], [2, ""]);
    assertStringIncludes(short.err, "expected 784 numbers, found 3");
  }));
