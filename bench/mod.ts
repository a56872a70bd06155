/**
 * `deno task bench [--only NAME] [--json]`: runs the workloads and prints their figures beside their goals.
 *
 * @module
 */
import { readArguments } from "../cli/read_arguments.ts";
import { table } from "../cli/_table.ts";
import { deliver, note, type Outcome } from "../cli/deliver.ts";
import { chooseBackend } from "../cli/choose_backend.ts";
import { currentBackend, OptionError } from "../mod.ts";
import { bandwidth } from "./bandwidth.ts";
import { calls } from "./calls.ts";
import type { Result } from "./measure.ts";
import { memory } from "./memory.ts";
import { peers } from "./peers.ts";
import { step } from "./step.ts";

const workloads: Record<string, () => Result | Promise<Result>> = { step, calls, bandwidth, memory, peers };

async function bench(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args.filter((arg) => arg !== "--json"), {
    name: "bench",
    summary: "Measures speed and memory against their goals.",
    options: [
      { name: "only", value: "NAME", meaning: "one of the workloads" },
      { name: "backend", value: "NAME", meaning: "in place of the best there is" },
    ],
    examples: [],
  });
  const only = given.value("only");
  if (only !== undefined && !(only in workloads)) {
    throw new OptionError("--only", Object.keys(workloads).join(", "), only);
  }
  await chooseBackend(given.value("backend"));
  const results: Result[] = [];
  for (const [name, run] of Object.entries(workloads)) {
    if (only !== undefined && only !== name) continue;
    note(`${name} ...`);
    results.push(await run());
  }
  const info = currentBackend().info();
  const machine = { system: `${Deno.build.os} ${Deno.build.arch}`, cores: navigator.hardwareConcurrency, ...info };
  const text = results.map((result) => {
    const rows = result.figures.map((figure) => [
      figure.name,
      `${figure.value.toFixed(figure.value < 100 ? 3 : 1)} ${figure.unit}`.trim(),
      figure.goal ?? "",
    ]);
    return `${result.name}: ${result.what}\n${table(rows, ["figure", "value", "goal"])}\n`;
  }).join("\n");
  const head = `${info.name}: ${info.blas}; ${info.threads} threads, ${info.instructions}; ${machine.system}\n\n`;
  return { json: { machine, results }, text: head + text };
}

if (import.meta.main) Deno.exit(await deliver(Deno.args.includes("--json"), () => bench(Deno.args)));
