/**
 * The playground as one file: the page, and the library that runs in its worker, bundled by esbuild as Deno has it.
 *
 * @module
 */
import { ThinnedError } from "../../core/mod.ts";
import page from "./page/page.html" with { type: "text" };
import style from "./page/page.css" with { type: "text" };
import { version } from "../version.ts";
import { notices } from "./notices.ts";
import { whenLines } from "./when_lines.ts";

/** What `Deno.bundle` is asked and answers: it is there with `--unstable-bundle` alone. */
interface Bundler {
  bundle?(options: {
    readonly entrypoints: readonly string[];
    readonly outputPath: string;
    readonly platform: "browser";
    readonly format: "iife";
    readonly minify: true;
    readonly sourcemap: "external" | undefined;
    readonly write: false;
  }): Promise<{
    readonly success: boolean;
    readonly errors: readonly { readonly text: string }[];
    readonly outputFiles?: readonly { readonly path: string; text(): string }[];
  }>;
}

/** A script, and what it was made of. */
interface Bundled {
  readonly script: string;
  /** Where its modules lie, from the folder that is worked in, and their texts. */
  readonly sources: readonly string[];
  readonly texts: readonly string[];
}

async function bundled(entry: URL, withSources: boolean): Promise<Bundled> {
  const { bundle } = Deno as unknown as Bundler;
  if (bundle === undefined) throw new ThinnedError("play: bundling the page needs Deno's --unstable-bundle.");
  const { errors, outputFiles = [] } = await bundle({
    entrypoints: [entry.protocol === "file:" ? decodeURIComponent(entry.pathname) : entry.href],
    outputPath: "page.js",
    platform: "browser",
    format: "iife",
    minify: true,
    sourcemap: withSources ? "external" : undefined,
    write: false,
  });
  const script = outputFiles.find(({ path }) => path.endsWith(".js"))?.text();
  if (script === undefined) throw new ThinnedError(`play: the page cannot be bundled: ${errors[0]?.text}`);
  const map = outputFiles.find(({ path }) => path.endsWith(".map"))?.text();
  const { sources, sourcesContent: texts } = JSON.parse(map ?? '{ "sources": [], "sourcesContent": [] }');
  return { script, sources, texts };
}

/** A script as it can stand inside of a page. */
function inside(script: string): string {
  return script.replaceAll(/<(?=\/script|!--)/gi, "\\x3C");
}

/** Nothing is fetched: neither by the page nor by its worker. */
const policy = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; " +
  "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/**
 * Makes the page: one HTML file that needs no network and no other file.
 *
 * @throws {ThinnedError} where there is no bundler
 */
export async function bundlePage(): Promise<string> {
  const library = await bundled(new URL("page/worker.ts", import.meta.url), true);
  const { script } = await bundled(new URL("page/main.ts", import.meta.url), false);
  const when = JSON.stringify(whenLines(library.texts)).replaceAll("<", "\\u003c");
  const lines = await notices(library.sources, new URL(`file:///${Deno.cwd().replace(/^\//, "")}/`));
  return `<!doctype html>
<!--
Made by @thinned/dropout ${version}, MIT. In it:
${lines.map((line) => line.replaceAll("--", "-")).join("\n")}
-->
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="description" content="A small net learns in this page, with every dropout variant that fits it.">
<title>Dropout playground</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6' fill='%23f0aa1c'/%3E%3C/svg%3E">
<style>
${style}</style>
</head>
<body>
${page}<script type="application/json" id="when">${when}</script>
<script type="text/plain" id="worker">${inside(library.script)}</script>
<script>${inside(script)}</script>
</body>
</html>
`;
}
