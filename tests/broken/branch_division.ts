/** Broken, at a branch: a survival of 0 divides by 0. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["rates of 0 and 1"];

export const branchDivision: Factory<"branch", { survival?: number }> = definePlugin({
  name: "branch-division",
  options: z.object({ survival: rateSchema.default(0.5) }),
  branch(x, block, { mode, key, options: { survival } }) {
    const y = block(x);
    if (mode === "eval") return y;
    const sharedAxes = y.shape.map((_, axis) => axis).slice(1);
    return y.dropout(key, 1 - survival, { sharedAxes, scale: false }).div(survival);
  },
  claims: { mean: "kept", eval: "identity" },
});
