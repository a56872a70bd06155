/** What can be said of a release by reading its files: each check gives one sentence for each thing that is wrong. @module */
import type { Configuration } from "./configuration.ts";

/** The files of a release: their texts by path. */
export type Files = ReadonlyMap<string, string>;

/** That there is one version everywhere, which the change log describes with its day. */
export function versionProblems(version: string, cliVersion: string, changelog: string): string[] {
  const problems: string[] = [];
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) {
    problems.push(`deno.json: expected a semantic version, found ${JSON.stringify(version)}.`);
  }
  if (cliVersion !== version) {
    problems.push(`cli/version.ts: expected ${version}, the version in deno.json, found ${cliVersion}.`);
  }
  const headings = changelog.split("\n").filter((line) => line.startsWith("## "));
  const heading = new RegExp(`^## \\[?${version.replaceAll(".", "\\.")}\\]? - \\d{4}-\\d\\d-\\d\\d$`);
  if (!heading.test(headings[0] ?? "")) {
    const found = headings[0] === undefined ? "none" : JSON.stringify(headings[0]);
    problems.push(`CHANGELOG.md: expected the first heading "## ${version} - YEAR-MONTH-DAY", found ${found}.`);
  }
  return problems;
}

/** That the README and continuous integration begin with the same version of Deno. */
export function denoProblems(texts: Files): string[] {
  const named = [...texts].flatMap(([path, text]) => [...text.matchAll(/\bdeno@([\d.]+\d)/g)].map((m) => [path, m[1]]));
  if (named.length === 0) return ["no file names the version of Deno."];
  const [[first, version]] = named;
  return named.filter(([, other]) => other !== version)
    .map(([path, other]) => `${path}: expected deno@${version}, as in ${first}, found deno@${other}.`);
}

/** That the licence is in the package and is the one that the configuration names. */
export function licenceProblems({ license }: Pick<Configuration, "license">, files: Files): string[] {
  const text = files.get("LICENSE");
  if (text === undefined) return ["LICENSE: expected a file that is published, found none."];
  const [title] = text.trim().split("\n");
  return title.startsWith(`${license} `) ? [] : [`LICENSE: expected the ${license} licence, found "${title}".`];
}

/** That every export is a module of the package. */
export function exportProblems({ exports }: Pick<Configuration, "exports">, files: Files): string[] {
  return Object.entries(exports).filter(([, path]) => !files.has(path.replace(/^\.\//, "")))
    .map(([name, path]) => `deno.json: the export "${name}" is ${path}, which is not published.`);
}

/** That nothing in the package points at a machine that it was written on, or at a copy of the standard library. */
export function pathProblems(files: Files): string[] {
  const wrong =
    /(?<![\w.}])\/(?:home|root|Users|work|tmp|mnt)\/[\w.][^\s"'`)]*|file:\/\/\/\w[^\s"'`)]*|\bnpm:deno-std\b/;
  return [...files].filter(([path]) => path !== "deno.json").flatMap(([path, text]) => {
    const found = wrong.exec(text);
    if (found === null) return [];
    const line = text.slice(0, found.index).split("\n").length;
    return [`${path}:${line}: expected nothing of the machine it was written on, found ${found[0]}.`];
  });
}

const mega = 1 << 20;

/** That the registry takes the files: at most 20 MB together, and no two names that differ in case alone. */
export function registryProblems(files: Files): string[] {
  const problems: string[] = [];
  const bytes = [...files.values()].reduce((sum, text) => sum + new TextEncoder().encode(text).length, 0);
  if (bytes >= 20 * mega) problems.push(`expected less than 20 MB, found ${(bytes / mega).toFixed(1)} MB.`);
  const names = new Map<string, string>();
  for (const path of files.keys()) {
    const other = names.get(path.toLowerCase());
    if (other !== undefined) problems.push(`${path}: expected a name of its own on every system, found ${other}, too.`);
    names.set(path.toLowerCase(), path);
  }
  return problems;
}

/** That a release and developing know the same bare names, so that no import is found in one of them alone. */
export function importProblems(
  official: Readonly<Record<string, string>>,
  developing: Readonly<Record<string, string>>,
): string[] {
  const missing = (from: object, other: object, file: string) =>
    Object.keys(from).filter((name) => !(name in other)).map((name) => `${file}: expected an entry for "${name}".`);
  const homes = Object.entries(official)
    .filter(([name, address]) => !address.startsWith(name.startsWith("@std/") ? `jsr:${name}@` : `npm:${name}@`))
    .map(([name, address]) => `release/imports.json: expected the official home of "${name}", found ${address}.`);
  return [
    ...missing(developing, official, "release/imports.json"),
    ...missing(official, developing, "deno.json"),
    ...homes,
  ];
}
