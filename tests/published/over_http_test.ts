/** The package imported over HTTP, as a registry gives it out, by a project of its own. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { builtins, Key, Tensor } from "../../mod.ts";
import { missing } from "../native/_native.ts";
import { type Consumer, makeConsumer } from "./_consumer.ts";
import { servePackage } from "./_server.ts";

const project = new URL("./project/", import.meta.url);

/** Runs a test in a project that uses the package over HTTP. */
async function overHttp(body: (consumer: Consumer, host: string) => Promise<void>): Promise<void> {
  await using server = servePackage();
  await using consumer = await makeConsumer(server);
  for (const { name } of Deno.readDirSync(project)) {
    await Deno.copyFile(new URL(name, project), `${consumer.folder}/${name}`);
  }
  await body(consumer, server.host);
  assertEquals(server.missed, [], "files that are imported but not published");
}

Deno.test({
  name: "over HTTP the package trains, compiles a plugin's kernel, saves, loads and examines, in the user's cache",
  ignore: missing !== undefined,
  fn: () =>
    overHttp(async (consumer) => {
      const { status, out, err } = await consumer.run("main.ts");
      assertEquals(status, 0, err);
      const found = JSON.parse(out);
      assertEquals(found.backend, "native");
      assertEquals(found.origins, ["TypeScript", "C"]);
      assertEquals(found.exam, { passed: true, failed: [] });
      assert(found.sameModel, "the loaded model computes something else");
      assertEquals(found.mask, [...Tensor.ones([4, 8]).dropout(Key.seed(7), 0.5).floats]);
      assertEquals(found.epochs, 4);
      assertLess(found.testError, 0.6);
      const libraries = [...Deno.readDirSync(consumer.cache)].filter(({ name }) =>
        /^libthinned-.*\.(so|dylib)$/.test(name)
      );
      // The main library, one for each C source that a built-in plugin brings, and the project's own.
      const carried = new Set(
        builtins.flatMap(({ definition }) => definition.kernels ?? []).map(({ source }) => source?.text),
      );
      assertEquals(libraries.length, 1 + carried.size + 1);
      const again = await consumer.run("main.ts");
      assertEquals(again, { ...again, status: 0, out }, "a second run compiles nothing and gives the same");
      assert(!again.err.includes("Compiling"), again.err);
    }),
});

Deno.test("over HTTP the command line trains, predicts, lists the plugins and examines one of a user's own", () =>
  overHttp(async (consumer, host) => {
    const cli = async (...args: string[]) => {
      const { status, out, err } = await consumer.run(`http://${host}/cli/mod.ts`, ...args, "--json");
      assertEquals(status, 0, err);
      return JSON.parse(out);
    };
    const config = {
      plugins: ["./half_dropout.ts"],
      dataset: { plugin: "digits", train: 60, test: 40 },
      model: [{ plugin: "dense", units: 16 }, { plugin: "relu" }, { plugin: "half-dropout" }, {
        plugin: "dense",
        units: 10,
      }],
      optimizer: { plugin: "sgd", learningRate: 0.1 },
      epochs: 1,
      batchSize: 20,
    };
    await Deno.writeTextFile(`${consumer.folder}/config.json`, JSON.stringify(config));
    await cli("train", "--config", "config.json", "--backend", "reference", "--out", "run");
    const { predictions } = await cli("predict", "--run", "run", "--limit", "3", "--backend", "reference");
    assertEquals(predictions.length, 3);
    const { plugin, passed, failed } = await cli("plugin", "check", "half_dropout.ts", "--backend", "reference");
    assertEquals([plugin, failed, passed > 10], ["half-dropout", 0, true]);
    const { plugins } = await cli("plugins");
    assert(plugins.some(({ name }: { name: string }) => name === "dropout"));
  }));
