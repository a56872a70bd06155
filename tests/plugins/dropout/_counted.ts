/** A layer that tells how many rows it computes. */
import { z } from "zod";
import { definePlugin, type Factory, type LayerPlugin } from "../../../core/mod.ts";

/** A layer that multiplies by 2, and the numbers of rows that it was given, one for each time it was run. */
export function counter(options: { mixes?: boolean } = {}): { layer: () => LayerPlugin; rows: number[] } {
  const rows: number[] = [];
  const layer: Factory<"layer", Record<never, never>> = definePlugin({
    name: "counted-double",
    options: z.object({}),
    mixesRows: options.mixes ?? false,
    forward(x) {
      rows.push(x.shape[0]);
      return x.mul(2);
    },
  });
  return { layer, rows };
}
