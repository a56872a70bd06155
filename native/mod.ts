/**
 * Opens the native backend: C kernels over OpenBLAS, in float32.
 *
 * @module
 */
import { type Backend, currentBackend, useBackend } from "../core/backend/backend.ts";
import { BackendError, PermissionError } from "../core/errors.ts";
import { type NativeOptions, openWith } from "./open.ts";

export type { NativeOptions } from "./open.ts";
export type { Variant } from "./symbols.ts";

/** What {@linkcode tryOpenNative} gives. */
export interface NativeAttempt {
  /** The backend that float32 tensors are computed on from now on. */
  readonly backend: Backend;
  /** Why it is this one, in one line; when it is not the native one, what to install or which flag to add. */
  readonly reason: string;
}

/**
 * Opens the native backend and computes on it from now on. The first time on a machine it compiles the C library and
 * looks for OpenBLAS, or fetches it; later it opens what is there and needs `--allow-ffi` and `--allow-read` only.
 * Opening again gives the same backend, with the thread count now asked for.
 *
 * @throws {PermissionError} if a permission is missing; the message names the flag
 * @throws {BackendError} if the library cannot be compiled or opened; the message says what to install
 * @throws {OptionError} if an option or an environment variable is out of bounds
 *
 * @example
 * ```ts ignore
 * import { openNative } from "@thinned/dropout";
 *
 * const backend = await openNative({ threads: 2 });
 * console.log(backend.info().blas);
 * ```
 */
export async function openNative(options: NativeOptions = {}): Promise<Backend> {
  const backend = await openWith(options, {});
  useBackend(backend);
  return backend;
}

/**
 * Opens the native backend if that can be done, and otherwise goes on with the backend in use: the reference backend,
 * unless another has been set.
 *
 * @throws {OptionError} if an option or an environment variable is out of bounds
 *
 * @example
 * ```ts
 * import { tryOpenNative } from "@thinned/dropout";
 *
 * const { backend, reason } = await tryOpenNative();
 * console.log(`${backend.info().name}: ${reason}`);
 * ```
 */
export async function tryOpenNative(options: NativeOptions = {}): Promise<NativeAttempt> {
  try {
    const backend = await openNative(options);
    return { backend, reason: backend.info().reason };
  } catch (error) {
    if (!(error instanceof BackendError || error instanceof PermissionError)) throw error;
    return { backend: currentBackend(), reason: error.message };
  }
}
