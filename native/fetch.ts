/**
 * Fetches the OpenBLAS package of Debian, Ubuntu and their kin into the cache folder, without root: `apt-get download`
 * checks signatures and digests as always, `dpkg -x` unpacks, and nothing is installed.
 *
 * @module
 */
import { type CacheFolder, discard, makeWorkFolder, readRecord } from "./cache.ts";
import { complaint, fileState, firstFile, loaderPaths, type Outcome, run, someProgramGranted } from "./system.ts";

/** OpenBLAS in the cache. */
export interface FetchedBlas {
  /** Absolute paths to open in this order. */
  readonly paths: string[];
  /** The package and its version. */
  readonly how: string;
}

const library = {
  name: "libopenblas.so.0",
  inside: "openblas-pthread/libopenblas.so.0",
  package: "libopenblas0-pthread",
};

// In the order in which they must be opened. Only the x86-64 build of libgfortran needs libquadmath.
const dependencies = [
  { name: "libquadmath.so.0", inside: "libquadmath.so.0", package: "libquadmath0", only: "x86_64" },
  { name: "libgfortran.so.5", inside: "libgfortran.so.5", package: "libgfortran5", only: undefined },
].filter((one) => one.only === undefined || one.only === Deno.build.arch);

const home = `openblas-${Deno.build.arch}`;
const noteName = "contents.json";

/** The copy that was fetched before; undefined when there is none. */
export async function cachedBlas(folder: CacheFolder): Promise<FetchedBlas | undefined> {
  const inside = { ...folder, path: `${folder.path}/${home}` };
  const note = await readRecord(inside, noteName);
  const files = note?.files;
  if (!Array.isArray(files) || typeof note?.how !== "string") return undefined;
  const paths = files.map((name) => `${inside.path}/${name}`);
  const states = await Promise.all(paths.map(fileState));
  return states.every((state) => state === "file") ? { paths, how: note.how } : undefined;
}

/**
 * Fetches the package. On failure gives the problem, and whether trying again soon would be in vain (`lasting`):
 * a permission that is missing now may be there the next time.
 */
export async function fetchBlas(
  folder: CacheFolder,
  report: (line: string) => void,
): Promise<FetchedBlas | { problem: string; lasting: boolean }> {
  for (const program of ["apt-get", "dpkg"]) {
    const version = await run(program, ["--version"], { seconds: 20 });
    if (version.end === "done") continue;
    const state = version.end === "denied" ? await fileState(`/usr/bin/${program}`) : "missing";
    const there = state === "file" || state === "unknown" && !await someProgramGranted();
    if (there) return { problem: "fetching it needs --allow-run=apt-get,dpkg", lasting: false };
    return { problem: `there is no ${program} to fetch it`, lasting: true };
  }
  const work = await makeWorkFolder(folder);
  if (work === undefined) return { problem: `${folder.path} cannot be written`, lasting: false };
  try {
    report(`Fetching OpenBLAS (${library.package}) with apt-get into ${folder.path}, once.`);
    const needed = [];
    for (const one of dependencies) if (!await onSystem(one.name)) needed.push(one);
    needed.push(library);

    const download = await downloadPackages(work, needed.map((one) => one.package));
    if (download.end !== "done") {
      return { problem: `apt-get could not download it (${complaint(download.problem)})`, lasting: true };
    }
    const versions = await unpack(work);
    if (typeof versions !== "object") return { problem: `dpkg: ${versions}`, lasting: true };

    const ready = `${work}/ready`;
    await Deno.mkdir(ready);
    for (const one of needed) {
      // Copies what the link points at: the file alone is enough, and the package holds more than is needed.
      const from = `${work}/root/usr/lib/${Deno.build.arch}-linux-gnu/${one.inside}`;
      await Deno.copyFile(from, `${ready}/${one.name}`);
    }
    const how = `OpenBLAS from the package ${library.package} ${versions[library.package] ?? ""}`.trimEnd();
    const files = needed.map((one) => one.name);
    await Deno.writeTextFile(`${ready}/${noteName}`, JSON.stringify({ how, files, versions }, null, 2) + "\n");
    await moveInto(folder, work);
    return await cachedBlas(folder) ?? { problem: "the fetched files have vanished", lasting: false };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error), lasting: true };
  } finally {
    await discard(work);
  }
}

async function onSystem(name: string): Promise<boolean> {
  const folders = [`/usr/lib/${Deno.build.arch}-linux-gnu`, `/lib/${Deno.build.arch}-linux-gnu`];
  if (await firstFile(folders.map((folder) => `${folder}/${name}`)) !== undefined) return true;
  return (await loaderPaths([name])).length > 0;
}

async function downloadPackages(work: string, packages: readonly string[]): Promise<Outcome> {
  const settings = [
    "-qq",
    // Root's downloads run as another user otherwise, who cannot write into this folder.
    ...option("APT::Sandbox::User", "root"),
    ...option("Acquire::Retries", "1"),
    ...option("Acquire::http::Timeout", "20"),
    ...option("Acquire::https::Timeout", "20"),
  ];
  const end = Date.now() + 120_000;
  const apt = (args: string[]) =>
    run("apt-get", args, { cwd: work, seconds: Math.max(1, Math.ceil((end - Date.now()) / 1000)) });
  const first = await apt([...settings, "download", ...packages]);
  if (first.end === "done") return first;

  // The system's package lists are empty or out of date; lists of our own need no root.
  await Deno.mkdir(`${work}/lists/partial`, { recursive: true });
  await Deno.mkdir(`${work}/archives/partial`, { recursive: true });
  const own = [
    ...settings,
    ...option("Dir::State::lists", `${work}/lists`),
    ...option("Dir::State::status", "/var/lib/dpkg/status"),
    ...option("Dir::Cache", work),
    ...option("Debug::NoLocking", "1"),
    ...option("Acquire::Languages", "none"),
  ];
  const update = await apt([...own, "update"]);
  const second = await apt([...own, "download", ...packages]);
  if (second.end === "done") return second;
  // Without lists of any kind a package merely cannot be located; the other complaints say why.
  return [update, first].find((one) => one.end !== "done" && !/unable to locate/i.test(one.problem)) ?? second;
}

function option(name: string, value: string): string[] {
  return ["-o", `${name}=${value}`];
}

/** Unpacks every package in the work folder into its `root`; gives their versions, or what went wrong. */
async function unpack(work: string): Promise<Record<string, string> | string> {
  const versions: Record<string, string> = {};
  for await (const { name } of Deno.readDir(work)) {
    if (!name.endsWith(".deb")) continue;
    const done = await run("dpkg", ["-x", `${work}/${name}`, `${work}/root`]);
    if (done.end !== "done") return complaint(done.problem);
    const [title, version] = name.split("_");
    versions[title] = decodeURIComponent(version ?? "");
  }
  return versions;
}

/** Renames the finished folder into place. When another process was first, its copy stays. */
async function moveInto(folder: CacheFolder, work: string): Promise<void> {
  const target = `${folder.path}/${home}`;
  try {
    await Deno.rename(`${work}/ready`, target);
  } catch {
    if (await cachedBlas(folder) !== undefined) return;
    // What stands there is not whole: out of the way with it.
    await Deno.rename(target, `${work}/broken`);
    await Deno.rename(`${work}/ready`, target);
  }
}
