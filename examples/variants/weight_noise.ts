/** A variant at a weight: it stands where `dropConnect` stands, `dense(64, { weight: weightNoise() })`. */
import { definePlugin, type Factory, Tensor } from "@thinned/dropout";
import { z } from "zod";

/** Options of {@linkcode weightNoise}. */
export interface WeightNoiseOptions {
  /** Standard deviation of what is added to each weight, at least 0. Default 0.05. */
  deviation?: number;
}

const range = "expected a number of at least 0";

/** Adds normal noise to weights in training. */
export const weightNoise: Factory<"weight", WeightNoiseOptions> = definePlugin({
  name: "weight-noise",
  summary: "Adds normal noise to weights in training.",
  options: z.object({ deviation: z.number(range).min(0, range).default(0.05) }),
  weight(weight, { mode, key, options: { deviation } }) {
    if (mode === "eval" || deviation === 0) return weight;
    return weight.add(Tensor.normal(weight.shape, key, weight.floatType).mul(deviation));
  },
  claims: { mean: "kept", eval: "identity" },
});
