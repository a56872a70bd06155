/**
 * `deno task catalogue`: writes the table of variants in the README anew, from the plugins, between two lines that mark its
 * place.
 *
 * @module
 */
import { type AnyDefinition, type AnyFactory, isFactory, type Role, rolesOf } from "../core/mod.ts";
import { describeDefinition, type OptionTold } from "../cli/configuration/describe_definition.ts";
import { cited } from "../cli/print/plugin_table.ts";

/** The lines between which the tables stand. */
export const marks = ["<!-- variants -->", "<!-- /variants -->"] as const;

/** A plugin of the catalogue. */
export interface Entry {
  /** The file that it is defined in, from the project's folder. */
  readonly file: string;
  /** Its definition. */
  readonly definition: AnyDefinition;
}

/** Headings, and the roles that belong under each; a plugin stands under the first that it serves. */
const groups: readonly (readonly [heading: string, roles: readonly Role[]])[] = [
  ["On activations", ["activation"]],
  ["At weights", ["weight", "product"]],
  ["Inside recurrent layers", ["recurrent"]],
  ["On residual branches", ["branch"]],
  ["Inside attention", ["attention"]],
  ["At embeddings", ["embedding"]],
  ["As layers", ["layer"]],
  ["As losses", ["loss"]],
  ["As ways of learning", ["learning"]],
  ["In the data", ["augmentation", "dataset"]],
  ["Schedules of a rate, or of any number", ["schedule"]],
  ["Constraints of weights", ["constraint"]],
  ["Others", ["optimizer", "average", "observer"]],
];

/** Folders of which every plugin is in the catalogue. */
const folders = ["plugins/dropout", "plugins/schedules", "plugins/constraints"];

const root = new URL("../", import.meta.url);

/** TypeScript files under a folder whose names do not begin with `_`, from the project's folder. */
function files(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, root))].filter(({ name }) => !name.startsWith("_")).flatMap((entry) =>
    entry.isDirectory ? files(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`]
  ).filter((file) => file.endsWith(".ts"));
}

/** All plugins of the catalogue, by name. */
export async function entries(): Promise<Entry[]> {
  const found = await Promise.all(
    folders.flatMap(files).map(async (file) => {
      const factories = Object.values(await import(new URL(file, root).href)).filter(isFactory) as AnyFactory[];
      return [...new Set(factories)].map(({ definition }) => ({ file, definition }));
    }),
  );
  return found.flat().sort((a, b) => a.definition.name < b.definition.name ? -1 : 1);
}

/** The tables of the catalogue in Markdown, one for each group that has plugins, as `deno fmt` leaves them. */
export function catalogue(all: readonly Entry[]): string {
  const left = new Set(all);
  const sections = groups.map(([heading, roles]) => {
    const own = [...left].filter(({ definition }) => rolesOf(definition).some((role) => roles.includes(role)));
    own.forEach((entry) => left.delete(entry));
    return own.length === 0 ? "" : `**${heading}**\n\n${markdownTable(own.map(row))}\n`;
  });
  return sections.filter((section) => section !== "").join("\n");
}

function row({ file, definition }: Entry): string[] {
  const { name, summary, roles, paper, options } = describeDefinition(definition);
  const source = paper === undefined ? "" : paper.url === undefined ? cited(paper) : `[${cited(paper)}](${paper.url})`;
  const shown = options.slice(0, MAIN).map(optionCell);
  const more = options.length > MAIN ? [`and ${options.length - MAIN} more`] : [];
  return [`[\`${name}\`](${file})`, summary, roles.join(", "), source, [...shown, ...more].join("; ")];
}

/** Options that are shown: a schema names the main ones first. */
const MAIN = 4;

/** A type of more characters, such as a list of all axes, is left to `deno task plugins`. */
const LONG = 60;

/** An option's name, what it takes, and its default: `` `rate` in [0, 1] or schedule = 0.5 ``. */
function optionCell({ name, type, required, default: value }: OptionTold): string {
  const short = type.replaceAll(/\bnumber in (?=[[(])/g, "in ").replaceAll("schedule plugin", "schedule");
  return `\`${name}\`${short.length > LONG ? "" : ` ${short}`}${
    required ? ", needed" : value === undefined ? "" : ` = ${JSON.stringify(value)}`
  }`;
}

const titles = ["variant", "what it does", "site", "paper", "main options"];

/** A table whose columns have one width, with what has a meaning in a cell escaped. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const cells = [titles, ...rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|").replaceAll("*", "\\*")))];
  const widths = titles.map((_, i) => Math.max(...cells.map((row) => [...row[i]].length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join("\n");
}

/**
 * A text with the tables between its marks.
 *
 * @throws when the marks are not there, each once and in order
 */
export function written(text: string, tables: string): string {
  const [begin, end] = marks.map((mark) => text.indexOf(`${mark}\n`));
  if (begin < 0 || end < begin || marks.some((mark) => text.split(mark).length !== 2)) {
    throw new Error(`README.md: expected the lines ${marks.join(" and ")}, each once, with the tables between them.`);
  }
  return `${text.slice(0, begin)}${marks[0]}\n\n${tables}\n${text.slice(end)}`;
}

if (import.meta.main) {
  const readme = new URL("README.md", root);
  const before = await Deno.readTextFile(readme);
  const after = written(before, catalogue(await entries()));
  if (after !== before) await Deno.writeTextFile(readme, after);
  console.log(after === before ? "README.md is up to date." : "README.md has a new table of variants.");
}
