/** Options that name files and folders. @module */
import type { ZodString, ZodType } from "./zod_types.ts";
import { z } from "zod";

/**
 * The schema of an option that names a file or a folder. Marked as such, a relative path in a configuration file counts
 * from that file's folder, whoever reads it from where; and the command line knows which option `--data` is.
 *
 * @param what what is named, for messages
 *
 * @example
 * ```ts
 * import { isPathOption, pathOption } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 * import { z } from "zod";
 *
 * const options = z.object({ data: pathOption("folder").optional(), level: z.string() });
 * assertEquals([isPathOption(options.shape.data), isPathOption(options.shape.level)], [true, false]);
 * ```
 */
export function pathOption(what: "file" | "folder"): ZodString {
  const expected = `expected the path of a ${what}`;
  return z.string(expected).min(1, expected).refine((path) => !path.includes("\0"), expected).meta({ path: what });
}

/** Whether a schema is that of a {@linkcode pathOption}, optional or with a default or not. */
export function isPathOption(schema: ZodType): boolean {
  for (let inner: unknown = schema; inner instanceof z.ZodType;) {
    if (inner.meta()?.path !== undefined) return true;
    inner = (inner.def as { innerType?: unknown }).innerType;
  }
  return false;
}
