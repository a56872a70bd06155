/** What a study keeps in its folder: what it is, and each finished split, so that it can be stopped and go on. @module */
import { z } from "zod";
import { type FolderLock, lockFolder, OptionError, PermissionError, ThinnedError } from "../../mod.ts";
import type { SplitResult } from "./_protocol.ts";

/** What makes two studies one: only results of one study are put together. */
export interface Identity {
  /** Name of the study. */
  readonly study: string;
  /** Name of the set. */
  readonly set: string;
  /** The set's folder. */
  readonly folder: string;
  /** What its table and its grid are. */
  readonly fingerprint: string;
  /** `grid`, or `concrete` where rates are learned. */
  readonly rate: "grid" | "concrete";
  /** Multiplier of the epochs. */
  readonly epochsTimes: number;
  /** Hidden layers. */
  readonly layers: number;
  /** Examples a step. */
  readonly batchSize: number;
  /** Monte Carlo passes. */
  readonly samples: number;
  /** What everything random follows from. */
  readonly seed: number;
}

const identity: z.ZodType<Identity> = z.object({
  study: z.string(),
  set: z.string(),
  folder: z.string(),
  fingerprint: z.string(),
  rate: z.enum(["grid", "concrete"]),
  epochsTimes: z.number(),
  layers: z.number(),
  batchSize: z.number(),
  samples: z.number(),
  seed: z.number(),
});

const result: z.ZodType<SplitResult> = z.object({
  split: z.number(),
  rmse: z.number(),
  logLikelihood: z.number(),
  rates: z.array(z.number()),
  tau: z.number(),
  validation: z.number().nullable().transform((value) => value ?? -Infinity),
  steps: z.number(),
  seconds: z.number(),
});

/** The file that says what the study is. */
const ABOUT = "study.json";

/** The folder of a study, locked while this process writes it. */
export class KeptStudy {
  /** Its path. */
  readonly path: string;
  readonly #lock: FolderLock;

  private constructor(path: string, lock: FolderLock) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Opens the folder of a study, or makes it.
   *
   * @throws {OptionError} when it holds another study
   * @throws {LockError} when another process is using it
   * @throws {PermissionError} without permission to write it
   */
  static async open(path: string, mine: Identity): Promise<KeptStudy> {
    if ((await Deno.permissions.query({ name: "write", path })).state !== "granted") {
      throw new PermissionError(`Writing to ${path} needs the flag --allow-write=${path}.`);
    }
    await writable(path, () => Deno.mkdir(path, { recursive: true }));
    const kept = new KeptStudy(path, await lockFolder(path));
    try {
      const there = await identityIn(path);
      if (there === undefined) await kept.#write(ABOUT, mine);
      else refuseOther(path, there, mine);
      return kept;
    } catch (error) {
      kept.release();
      throw error;
    }
  }

  /** Finished splits among those that are wanted. */
  async finished(splits: readonly number[]): Promise<SplitResult[]> {
    const found = await Promise.all(splits.map((split) => readJson(`${this.path}/${nameOf(split)}`)));
    // One that was cut short by a full disk is computed again.
    return found.map((value) => result.safeParse(value)).filter(({ success }) => success).map(({ data }) => data!);
  }

  /** Keeps a finished split. */
  async keep(done: SplitResult): Promise<void> {
    await this.#write(nameOf(done.split), done);
  }

  /** Gives the folder free. */
  release(): void {
    this.#lock.release();
  }

  /** Writes a file whole or not at all. */
  async #write(name: string, value: unknown): Promise<void> {
    const temporary = `${this.path}/.${name}.tmp`;
    await writable(this.path, async () => {
      await Deno.writeTextFile(temporary, JSON.stringify(value, null, 2) + "\n");
      await Deno.rename(temporary, `${this.path}/${name}`);
    });
  }
}

function nameOf(split: number): string {
  return `split-${split}.json`;
}

/** What the study in a folder is; undefined where there is none. */
export async function identityIn(path: string): Promise<Identity | undefined> {
  const found = await readJson(`${path}/${ABOUT}`);
  if (found === undefined) return undefined;
  const parsed = identity.safeParse(found);
  if (parsed.success) return parsed.data;
  throw new ThinnedError(`${path}/${ABOUT}: expected what a study is, found something else.`);
}

/** A file's value; undefined where there is none, or no JSON. */
async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Refuses a folder whose study differs in anything but where the set's files lie. */
function refuseOther(path: string, there: Identity, mine: Identity): void {
  for (const key of Object.keys(mine) as (keyof Identity)[]) {
    if (key === "folder" || there[key] === mine[key]) continue;
    const what = key === "fingerprint" ? "the files of the set" : key;
    throw new OptionError(
      "--out",
      `a folder without another study; that in ${path} differs in ${what}`,
      key === "fingerprint" ? "other files" : there[key],
    );
  }
}

async function writable(path: string, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    throw new ThinnedError(`--out: ${path} cannot be written to: ${(error as Error).message}`, { cause: error });
  }
}
