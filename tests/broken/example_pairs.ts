/** Broken: examples 2k and 2k + 1 share a draw, and it does not say so. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["independent examples"];

export const examplePairs: Factory<"activation", { rate?: number }> = definePlugin({
  name: "example-pairs",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: { mask: ({ key, options: { rate } }) => ({ key: key.grouped(2), rate }) },
  claims: { mean: "kept", eval: "identity" },
});

export const examplePairsOfBranch: Factory<"branch", { rate?: number }> = definePlugin({
  name: "example-pairs-of-branch",
  options: z.object({ rate: rateSchema.default(0.5) }),
  branch: (x, block, { mode, key, options: { rate } }) =>
    mode === "eval"
      ? block(x)
      : block(x).dropout(key.grouped(2), rate, { sharedAxes: x.shape.map((_, axis) => axis).slice(1) }),
});
