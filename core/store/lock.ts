/**
 * Locks on folders, so that two processes never write one run. The operating system holds them: a process that is
 * killed leaves a file, but no lock.
 *
 * @module
 */
import { attempt, needAccess } from "./_files.ts";
import { LockError } from "../errors.ts";

/** The file whose lock is the folder's. What it says is only for people. */
const NAME = ".lock";

/** A lock that this process holds, and how many hold it in it. */
interface Held {
  readonly path: string;
  readonly file: Deno.FsFile;
  holders: number;
}

const held = new Map<string, Held>();

/** A lock on a folder. Made by {@linkcode lockFolder}. */
export class FolderLock {
  #held: Held | undefined;

  /**
   * One more holder of the process's lock. To be made by {@linkcode lockFolder} alone.
   *
   * @param held the process's lock
   */
  constructor(held: unknown) {
    this.#held = held as Held;
    this.#held.holders++;
  }

  /** Gives the lock up, once; the last holder in a process gives up the process's. */
  release(): void {
    const mine = this.#held;
    this.#held = undefined;
    if (mine === undefined || --mine.holders > 0) return;
    held.delete(mine.path);
    try {
      Deno.removeSync(mine.path); // before the lock goes, so that nobody has locked a file that is about to vanish
    } catch {
      // The folder has gone, or somebody tidied up.
    }
    mine.file.close();
  }
}

/**
 * Locks a folder against other processes, until it is released or this process ends in whatever way. Within one process
 * a folder can be locked several times.
 *
 * @param folder a folder that exists
 * @throws {LockError} when another process has locked it; the message says which, on what machine, and since when
 * @throws {PermissionError} without permission to read and write the folder
 * @throws {CheckpointError} when there is no such folder, or nothing can be written in it
 *
 * @example
 * ```ts
 * import { lockFolder } from "@thinned/dropout";
 *
 * const folder = await Deno.makeTempDir();
 * const lock = await lockFolder(folder);
 * try {
 *   await Deno.writeTextFile(`${folder}/figures.txt`, "mine alone");
 * } finally {
 *   lock.release();
 * }
 * ```
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  await needAccess(folder, ["read", "write"], "Locking a run's folder");
  const note = { pid: Deno.pid, host: await hostName(), since: new Date().toISOString() };
  return await attempt(`${folder} cannot be locked`, async () => {
    const path = `${await Deno.realPath(folder)}/${NAME}`;
    // From here on without a pause, so that this process does not compete with itself.
    const mine = held.get(path);
    if (mine !== undefined) return new FolderLock(mine);
    const file = lockFile(path, folder);
    file.truncateSync();
    file.writeSync(new TextEncoder().encode(JSON.stringify(note) + "\n"));
    const taken: Held = { path, file, holders: 0 };
    held.set(path, taken);
    return new FolderLock(taken);
  });
}

/** The lock's file, open and locked. */
function lockFile(path: string, folder: string): Deno.FsFile {
  for (let tries = 0; tries < 100; tries++) {
    const file = openFile(path);
    let mine = false;
    try {
      if (!file.tryLockSync(true)) throw new LockError(inUse(path, folder));
      mine = isStill(file, path);
    } finally {
      if (!mine) file.close();
    }
    if (mine) return file; // else the holder has just released it, and its file is gone
  }
  throw new LockError(`${folder} cannot be locked: ${path} is replaced again and again.`);
}

/** Opens the file, or makes it; never one that a link leads to. */
function openFile(path: string): Deno.FsFile {
  try {
    if (Deno.lstatSync(path).isSymlink) throw new LockError(`${path}: expected a file, found a symbolic link.`);
    return Deno.openSync(path, { read: true, write: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    return Deno.openSync(path, { read: true, write: true, createNew: true });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return openFile(path);
    throw error;
  }
}

/** Whether an open file is the one that its path names. */
function isStill(file: Deno.FsFile, path: string): boolean {
  try {
    const [own, there] = [file.statSync(), Deno.lstatSync(path)];
    return own.ino === there.ino && own.dev === there.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function inUse(path: string, folder: string): string {
  let holder = "another process";
  try {
    const { pid, host, since } = JSON.parse(Deno.readTextFileSync(path));
    holder = `process ${Number(pid)} on ${String(host)} since ${String(since)}`;
  } catch {
    // The holder is writing it at this moment, or the system does not let others read a locked file.
  }
  return `${folder} is in use by ${holder}: wait until that ends, or name another folder.`;
}

/** The machine's name, as far as it may be known. */
async function hostName(): Promise<string> {
  const { state } = await Deno.permissions.query({ name: "sys", kind: "hostname" });
  return state === "granted" ? Deno.hostname() : "this machine or one that shares the folder";
}
