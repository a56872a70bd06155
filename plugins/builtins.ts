/** The built-in plugins as a list, for a registry. @module */
import { type AnyFactory, isFactory, type Kernel } from "../core/mod.ts";
import * as plugins from "./mod.ts";

/**
 * All built-in plugins.
 *
 * @example
 * ```ts
 * import { builtins, Registry } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = new Registry(builtins).create({ plugin: "dropout", rate: 0.3 }, "layer");
 * assertEquals(layer.options.rate, 0.3);
 * ```
 */
export const builtins: readonly AnyFactory[] = Object.values<unknown>(plugins).filter(isFactory);

/** The kernels that built-in plugins bring. */
export const builtinKernels: readonly Kernel[] = [
  ...new Set(builtins.flatMap(({ definition }) => definition.kernels ?? [])),
];
