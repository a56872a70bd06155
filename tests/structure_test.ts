/** The shape of the house: who imports whom, and that the options' types and schemas are in step. */
import { assert, assertEquals } from "@std/assert";
import { isFactory } from "../core/mod.ts";
import { sources as nativeSources } from "../native/sources.ts";
import { circles, codeOf, fieldsOf, importsOf, moduleOf, sources, textOf } from "./_sources.ts";

/** Lists the imports of some files that a rule does not allow. */
function broken(files: readonly string[], allows: (imported: string) => boolean): string[] {
  return files.flatMap((file) => importsOf(file).filter((name) => !allows(name)).map((name) => `${file}: ${name}`));
}

Deno.test("plugins/ imports core/mod.ts, its own folder, zod and the parser of tables; who encodes, protobufs and PNG", () => {
  const libraries = ["zod", "@std/csv"];
  const allows = (name: string) => name === "core/mod.ts" || name.startsWith("plugins/") || libraries.includes(name);
  const encoders: Readonly<Record<string, readonly string[]>> = {
    "plugins/interchange/onnx/_encode.ts": ["protobufjs"],
    "plugins/observers/tensor_board/_encode.ts": ["protobufjs", "fast-png"],
  };
  assertEquals(broken(sources("plugins/").filter((file) => !(file in encoders)), allows), []);
  for (const [file, names] of Object.entries(encoders)) {
    assertEquals(broken([file], (name) => allows(name) || names.includes(name)), []);
  }
  // They are loaded when a model is exported or a run writes for TensorBoard, and by nobody else.
  const files = sources("plugins/");
  const needed = (file: string) => importsOf(file, false).filter((name) => files.includes(name));
  const reached = new Set(["plugins/mod.ts"]);
  for (const file of reached) {
    const later = [...codeOf(file).matchAll(/\bimport\(\s*"\.\/([^"]+)"/g)].map(([, name]) => name);
    for (const name of needed(file)) if (!later.includes(name.split("/").at(-1)!)) reached.add(name);
  }
  assertEquals(Object.keys(encoders).filter((file) => reached.has(file)), []);
  assert(reached.has("plugins/observers/tensor_board/tensor_board.ts"));
});

Deno.test("core/ imports nothing outside of itself but zod", () => {
  assertEquals(broken(sources("core/"), (name) => name.startsWith("core/") || name === "zod"), []);
});

/** What every room of the core may import: how mistakes are told. */
const messages = ["core/did_you_mean.ts", "core/errors.ts"];

/**
 * Who may import whom among the core's rooms, and the single files that a room takes from another: only what is there when
 * a program runs counts, types may be named from anywhere but where a rule below says otherwise.
 */
const rooms: Readonly<Record<string, { readonly rooms: readonly string[]; readonly files: readonly string[] }>> = {
  // Addresses say where a kernel's numbers lie, and the slow twins draw them: each needs one file of the other.
  random: { rooms: [], files: ["core/backend/draw.ts"] },
  backend: { rooms: [], files: ["core/random/philox.ts"] },
  // What things show of themselves in a notebook; they name what they show as types alone.
  display: { rooms: [], files: [] },
  tensor: { rooms: ["backend", "random", "display"], files: [] },
  // A model saves itself: `model.save`.
  plugin: { rooms: ["backend", "random", "tensor", "display"], files: ["core/store/saved_model.ts"] },
  // A data set's examples are prepared alike in training and for a model that was loaded, which predicts rows as any does.
  store: {
    rooms: ["tensor", "plugin", "uncertainty"],
    files: ["core/train/batches.ts", "core/train/predict.ts", "core/train/reading_of.ts"],
  },
  // Formulas: what probabilities and numbers are worth.
  uncertainty: { rooms: ["tensor"], files: ["core/backend/reference/elementwise.ts"] },
  train: { rooms: ["backend", "random", "tensor", "display", "plugin", "store", "uncertainty"], files: [] },
};

for (const [room, allowed] of Object.entries(rooms)) {
  const others = [...allowed.rooms, ...allowed.files.map((file) => file.slice("core/".length))];
  Deno.test(`core/${room}/ imports ${others.join(", ")}, the errors and its own folder when a program runs`, () => {
    const folders = [room, ...allowed.rooms].map((name) => `core/${name}/`);
    const allows = (name: string) =>
      name === "zod" || messages.includes(name) || allowed.files.includes(name) ||
      folders.some((folder) => name.startsWith(folder));
    const files = sources(`core/${room}/`);
    assertEquals(
      files.flatMap((file) => importsOf(file, false).filter((name) => !allows(name)).map((name) => `${file}: ${name}`)),
      [],
    );
    const unused = allowed.files.filter((name) => !files.some((file) => importsOf(file, false).includes(name)));
    assertEquals(unused, [], "files that nobody takes any more");
  });
}

Deno.test("the core has no rooms but those, and its door and its messages beside them", () => {
  const found = new Set(
    sources("core/").map((file) => file.split("/").slice(0, file.split("/").length > 2 ? 2 : 3).join("/")),
  );
  assertEquals(
    [...found].sort(),
    [...messages, "core/mod.ts", ...Object.keys(rooms).map((room) => `core/${room}`)].sort(),
  );
});

Deno.test("random/ and backend/ name nothing above them, not even as a type", () => {
  const allows = (name: string) => /^core\/(random|backend)\//.test(name) || messages.includes(name);
  assertEquals(broken([...sources("core/random/"), ...sources("core/backend/")], allows), []);
});

Deno.test("files import each other in no circle but that of tensors and their ops; types alone are no circle", () => {
  const files = ["core/", "plugins/", "native/", "testing/", "studies/", "cli/", "mod.ts"].flatMap(sources);
  const imports = new Map(files.map((file) => [file, importsOf(file, false)]));
  const found = circles(files, (file) => imports.get(file) ?? []);
  const [ops] = found;
  assert(ops.every((file) => file.startsWith("core/tensor/")), ops.join(", "));
  assertEquals(found.slice(1), []);
});

Deno.test("the search for circles finds them, long and short, and nothing else", () => {
  const imports: Record<string, string[]> = { a: ["b", "x"], b: ["c"], c: ["a", "d"], d: ["e"], e: [], f: ["f"] };
  assertEquals(circles(Object.keys(imports), (file) => imports[file] ?? []), [["a", "b", "c"], ["f"]]);
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

Deno.test("studies/ imports mod.ts, its own folder and zod, and only cli/ imports it", () => {
  const allows = (name: string) => name === "mod.ts" || name.startsWith("studies/") || name === "zod";
  assertEquals(broken(sources("studies/"), allows), []);
  const others = ["core/", "plugins/", "native/", "testing/", "bench/", "mod.ts"].flatMap(sources);
  assertEquals(broken(others, (name) => !name.startsWith("studies/")), []);
});

Deno.test("nothing that is published imports tests or benches", () => {
  const published = ["core/", "plugins/", "native/", "testing/", "studies/", "cli/", "mod.ts"];
  const files = published.flatMap(sources);
  assertEquals(broken(files, (name) => !name.startsWith("tests/") && !name.startsWith("bench/")), []);
});

Deno.test("only native/ opens a library", () => {
  const others = ["core/", "plugins/", "testing/", "studies/", "cli/", "bench/", "mod.ts"].flatMap(sources);
  assertEquals(others.filter((file) => codeOf(file).includes("Deno.dlopen")), []);
  assert(sources("native/").some((file) => codeOf(file).includes("Deno.dlopen")));
});

Deno.test("a family of kernels has one name: in the interface, its op, its twin, its C file and its test", () => {
  const named = (folder: string) =>
    sources(folder).filter((file) => file.split("/").length === folder.split("/").length)
      .map((file) => file.slice(folder.length)).filter((file) => !file.startsWith("_"));
  const families = named("core/backend/").filter((file) => codeOf(`core/backend/${file}`).includes("defineKernel({"));
  assert(families.length >= 10);
  // A bias with its activation is part of a product's op.
  const ops = families.filter((file) => file !== "bias_activation.ts");
  assertEquals(families.filter((file) => !named("core/backend/reference/").includes(file)), []);
  assertEquals(families.filter((file) => !(file.replace(/ts$/, "c") in nativeSources)), []);
  assertEquals(families.filter((file) => !named("tests/native/").includes(file.replace(".ts", "_test.ts"))), []);
  assertEquals(ops.filter((file) => !named("core/tensor/ops/").includes(file)), []);
  // What is no family of kernels: C that exists once or shares a family's work, and ops made of others.
  const others = [
    "abi.c",
    "average_pooling.c",
    "blas.c",
    "convolution_weight.c",
    "gradient_product.c",
    "grouped_weight.c",
    "guest.c",
    "panels.c",
    "threads.c",
  ];
  const kernelFiles = Object.keys(nativeSources).filter((file) => file.endsWith(".c") && !others.includes(file));
  assertEquals(kernelFiles.filter((file) => !families.includes(file.replace(/c$/, "ts"))), []);
  const composed = [
    "attention.ts",
    "gradient_product.ts",
    "mask.ts",
    "thinned_convolution.ts",
    "unstack.ts",
    "walk.ts",
  ];
  assertEquals(named("core/tensor/ops/").filter((file) => !ops.includes(file) && !composed.includes(file)), []);
});

Deno.test("the scan of imports sees statements over many lines, exports and dynamic imports, and no examples", () => {
  assert(importsOf("core/mod.ts").includes("core/backend/backend.ts"));
  assert(importsOf("core/random/key.ts").includes("core/errors.ts"));
  assert(!importsOf("plugins/dropout/dropout.ts").includes("@thinned/dropout"));
  assert(importsOf("plugins/layers/dense.ts").includes("core/mod.ts"));
  assert(importsOf("core/plugin/contexts.ts").includes("core/tensor/tensor.ts"));
  assert(!importsOf("core/plugin/contexts.ts", false).includes("core/tensor/tensor.ts"));
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
      const { shape } = factory.definition.options;
      assertEquals(
        fields.filter((field) => field.optional).map((field) => field.name),
        fields.map((field) => field.name).filter((field) => shape[field].safeParse(undefined).success),
        `fields of ${type} that may be left out, and entries of the schema of ${name} that can do without a value`,
      );
      const bare = fields.filter((field) => !field.documented).map((field) => field.name);
      assertEquals(bare, [], `fields of ${type} without a line of documentation`);
    }
  });
}
