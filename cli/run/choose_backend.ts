/** Choosing what computes. @module */
import {
  type AnyFactory,
  type Backend,
  type BackendInfo,
  currentBackend,
  didYouMean,
  openNative,
  OptionError,
  reference,
  tryOpenNative,
  useBackend,
} from "../../mod.ts";
import { note } from "../arguments/deliver.ts";

/** What computes. */
export interface Chosen {
  /** The backend. */
  readonly backend: Backend;
  /** What a person should know at the end, too: that it is the slow one, unasked, and why. */
  readonly warning?: string;
}

/**
 * Opens the backend that was asked for, `native`, `reference`, or the best there is; says which it is, and why.
 *
 * @param wanted the name of a backend, if one was asked for
 * @param factories plugins whose kernels run natively where they have been compiled
 */
export async function chooseBackend(
  wanted: string | undefined,
  factories: readonly AnyFactory[] = [],
): Promise<Chosen> {
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
    throw new OptionError("--backend", '"native" or "reference"', wanted, didYouMean(wanted, ["native", "reference"]));
  }
  const { name, blas, threads, instructions } = backend.info();
  note(`${name} backend: ${blas}; ${threads} thread${threads === 1 ? "" : "s"}, ${instructions}. ${reason}`);
  const slow = wanted === undefined && name === reference.info().name;
  if (!slow) return { backend };
  const warning = `Computed in plain TypeScript, many times slower than in C: ${reason}`;
  note(`warning: ${warning}`);
  return { backend, warning };
}

/** What computes, in a few words. */
export function backendLine({ name, blas, threads, instructions }: BackendInfo = currentBackend().info()): string {
  return `${name}: ${blas}, ${threads} thread${threads === 1 ? "" : "s"}, ${instructions}`;
}
