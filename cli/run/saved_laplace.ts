/** The Laplace approximation of a run's last layer, kept in its folder for later predictions. @module */
import { CheckpointError, decodeLaplace, type LastLayerLaplace, type Member, OptionError } from "../../mod.ts";
import { keepFile } from "./keep_file.ts";

const FILE = "laplace.safetensors";

/**
 * Keeps an approximation in a run's own folder, in place of one that is there.
 *
 * @returns the path of the file; undefined where it may not, or cannot, be written, which is then said
 */
export async function saveLaplace(folder: string, laplace: LastLayerLaplace): Promise<string | undefined> {
  return await keepFile(folder, FILE, laplace.encode(), "The approximation");
}

/**
 * Reads the approximation of a run as it is now.
 *
 * @param folder the run's own folder
 * @param run the folder and the name by which the command line knows it
 * @throws {OptionError} when none was kept
 * @throws {CheckpointError} when it is damaged, or of other weights
 */
export async function savedLaplace(
  folder: string,
  { out, name }: { out: string; name: string },
  { model, progress }: Member,
): Promise<LastLayerLaplace> {
  const path = `${folder}/${FILE}`;
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    const how = `"evaluate --run ${out} --laplace kronecker" does it`;
    throw new OptionError("--laplace", `a run whose last layer was approximated; ${how}`, `none for ${name}`);
  }
  try {
    return decodeLaplace(model, bytes, { source: path, progress });
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(`--laplace: ${error.message}`, { cause: error });
  }
}
