/** The folder of a run: locked while it is written, and gone again when the run is refused. @module */
import {
  checkpointSteps,
  type FolderLock,
  latestCheckpoint,
  lockFolder,
  OptionError,
  PermissionError,
  type Snapshot,
  ThinnedError,
} from "../../mod.ts";
import type { Config } from "../configuration/config.ts";
import { note } from "../arguments/deliver.ts";
import { runsOf } from "../configuration/runs_of.ts";
import { folderOf } from "../arguments/paths.ts";

/** The folder of one run: the run directory itself when there is but one, with one seed, that is no ensemble. */
export function folderOfRun(out: string, config: Config, name: string): string {
  const alone = config.runs.length === 1 && config.seeds === undefined && runsOf(config)[0].ensemble === undefined;
  return alone ? out : `${out}/${name}`;
}

/** What a run is known by among others: the identity of its configuration, and its name there. */
export function identityOf(config: Config, name: string): string | undefined {
  return config.id === undefined ? undefined : `${config.id}/${name}`;
}

/** A run directory that this process has locked. */
export class RunDirectory {
  /** Its path. */
  readonly path: string;
  readonly #lock: FolderLock;
  /** What this process has made, in the order to remove it. */
  readonly #made: string[];

  private constructor(path: string, lock: FolderLock, made: string[]) {
    this.path = path;
    this.#lock = lock;
    this.#made = made;
  }

  /**
   * Makes and locks the folder of a new run.
   *
   * @throws {OptionError} when the folder holds a run
   * @throws {LockError} when another process is using it
   * @throws {PermissionError} without permission to write it
   * @throws {ThinnedError} when it cannot be written to
   */
  static async create(path: string): Promise<RunDirectory> {
    await needWrite(path);
    await refuseTaken(path);
    const made = await makeFolder(path);
    try {
      const lock = await lockFolder(path);
      const directory = new RunDirectory(path, lock, made);
      try {
        await refuseTaken(path); // by one that ended a moment ago
        return directory;
      } catch (error) {
        lock.release();
        throw error;
      }
    } catch (error) {
      await removeEmpty(made);
      throw error;
    }
  }

  /**
   * Locks the folder of a run that goes on.
   *
   * @throws {LockError} when another process is using it
   */
  static async reopen(path: string): Promise<RunDirectory> {
    await needWrite(path);
    return new RunDirectory(path, await lockFolder(path), []);
  }

  /** Writes the configuration, and makes the folders of the runs. */
  async begin(config: Config): Promise<void> {
    const file = `${this.path}/config.json`;
    const temporary = `${file}.${crypto.randomUUID()}.tmp`;
    try {
      for (const run of runsOf(config)) {
        this.#made.unshift(...await makeFolder(folderOfRun(this.path, config, run.name)));
      }
      if (!await isThere(file)) this.#made.unshift(file);
      try {
        await Deno.writeTextFile(temporary, JSON.stringify(config, null, 2) + "\n", { createNew: true });
        await Deno.rename(temporary, file);
      } catch (error) {
        await Deno.remove(temporary).catch(() => {});
        throw error;
      }
    } catch (error) {
      throw unwritable(this.path, error);
    }
  }

  /** Removes what has been made for a run that was refused before its first step. */
  async undo(config: Config): Promise<void> {
    const folders = runsOf(config).map((run) => folderOfRun(this.path, config, run.name));
    for (const folder of folders.filter((folder) => this.#made.includes(folder))) {
      for (const name of ["metrics.jsonl", "observations.jsonl", ".lock"]) {
        await Deno.remove(`${folder}/${name}`).catch(() => {});
      }
    }
    this.#lock.release();
    await removeEmpty(this.#made);
  }

  /** Gives the lock up. */
  release(): void {
    this.#lock.release();
  }
}

/**
 * Where a run goes on from. One that was stopped before its first checkpoint, while another had one, begins anew.
 *
 * @throws {CheckpointError} when there is no checkpoint, or one of another run
 */
export async function lastSnapshot(out: string, config: Config, name: string): Promise<Snapshot | undefined> {
  const folder = folderOfRun(out, config, name);
  const others = runsOf(config).map((run) => folderOfRun(out, config, run.name));
  const has = async (folder: string) => (await checkpointSteps(folder).catch(() => [])).length > 0;
  if (!await has(folder) && (await Promise.all(others.map(has))).includes(true)) {
    note(`${name}: no checkpoint yet; it begins anew.`);
    return undefined;
  }
  return (await latestCheckpoint(folder, note, { run: identityOf(config, name) })).snapshot;
}

async function needWrite(path: string): Promise<void> {
  const { state } = await Deno.permissions.query({ name: "write", path });
  if (state !== "granted") throw new PermissionError(`Writing to ${path} needs the flag --allow-write=${path}.`);
}

/**
 * Refuses a folder that holds a run or a comparison.
 *
 * @throws {OptionError} that says so
 */
export async function refuseTaken(path: string): Promise<void> {
  if (!await isThere(`${path}/config.json`) && !await isThere(`${path}/compare.json`)) return;
  throw new OptionError("--out", "a folder without a run; use --resume to go on with one", path);
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Makes a folder and those that it lies in; returns those that were not there, the innermost first. */
async function makeFolder(path: string): Promise<string[]> {
  const missing: string[] = [];
  for (let at = path.replace(/(?<=.)[/\\]+$/, ""); !await isThere(at); at = folderOf(at)) {
    missing.push(at);
    if (!/[/\\]/.test(at)) break;
  }
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    await removeEmpty(missing);
    throw unwritable(path, error);
  }
  return missing;
}

/** Removes files, and folders as far as they are empty. */
async function removeEmpty(paths: readonly string[]): Promise<void> {
  for (const path of paths) await Deno.remove(path).catch(() => {});
}

function unwritable(path: string, error: unknown): ThinnedError {
  if (error instanceof ThinnedError) return error;
  return new ThinnedError(`--out: ${path} cannot be written to: ${(error as Error).message}`, { cause: error });
}
