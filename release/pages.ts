/**
 * `deno task pages`: bundles the scripts of pages anew, from TypeScript to committed text that needs no bundler where it is
 * used. What a page takes from npm is a script of its own, which seldom changes.
 *
 * @module
 */
import * as esbuild from "esbuild";
import { configuration, root } from "./configuration.ts";

/** A script of a page. */
export interface Bundle {
  /** Where it is kept, from the project's folder. */
  readonly out: string;
  /** What it is made of: a file, from the project's folder, or a package of the import map whose exports it hands on. */
  readonly entry: string;
  /** The global name under which other scripts find its exports, for a package. */
  readonly global?: string;
  /** Packages that it uses and that another script has put under global names. */
  readonly shared?: Readonly<Record<string, string>>;
}

const plot = { "@observablehq/plot": "Plot" } as const;

/** All scripts. */
export const bundles: readonly Bundle[] = [
  { out: "cli/report/bundle/plot.js", entry: "@observablehq/plot", global: "Plot" },
  { out: "cli/report/bundle/report.js", entry: "cli/report/page/main.ts", shared: plot },
];

/** Where packages are unpacked for the bundler, which looks for a folder `node_modules`. */
const folder = new URL(".cache/pages/", root);

/** What a name of the import map stands for as a package with a path in it: `npm:a@1/b.js` is `a/b.js`. */
function packageOf(name: string): string | undefined {
  const target = configuration.imports[name];
  const found = /^npm:((?:@[^/]+\/)?[^@/]+)(?:@[^/]+)?(\/.+)?$/.exec(target ?? "");
  return found === null ? undefined : found[1] + (found[2] ?? "");
}

/** Packages that scripts may use. */
const packages = ["@observablehq/plot", "zod"] as const;

let unpacked: Promise<void> | undefined;

/** Unpacks the packages, once, as the lock file says, from Deno's cache or npm. */
async function unpack(): Promise<void> {
  const imports = Object.fromEntries(packages.map((name) => [name, configuration.imports[name]]));
  const text = JSON.stringify({ nodeModulesDir: "auto", imports });
  const [config, done] = ["deno.json", "unpacked.json"].map((file) => new URL(file, folder));
  if (await Deno.readTextFile(done).catch(() => "") === text) return;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(config, text);
  await Deno.copyFile(new URL("deno.lock", root), new URL("deno.lock", folder));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "-q"],
    cwd: folder,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`The packages of pages cannot be had: ${new TextDecoder().decode(stderr).trim()}`);
  await Deno.writeTextFile(done, text);
}

/** Names as the import map has them, texts that are imported as texts, and packages that another script holds. */
function resolver(shared: Readonly<Record<string, string>>): esbuild.Plugin {
  return {
    name: "import-map",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, importer, resolveDir, pluginData, with: given }) => {
        if (kind === "entry-point" || pluginData === "resolved") return undefined;
        if (shared[path] !== undefined) return { path, namespace: "shared" };
        const name = importer.includes("/node_modules/") ? undefined : packageOf(path);
        if (name === undefined) return undefined;
        return await build.resolve(name, { kind, resolveDir, with: given, pluginData: "resolved" });
      });
      build.onLoad({ filter: /.*/, namespace: "shared" }, ({ path }) => ({
        contents: `module.exports = globalThis.${shared[path]};`,
        loader: "js",
      }));
      build.onLoad(
        { filter: /.*/, namespace: "file" },
        async ({ path, with: given }) =>
          given.type === "text" ? { contents: await Deno.readTextFile(path), loader: "text" } : undefined,
      );
    },
  };
}

/** A package whose code is in a bundle. */
interface Notice {
  /** Its name, version, licence and copyright, in a line. */
  readonly line: string;
  /** Its licence in full. */
  readonly terms: string;
}

/** The packages that some files of `node_modules` are of, by name. */
async function notices(inputs: readonly string[]): Promise<Notice[]> {
  const found = new Map<string, Notice>();
  for (const input of inputs) {
    const path = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(new URL(input, root).pathname);
    if (path === null || found.has(path[2])) continue;
    const { version, license } = JSON.parse(await Deno.readTextFile(`${path[1]}/package.json`));
    const files = ["LICENSE", "LICENSE.md", "LICENSE.txt", "license"].map((file) => `${path[1]}/${file}`);
    const texts = await Promise.all(files.map((file) => Deno.readTextFile(file).catch(() => "")));
    const terms = texts.find((text) => text !== "")?.trim() ?? `License: ${license}`;
    const holder = /^\s*copyright.*$/im.exec(terms)?.[0].trim();
    const line = [`${path[2]} ${version}`, license, ...(holder === undefined ? [] : [holder])].join(", ");
    found.set(path[2], { line, terms });
  }
  return [...found.values()].sort((a, b) => a.line < b.line ? -1 : 1);
}

/** A bundle's text, and the licences of what is in it. */
export interface Bundled {
  /** The script. */
  readonly text: string;
  /** The licences in full, for the file beside it; empty where nothing in it is of others. */
  readonly licenses: string;
}

/** Bundles a script. The same sources give the same text. */
export async function bundle({ entry, global, shared = {} }: Bundle): Promise<Bundled> {
  await (unpacked ??= unpack());
  const isFile = entry.endsWith(".ts");
  const { outputFiles, metafile } = await esbuild.build({
    ...(isFile
      ? { entryPoints: [new URL(entry, root).pathname] }
      : { stdin: { contents: `export * from ${JSON.stringify(packageOf(entry))};`, resolveDir: folder.pathname } }),
    ...(global === undefined ? {} : { globalName: global }),
    absWorkingDir: root.pathname,
    nodePaths: [new URL("node_modules", folder).pathname],
    plugins: [resolver(shared)],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "iife",
    platform: "browser",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    tsconfigRaw: {},
    logLevel: "silent",
  });
  const [{ inputs }] = Object.values(metafile.outputs);
  const packages = await notices(Object.keys(inputs).filter((input) => inputs[input].bytesInOutput > 0));
  const head = packages.length === 0 ? "" : `/*! ${packages.map(({ line }) => line).join("\n")} */\n`;
  return {
    text: head + outputFiles[0].text,
    licenses: packages.map(({ line, terms }) => `${line}\n\n${terms}\n`).join(`\n${"-".repeat(80)}\n\n`),
  };
}

/** Ends the bundler's process. */
export async function stop(): Promise<void> {
  await esbuild.stop();
}

/** A file that is not as its sources give it. */
export interface StaleFile {
  /** Where it is kept, from the project's folder. */
  readonly path: string;
  /** What it should be. */
  readonly text: string;
}

/** Bundles all scripts, and gives the files that are not as they are kept. */
export async function stale(): Promise<StaleFile[]> {
  const made = await Promise.all(bundles.map(async (one) => {
    const { text, licenses } = await bundle(one);
    const beside = { path: one.out.replace(/\.js$/, ".licenses.txt"), text: licenses };
    return [{ path: one.out, text }, ...(licenses === "" ? [] : [beside])];
  }));
  const files = made.flat();
  const kept = await Promise.all(files.map(({ path }) => Deno.readTextFile(new URL(path, root)).catch(() => "")));
  return files.filter(({ text }, i) => text !== kept[i]);
}

if (import.meta.main) {
  try {
    const changed = await stale();
    for (const { path, text } of changed) {
      await Deno.mkdir(new URL("./", new URL(path, root)), { recursive: true });
      await Deno.writeTextFile(new URL(path, root), text);
      console.error(`${path}: ${Math.ceil(text.length / 1024)} KB written.`);
    }
    if (changed.length === 0) console.error("All scripts are as they were.");
  } finally {
    await stop();
  }
}
