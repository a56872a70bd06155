import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { cli, command, inFolder, writeConfig } from "../_run.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

/** Waits until a run has measured some epochs. */
async function begun(out: string, epochs = 2): Promise<void> {
  for (;;) {
    const lines = (await Deno.readTextFile(`${out}/metrics.jsonl`).catch(() => "")).split("\n").length;
    if (lines > epochs) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("a run directory in use is refused with its holder, for a new run and for one that goes on", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 100000 });
    const out = `${folder}/run`;
    const process = command(["train", "--config", config, "--out", out]).spawn();
    await begun(out);
    const before = await Deno.readTextFile(`${out}/config.json`);
    for (const args of [["--resume", out, "--epochs", "3"], ["--config", config, "--out", out]]) {
      const ran = await cli(["train", ...args]);
      assertEquals(ran.status, 2, ran.err);
      if (args[0] === "--resume") assertMatch(ran.err, new RegExp(`in use by process ${process.pid} on .* since`));
    }
    assertEquals(await Deno.readTextFile(`${out}/config.json`), before);
    process.kill("SIGKILL");
    await process.output();
    // What the killed process has left does not stand in the way.
    const epochs = (await Deno.readTextFile(`${out}/metrics.jsonl`)).trim().split("\n").length + 1;
    const resumed = await cli(["train", "--resume", out, "--epochs", String(epochs)]);
    assertEquals(resumed.status, 0, resumed.err);
    assert(!names(out).includes(".lock"));
  }));

Deno.test("two runs that begin in one folder at once: one trains, the other is refused", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 2 });
    const args = ["train", "--config", config, "--out", `${folder}/a/run`];
    const ran = await Promise.all([cli(args), cli(args)]);
    assertEquals(ran.map(({ status }) => status).sort(), [0, 2], ran.map(({ err }) => err).join("\n"));
    assertEquals((await Deno.readTextFile(`${folder}/a/run/metrics.jsonl`)).trim().split("\n").length, 2);
  }));

Deno.test("a run that an observer refuses before its first step leaves no folder behind", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const observers = [{ plugin: "metrics-log", path: "file/log.jsonl" }];
    const runs = [{ name: "one" }, { name: "two" }];
    for (const changes of [{ observers }, { observers, runs }]) {
      const config = await writeConfig(folder, changes);
      const ran = await cli(["train", "--config", config, "--out", `${folder}/a/b/run`]);
      assertEquals(ran.status, 2, ran.err);
      assertMatch(ran.err, /file\/log\.jsonl cannot be written/);
      assertEquals(names(folder), ["file", "given.json"]);
    }
  }));

Deno.test("metrics and configuration are not written through symbolic links", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 1 });
    await Deno.writeTextFile(`${folder}/precious`, "precious");
    await Deno.mkdir(`${folder}/run`);
    for (const name of ["metrics.jsonl", "config.json.tmp"]) {
      await Deno.symlink(`${folder}/precious`, `${folder}/run/${name}`);
      const ran = await cli(["train", "--config", config, "--out", `${folder}/run`]);
      if (name === "metrics.jsonl") assertEquals(ran.status, 2, ran.err);
      if (name === "metrics.jsonl") assertMatch(ran.err, /metrics\.jsonl: expected a file, found a symbolic link/);
      assertEquals(await Deno.readTextFile(`${folder}/precious`), "precious");
      await Deno.remove(`${folder}/run/${name}`);
    }
  }));

Deno.test("SIGTERM ends a run like Ctrl-C: with a checkpoint, how to resume, and status 143", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 40 });
    const whole = await cli(["train", "--config", config, "--out", `${folder}/whole`]);
    assertEquals(whole.status, 0, whole.err);
    const out = `${folder}/stopped`;
    const process = command(["train", "--config", config, "--out", out]).spawn();
    await begun(out);
    process.kill("SIGTERM");
    const { code, stderr } = await process.output();
    const err = new TextDecoder().decode(stderr);
    assertEquals(code, 143, err);
    assertStringIncludes(err, `To go on: deno task train --resume ${out}`);
    assert(!names(out).includes(".lock"));
    assertEquals((await cli(["train", "--resume", out])).status, 0);
    const weights = (run: string) => Deno.readFile(`${folder}/${run}/model.safetensors`);
    assertEquals(await weights("stopped"), await weights("whole"));
  }));

Deno.test("a checkpoint of another run is not continued, though it would fit", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 1 });
    for (const run of ["a", "b"]) {
      assertEquals((await cli(["train", "--config", config, "--out", `${folder}/${run}`])).status, 0);
    }
    await Deno.remove(`${folder}/a/checkpoint-4`, { recursive: true });
    await Deno.rename(`${folder}/b/checkpoint-4`, `${folder}/a/checkpoint-4`);
    for (const args of [["train", "--epochs", "2", "--resume"], ["predict", "--run"]]) {
      const ran = await cli([...args, `${folder}/a`]);
      assertEquals(ran.status, 2, ran.err);
      assertMatch(ran.err, /a\/checkpoint-4 is a checkpoint of another run/);
    }
  }));

Deno.test("what a run is made of is not given again beside --resume", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 1 });
    assertEquals((await cli(["train", "--config", config, "--out", `${folder}/run`])).status, 0);
    for (const [option, value] of [["--config", config], ["--dataset", "mnist"], ["--out", `${folder}/other`]]) {
      const ran = await cli(["train", "--resume", `${folder}/run`, option, value]);
      assertEquals(ran.status, 2);
      assertMatch(ran.err, new RegExp(`error: ${option}: expected nothing beside --resume`));
    }
  }));

Deno.test("a run's relative paths are found from any working directory, and --data where the plugin has path", () =>
  inFolder(async (folder) => {
    const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${i % 5},${i % 2 ? "odd" : "even"}`);
    await Deno.mkdir(`${folder}/data`);
    await Deno.writeTextFile(`${folder}/data/table.csv`, ["a,b,kind", ...rows].join("\n"));
    const config = await writeConfig(folder, {
      dataset: { plugin: "csv", path: "data/table.csv", target: "kind" },
      model: [{ plugin: "dense", units: 2 }],
      observers: [{ plugin: "metrics-log", path: "log.jsonl" }],
      runs: [{ name: "one", set: { "observers.0.path": "data/one.jsonl" } }],
      epochs: 1,
      batchSize: 10,
    });
    const trained = await cli(["train", "--config", config, "--out", `${folder}/run`]);
    assertEquals(trained.status, 0, trained.err);
    const written = JSON.parse(await Deno.readTextFile(`${folder}/run/config.json`));
    assertEquals(written.dataset.path, `${folder}/data/table.csv`);
    assertEquals(names(`${folder}/data`), ["one.jsonl", "table.csv"]);
    const elsewhere = await cli(["predict", "--run", "run", "--json"], undefined, folder);
    assertEquals(elsewhere.status, 0, elsewhere.err);
    await Deno.rename(`${folder}/data`, `${folder}/moved`);
    assertEquals((await cli(["predict", "--run", `${folder}/run`])).status, 2);
    for (const data of [`${folder}/moved/table.csv`, "moved/table.csv"]) {
      const moved = await cli(["predict", "--run", `${folder}/run`, "--data", data, "--json"], undefined, folder);
      assertEquals(moved.status, 0, moved.err);
      assertEquals(JSON.parse(moved.out).testError, JSON.parse(elsewhere.out).testError);
    }
    const again = await cli(
      ["train", "--resume", "run", "--epochs", "2", "--data", "moved/table.csv"],
      undefined,
      folder,
    );
    assertEquals(again.status, 0, again.err);
  }));

Deno.test("plugins of a configuration are files, or packages that the project names; nothing else is run", () =>
  inFolder(async (folder) => {
    const own = `export default Deno.writeTextFileSync(${JSON.stringify(`${folder}/ran`)}, "");`;
    for (
      const module of [
        `data:text/javascript,${encodeURIComponent(own)}`,
        "http://127.0.0.1:9/plugin.ts",
        "npm:left-pad",
        "jsr:@std/text",
        "left-pad",
        "./missing.ts",
        "node:fs",
        "../../../../../etc",
      ]
    ) {
      const config = await writeConfig(folder, { plugins: [module] });
      const ran = await cli(["train", "--config", config, "--out", `${folder}/run`]);
      assertEquals(ran.status, 2, module);
      assertMatch(ran.err, /error: plugins\.0: expected the path of a file, or a package that the project's own/);
      assertEquals(names(folder), ["given.json"]);
    }
    // A package that the project's deno.json names is imported, and found to export no plugin.
    const named = await cli(["train", "--config", await writeConfig(folder, { plugins: ["zod"] })]);
    assertEquals(named.status, 2);
    assertMatch(named.err, /plugins\.0: zod exports no plugin/);
  }));
