/** `advise` as its users run it. */
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { advise } from "../../../cli/advise/advise.ts";
import { OptionError } from "../../../mod.ts";
import { cli, command, inFolder, small, writeConfig } from "../_run.ts";

const faulty = {
  optimizer: "adam",
  model: [
    { plugin: "dropout", rate: 0.5 },
    { plugin: "dense", units: 64 },
    { plugin: "relu" },
    { plugin: "dropout", rate: 0.5 },
    { plugin: "dense", units: 10 },
    { plugin: "dropout", rate: 0.5 },
  ],
};

Deno.test("advise --static tells what is wrong without loading data, and writes what is right", () =>
  inFolder(async (folder) => {
    const path = await writeConfig(folder, { ...faulty, dataset: { plugin: "mnist", data: "nowhere" } });
    const ran = await cli(["advise", "--config", path, "--static", "--write", `${folder}/advised.json`, "--json"]);
    assertEquals(ran.status, 0, ran.err);
    const json = JSON.parse(ran.out);
    assertEquals(json.findings.map(({ code, path }: { code: string; path: string }) => `${code} ${path}`), [
      "output-dropped model.5",
      "rate-above-usual model.0",
    ]);
    assertEquals([json.trained, json.verdict], [[], undefined]);
    const written = JSON.parse(await Deno.readTextFile(`${folder}/advised.json`));
    assertEquals(written, json.config);
    assertEquals(written.model.map(({ rate }: { rate?: number }) => rate ?? null), [0.2, null, null, 0.5, null]);
    assertEquals(written.dataset.data, `${folder}/nowhere`, "paths are found from anywhere");
    const again = await cli(["advise", "--config", `${folder}/advised.json`, "--static"]);
    assertStringIncludes(again.out, "Nothing is wrong");
    const text = await cli(["advise", "--config", path, "--static"]);
    for (
      const part of [
        "fault: model.5",
        "--set model.5=null",
        "--set model.0.rate=0.2",
        "Srivastava et al. 2014",
        "https://",
      ]
    ) {
      assertStringIncludes(text.out, part);
    }
  }));

Deno.test("advise trains without dropout, finds the gap, tries the literature's rates, and writes what train takes", () =>
  inFolder(async (folder) => {
    const path = await writeConfig(folder, {
      dataset: { plugin: "digits", train: 400, test: 10 },
      optimizer: { plugin: "adam", learningRate: 0.002 },
    });
    const file = `${folder}/advised.json`;
    const ran = await cli(["advise", "--config", path, "--epochs", "12", "--write", file, "--json"]);
    assertEquals(ran.status, 0, ran.err);
    const json = JSON.parse(ran.out);
    assertEquals(json.trained.map(({ name }: { name: string }) => name), ["plain", "usual", "gentle"]);
    const [plain, usual] = json.trained;
    assertAlmostEquals(plain.gap.mean, plain.validationLoss.mean - plain.trainLoss.mean, 1e-9);
    assert(plain.gap.mean > 2 * plain.gap.standardError && plain.trainLoss.standardError > 0);
    assertEquals(plain.againstPlain, undefined);
    assertAlmostEquals(usual.againstPlain.mean, usual.validationLoss.mean - plain.validationLoss.mean, 1e-9);
    assert(["needed", "unclear"].includes(json.verdict), json.verdict);
    assertEquals(
      json.begin.name,
      json.trained.toSorted((
        a: { validationLoss: { mean: number } },
        b: { validationLoss: { mean: number } },
      ) => a.validationLoss.mean - b.validationLoss.mean)[0].name,
    );
    for (const { said, measured } of json.statements) {
      assert(said.length > 10 && Object.values(measured).every((value) => typeof value === "number"), said);
    }
    for (const name of ["plain", "usual", "gentle"]) assertStringIncludes(ran.err, `${name}: epoch 12 of 12`);
    assertEquals(json.config.epochs, small.epochs, "--epochs is that of the short trainings");
    assertEquals(JSON.parse(await Deno.readTextFile(file)), json.config);
    const trained = await cli(["train", "--config", file, "--epochs", "1", "--out", `${folder}/run`, "--json"]);
    assertEquals(trained.status, 0, trained.err);
  }));

Deno.test("advise says that a net without a gap needs no dropout, and tries none", () =>
  inFolder(async (folder) => {
    const path = await writeConfig(folder, {
      dataset: { plugin: "digits", train: 400, test: 10 },
      model: [{ plugin: "dense", units: 10, initializer: "zeros" }, { plugin: "dense", units: 10 }],
      freeze: ["^0"], // what it says of every input is then the same
      optimizer: { plugin: "adam", learningRate: 0.01 },
      epochs: 20,
    });
    const ran = await cli(["advise", "--config", path]);
    assertEquals(ran.status, 0, ran.err);
    assertStringIncludes(ran.out, "Dropout is not needed");
    assertStringIncludes(ran.out, "underfitting");
    assert(!ran.err.includes("usual:"), ran.err);
  }));

Deno.test("advise measures numbers, too, and says less of them than of classes", () =>
  inFolder(async (folder) => {
    const rows = Array.from({ length: 120 }, (_, i) => `${i % 7},${i % 5},${(i % 7) * (i % 5) + (i * 37 % 11)}`);
    await Deno.writeTextFile(`${folder}/t.csv`, ["a,b,y", ...rows].join("\n"));
    const path = await writeConfig(folder, {
      dataset: { plugin: "csv", path: "t.csv", target: "y" },
      model: [{ plugin: "dense", units: 64 }, { plugin: "relu" }, { plugin: "dense", units: 1 }],
      optimizer: { plugin: "adam", learningRate: 0.01 },
    });
    const ran = await cli(["advise", "--config", path, "--epochs", "30", "--json"]);
    assertEquals(ran.status, 0, ran.err);
    const { trained: [plain] } = JSON.parse(ran.out);
    assert(plain.validationError > 1, "in the units of the target");
  }));

Deno.test("advise stops when it is asked to, and writes nothing that was not measured", () =>
  inFolder(async (folder) => {
    const path = await writeConfig(folder);
    const file = `${folder}/advised.json`;
    const child = command(["advise", "--config", path, "--epochs", "100000", "--write", file, "--json"]).spawn();
    const reader = child.stderr.getReader();
    let err = "";
    while (!err.includes("plain: epoch")) {
      const { value, done } = await reader.read();
      if (done) break;
      err += new TextDecoder().decode(value);
    }
    child.kill("SIGINT");
    while (!(await reader.read()).done);
    const out = await new Response(child.stdout).text();
    assertEquals((await child.status).code, 130);
    const json = JSON.parse(out);
    assertEquals([json.stopped, json.trained, json.written ?? null], [true, [], null]);
    assertEquals(await Deno.lstat(file).then(() => true, () => false), false);
  }));

Deno.test("mistakes in what advise is given are one sentence and status 2, and nothing is written", () =>
  inFolder(async (folder) => {
    const path = await writeConfig(folder);
    const there = `${folder}/there.json`;
    await Deno.writeTextFile(there, "mine");
    const mistakes: [string[], string][] = [
      [["--static", "--epochs", "3"], "--epochs: expected nothing beside --static"],
      [["--static", "--write", there], "--write: expected a file that does not exist yet"],
      [["--static", "--write", `${folder}/no/such.json`], "--write: expected a file in a folder that exists"],
      [["--static", "--name", "runn"], '--name: expected one of the runs run, found "runn"; did you mean "run"?'],
      [["--epochs", "0"], "--epochs: expected a whole number of at least 1"],
    ];
    for (const [args, sentence] of mistakes) {
      await assertRejects(() => advise(["--config", path, ...args]), OptionError, sentence);
    }
    assertEquals(await Deno.readTextFile(there), "mine");
    const wrong = await writeConfig(folder, { model: [...small.model.slice(0, -1), { plugin: "dense", unit: 10 }] });
    const ran = await cli(["advise", "--config", wrong, "--static"]);
    assertEquals(ran.status, 2);
    assertStringIncludes(ran.err, "model.4");
  }));
