/** Runs the command line as its users do, in a process of its own. @module */

const root = new URL("../../", import.meta.url);

/** What a run of the command line left behind. */
export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Flags of the task `train`, without those that only the network needs. */
const flags = [
  "--allow-read",
  "--allow-write",
  "--allow-env=THINNED_DATA,THINNED_THREADS,THINNED_INSTRUCTIONS,THINNED_BLAS,HOME,XDG_CACHE_HOME,NO_COLOR",
  `--allow-ffi=${new URL(".cache", root).pathname}`,
  "--allow-net=127.0.0.1",
  "--allow-sys=hostname",
];

/** A process of the command line with the given arguments, in the given working directory. */
export function command(
  args: readonly string[],
  permissions: readonly string[] = flags,
  cwd: string = root.pathname,
  options: Pick<Deno.CommandOptions, "stdin"> = {},
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-q",
      "--no-prompt",
      "--config",
      new URL("deno.json", root).pathname,
      ...permissions,
      new URL("cli/mod.ts", root).pathname,
      ...args,
    ],
    cwd,
    ...options,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs the command line to its end. */
export async function cli(args: readonly string[], permissions?: readonly string[], cwd?: string): Promise<Ran> {
  const { code, stdout, stderr } = await command(args, permissions, cwd).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { status: code, out: text(stdout), err: text(stderr) };
}

/** A folder that is gone after the test. */
export async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A small net on few digits: seconds, not minutes. */
export const small = {
  dataset: { plugin: "digits", train: 200, test: 200 },
  model: [
    { plugin: "dropout", rate: 0.2 },
    { plugin: "dense", units: 24, constraint: { plugin: "max-norm", max: 3 } },
    { plugin: "relu" },
    { plugin: "dropout", rate: 0.5 },
    { plugin: "dense", units: 10 },
  ],
  optimizer: { plugin: "sgd", learningRate: 0.1, momentum: 0.9 },
  epochs: 3,
  batchSize: 50,
  seed: 1,
};

/** Writes a configuration and returns its path. */
export async function writeConfig(folder: string, changes: Record<string, unknown> = {}): Promise<string> {
  const path = `${folder}/given.json`;
  await Deno.writeTextFile(path, JSON.stringify({ ...small, ...changes }));
  return path;
}
