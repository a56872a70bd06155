/** The table of plugins: what each does, where, by whom, and its options. @module */
import type { Paper } from "../../mod.ts";
import { wrap } from "./columns.ts";
import type { OptionTold, PluginTold } from "../configuration/describe_definition.ts";
import { table } from "./table.ts";

/** Characters of a line. */
const WIDTH = 120;

const titles = ["plugin, paper", "site or role", "what it does; its options with types, ranges and defaults"];

/** The plugins in a table of at most 120 characters a line. */
export function pluginTable(plugins: readonly PluginTold[]): string {
  const narrow = plugins.map(({ name, roles, paper }) => [
    paper === undefined ? name : `${name}\n${cited(paper)}`,
    roles.join(",\n"),
  ]);
  const widths = [0, 1].map((i) =>
    Math.max(titles[i].length, ...narrow.flatMap((row) => row[i].split("\n").map(({ length }) => length)))
  );
  const left = WIDTH - widths.reduce((sum, width) => sum + width + 2, 0);
  const rows = plugins.map(({ summary, options }, i) => {
    const lines = [...wrap(summary, left), ...options.flatMap((option) => indented(optionLine(option), left))];
    return [...narrow[i], lines.join("\n") + "\n"];
  });
  return table(rows, titles).trimEnd();
}

/** Who wrote a paper, and when: two authors by name, of more the first. */
export function cited({ authors, year }: Paper): string {
  const names = authors.split(/, /);
  return `${names.length > 2 ? `${names[0]} et al.` : names.join(", ")} ${year}`;
}

/** An option with its type and default: `rate: number in [0, 1] or schedule = 0.5`. */
export function optionLine({ name, type, required, default: value }: OptionTold): string {
  const otherwise = required ? " (must be given)" : value === undefined ? "" : ` = ${JSON.stringify(value)}`;
  return `${name}: ${type.replaceAll("schedule plugin", "schedule")}${otherwise}`;
}

function indented(text: string, width: number): string[] {
  return wrap(text, width - 4).map((line, i) => `${i === 0 ? "  " : "    "}${line}`);
}
