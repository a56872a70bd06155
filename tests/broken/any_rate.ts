/** Broken: rates outside of [0, 1] are accepted. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../mod.ts";

export const fails: readonly string[] = ["refusals"];

export const anyRate: Factory<"activation", { rate?: number }> = definePlugin({
  name: "any-rate",
  options: z.object({ rate: z.number().default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, rate),
  claims: { mean: "kept", eval: "identity" },
});
