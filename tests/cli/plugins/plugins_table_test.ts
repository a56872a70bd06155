/** `plugins`: the table of all plugins. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { builtins } from "../../../mod.ts";
import { cited, optionLine, pluginTable } from "../../../cli/print/plugin_table.ts";
import { describeDefinition } from "../../../cli/configuration/describe_definition.ts";
import { plugins } from "../../../cli/plugins/plugins.ts";

Deno.test("the table has every plugin with its site, paper and options, in lines of at most 120 characters", async () => {
  const { text } = await plugins([]);
  const lines = text.split("\n");
  for (const line of lines) assert(line.length <= 120, line);
  const squeezed = text.replaceAll(/\s+/g, " ");
  for (const { definition } of builtins) {
    const { name, roles, summary, options, paper } = describeDefinition(definition);
    const at = lines.findIndex((line) => line.split(" ")[0] === name);
    assert(at > 0, name);
    const end = lines.indexOf("", at);
    const own = lines.slice(at, end);
    const left = own.map((line) => line.slice(0, lines[1].indexOf("  "))).join(" ");
    const right = own.map((line) => line.slice(lines[1].lastIndexOf("  ") + 2).trim()).join(" ");
    assertStringIncludes(right, summary);
    for (const option of options) assertStringIncludes(right, optionLine(option), name);
    for (const role of roles) assertStringIncludes(squeezed, role);
    if (paper !== undefined) assertStringIncludes(left, cited(paper));
  }
});

Deno.test("an option is shown with its range and default, or that it must be given", () => {
  const lines = (name: string) => {
    const { definition } = builtins.find((factory) => factory.definition.name === name)!;
    return describeDefinition(definition).options.map(optionLine);
  };
  assertEquals(lines("dropout").slice(0, 2), [
    "rate: number in [0, 1] or schedule = 0.5",
    'convention: "inverted" or "classic" = "inverted"',
  ]);
  assertEquals(lines("dense")[0], "units: whole number of at least 1 (must be given)");
  assert(lines("dense").includes("constraint: constraint plugin"));
});

Deno.test("papers are cited by one author, two, or the first of more", () => {
  const paper = (authors: string) => cited({ authors, year: 2014, title: "" });
  assertEquals(paper("Gastaldi"), "Gastaldi 2014");
  assertEquals(paper("Wang, Manning"), "Wang, Manning 2014");
  assertEquals(paper("Wager, Wang, Liang"), "Wager et al. 2014");
});

Deno.test("a role of several plugins is one line each in its column", () => {
  const { definition } = builtins.find((factory) => factory.definition.name === "concrete-dropout")!;
  const [, , first, second] = pluginTable([describeDefinition(definition)]).split("\n");
  assertStringIncludes(first, "activation,");
  assertStringIncludes(second, "product");
});
