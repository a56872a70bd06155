/**
 * What the native build asks of the machine: permissions, environment, files and programs. Every question is put so
 * that Deno never prompts: a permission that has not been granted counts as an absence, and the caller names the flag.
 *
 * @module
 */

/** Whether a permission has been granted already. Asks nobody. */
export async function granted(permission: Deno.PermissionDescriptor): Promise<boolean> {
  return (await Deno.permissions.query(permission)).state === "granted";
}

/** An environment variable; undefined when it is empty, unset, or may not be read. */
export async function variable(name: string): Promise<string | undefined> {
  if (!await granted({ name: "env", variable: name })) return undefined;
  return Deno.env.get(name) || undefined;
}

/** What is known of a path: `unknown` when it may not be read. Symbolic links are followed. */
export async function fileState(path: string): Promise<"file" | "missing" | "unknown"> {
  if (!await granted({ name: "read", path })) return "unknown";
  try {
    return (await Deno.stat(path)).isFile ? "file" : "missing";
  } catch (error) {
    return error instanceof Deno.errors.NotCapable ? "unknown" : "missing";
  }
}

/** The first path that is a file, if any. */
export async function firstFile(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    if (await fileState(path) === "file") return path;
  }
  return undefined;
}

/** How a program ended. */
export interface Outcome {
  /** `denied`: no run permission; `absent`: no such program; `failed`: a status other than 0, or out of time. */
  readonly end: "done" | "failed" | "absent" | "denied";
  /** Standard output. */
  readonly output: string;
  /** Standard error, or what went wrong. */
  readonly problem: string;
}

/** Settings of {@linkcode run}. */
export interface RunSettings {
  /** Working directory. */
  readonly cwd?: string;
  /** Time limit in seconds; 120 by default. */
  readonly seconds?: number;
}

/** Runs a program to its end without ever prompting, printing or throwing. */
export async function run(command: string, args: readonly string[], settings: RunSettings = {}): Promise<Outcome> {
  if (!await granted({ name: "run", command })) return { end: "denied", output: "", problem: `--allow-run=${command}` };
  const seconds = settings.seconds ?? 120;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), seconds * 1000);
  try {
    const child = new Deno.Command(command, {
      args: [...args],
      cwd: settings.cwd,
      env: { LC_ALL: "C" }, // programs are read by their English output
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: limit.signal,
    }).spawn();
    const [output, complaints, status] = await Promise.all([
      readText(child.stdout, limit.signal),
      readText(child.stderr, limit.signal),
      child.status,
    ]);
    if (status.success) return { end: "done", output, problem: "" };
    const problem = limit.signal.aborted
      ? `${command} took more than ${seconds} s`
      : complaints.trim() || `${command} ended with status ${status.code}`;
    return { end: "failed", output, problem };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { end: "absent", output: "", problem: `no program ${command}` };
    if (error instanceof Deno.errors.NotCapable) return { end: "denied", output: "", problem: error.message };
    return { end: "failed", output: "", problem: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Reads a stream to its end or to the signal: what a program has started may hold its outputs open after its end. */
async function readText(stream: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<string> {
  const reader = stream.getReader();
  signal.addEventListener("abort", () => reader.cancel().catch(() => {}));
  const decoder = new TextDecoder();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * Whether some program of a usual system may be run. Deno grants nothing for a program that is not there, so where this
 * is true a denial most likely means an absence.
 */
export async function someProgramGranted(): Promise<boolean> {
  const programs = ["apt-get", "dpkg", "ldconfig", "pkg-config"];
  const states = await Promise.all(programs.map((command) => granted({ name: "run", command })));
  return states.includes(true);
}

/** Paths that the dynamic loader of Linux knows for some file names, in the order of the names. */
export async function loaderPaths(wanted: readonly string[]): Promise<string[]> {
  if (Deno.build.os !== "linux") return [];
  let listed = await run("ldconfig", ["-p"], { seconds: 20 });
  // A user's PATH often lacks the folder of this program.
  if (listed.end !== "done") listed = await run("/sbin/ldconfig", ["-p"], { seconds: 20 });
  const lines = listed.output.split("\n").map((line) => /^\s*(\S+) \(.*\) => (\/.+)$/.exec(line));
  return wanted.flatMap((name) => lines.filter((line) => line?.[1] === name).map((line) => line![2]));
}

/** The line of a program's complaint that says most: the first that names an error, else the last. */
export function complaint(problem: string): string {
  const lines = problem.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const line = lines.find((line) => /\berror\b|^E:/i.test(line)) ?? lines.at(-1) ?? "no message";
  return line.length > 200 ? line.slice(0, 197) + "..." : line;
}
