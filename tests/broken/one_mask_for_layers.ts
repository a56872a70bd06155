/** Broken: all layers of a model have one mask. @module */
import { z } from "zod";
import { definePlugin, type Factory, Key, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["independent layers"];

/** A key that does not know where it stands. */
function common(key: Key, mode: string): Key {
  return Key.seed((BigInt(key.seedHigh) << 32n) + BigInt(key.seedLow)).at(mode).withRows(key.rows);
}

export const oneMaskForLayers: Factory<"activation", { rate?: number }> = definePlugin({
  name: "one-mask-for-layers",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: { mask: ({ key, mode, options: { rate } }) => ({ key: common(key, mode), rate }) },
  claims: { mean: "kept", eval: "identity" },
});

export const oneMaskForWeights: Factory<"weight", { rate?: number }> = definePlugin({
  name: "one-mask-for-weights",
  options: z.object({ rate: rateSchema.default(0.5) }),
  weight: { mask: ({ key, mode, options: { rate } }) => ({ key: common(key, mode).whole(), rate }) },
});

export const oneMaskForBranches: Factory<"branch", { rate?: number }> = definePlugin({
  name: "one-mask-for-branches",
  options: z.object({ rate: rateSchema.default(0.5) }),
  branch: { mask: ({ key, mode, options: { rate } }) => ({ key: common(key, mode), rate }) },
});
