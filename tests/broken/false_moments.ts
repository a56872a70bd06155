/** Broken: dropout, which adds variance, claims to keep it. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["claim: moments"];

export const falseMoments: Factory<"activation", { rate?: number }> = definePlugin({
  name: "false-moments",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, rate),
  claims: { moments: "kept", eval: "identity" },
});
