/** Weights that a new run begins with. @module */
import { CheckpointError, decodeSafetensors, loadWeights, type Model } from "../../core/mod.ts";
import { note } from "../arguments/deliver.ts";
import type { Config } from "./config.ts";

/**
 * What puts the weights of a configuration's `pretrained` into the model of a run, and tells what stayed as it was. The file
 * is read when it is called, so that a run that goes on does not need it.
 *
 * @param pretrained the file, and patterns of what is new in the model
 * @param run the run's name
 */
export function pretrainedWeights(
  { path, except }: NonNullable<Config["pretrained"]>,
  run: string,
): (model: Model) => void {
  return (model) => {
    const { tensors } = decodeSafetensors(read(path), path);
    const { taken, left, unused } = loadWeights(model, tensors, { except });
    const list = (names: readonly string[]) => names.length === 0 ? "nothing" : names.join(", ");
    note(`${run}: ${taken.length} tensors of ${path}; left as initialised: ${list(left)}; not used: ${list(unused)}.`);
  };
}

function read(path: string): Uint8Array {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    throw new CheckpointError(`pretrained.path: ${path} cannot be read: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}
