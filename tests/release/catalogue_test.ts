/** The catalogue of variants: the README's tables are those of the plugins, and each variant says when and at what cost. */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { builtins, siteRoles } from "../../mod.ts";
import { catalogue, entries, marks, written } from "../../release/catalogue.ts";
import { rolesOf } from "../../core/mod.ts";
import { textOf } from "../_sources.ts";

const all = await entries();

Deno.test("the README's tables of variants are those of the plugins: deno task catalogue writes them anew", () => {
  const readme = textOf("README.md");
  assertEquals(written(readme, catalogue(all)), readme);
});

Deno.test("every plugin of a site that is built in is in the catalogue, and the other way round", () => {
  const known = new Set(all.map(({ definition }) => definition.name));
  assertEquals(known.size, all.length);
  for (const { definition } of builtins) {
    const variant = rolesOf(definition).some((role) => (siteRoles as readonly string[]).includes(role));
    assert(!variant || known.has(definition.name), `${definition.name} is missing`);
  }
  const built = new Set(builtins.map(({ definition }) => definition.name));
  for (const { definition, file } of all) assert(built.has(definition.name), `plugins/mod.ts does not export ${file}`);
});

Deno.test("a plugin stands in one table, with its source, site, paper, and options with ranges and defaults", () => {
  const text = catalogue(all);
  for (const { definition } of all) assertEquals(text.split(`[\`${definition.name}\`]`).length, 2, definition.name);
  const line = text.split("\n").find((line) => line.startsWith("| [`stochastic-depth`]"))!;
  assertMatch(line, /^\| \[`stochastic-depth`\]\(plugins\/dropout\/stochastic_depth\.ts\) +\| /);
  assertStringIncludes(line, "| branch |");
  assertStringIncludes(line, "| [Huang et al. 2016](https://arxiv.org/abs/1603.09382) ");
  assertStringIncludes(line, "`rate` in [0, 1] or schedule = 0.2; `mode` ");
  assertEquals(text.includes("**Others**"), false);
});

Deno.test("a plugin that is missing, stale or new changes the tables", () => {
  const text = catalogue(all);
  assert(catalogue(all.slice(1)) !== text);
  const [first, ...rest] = all;
  const { definition } = first;
  assert(catalogue([{ ...first, definition: { ...definition, summary: "Does something else." } }, ...rest]) !== text);
  assert(catalogue([{ ...first, definition: { ...definition, name: "another" } }, ...all]) !== text);
});

Deno.test("the tables go between the marks, which have to be there once and in order", () => {
  const [begin, end] = marks;
  const text = `before\n${begin}\nold\n${end}\nafter\n`;
  assertEquals(written(text, "new\n"), `before\n${begin}\n\nnew\n\n${end}\nafter\n`);
  assertEquals(written(written(text, "new\n"), "new\n"), written(text, "new\n"));
  for (const wrong of ["nothing", `${begin}\n`, `${end}\n${begin}\n`, `${text}${text}`]) {
    assertThrows(() => written(wrong, "new\n"), Error, "README.md: expected the lines <!-- variants --> and");
  }
});

/** The documentation of what a file exports as `name`. */
function documentationOf(file: string, name: string): string {
  const text = textOf(file);
  const at = text.indexOf(`export const ${name}:`);
  return at < 0 ? "" : text.slice(text.lastIndexOf("/**", at), at);
}

/** Variants, schedules of their rates, and constraints; not the schedules of any number. */
const described = all.filter(({ definition: { name }, file }) =>
  !file.startsWith("plugins/schedules/") || name.endsWith("dropout")
);

for (const { definition, file } of described) {
  Deno.test(`${file} says when to use ${definition.name} and what it costs`, () => {
    const name = definition.name.replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase());
    const text = documentationOf(file, name);
    // Each of the two begins a line, and says something.
    for (const word of ["When", "Cost"]) {
      assertEquals(text.match(new RegExp(`^ \\* ${word}: \\S.{4,}$`, "gm"))?.length, 1, `${word}: in\n${text}`);
    }
    assert(text.includes("@example"), text);
  });
}
