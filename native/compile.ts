/**
 * Compiles the native library into a cache folder. The file is named by what went into it and what came out, so that
 * a name never changes its content.
 *
 * @module
 */
import { type CacheFolder, digest, discard, makeWorkFolder, readRecord, tidy, writeRecord } from "./cache.ts";
import { complaint, fileState, granted, type Outcome, run, someProgramGranted, variable } from "./system.ts";

/** One run of the compiler: `cc ...flags -c file -o output`. */
export interface CompilationUnit {
  /** The source file's name. */
  readonly file: string;
  /** All flags but `-c` and `-o`. */
  readonly flags: readonly string[];
  /** Name of the object file. */
  readonly output: string;
}

/** The C sources, and how to compile them. */
export interface NativeSource {
  /** Text of each file, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** What to compile for a processor. */
  readonly units: (arch: "x86_64" | "aarch64") => readonly CompilationUnit[];
  /** Version of the interface between the library and TypeScript. */
  readonly abi: number;
}

/** A compiled library. */
export interface Compiled {
  /** Absolute path. */
  readonly library: string;
  /** The compiler's name and version. */
  readonly compiler: string;
}

/** Why there is no library, with the flag that would help if a permission is what is missing. */
export interface Missing {
  /** One sentence that says what to do. */
  readonly missing: string;
  /** Whether a Deno permission is what is missing. */
  readonly permission?: boolean;
}

const linkFlags = ["-shared", "-lpthread", "-ldl", "-lm"];

/** How a C compiler is installed, for messages. */
export const installCompiler: string = Deno.build.os === "darwin"
  ? "`xcode-select --install`"
  : "for example `apt-get install gcc libc6-dev` or `dnf install gcc`";

/** Hash of everything that goes into the library except the compiler. */
export async function inputsOf(source: NativeSource): Promise<string> {
  const { os, arch } = Deno.build;
  const files = Object.entries(source.files).sort(([a], [b]) => a < b ? -1 : 1);
  return await digest(JSON.stringify([files, source.units(arch), linkFlags, source.abi, os, arch]));
}

function recordName(inputs: string): string {
  return `thinned-${inputs.slice(0, 16)}.json`;
}

/**
 * The library compiled before from the same inputs, whole and unchanged. A compiler chosen by `CC` must be the one that
 * made it; without that, any will do.
 */
export async function findCompiled(folder: CacheFolder, inputs: string): Promise<Compiled | undefined> {
  const record = await readRecord(folder, recordName(inputs));
  if (record === undefined || typeof record.library !== "string" || typeof record.compiler !== "string") {
    return undefined;
  }
  const chosen = await chosenCompiler();
  if (
    chosen !== undefined && chosen !== record.command && await granted({ name: "run", command: chosen.split(" ")[0] })
  ) {
    return undefined;
  }
  const library = `${folder.path}/${record.library}`;
  try {
    // A library cut short would end the whole process when it is used, so its content is checked first.
    if (await digest(await Deno.readFile(library)) !== record.digest) return undefined;
  } catch {
    return undefined;
  }
  return { library, compiler: record.compiler };
}

/** Compiles the library into the folder and records it there. */
export async function compile(
  folder: CacheFolder,
  source: NativeSource,
  inputs: string,
  report: (line: string) => void,
): Promise<Compiled | Missing> {
  const compiler = await findCompiler();
  if ("missing" in compiler) return compiler;
  const work = await makeWorkFolder(folder);
  if (work === undefined) {
    const other = "allow the user's cache folder with --allow-env=HOME,XDG_CACHE_HOME --allow-read --allow-write";
    return { missing: `${folder.path} cannot be written: make it writable, or ${other}.` };
  }
  report(`Compiling the native library into ${folder.path}, once.`);
  try {
    for (const [name, text] of Object.entries(source.files)) {
      const slash = name.lastIndexOf("/");
      if (slash > 0) await Deno.mkdir(`${work}/${name.slice(0, slash)}`, { recursive: true });
      await Deno.writeTextFile(`${work}/${name}`, text);
    }
    const [command, ...prefix] = compiler.command.split(" ");
    // Relative names keep the temporary folder out of the result, which makes builds repeatable.
    const cc = (args: string[]) => run(command, [...prefix, ...args], { cwd: work });
    const units = source.units(Deno.build.arch);
    const made: Outcome[] = [];
    const queue = units.values();
    const worker = async () => {
      for (const unit of queue) made.push(await cc([...unit.flags, "-c", unit.file, "-o", unit.output]));
    };
    await Promise.all(Array.from({ length: Math.max(navigator.hardwareConcurrency, 1) }, worker));
    const result = `thinned.${Deno.build.os === "darwin" ? "dylib" : "so"}`;
    const [shared, ...libraries] = linkFlags;
    made.push(await cc([shared, "-o", result, ...units.map((unit) => unit.output), ...libraries]));
    const failed = made.find((outcome) => outcome.end !== "done");
    if (failed !== undefined) {
      const why = complaint(failed.problem);
      return {
        missing: `${compiler.command} could not compile the native library (${why}); set CC to another compiler.`,
      };
    }
    if (await fileState(`${work}/${result}`) !== "file") {
      return {
        missing: `${compiler.command} ended well but wrote no library: set CC to a C compiler, or unset it.`,
      };
    }
    return await store(folder, work, result, inputs, compiler);
  } finally {
    await discard(work);
  }
}

async function store(
  folder: CacheFolder,
  work: string,
  result: string,
  inputs: string,
  compiler: Compiler,
): Promise<Compiled> {
  const content = await digest(await Deno.readFile(`${work}/${result}`));
  const key = await digest(`${inputs} ${compiler.version}`);
  const library = `lib${result.replace(".", `-${key.slice(0, 16)}-${content.slice(0, 8)}.`)}`;
  await Deno.rename(`${work}/${result}`, `${folder.path}/${library}`);
  const record = { inputs, library, digest: content, command: compiler.command, compiler: compiler.version };
  await writeRecord(folder, work, recordName(inputs), record);
  await tidy(folder, [library, recordName(inputs)]);
  return { library: `${folder.path}/${library}`, compiler: compiler.version };
}

interface Compiler {
  /** The program, with arguments after blanks when `CC` has some. */
  readonly command: string;
  /** First line of its version text. */
  readonly version: string;
}

async function chosenCompiler(): Promise<string | undefined> {
  return (await variable("CC"))?.trim().replace(/\s+/g, " ") || undefined;
}

async function findCompiler(): Promise<Compiler | Missing> {
  const chosen = await chosenCompiler();
  const candidates = chosen !== undefined ? [chosen] : ["cc", "gcc", "clang"];
  let denied = 0;
  for (const command of candidates) {
    const [program, ...prefix] = command.split(" ");
    const version = await run(program, [...prefix, "--version"], { seconds: 20 });
    if (version.end === "done") return { command, version: version.output.split("\n")[0].trim() };
    if (version.end === "denied") denied++;
  }
  if (chosen !== undefined && denied > 0) {
    const flag = `--allow-run=${chosen.split(" ")[0]}`;
    return { missing: `The compiler that CC names, ${chosen}, may not be run: add ${flag}.`, permission: true };
  }
  if (chosen !== undefined) {
    return { missing: `The compiler that CC names, ${chosen}, does not run: correct or unset CC.` };
  }
  if (denied === candidates.length && !await someProgramGranted()) {
    const missing = "Compiling the native library needs permission to run a C compiler: add --allow-run=cc,gcc,clang " +
      `(and install one if there is none, ${installCompiler}).`;
    return { missing, permission: true };
  }
  return { missing: `There is no C compiler to compile the native library: install one, ${installCompiler}.` };
}
