/** A variant that is only a mask: all examples of a batch lose the same units. */
import { definePlugin, type Factory, rateSchema, type Scheduled, scheduled } from "@thinned/dropout";
import { z } from "zod";

/** Options of {@linkcode batchDropout}. */
export interface BatchDropoutOptions {
  /** Probability of dropping a unit, in [0, 1], or a schedule. Default 0.5. */
  rate?: Scheduled;
}

/** Zeroes units in training, the same ones for the whole batch. */
export const batchDropout: Factory<"activation", BatchDropoutOptions> = definePlugin({
  name: "batch-dropout",
  summary: "Zeroes units in training, the same ones for the whole batch.",
  options: z.object({ rate: scheduled(rateSchema).default(0.5).describe("probability of dropping a unit, in [0, 1]") }),
  activation: { mask: ({ key, options: { rate } }) => ({ key, rate, share: [0] }) },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity", draw: "batch" },
});
