/** What a new user reads first. */
import { assert, assertEquals } from "@std/assert";
import * as door from "../../mod.ts";
import { builtins, rolesOf, siteRoles } from "../../mod.ts";
import { textOf } from "../_sources.ts";

const [overview] = textOf("mod.ts").split("@module");
const named = [...overview.matchAll(/(?<!`)`(\w+)`/g)].map((match) => match[1]);

Deno.test("the overview of the package names what the package exports, each once", () => {
  assert(named.length > 0);
  assertEquals(named.filter((name) => !(name in door)), []);
  assertEquals(named.length, new Set(named).size);
});

Deno.test("the overview names every dropout variant, data set and observer", () => {
  const shown = [...siteRoles, "dataset", "observer"] as readonly string[];
  const factories = Object.entries(door).filter(([, value]) => builtins.some((factory) => factory === value));
  const expected = factories.filter(([name]) => {
    const { definition } = builtins.find((factory) => factory === door[name as keyof typeof door])!;
    const roles = rolesOf(definition);
    return roles.some((role) => shown.includes(role)) && !roles.includes("layer");
  });
  assert(expected.length > 15);
  assertEquals(expected.map(([name]) => name).filter((name) => !named.includes(name)), []);
});
