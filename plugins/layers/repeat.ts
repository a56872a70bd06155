/** One layer several times. @module */
import { z } from "zod";
import { definePlugin, type Factory, layerPart, type LayerPlugin } from "../../core/mod.ts";

/** Options of {@linkcode repeat}. */
export interface RepeatOptions {
  /** The layer. */
  block: LayerPlugin;
  /** How many times it stands in the model, in [0, 10000]. */
  times: number;
  /** Whether all share one set of parameters. Each still has random draws of its own. Default false. */
  share?: boolean;
}

/**
 * `y = block(block(...block(x)))`, with fresh parameters each time (places `0`, `1`, ...), or shared ones (place `0`).
 * Further inputs are given to each.
 *
 * @example
 * ```ts
 * import { buildModel, dense, repeat } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(buildModel(repeat(dense(4), 3), { inputShape: [4] }).parameterCount(), 3 * 20);
 * assertEquals(buildModel(repeat(dense(4), 3, { share: true }), { inputShape: [4] }).parameterCount(), 20);
 * ```
 */
export const repeat: Factory<"layer", RepeatOptions, ["block", "times"]> = definePlugin({
  name: "repeat",
  summary: "One layer several times, with fresh or shared parameters.",
  options: z.object({
    block: layerPart().describe("the layer"),
    times: z.int().min(0, "expected a whole number in [0, 10000]").max(10_000, "expected a whole number in [0, 10000]")
      .describe("how many times it stands in the model"),
    share: z.boolean().default(false).describe("whether all share one set of parameters"),
  }),
  positional: ["block", "times"],
  forward(x, { options: { block, times, share }, run, inputs }) {
    let y = x;
    for (let i = 0; i < times; i++) {
      const given = [y, ...inputs.slice(1)];
      y = share ? run(block, given, "0", { use: i }) : run(block, given, String(i));
    }
    return y;
  },
});
