/**
 * Examines every built-in variant at many seeds, each of which draws other shapes, rates, batches and points of training, and
 * prints which exams failed: `deno task exam-seeds --seeds 20 --from 1 --plugin dropout`. Exit status 1 if any did.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { type AnyFactory, builtins, openNative, Registry, type Role, siteRoles } from "../mod.ts";
import { examine } from "../testing/mod.ts";

/** A failed exam. */
interface Failure {
  readonly plugin: string;
  readonly seed: number;
  readonly checks: readonly { readonly name: string; readonly message: string }[];
}

/** A whole number from the command line. */
function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`--${name}: expected a whole number, found ${text}.`);
  }
  return value;
}

const given = parseArgs(Deno.args, {
  string: ["seeds", "from", "plugin"],
  collect: ["plugin"],
  default: { seeds: "20", from: "1" },
});
const [seeds, from] = [whole("seeds", given.seeds), whole("from", given.from)];
const registry = new Registry(builtins);
const drawing = registry.list("layer").filter(({ definition }) => definition.claims !== undefined);
const variants = [...new Set([...(siteRoles as readonly Role[]).flatMap((role) => registry.list(role)), ...drawing])];
const losses = registry.list("loss").filter(({ definition }) => definition.objective !== undefined);
const plugins: AnyFactory[] = [...variants, ...losses].filter(({ definition }) =>
  given.plugin.length === 0 || given.plugin.includes(definition.name)
);
if (plugins.length === 0) {
  throw new RangeError(`--plugin: expected names of variants, found ${given.plugin.join(", ")}.`);
}

await openNative();
const failures: Failure[] = [];
const examined: Record<string, number> = {};
for (const plugin of plugins) {
  const { name } = plugin.definition;
  const began = performance.now();
  for (let seed = from; seed < from + seeds; seed++) {
    const { checks } = await examine(plugin, { seed });
    const failed = checks.filter(({ status }) => status === "failed").map(({ name, message }) => ({ name, message }));
    if (failed.length > 0) failures.push({ plugin: name, seed, checks: failed });
    examined[name] = (examined[name] ?? 0) + 1;
  }
  const seconds = ((performance.now() - began) / 1000 / Math.max(1, seeds)).toFixed(2);
  const own = failures.filter((failure) => failure.plugin === name).length;
  console.error(`${name}: ${own} of ${seeds} exams failed, ${seconds} s each`);
}
console.log(JSON.stringify({ seeds: { from, count: seeds }, exams: examined, failures }, null, 2));
if (failures.length > 0) Deno.exitCode = 1;
