/** Broken: evaluation depends on a running mean that is not saved. @module */
import { z } from "zod";
import { type Context, definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["saved and resumed"];

const means = new WeakMap<Context<unknown>["params"], number>();

export const hiddenState: Factory<"activation", { rate?: number }> = definePlugin({
  name: "hidden-state",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, params, options: { rate } }) {
    const mean = means.get(params) ?? 0;
    if (mode === "eval") return x.add(mean);
    if (mode === "train" && x.size > 0) means.set(params, 0.9 * mean + 0.1 * x.detach().mean().item());
    return x.dropout(key, rate);
  },
  claims: { mean: "kept" },
});
