/** What of the project's configuration concerns a release. @module */

/** Where the standard library comes from: its official home, or a copy on npm where that is out of reach. */
export type StdHome = "jsr" | "npm";

/** The project's configuration, `deno.json`, as far as it is published. */
export interface Configuration {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
  readonly compilerOptions: Readonly<Record<string, boolean>>;
  readonly publish: { readonly include: readonly string[] };
}

/** The project's folder. */
export const root: URL = new URL("../", import.meta.url);

/** The project's configuration. */
export const configuration: Configuration = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));

const official: Readonly<Record<string, string>> = JSON.parse(
  Deno.readTextFileSync(new URL("imports.json", import.meta.url)),
);

/** What the bare names stand for: developing takes all from npm, a release the standard library from its own home. */
export const importMaps: Readonly<Record<StdHome, Readonly<Record<string, string>>>> = {
  jsr: official,
  npm: configuration.imports,
};

/** Whether a path, counted from the project's folder, is published. */
export function isPublished(path: string): boolean {
  return configuration.publish.include.some((name) => path === name || path.startsWith(`${name}/`));
}
