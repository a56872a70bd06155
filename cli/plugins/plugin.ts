/** `plugin new`: begins a plugin; `plugin check`: examines one. @module */
import {
  type AnyFactory,
  builtins,
  didYouMean,
  isFactory,
  OptionError,
  PluginError,
  Registry,
  ThinnedError,
} from "../../mod.ts";
import { type Examination, examine, examRecord } from "../../testing/mod.ts";
import { pluginCheckCommand, pluginNewCommand } from "../arguments/commands/plugins.ts";
import { invocation } from "../arguments/invocation.ts";
import { readArguments } from "../arguments/read_arguments.ts";
import type { Outcome } from "../arguments/deliver.ts";
import { chooseBackend } from "../run/choose_backend.ts";
import { fileUrl } from "../arguments/paths.ts";
import { table } from "../print/table.ts";
import { camelCase, pluginSource, snakeCase, templateSites, testSource } from "./_templates.ts";

/** Runs `plugin new NAME ...` or `plugin check NAME|FILE ...`. */
export async function plugin(args: readonly string[]): Promise<Outcome> {
  const [action, ...rest] = args;
  if (action === "new") return await begin(rest);
  if (action === "check") return await check(rest);
  throw unless("plugin", "new or check", action, ["new", "check"]);
}

/** A complaint of an argument that is wrong or missing. */
function unless(
  argument: string,
  expected: string,
  found: string | undefined,
  known: readonly string[] = [],
): ThinnedError {
  if (found !== undefined) return new OptionError(argument, expected, found, didYouMean(found, known));
  return new ThinnedError(`${argument}: expected ${expected}, found nothing.`);
}

/** Words that JavaScript does not take as a name, and names that the file imports. */
const reserved = new Set(
  ("arguments await break case catch class const continue debugger default delete do else enum eval export extends " +
    "false finally for function if implements import in instanceof interface let new null package private protected " +
    "public return static super switch this throw true try typeof undefined var void while with yield " +
    "z definePlugin rateSchema scheduled crossEntropyRows").split(" "),
);

/** Writes the file of a new plugin and that of its test. */
async function begin(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, pluginNewCommand);
  const [name] = given.words;
  if (name === undefined || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw unless("plugin new", "a name in kebab-case, such as my-dropout", name);
  }
  if (reserved.has(camelCase(name))) {
    throw new OptionError("plugin new", `a name other than ${camelCase(name)}, which the file cannot export`, name);
  }
  const taken = builtins.some((factory) => factory.definition.name === name);
  if (taken) {
    throw new PluginError(`plugin new: a built-in plugin is named ${JSON.stringify(name)}; choose another name.`);
  }
  const site = templateSites.find((site) => site === given.value("site"));
  if (site === undefined) {
    throw unless("--site", `one of ${templateSites.join(", ")}`, given.value("site"), templateSites);
  }
  const folder = given.value("out") ?? ".";
  const files = [
    { path: join(folder, `${snakeCase(name)}.ts`), text: pluginSource(name, site) },
    { path: join(folder, `${snakeCase(name)}_test.ts`), text: testSource(name) },
  ];
  for (const { path } of files) await refuseExisting(path);
  try {
    await Deno.mkdir(folder, { recursive: true });
    for (const { path, text } of files) await Deno.writeTextFile(path, text, { createNew: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable || !(error instanceof Error)) throw error;
    throw new ThinnedError(`plugin new: ${folder} cannot be written to: ${error.message}`);
  }
  const [source, test] = files.map(({ path }) => path);
  return {
    json: { plugin: name, site, factory: camelCase(name), files: [source, test] },
    text: `${source}  exports ${camelCase(name)}, for ${site === "loss" ? "a loss" : `the site ${site}`}\n` +
      `${test}  its exam\n\n  deno test ${test}\n  ${invocation(`plugin check ${source}`)}\n`,
  };
}

function join(folder: string, file: string): string {
  return folder === "." ? file : `${folder.replace(/\/+$/, "")}/${file}`;
}

async function refuseExisting(path: string): Promise<void> {
  try {
    await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new ThinnedError(`plugin new: ${path} is there already; nothing was written.`);
}

/** Examines a built-in plugin, or all that a file exports. */
async function check(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, pluginCheckCommand);
  const [name] = given.words;
  if (name === undefined) {
    throw unless("plugin check", "the name of a plugin, or a file that exports one", name);
  }
  const factories = await find(name);
  await chooseBackend(given.value("backend"), factories);
  const examinations: Examination[] = [];
  for (const factory of factories) examinations.push(await examine(factory));
  const passed = examinations.every((examination) => examination.passed);
  return {
    json: examRecord(examinations),
    text: examinations.map(report).join("\n"),
    status: passed ? 0 : 1,
  };
}

async function find(name: string): Promise<readonly AnyFactory[]> {
  if (!/[./\\]/.test(name)) {
    const registry = new Registry(builtins);
    const found = registry.get(name);
    if (found !== undefined) return [found];
    throw new PluginError(
      `plugin check: there is no plugin named ${JSON.stringify(name)}, and a file of your own is named by its path, ` +
        `such as ./${snakeCase(name)}.ts${registry.hint(name)}`,
    );
  }
  const path = await realPath(name);
  let exports: Record<string, unknown>;
  try {
    exports = await import(fileUrl(path));
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    throw new PluginError(`plugin check: ${name} cannot be imported: ${reason}`);
  }
  const factories = [...new Set(Object.values(exports).filter(isFactory))];
  if (factories.length > 0) return factories;
  throw new PluginError(`plugin check: ${name} exports no plugin; expected what definePlugin returns.`);
}

async function realPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new OptionError("plugin check", "a file that exists", path);
    throw error;
  }
}

/** One exam as a table. */
function report({ plugin, passed, checks }: Examination): string {
  const count = (status: string) => checks.filter((check) => check.status === status).length;
  const rows = checks.map((check) => [check.name, check.status, check.message]);
  const verdict = passed ? "passes" : "fails";
  const counts = ["passed", "failed", "not verified"].map((status) => `${count(status)} ${status}`).join(", ");
  return `${plugin} ${verdict}: ${counts}\n\n${table(rows, ["check", "result", "what was found"])}\n`;
}
