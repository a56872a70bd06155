/**
 * Checkpoints: a run at one moment, as a folder `checkpoint-<step>` with `tensors.safetensors` and `state.json`.
 *
 * A checkpoint is written under another name, flushed to the disk and then renamed, so a process that is killed never
 * leaves half of one under its final name; and each file is guarded by a SHA-256, so damage does not go unnoticed.
 *
 * @module
 */
import { decodeState, encodeState, plainProgress, STATE, TENSORS } from "./_checkpoint_state.ts";
import { attempt, exists, needAccess, syncFolder, withoutSlash, writeSynced } from "./_files.ts";
import { CheckpointError, OptionError, refuseUnknown, show } from "../errors.ts";
import type { Snapshot } from "../train/events.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

/** What {@linkcode writeCheckpoint} is told. */
export interface WriteCheckpointOptions {
  /**
   * How many checkpoints to leave in the folder, at least 1: the one just written and those before it. Ones of later
   * steps, from a course that the run has left, are deleted too. Without it nothing is deleted.
   */
  keep?: number;
  /** The identity of the run, by which {@linkcode latestCheckpoint} knows its checkpoints. Default: none. */
  run?: string;
}

/** What {@linkcode latestCheckpoint} is told. */
export interface LatestCheckpointOptions {
  /** The identity of the run that is to go on: a checkpoint of another is refused. Default: any will do. */
  run?: string;
}

/** A checkpoint that was found and read. */
export interface FoundCheckpoint {
  /** Its folder. */
  readonly path: string;
  /** What it holds. */
  readonly snapshot: Snapshot;
}

/** A checkpoint under its final name, or set aside for the moment in which another takes its place. */
const FINAL = /^checkpoint-(\d+)(\.old)?$/;
const LEFTOVER = /^\.checkpoint-\d+\..+\.tmp$/;

/**
 * Writes a checkpoint into a run's folder, which is made if it does not exist. One of the same step is replaced. The
 * snapshot is copied before the first pause. Not to be called for one folder twice at a time.
 *
 * @param runDirectory the run's folder
 * @param snapshot what to write
 * @returns the path of the checkpoint
 * @throws {PermissionError} without permission to read and write the folder
 * @throws {CheckpointError} when the folder cannot be written to
 *
 * @example
 * ```ts
 * import { latestCheckpoint, Tensor, writeCheckpoint } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const progress = {
 *   step: 12, epoch: 1, stepInEpoch: 2, stepsPerEpoch: 10, totalSteps: 20, lossSum: 0.5, errorSum: 3, examples: 64, seconds: 0.1,
 *   history: [], seed: 1, schedules: {}, model: {},
 * };
 * const tensors = new Map([["model/0.weight", Tensor.ones([2, 2])]]);
 * await writeCheckpoint(folder, { tensors, progress }, { keep: 2 });
 * const { path, snapshot } = await latestCheckpoint(folder, console.error);
 * assertEquals([path, snapshot.progress], [`${folder}/checkpoint-12`, progress]);
 * ```
 */
export async function writeCheckpoint(
  runDirectory: string,
  snapshot: Snapshot,
  options: WriteCheckpointOptions = {},
): Promise<string> {
  refuseUnknown(options, ["keep", "run"], "writeCheckpoint");
  const { keep, run } = options;
  if (keep !== undefined && !(Number.isSafeInteger(keep) && keep >= 1)) {
    throw new OptionError("keep", "a whole number of at least 1", keep);
  }
  const { step } = snapshot.progress;
  const tensors = encodeSafetensors(snapshot.tensors);
  const progress = plainProgress(snapshot.progress);
  const folder = withoutSlash(runDirectory);
  await needAccess(folder, ["read", "write"], "Writing a checkpoint");
  return await attempt(`A checkpoint cannot be written to ${folder}`, async () => {
    await Deno.mkdir(folder, { recursive: true });
    await tidy(folder);
    const temporary = temporaryName(folder, step);
    const path = `${folder}/checkpoint-${step}`;
    try {
      await Deno.mkdir(temporary);
      const state = await encodeState(progress, tensors, run);
      await writeSynced(`${temporary}/${TENSORS}`, tensors);
      await writeSynced(`${temporary}/${STATE}`, state);
      await syncFolder(temporary);
      await putInPlace(temporary, path);
    } catch (error) {
      await Deno.remove(temporary, { recursive: true }).catch(() => {});
      throw error;
    }
    await syncFolder(folder);
    if (keep !== undefined) await prune(folder, step, keep);
    return path;
  });
}

/**
 * Reads a checkpoint.
 *
 * @param path its folder
 * @throws {PermissionError} without permission to read it
 * @throws {CheckpointError} naming the path, when it is missing, damaged or of an unknown version
 *
 * @example
 * ```ts ignore
 * import { readCheckpoint } from "@thinned/dropout";
 *
 * const { tensors, progress } = await readCheckpoint("runs/mine/checkpoint-4690");
 * ```
 */
export async function readCheckpoint(path: string): Promise<Snapshot> {
  return (await readWithRun(path)).snapshot;
}

/** Reads a checkpoint and the identity of its run. */
async function readWithRun(path: string): Promise<{ snapshot: Snapshot; run: unknown }> {
  const folder = withoutSlash(path);
  await needAccess(folder, ["read"], "Reading a checkpoint");
  const state = await readPart(folder, STATE);
  const tensors = await readPart(folder, TENSORS);
  const { progress, run } = await decodeState(state, tensors, folder);
  return { snapshot: { tensors: decodeSafetensors(tensors, `${folder}/${TENSORS}`).tensors, progress }, run };
}

/**
 * Reads the newest checkpoint of a run; one that is damaged is passed over for the one before it.
 *
 * @param runDirectory the run's folder, or the folder of one checkpoint
 * @param warn told, in one line with the path, of each checkpoint that is passed over
 * @throws {PermissionError} without permission to read the folder
 * @throws {CheckpointError} when there is no checkpoint, or none that can be used, or the newest is of another run
 *
 * @example
 * ```ts ignore
 * import { fit, latestCheckpoint } from "@thinned/dropout";
 *
 * const { snapshot } = await latestCheckpoint("runs/mine", console.error);
 * await fit(model, { ...settings, resume: snapshot });
 * ```
 */
export async function latestCheckpoint(
  runDirectory: string,
  warn: (line: string) => void,
  options: LatestCheckpointOptions = {},
): Promise<FoundCheckpoint> {
  refuseUnknown(options, ["run"], "latestCheckpoint");
  const folder = withoutSlash(runDirectory);
  await needAccess(folder, ["read"], "Looking for checkpoints");
  const names = await list(folder);
  const found = names.flatMap((name) => {
    const match = FINAL.exec(name);
    return match === null ? [] : [{ path: `${folder}/${name}`, step: Number(match[1]), old: match[2] !== undefined }];
  });
  if (found.length === 0) {
    if (names.includes(STATE) || names.includes(TENSORS) || FINAL.test(folder.split(/[/\\]/).at(-1)!)) {
      return await readOwn(folder, options.run);
    }
    throw new CheckpointError(`${folder} holds no checkpoint.`);
  }
  found.sort((a, b) => b.step - a.step || Number(a.old) - Number(b.old));
  const problems: string[] = [];
  for (const { path } of found) {
    try {
      return await readOwn(path, options.run);
    } catch (error) {
      if (!(error instanceof CheckpointError) || error instanceof ForeignCheckpointError) throw error;
      problems.push(error.message);
      warn(`Passing over a checkpoint: ${error.message}`);
    }
  }
  throw new CheckpointError(`${folder} holds no checkpoint that can be used. ${problems[0]}`);
}

/** A checkpoint of another run than the one that is to go on. */
class ForeignCheckpointError extends CheckpointError {}

/** Reads a checkpoint, and refuses that of another run. */
async function readOwn(path: string, wanted: string | undefined): Promise<FoundCheckpoint> {
  const { snapshot, run } = await readWithRun(path);
  if (wanted === undefined || run === wanted) return { path, snapshot };
  throw new ForeignCheckpointError(
    `${path} is a checkpoint of another run: expected the run ${wanted}, found ${show(run)}; remove it, or go on in ` +
      "the folder that it comes from.",
  );
}

/**
 * The steps of the checkpoints in a run's folder, ascending, usable or not; none when there is no such folder.
 *
 * @throws {PermissionError} without permission to read the folder
 *
 * @example
 * ```ts
 * import { checkpointSteps } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await checkpointSteps("there/is/none"), []);
 * ```
 */
export async function checkpointSteps(runDirectory: string): Promise<number[]> {
  const folder = withoutSlash(runDirectory);
  await needAccess(folder, ["read"], "Looking for checkpoints");
  const names = await list(folder).catch((error) => {
    if (error.cause instanceof Deno.errors.NotFound) return [];
    throw error;
  });
  const steps = names.flatMap((name) => FINAL.exec(name)?.[1] ?? []).map(Number);
  return [...new Set(steps)].sort((a, b) => a - b);
}

async function readPart(folder: string, name: string): Promise<Uint8Array<ArrayBuffer>> {
  return await attempt(
    `${folder} is not a whole checkpoint: ${name} cannot be read`,
    () => Deno.readFile(`${folder}/${name}`),
  );
}

async function list(folder: string): Promise<string[]> {
  return await attempt(`${folder} cannot be looked into`, async () => {
    const names: string[] = [];
    for await (const entry of Deno.readDir(folder)) names.push(entry.name);
    return names;
  });
}

function temporaryName(folder: string, step: number): string {
  return `${folder}/.checkpoint-${step}.${crypto.randomUUID()}.tmp`;
}

/** Gives a complete folder its final name. One that has the name already is readable under another until the end. */
async function putInPlace(temporary: string, path: string): Promise<void> {
  if (!await exists(path)) return await Deno.rename(temporary, path);
  await Deno.rename(path, `${path}.old`);
  await Deno.rename(temporary, path);
  await discard(`${path}.old`);
}

/** Clears up after a process that was killed: what it had not finished, and what it had set aside. */
async function tidy(folder: string): Promise<void> {
  const names = await list(folder);
  for (const name of names) {
    if (LEFTOVER.test(name)) await Deno.remove(`${folder}/${name}`, { recursive: true });
    const final = FINAL.exec(name)?.[2] === undefined ? undefined : name.slice(0, -".old".length);
    if (final === undefined) continue;
    if (names.includes(final)) await discard(`${folder}/${name}`);
    else await Deno.rename(`${folder}/${name}`, `${folder}/${final}`);
  }
}

/** Deletes the checkpoints that are not among the `keep` newest up to this step. */
async function prune(folder: string, step: number, keep: number): Promise<void> {
  const steps = await checkpointSteps(folder);
  const kept = new Set(steps.filter((other) => other <= step).slice(-keep));
  for (const other of steps) if (!kept.has(other)) await discard(`${folder}/checkpoint-${other}`);
}

/** Deletes a checkpoint under a temporary name, so that half of it is never left under the final one. */
async function discard(path: string): Promise<void> {
  const [, folder, step] = /^(.*)\/checkpoint-(\d+)/.exec(path)!;
  const temporary = temporaryName(folder, Number(step));
  await Deno.rename(path, temporary);
  await Deno.remove(temporary, { recursive: true });
}
