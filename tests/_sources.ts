/** Reading this project's own sources, as plain text, for the tests of its structure. */

const root = new URL("../", import.meta.url);

/** All TypeScript files under a folder, or the file itself, as paths from the project's folder. */
export function sources(path: string): string[] {
  if (path.endsWith(".ts")) return [path];
  const entries = [...Deno.readDirSync(new URL(path, root))].filter((entry) => !entry.name.startsWith("."));
  return entries.flatMap((entry) => entry.isDirectory ? sources(`${path}${entry.name}/`) : [`${path}${entry.name}`])
    .filter((file) => file.endsWith(".ts")).sort();
}

/** A file's text. */
export function textOf(file: string): string {
  return Deno.readTextFileSync(new URL(file, root));
}

/** A file's text without block comments and without comments that fill a line. */
export function codeOf(file: string): string {
  return textOf(file).replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, "").replace(/^[ \t]*\/\/.*$/gm, "");
}

/** A file as a module. */
export function moduleOf(file: string): Promise<Record<string, unknown>> {
  return import(new URL(file, root).href);
}

/**
 * What a file imports: paths from the project's folder for its own files, else the bare name.
 *
 * @param types whether imports of types alone count, which are gone when a program runs
 */
export function importsOf(file: string, types = true): string[] {
  const code = codeOf(file);
  const statements = [...code.matchAll(/^(?:import|export)\b([^;"]*?)\bfrom\s+"([^"]+)"|^import()\s+"([^"]+)"/gm)]
    .filter(([, what = ""]) => types || !onlyTypes(what)).map((match) => match[2] ?? match[4]);
  const calls = [...code.matchAll(/\bimport\(\s*"([^"]+)"/g)].map((match) => match[1]);
  return [...statements, ...calls].map((name) => resolved(file, name));
}

/** Whether a statement imports types alone: `type { A }` or `{ type A, type B }`. */
function onlyTypes(what: string): boolean {
  if (/^\s*type\b/.test(what)) return true;
  const names = what.match(/\{([^}]*)\}/)?.[1].split(",").map((name) => name.trim()).filter((name) => name !== "");
  return names !== undefined && names.every((name) => name.startsWith("type "));
}

/** Files that import each other in circles, each circle sorted; the files outside of `files` are left out. */
export function circles(files: readonly string[], importsOf: (file: string) => readonly string[]): string[][] {
  const known = new Set(files);
  const reached = new Map(files.map((file) => {
    const found = new Set<string>();
    const open = [file];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const imported of importsOf(next)) {
        if (!known.has(imported) || found.has(imported)) continue;
        found.add(imported);
        open.push(imported);
      }
    }
    return [file, found] as const;
  }));
  const all = new Map<string, string[]>();
  for (const file of files) {
    const circle = files.filter((other) => reached.get(file)!.has(other) && reached.get(other)!.has(file)).sort();
    if (circle.length > 0) all.set(circle.join(), circle);
  }
  return [...all.values()];
}

function resolved(file: string, name: string): string {
  return name.startsWith(".") ? new URL(name, new URL(file, root)).href.slice(root.href.length) : name;
}

/** A field of an interface. */
export interface Field {
  /** Its name. */
  name: string;
  /** Whether a documentation comment stands above it. */
  documented: boolean;
  /** Whether it may be left out. */
  optional: boolean;
}

/** The fields of an interface that a file declares, imports or renames, those it extends included. */
export function fieldsOf(file: string, name: string): Field[] {
  const text = textOf(file);
  const found = text.match(new RegExp(`^(?:export )?interface ${name}\\b(?: extends ([^{]+))? \\{`, "m"));
  if (found === null) {
    const alias = text.match(new RegExp(`^(?:export )?type ${name} = (\\w+);`, "m"));
    if (alias !== null) return fieldsOf(file, alias[1]);
    const imported = text.match(new RegExp(`^import\\b[^;"]*\\b${name}\\b[^;"]*from "(\\.[^"]+)"`, "m"));
    if (imported === null) throw new Error(`${file}: found no interface ${name}.`);
    return fieldsOf(resolved(file, imported[1]), name);
  }
  const inherited = (found[1] ?? "").split(",").map((parent) => parent.trim()).filter((parent) => parent !== "");
  const fields = inherited.flatMap((parent) => fieldsOf(file, parent));
  let depth = 1;
  let documented = false;
  for (const line of text.slice(found.index! + found[0].length).split("\n")) {
    const field = depth === 1 ? line.match(/^ {2}(?:readonly )?(\w+)(\??):/) : null;
    if (field !== null) {
      fields.push({ name: field[1], documented, optional: field[2] === "?" });
      documented = false;
    }
    const comment = /^\s*(\/\*\*|\*)/.test(line);
    if (comment) documented = true;
    else depth += line.split("{").length - line.split("}").length;
    if (depth === 0) break;
  }
  return fields;
}
