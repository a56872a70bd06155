/** The package imported over HTTP, as a registry gives it out, by a project of its own. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { Key, Tensor } from "../../mod.ts";
import { missing } from "../native/_native.ts";
import { type Consumer, makeConsumer } from "./_consumer.ts";
import { servePackage } from "./_server.ts";

const project = new URL("./project/", import.meta.url);

/** Runs a test in a project that uses the package over HTTP. */
async function overHttp(body: (consumer: Consumer) => Promise<void>): Promise<void> {
  await using server = servePackage();
  await using consumer = await makeConsumer(server);
  for (const { name } of Deno.readDirSync(project)) {
    await Deno.copyFile(new URL(name, project), `${consumer.folder}/${name}`);
  }
  await body(consumer);
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
      assertEquals(libraries.length, 3, "the library, that of the built-in plugins and the project's own");
      const again = await consumer.run("main.ts");
      assertEquals(again, { ...again, status: 0, out }, "a second run compiles nothing and gives the same");
      assert(!again.err.includes("Compiling"), again.err);
    }),
});
