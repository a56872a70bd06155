/** Opening the native backend with the kernels of the built-in plugins. @module */
import type { Backend } from "./core/mod.ts";
import * as native from "./native/mod.ts";
import { builtinKernels } from "./plugins/builtins.ts";

function withBuiltins(options: native.NativeOptions): native.NativeOptions {
  return { ...options, kernels: [...builtinKernels, ...(options.kernels ?? [])] };
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
export function openNative(options: native.NativeOptions = {}): Promise<Backend> {
  return native.openNative(withBuiltins(options));
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
export function tryOpenNative(options: native.NativeOptions = {}): Promise<native.NativeAttempt> {
  return native.tryOpenNative(withBuiltins(options));
}
