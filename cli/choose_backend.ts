/** Choosing what computes. @module */
import {
  type AnyFactory,
  type Backend,
  openNative,
  OptionError,
  reference,
  tryOpenNative,
  useBackend,
} from "../mod.ts";
import { note } from "./deliver.ts";

/**
 * Opens the backend that was asked for, `native`, `reference`, or the best there is; says which it is, and why.
 *
 * @param wanted the name of a backend, if one was asked for
 * @param factories plugins whose kernels run natively where they have been compiled
 */
export async function chooseBackend(
  wanted: string | undefined,
  factories: readonly AnyFactory[] = [],
): Promise<Backend> {
  const kernels = factories.flatMap(({ definition }) => definition.kernels ?? []);
  let backend: Backend;
  let reason: string;
  if (wanted === "reference") {
    useBackend(reference);
    [backend, reason] = [reference, "as asked"];
  } else if (wanted === "native") {
    backend = await openNative({ kernels });
    reason = backend.info().reason;
  } else if (wanted === undefined) {
    ({ backend, reason } = await tryOpenNative({ kernels }));
  } else {
    throw new OptionError("--backend", '"native" or "reference"', wanted);
  }
  const { name, blas, threads, instructions } = backend.info();
  note(`${name} backend: ${blas}; ${threads} thread${threads === 1 ? "" : "s"}, ${instructions}. ${reason}`);
  return backend;
}
