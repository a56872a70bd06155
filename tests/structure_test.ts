/** The shape of the house: who imports whom, and that the options' types and schemas are in step. */
import { assert, assertEquals } from "@std/assert";
import { isFactory } from "../core/mod.ts";
import { codeOf, fieldsOf, importsOf, moduleOf, sources, textOf } from "./_sources.ts";

/** Lists the imports of some files that a rule does not allow. */
function broken(files: readonly string[], allows: (imported: string) => boolean): string[] {
  return files.flatMap((file) => importsOf(file).filter((name) => !allows(name)).map((name) => `${file}: ${name}`));
}

Deno.test("plugins/ imports core/mod.ts, its own folder, zod and the parser of tables", () => {
  const libraries = ["zod", "@std/csv"];
  const allows = (name: string) => name === "core/mod.ts" || name.startsWith("plugins/") || libraries.includes(name);
  assertEquals(broken(sources("plugins/"), allows), []);
});

Deno.test("core/ imports nothing outside of itself but zod", () => {
  assertEquals(broken(sources("core/"), (name) => name.startsWith("core/") || name === "zod"), []);
});

Deno.test("native/ imports the backend interface, the description of kernels, the errors, and its own folder", () => {
  const core = [
    "core/backend/backend.ts",
    "core/errors.ts",
    "core/backend/kernel.ts",
    "core/backend/parameters.ts",
  ];
  assertEquals(broken(sources("native/"), (name) => core.includes(name) || name.startsWith("native/")), []);
});

Deno.test("testing/ imports core/mod.ts, its own folder and zod, and beside it only cli/ imports it", () => {
  const allows = (name: string) => name === "core/mod.ts" || name.startsWith("testing/") || name === "zod";
  assertEquals(broken(sources("testing/"), allows), []);
  const others = ["core/", "plugins/", "native/", "bench/", "mod.ts"].flatMap(sources);
  assertEquals(broken(others, (name) => !name.startsWith("testing/")), []);
});

Deno.test("nothing that is published imports tests or benches", () => {
  const published = ["core/", "plugins/", "native/", "testing/", "cli/", "mod.ts"];
  const files = published.flatMap(sources);
  assertEquals(broken(files, (name) => !name.startsWith("tests/") && !name.startsWith("bench/")), []);
});

Deno.test("only native/ opens a library", () => {
  const others = ["core/", "plugins/", "testing/", "cli/", "bench/", "mod.ts"].flatMap(sources);
  assertEquals(others.filter((file) => codeOf(file).includes("Deno.dlopen")), []);
  assert(sources("native/").some((file) => codeOf(file).includes("Deno.dlopen")));
});

Deno.test("the scan of imports sees statements over many lines, exports and dynamic imports, and no examples", () => {
  assert(importsOf("core/mod.ts").includes("core/backend/backend.ts"));
  assert(importsOf("core/random/key.ts").includes("core/errors.ts"));
  assert(!importsOf("plugins/dropout/dropout.ts").includes("@thinned/dropout"));
  assert(importsOf("plugins/layers/dense.ts").includes("core/mod.ts"));
});

/** The name of the interface with a factory's options, from its written-out type; null for no options. */
function optionsType(file: string, factory: string): string | null {
  const declared = textOf(file).match(new RegExp(`export const ${factory}: Factory<\\s*([^=]+?)>\\s*= definePlugin`));
  if (declared === null) throw new Error(`${file}: the type of ${factory} is not written out as Factory<...>.`);
  const type = declared[1].match(/^(?:"[a-z]+"\s*\|?\s*)+,\s*(Record<never, never>|\w+)/);
  if (type === null) throw new Error(`${file}: the options of ${factory} are not an interface: ${declared[1]}`);
  return type[1].startsWith("Record") ? null : type[1];
}

for (const file of sources("plugins/").filter((path) => !/\/(_\w+|mod|builtins)\.ts$/.test(path))) {
  Deno.test(`${file} has options whose interface and schema are in step, each documented`, async () => {
    const factories = Object.entries(await moduleOf(file)).filter(([, value]) => isFactory(value));
    for (const [name, factory] of factories) {
      if (!isFactory(factory)) continue;
      const type = optionsType(file, name);
      const fields = type === null ? [] : fieldsOf(file, type);
      assertEquals(
        fields.map((field) => field.name).sort(),
        Object.keys(factory.definition.options.shape).sort(),
        `fields of ${type} and keys of the schema of ${name}`,
      );
      const bare = fields.filter((field) => !field.documented).map((field) => field.name);
      assertEquals(bare, [], `fields of ${type} without a line of documentation`);
    }
  });
}
