/** The observer `checkpoint-writer`. @module */
import { z } from "zod";
import {
  CheckpointError,
  checkpointSteps,
  definePlugin,
  type Factory,
  type FolderLock,
  lockFolder,
  pathOption,
  type Snapshot,
  writeCheckpoint,
} from "../../core/mod.ts";
import { needAccess } from "./_permission.ts";

/** Options of {@linkcode checkpointWriter}. */
export interface CheckpointWriterOptions {
  /** The run's folder. It is made if it does not exist. */
  directory: string;
  /** Write after each this many epochs, a whole number of at least 1. Default 1. */
  every?: number;
  /** Write also after each this many steps, a whole number of at least 1. Default: not. */
  everySteps?: number;
  /** How many checkpoints to leave, the newest, a whole number of at least 1. Default 2. */
  keep?: number;
  /** Whether a new run may take the place of an earlier one in the folder. Default false: it is refused. */
  overwrite?: boolean;
  /** The run's identity, by which `latestCheckpoint` tells its checkpoints from those of others. Default: none. */
  run?: string;
}

const count = (): z.ZodInt =>
  z.int("expected a whole number of at least 1").min(1, "expected a whole number of at least 1");

/**
 * Writes checkpoints, as folders `checkpoint-<step>`: after epochs, after steps if asked, at the end, and when the run
 * is interrupted. `latestCheckpoint` reads them, for `resume`.
 *
 * A run throws `CheckpointError` when its folder cannot be written to, or when it is new and the folder has checkpoints
 * of an earlier run; `LockError` when another process writes to the folder; and `PermissionError` without permission to read and write the folder.
 *
 * @example
 * ```ts
 * import { checkpointWriter, crossEntropy, dense, digits, fit, latestCheckpoint, sgd } from "@thinned/dropout";
 *
 * const directory = await Deno.makeTempDir();
 * const settings = {
 *   data: digits({ train: 200, test: 100 }), loss: crossEntropy(), optimizer: sgd(),
 *   observers: [checkpointWriter({ directory, keep: 3 })],
 * };
 * await fit(dense(10), { ...settings, epochs: 2 });
 * const { snapshot } = await latestCheckpoint(directory, console.error);
 * await fit(dense(10), { ...settings, epochs: 4, resume: snapshot });
 * ```
 */
export const checkpointWriter: Factory<"observer", CheckpointWriterOptions> = definePlugin({
  name: "checkpoint-writer",
  summary: "Writes checkpoints after epochs or steps, at the end, and when the run is interrupted.",
  options: z.object({
    directory: pathOption("folder")
      .describe("the run's folder"),
    every: count().default(1).describe("write after each this many epochs"),
    everySteps: count().optional().describe("write also after each this many steps"),
    keep: count().default(2).describe("how many checkpoints to leave"),
    overwrite: z.boolean("expected true or false").default(false).describe("take the place of an earlier run"),
    run: z.string("expected a text").optional().describe("the run's identity"),
  }),
  async observe({ options, run }) {
    const { directory, every, everySteps, keep, overwrite, run: identity } = options;
    await needAccess("checkpoint-writer", directory); // finds out now, not after an epoch
    const there = (await checkpointSteps(directory)).at(-1) ?? 0;
    if (run.resumedAt === 0 && there > 0 && !overwrite) {
      throw new CheckpointError(
        `checkpoint-writer: ${directory} has checkpoints of an earlier run, up to step ${there}: ` +
          "resume it, name another folder, or set overwrite to true.",
      );
    }
    const lock = await lockRun(directory);
    // The first checkpoint of a new run takes the place of all that an earlier one left.
    let leave = run.resumedAt === 0 ? 1 : keep;
    let written = "";
    const write = async (snapshot: Snapshot): Promise<void> => {
      const { step, epoch } = snapshot.progress;
      const moment = `${step} ${epoch}`;
      if (moment === written) return;
      await writeCheckpoint(directory, snapshot, { keep: leave, run: identity });
      [written, leave] = [moment, keep];
    };
    const writesEpoch = (epoch: number): boolean => epoch % every === 0;
    return {
      step({ step, epoch, stepInEpoch, snapshot }) {
        if (everySteps === undefined || step % everySteps !== 0) return;
        // The epoch's own checkpoint is of the same step, and comes at once.
        if (stepInEpoch === run.stepsPerEpoch && writesEpoch(epoch)) return;
        return write(snapshot());
      },
      async epoch({ epoch, snapshot }) {
        if (writesEpoch(epoch)) await write(snapshot());
      },
      async end({ snapshot }) {
        await write(snapshot());
        lock.release();
      },
    };
  },
});

/** Makes the folder and locks it. A run that fails keeps the lock until its process ends, or goes on in it. */
async function lockRun(directory: string): Promise<FolderLock> {
  try {
    await Deno.mkdir(directory, { recursive: true });
  } catch (error) {
    throw new CheckpointError(`A checkpoint cannot be written to ${directory}: ${(error as Error).message}.`);
  }
  return await lockFolder(directory);
}
