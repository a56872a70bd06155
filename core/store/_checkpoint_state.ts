/** The file `state.json` of a checkpoint: the progress, the format's version, and what guards both files. @module */
import { sha256 } from "./_files.ts";
import { CheckpointError, show } from "../errors.ts";
import type { TrainingProgress } from "../train/events.ts";

/** The file of the numbers. */
export const TENSORS = "tensors.safetensors";

/** The file of the progress. */
export const STATE = "state.json";

const FORMAT = "thinned-checkpoint";
const VERSION = 1;

/** Progress as plain JSON. */
type PlainProgress = Record<string, unknown>;

/** JSON has no NaN, infinities and -0. Outside of the model's description there are no texts to mix them up with. */
const special: ReadonlyMap<unknown, number> = new Map([
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["-0", -0],
]);

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** A copy of the progress that JSON can hold. */
export function plainProgress({ model, ...counters }: TrainingProgress): PlainProgress {
  const encode = (_key: string, value: unknown): unknown => {
    if (typeof value !== "number") return value;
    if (Object.is(value, -0)) return "-0";
    return Number.isFinite(value) ? value : String(value);
  };
  return { ...JSON.parse(JSON.stringify(counters, encode)), model: JSON.parse(JSON.stringify(model ?? null)) };
}

/** The bytes of the file, beside the bytes of the tensors; `run` is the identity of the run, where it has one. */
export async function encodeState(
  progress: PlainProgress,
  tensors: Uint8Array<ArrayBuffer>,
  run: string | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const hashes = { tensors: await sha256(tensors), progress: await sha256(utf8(JSON.stringify(progress))) };
  return utf8(JSON.stringify({ format: FORMAT, version: VERSION, run, sha256: hashes, progress }, null, 2) + "\n");
}

/**
 * The progress in the bytes of the file, and the identity of the run.
 *
 * @param bytes of the file
 * @param tensors bytes of the file beside it
 * @param folder the checkpoint's path, for errors
 * @throws {CheckpointError} when either file is damaged, or of another version
 */
export async function decodeState(
  bytes: Uint8Array<ArrayBuffer>,
  tensors: Uint8Array<ArrayBuffer>,
  folder: string,
): Promise<{ progress: TrainingProgress; run: unknown }> {
  let state;
  try {
    state = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new CheckpointError(`${folder} is damaged: ${STATE} is not JSON.`);
  }
  if (state?.format !== FORMAT) {
    const found = show(state?.format);
    throw new CheckpointError(`${folder} is damaged: expected the format "${FORMAT}" in ${STATE}, found ${found}.`);
  }
  if (state.version !== VERSION) {
    const found = show(state.version);
    throw new CheckpointError(`${folder}: expected a checkpoint of version ${VERSION}, found version ${found}.`);
  }
  if (state.sha256?.tensors !== await sha256(tensors)) {
    throw new CheckpointError(`${folder} is damaged: ${TENSORS} does not have the SHA-256 that ${STATE} says.`);
  }
  if (state.sha256.progress !== await sha256(utf8(JSON.stringify(state.progress ?? null)))) {
    throw new CheckpointError(`${folder} is damaged: the progress in ${STATE} does not have its SHA-256.`);
  }
  const { model, ...counters } = state.progress;
  const decode = (_key: string, value: unknown): unknown => special.get(value) ?? value;
  return { progress: { ...JSON.parse(JSON.stringify(counters), decode), model }, run: state.run };
}
