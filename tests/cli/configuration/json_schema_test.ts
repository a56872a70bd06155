/** The JSON Schema of configurations, by the judgement of an independent validator. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Ajv2020 } from "ajv";
import { parseConfig } from "../../../cli/configuration/config.ts";
import { configuredRun } from "../../../cli/configuration/configured_run.ts";
import { describeType } from "../../../cli/configuration/describe_type.ts";
import { configJsonSchema, optionSchemas } from "../../../cli/configuration/json_schema.ts";
import { loadRegistry } from "../../../cli/configuration/load_registry.ts";
import { preset } from "../../../cli/configuration/preset.ts";
import { builtins, Registry } from "../../../mod.ts";
import { cli, inFolder, small, writeConfig } from "../_run.ts";

const examples = new URL("../../../examples/", import.meta.url);

/** What the validator complains of in a configuration, with the plugins of a registry; nothing when it is valid. */
function complaints(config: unknown, registry: Registry = new Registry(builtins)): string {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  const validate = ajv.compile(configJsonSchema(registry));
  return validate(config) ? "" : ajv.errorsText(validate.errors);
}

for (const { name } of Deno.readDirSync(examples)) {
  if (!name.endsWith(".json")) continue;
  Deno.test(`examples/${name} validates against the schema`, async () => {
    const config = JSON.parse(await Deno.readTextFile(new URL(name, examples)));
    const registry = await loadRegistry(config.plugins ?? [], examples.pathname);
    assertEquals(complaints(config, registry), "");
  });
}

Deno.test("what is trained without a configuration, and what a run writes, validate against the schema", () =>
  inFolder(async (folder) => {
    for (const name of ["digits", "mnist"]) assertEquals(complaints(JSON.parse(JSON.stringify(preset(name)))), "");
    const path = await writeConfig(folder, { $schema: "./schema.json", epochs: 1, seeds: 1, loss: "cross-entropy" });
    assertEquals((await cli(["train", "--config", path, "--out", `${folder}/run`])).status, 0);
    const written = JSON.parse(await Deno.readTextFile(`${folder}/run/config.json`));
    assertEquals([complaints(written), written.$schema], ["", "./schema.json"]);
  }));

const wrong: Record<string, Record<string, unknown>> = {
  "a misspelt key": { optimiser: "adam" },
  "a misspelt plugin": { model: [{ plugin: "dropuot" }] },
  "a misspelt plugin by its name alone": { loss: "cross-entropi" },
  "a plugin that serves something else": { optimizer: { plugin: "dropout" } },
  "a misspelt option": { model: [{ plugin: "dropout", ratio: 0.5 }] },
  "an option out of bounds": { model: [{ plugin: "dropout", rate: 1.5 }] },
  "an option of another type": { model: [{ plugin: "dense", units: "many" }] },
  "an option that is missing": { model: [{ plugin: "dense" }] },
  "a plugin in an option that takes another kind": {
    model: [{ plugin: "dense", units: 2, constraint: { plugin: "adam" } }],
  },
  "an optimizer in place of a schedule": { optimizer: { plugin: "sgd", learningRate: { plugin: "adam" } } },
  "no layers": { model: [] },
  "a part above 1": { validation: 1.5 },
};

for (const [what, changes] of Object.entries(wrong)) {
  Deno.test(`the schema and the command line both refuse ${what}`, () => {
    const config = { ...small, ...changes };
    assert(complaints(config) !== "", "the schema takes it");
    let refused = false;
    try {
      configuredRun(parseConfig(config), "run", new Registry(builtins));
    } catch {
      refused = true;
    }
    assert(refused, "the command line takes it");
  });
}

Deno.test("the schema takes schedules in the place of numbers, and plugins of one's own", async () => {
  const optimizer = { plugin: "sgd", learningRate: { plugin: "linear", from: 0.1, to: 0 } };
  assertEquals(complaints({ ...small, optimizer }), "");
  await inFolder(async (folder) => {
    const made = await cli(["plugin", "new", "my-own", "--site", "activation", "--out", folder]);
    assertEquals(made.status, 0, made.err);
    const ran = await cli(["plugins", "--schema", "--plugin", `${folder}/my_own.ts`]);
    assertEquals(ran.status, 0, ran.err);
    assertStringIncludes(ran.out, '"#/$defs/plugin:my-own"');
  });
});

Deno.test("every option of every plugin has a meaning and a type in words", () => {
  for (const { definition } of builtins) {
    for (const [name, schema] of Object.entries(optionSchemas(definition).properties)) {
      const at = `${definition.name}.${name}`;
      assert(typeof schema.description === "string" && schema.description !== "", `${at} has no description`);
      assert(describeType(schema) !== "any value", `${at} has no type`);
    }
  }
});

Deno.test("plugins NAME shows types, bounds, defaults and meaning, and guesses at a misspelt name", async () => {
  const { out } = await cli(["plugins", "dropout"]);
  assertStringIncludes(out, "rate        probability of dropping a unit");
  assertStringIncludes(out.replace(/\s+/g, " "), "number in [0, 1] or schedule plugin (default: 0.5)");
  assertStringIncludes(out, 'in a configuration: { "plugin": "dropout" }');
  const dense = JSON.parse((await cli(["plugins", "dense", "--json"])).out);
  assertEquals(dense.options[0], {
    name: "units",
    required: true,
    type: "whole number of at least 1",
    schema: { type: "integer", minimum: 1 },
    description: "number of outputs",
  });
  const wrong = await cli(["plugins", "dropuot"]);
  assertEquals(wrong.status, 2);
  assertStringIncludes(wrong.err, 'did you mean "dropout"?');
  assertStringIncludes((await cli(["plugins", "--role", "activatoin"])).err, 'did you mean "activation"?');
});

Deno.test("the README's configuration validates, and the command line takes it", async () => {
  const readme = await Deno.readTextFile(new URL("../../../README.md", import.meta.url));
  const config = JSON.parse(readme.match(/```json\n(\{[^`]*"dataset"[^`]*)```/)![1]);
  assertEquals(complaints(config), "");
  for (const { name } of config.runs) configuredRun(parseConfig(config), name, new Registry(builtins));
});
