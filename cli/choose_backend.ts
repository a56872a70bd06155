/** Choosing what computes. @module */
import { type Backend, openNative, OptionError, reference, tryOpenNative, useBackend } from "../mod.ts";
import { note } from "./deliver.ts";

/** Opens the backend that was asked for, `native`, `reference`, or the best there is; says which it is, and why. */
export async function chooseBackend(wanted: string | undefined): Promise<Backend> {
  let backend: Backend;
  let reason: string;
  if (wanted === "reference") {
    useBackend(reference);
    [backend, reason] = [reference, "as asked"];
  } else if (wanted === "native") {
    backend = await openNative();
    reason = backend.info().reason;
  } else if (wanted === undefined) {
    ({ backend, reason } = await tryOpenNative());
  } else {
    throw new OptionError("--backend", '"native" or "reference"', wanted);
  }
  const { name, blas, threads, instructions } = backend.info();
  note(`${name} backend: ${blas}; ${threads} thread${threads === 1 ? "" : "s"}, ${instructions}. ${reason}`);
  return backend;
}
