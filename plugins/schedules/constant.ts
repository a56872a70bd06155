/** A number that never changes. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";

/** Options of {@linkcode constant}. */
export interface ConstantOptions {
  /** The number. */
  value: number;
}

/**
 * Always `value`.
 *
 * @example
 * ```ts
 * import { constant, sgd } from "@thinned/dropout";
 *
 * sgd({ learningRate: constant({ value: 0.1 }) });
 * ```
 */
export const constant: Factory<"schedule", ConstantOptions> = definePlugin({
  name: "constant",
  summary: "A number that never changes.",
  options: z.object({
    value: z.number().describe("the number"),
  }),
  value: (_progress, { value }) => value,
});
