/** Broken: it shares its draw along one axis, whichever is asked for. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["shared axes"];

export const ignoresShare: Factory<"activation", { rate?: number; share?: number[] }> = definePlugin({
  name: "ignores-share",
  options: z.object({ rate: rateSchema.default(0.5), share: z.array(z.int()).default([]) }),
  activation(x, { mode, key, options: { rate, share } }) {
    return mode === "eval" ? x : x.dropout(key, rate, { sharedAxes: share.length > 0 ? [1] : [] });
  },
  claims: { mean: "kept", eval: "identity" },
});
