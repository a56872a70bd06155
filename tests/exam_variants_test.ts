/** Every built-in variant, and every loss, passes the exam. */
import { builtins, Registry, type Role, siteRoles } from "../mod.ts";
import { assertPasses } from "../testing/mod.ts";

const registry = new Registry(builtins);
const drawing = registry.list("layer").filter(({ definition }) => definition.claims !== undefined);
const variants = new Set([...(siteRoles as readonly Role[]).flatMap((role) => registry.list(role)), ...drawing]);
const objectives = registry.list("loss").filter(({ definition }) => definition.objective !== undefined);

for (const plugin of [...variants, ...objectives]) {
  Deno.test(`${plugin.definition.name} passes the exam`, () => assertPasses(plugin));
}

Deno.test("losses with one pass pass the exam too", async () => {
  for (const plugin of registry.list("loss")) await assertPasses(plugin);
});
