/** Broken: evaluation changes the running state. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, Tensor } from "../../mod.ts";

export const fails: readonly string[] = ["evaluation"];

export const stateAtEvaluation: Factory<"activation", { rate?: number }> = definePlugin({
  name: "state-at-evaluation",
  options: z.object({ rate: rateSchema.default(0.5) }),
  init: ({ dtype }) => ({ state: { passes: Tensor.zeros([], dtype) } }),
  activation(x, { mode, key, state, options: { rate } }) {
    state.passes.assign(state.passes.add(1));
    return mode === "eval" ? x : x.dropout(key, rate);
  },
  claims: { mean: "kept", eval: "identity" },
});
