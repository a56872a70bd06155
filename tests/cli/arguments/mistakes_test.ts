import { assert, assertEquals, assertMatch } from "@std/assert";
import { cli, inFolder, small, writeConfig } from "../_run.ts";

/** Trains with wrong input: one sentence that matches, status 2, no stack trace, and nothing written. */
async function refused(
  changes: Record<string, unknown>,
  args: readonly string[],
  message: RegExp,
  permissions?: readonly string[],
): Promise<void> {
  await inFolder(async (folder) => {
    const config = await writeConfig(folder, changes);
    const ran = await cli(["train", "--config", config, "--out", `${folder}/run`, "--json", ...args], permissions);
    assertEquals(ran.status, 2, ran.err);
    const sentences = ran.err.split("\n").filter((line) => line.startsWith("error: "));
    assertEquals(sentences.length, 1, ran.err);
    assertMatch(sentences[0], message);
    assert(!/^\s+at /m.test(ran.err), ran.err);
    assertMatch(JSON.parse(ran.out).error.message, message);
    assertEquals([...Deno.readDirSync(folder)].map((entry) => entry.name), ["given.json"]);
  });
}

const changed = (index: number, layer: Record<string, unknown>) =>
  small.model.map((given, i) => i === index ? layer : given);

Deno.test("an unknown plugin is refused with its path and the nearest name", () =>
  refused({ model: changed(0, { plugin: "dropuot" }) }, [], /model\.0\.plugin: unknown plugin "dropuot".*"dropout"/));

Deno.test("an option out of range is refused with its path, the range and the value", () =>
  refused({}, ["--set", "model.3.rate=1.5"], /model\.3\.rate: expected a number in \[0, 1\].*found 1\.5/));

Deno.test("an option of the wrong type is refused", () =>
  refused({}, ["--set", 'model.1.units="many"'], /model\.1\.units: expected .*number.*found "many"/));

Deno.test("an unknown option is refused with the known ones", () =>
  refused({}, ["--set", "model.3.ratio=0.5"], /model\.3\.ratio: expected one of the options rate, .*found "ratio"/));

Deno.test("a path into nothing is refused", () =>
  refused({}, ["--set", "model.9.rate=0.5"], /model\.9\.rate: expected an index in \[0, 5\)/));

Deno.test("two sites with one name are refused", () =>
  refused(
    { model: [{ plugin: "dropout", name: "same" }, { plugin: "dropout", name: "same" }, ...small.model] },
    [],
    /model\.same \(dropout\): two plugins have this place/,
  ));

Deno.test("a layer that does not fit names itself and both shapes", () =>
  refused(
    { model: [...small.model, { plugin: "dense", units: 7 }] },
    [],
    /expected an output of shape \[batch, 10\] for 10 classes, found \[batch, 7\]/,
  ));

Deno.test("a plugin at a place that it does not serve is refused by name", () =>
  refused({ model: changed(2, { plugin: "sgd" }) }, [], /model\.2: .*"sgd" serves as optimizer/));

Deno.test("a value that is no JSON object is refused", () =>
  refused({ model: "dense 10" }, [], /unknown plugin "dense 10"/));

Deno.test("an unknown key of the configuration is refused", () =>
  refused({ epoch: 3 }, [], /epoch: expected .*found "epoch"/));

Deno.test("an unknown option of the command line is refused with the known ones", () =>
  refused({}, ["--epoch=3"], /--epoch: expected one of --config/));

Deno.test("a number that is none is refused", () =>
  refused({}, ["--epochs", "three"], /--epochs: expected a whole number of at least 1, found "three"/));

Deno.test("an unknown backend is refused", () =>
  refused({}, ["--backend", "gpu"], /--backend: expected "native" or "reference", found "gpu"/));

Deno.test("--data for a data set that reads none is refused", () =>
  refused({}, ["--data", "/somewhere"], /--data: expected a data set that reads files/));

Deno.test("a model nested 3,000 deep is refused", async () => {
  let model: Record<string, unknown> = { plugin: "dense", units: 10 };
  for (let i = 0; i < 3000; i++) model = { plugin: "sequential", layers: [model] };
  await refused({ model: [model] }, [], /model: expected at most 200 levels of nesting/);
  await refused({}, ["--set", `model.0=${"[".repeat(5000)}${"]".repeat(5000)}`], /model: expected at most 200 levels/);
});

Deno.test("a billion units are refused in one sentence", () =>
  refused({ model: changed(1, { plugin: "dense", units: 1e9 }) }, [], /784000000000 numbers/));

Deno.test("a pattern of parameterGroups that is none is refused with its path", () =>
  refused(
    { parameterGroups: [{ match: "(", set: { learningRate: 1 } }] },
    [],
    /parameterGroups\.0\.match: expected a regular expression, found "\("/,
  ));

Deno.test("an unknown key of clip and of a parameter group is refused by name", async () => {
  await refused({ clip: { vaule: 1 } }, [], /clip\.vaule: expected one of the options value, norm, found "vaule"/);
  await refused(
    { parameterGroups: [{ match: "bias", set: {}, sets: {} }] },
    [],
    /parameterGroups\.0\.sets: expected one of the options match, set, found "sets"/,
  );
});

Deno.test("a gzip file that would unpack to far more than it says is refused", () =>
  inFolder(async (folder) => {
    const stream = new Blob([new Uint8Array(2 ** 27)]).stream().pipeThrough(new CompressionStream("gzip"));
    const bomb = new Uint8Array(await new Response(stream).arrayBuffer());
    const names = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
    for (const name of names) await Deno.writeFile(`${folder}/${name}-ubyte.gz`, bomb);
    const ran = await cli(["train", "--dataset", "mnist", "--data", folder, "--out", `${folder}/run`]);
    assertEquals(ran.status, 2, ran.err);
    assertMatch(ran.err, /error: .*ubyte\.gz: expected at most \d+ bytes when unpacked, found more/);
  }));

Deno.test("--download for a data set that cannot be fetched is refused", () =>
  refused({}, ["--download"], /--download: expected a data set that can be fetched, mnist, found "digits"/));

Deno.test("a run that diverges ends with one sentence, keeps its last good checkpoint and says how to go on", () =>
  inFolder(async (folder) => {
    const out = `${folder}/run`;
    const config = await writeConfig(folder, { epochs: 1 });
    assertEquals((await cli(["train", "--config", config, "--out", out])).status, 0);
    const args = ["train", "--resume", out, "--epochs", "3", "--set"];
    const ran = await cli([...args, "optimizer.learningRate=1e30", "--json"]);
    assertEquals(ran.status, 2, ran.err);
    assertMatch(JSON.parse(ran.out).error.message, /^Training diverged at step [5-8]: .*last finite loss was \d/);
    assert(ran.err.includes(`go on from the last checkpoint with a change: deno task train --resume ${out}`), ran.err);
    assert([...Deno.readDirSync(out)].some(({ name }) => name === "checkpoint-4"));
  }));

Deno.test("a missing permission names its flag", () =>
  refused({}, [], /--allow-write/, ["--allow-read", "--allow-ffi=.cache", "--allow-env"]));

Deno.test("MNIST that is not there says where to get it, with digests", () =>
  inFolder(async (folder) => {
    const ran = await cli(["train", "--dataset", "mnist", "--data", folder, "--out", `${folder}/run`]);
    assertEquals(ran.status, 2);
    assertMatch(ran.err, /https:\/\/.*[0-9a-f]{64}/s);
    assertMatch(ran.err, /--download/);
  }));

Deno.test("--download refuses files whose digest is wrong, and leaves nothing behind", () =>
  inFolder(async (folder) => {
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      () => new Response("other bytes"),
    );
    const mirror = `http://127.0.0.1:${server.addr.port}/`;
    const args = ["train", "--dataset", "mnist", "--data", folder, "--download", "--mirror", mirror];
    const ran = await cli([...args, "--out", `${folder}/run`]);
    await server.shutdown();
    assertEquals(ran.status, 2, ran.err);
    assertMatch(ran.err, /SHA-256|digest/i);
    assertEquals([...Deno.readDirSync(folder)], []);
  }));

Deno.test("a file of another format in place of MNIST is refused by name", () =>
  inFolder(async (folder) => {
    const names = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
    for (const name of names) await Deno.writeTextFile(`${folder}/${name}-ubyte`, "not an IDX file at all");
    const ran = await cli(["train", "--dataset", "mnist", "--data", folder, "--out", `${folder}/run`]);
    assertEquals(ran.status, 2);
    assertMatch(ran.err, /ubyte/);
  }));

Deno.test("a folder that holds a run is not overwritten", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 1 });
    const args = ["train", "--config", config, "--out", `${folder}/run`];
    assertEquals((await cli(args)).status, 0);
    const before = await Deno.readFile(`${folder}/run/model.safetensors`);
    const again = await cli(args);
    assertEquals(again.status, 2);
    assertMatch(again.err, /--resume/);
    assertEquals(await Deno.readFile(`${folder}/run/model.safetensors`), before);
  }));

Deno.test("an output folder that cannot be written to is refused", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder);
    await Deno.writeTextFile(`${folder}/file`, "");
    const ran = await cli(["train", "--config", config, "--out", `${folder}/file/run`]);
    assertEquals(ran.status, 2);
    assertMatch(ran.err, /--out: .* cannot be written to/);
  }));

Deno.test("a corrupt checkpoint is named, and the one before is used; with none left, resuming is refused", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 3 });
    const out = `${folder}/run`;
    assertEquals((await cli(["train", "--config", config, "--out", out])).status, 0);
    const checkpoints = [...Deno.readDirSync(out)].map(({ name }) => name).filter((name) =>
      /^checkpoint-\d+$/.test(name)
    )
      .sort((a, b) => Number(b.slice(11)) - Number(a.slice(11)));
    assert(checkpoints.length >= 2, checkpoints.join());
    const damage = async (name: string) => {
      const path = `${out}/${name}/tensors.safetensors`;
      const bytes = await Deno.readFile(path);
      bytes[bytes.length >> 1] ^= 1;
      await Deno.writeFile(path, bytes);
    };
    await damage(checkpoints[0]);
    const resumed = await cli(["train", "--resume", out, "--epochs", "4"]);
    assertEquals(resumed.status, 0, resumed.err);
    assert(resumed.err.includes(checkpoints[0]), resumed.err);
    for (const { name } of Deno.readDirSync(out)) if (/^checkpoint-\d+$/.test(name)) await damage(name);
    const refused = await cli(["train", "--resume", out]);
    assertEquals(refused.status, 2);
    assertMatch(refused.err, /checkpoint/);
  }));

Deno.test("resuming another architecture is refused with the first difference", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder, { epochs: 1 });
    const out = `${folder}/run`;
    assertEquals((await cli(["train", "--config", config, "--out", out])).status, 0);
    const ran = await cli(["train", "--resume", out, "--set", "model.1.units=25"]);
    assertEquals(ran.status, 2);
    assertMatch(ran.err, /another architecture: expected model\/1\.weight of shape \[25, 784\], found \[24, 784\]/);
    // The folder still goes on as it was.
    assertEquals((await cli(["train", "--resume", out, "--epochs", "2"])).status, 0);
  }));

Deno.test("an unknown command is refused with the known ones", async () => {
  const ran = await cli(["trian"]);
  assertEquals(ran.status, 2);
  assertMatch(ran.err, /expected one of the commands train/);
});

Deno.test("a run directory that is not there is refused under the option that named it", async () => {
  for (const [command, option] of [["predict", "--run"], ["train", "--resume"]]) {
    const ran = await cli([command, option, "/nowhere"]);
    assertEquals(ran.status, 2);
    assertMatch(ran.err, new RegExp(`error: ${option}: expected a file that exists, found "/nowhere/config.json"`));
  }
});

/** Twenty mistakes of a first evening: what is given, and the sentence it ends in. */
const mistakes: readonly [what: string, args: readonly string[], message: RegExp][] = [
  ["a misspelt command", ["tarin"], /expected one of the commands .*did you mean "train"\?/],
  ["no command", [], /expected one of the commands .*found nothing.*help/],
  ["a misspelt option", ["train", "--epoch", "3"], /--epoch: .*did you mean "--epochs"\?/],
  ["an option without its dashes", ["train", "epochs", "3"], /expected nothing more.*did you mean "--epochs"\?/],
  ["an option without its value", ["train", "--config"], /--config: expected a value/],
  ["an option given twice", ["train", "--seed", "1", "--seed", "2"], /--seed: expected one value/],
  [
    "a number that is none",
    ["train", "--epochs", "ten"],
    /--epochs: expected a whole number of at least 1, found "ten"/,
  ],
  ["no epochs", ["train", "--epochs", "0"], /--epochs: expected a whole number of at least 1/],
  ["no seeds", ["train", "--seeds", "0"], /--seeds: expected a whole number of at least 1/],
  ["all examples held back", ["train", "--validation", "1"], /--validation: expected a number between 0 and 1/],
  ["a misspelt data set", ["train", "--dataset", "digit"], /unknown plugin "digit"; did you mean "digits"\?/],
  ["a configuration that is not there", ["train", "--config", "none.json"], /--config: expected a file that exists/],
  ["a change without a value", ["train", "--set", "epochs"], /--set: expected path=value/],
  ["a change of a misspelt key", ["train", "--set", "epohcs=3"], /epohcs: .*did you mean "epochs"\?/],
  ["a change of a misspelt part", ["train", "--set", "optimzer.momentum=0"], /optimzer.*did you mean "optimizer"\?/],
  ["a misspelt option of a plugin", ["train", "--set", "optimizer.momentun=0"], /momentun.*did you mean "momentum"\?/],
  ["a rate above 1", ["train", "--set", "model.0.rate=20"], /model\.0\.rate: expected a number in \[0, 1\]/],
  ["a misspelt backend", ["train", "--backend", "natvie"], /--backend: .*did you mean "native"\?/],
  ["a run that is not there", ["predict", "--run", "none"], /--run: expected a file that exists/],
  ["a misspelt plugin", ["plugins", "dropuot"], /no plugin named "dropuot"; did you mean "dropout"\?/],
  ["a misspelt role", ["plugins", "--role", "layers"], /--role: expected one of .*did you mean "layer"\?/],
  ["a site that there is not", ["plugin", "new", "mine", "--site", "weights"], /--site: .*did you mean "weight"\?/],
  ["a plugin's name in camel case", ["plugin", "new", "myDropout", "--site", "weight"], /a name in kebab-case/],
  ["help for nothing that there is", ["help", "predcit"], /did you mean "predict"\?/],
];

for (const [what, args, message] of mistakes) {
  Deno.test(`${what} ends in one sentence and status 2, and nothing is written`, () =>
    inFolder(async (folder) => {
      const ran = await cli(args, undefined, folder);
      assertEquals(ran.status, 2, ran.err);
      const sentences = ran.err.split("\n").filter((line) => line.startsWith("error: "));
      assertEquals([sentences.length, ran.out], [1, ""], ran.err);
      assertMatch(sentences[0], message);
      assert(!/^\s+at /m.test(ran.err), ran.err);
      assertEquals([...Deno.readDirSync(folder)], []);
    }));
}
