/** A project that uses the package from a server: a folder with a configuration and a home folder of its own. @module */
import { configuration } from "../../release/configuration.ts";
import type { PackageServer } from "./_server.ts";

/** What a process left behind. */
export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** A project in a temporary folder. */
export interface Consumer extends AsyncDisposable {
  /** Its folder, as an absolute path. */
  readonly folder: string;
  /** The folder that the native library is compiled into. */
  readonly cache: string;
  /** Runs `deno run` in it, with permissions for itself, its cache and the compiler. */
  run(...args: readonly string[]): Promise<Ran>;
}

async function denoFolder(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

/** Makes a project whose configuration names the package at the server, as `deno add` would write it. */
export async function makeConsumer({ host }: PackageServer): Promise<Consumer> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  // What is installed already is used; what comes from the server is kept apart from it.
  const denoDir = await denoFolder();
  const home = `${folder}/home`;
  const cache = Deno.build.os === "darwin" ? `${home}/Library/Caches/thinned` : `${home}/.cache/thinned`;
  await Deno.mkdir(home);
  const names = Object.entries(configuration.exports)
    .map(([name, file]) => [`@thinned/dropout${name.slice(1)}`, `http://${host}/${file.slice(2)}`]);
  const imports = { ...configuration.imports, ...Object.fromEntries(names) };
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports, lock: false }));
  const flags = [
    "--config=deno.json", // a program at an address looks for none
    `--allow-import=${host}`,
    `--reload=http://${host}`,
    `--allow-read`,
    `--allow-write=${folder}`,
    "--allow-env",
    "--allow-run=cc,gcc,clang",
    "--allow-sys=hostname",
    `--allow-ffi=${cache}`,
  ];
  return {
    folder,
    cache,
    async run(...args) {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-q", "--no-prompt", ...flags, ...args],
        cwd: folder,
        env: { DENO_DIR: denoDir, HOME: home, NO_COLOR: "1", THINNED_BLAS: "none", XDG_CACHE_HOME: "" },
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { status: code, out: text(stdout), err: text(stderr) };
    },
    async [Symbol.asyncDispose]() {
      await Deno.remove(folder, { recursive: true });
      // The server's port may be another package's the next time.
      const kept = `${denoDir}/remote/http/${host.replace(":", "_PORT")}`;
      await Deno.remove(kept, { recursive: true }).catch(() => {});
    },
  };
}
