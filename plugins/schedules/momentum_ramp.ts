/** The dropout papers' momentum, rising over time. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { elapsed, type ScheduleTime, share, spanSchema, unitSchema } from "./_schema.ts";

/** Options of {@linkcode momentumRamp}. */
export interface MomentumRampOptions extends ScheduleTime {
  /** The momentum at the beginning, in [0, 1). Default 0.5. */
  from?: number;
  /** The momentum at the end, in [0, 1). Default 0.99. */
  to?: number;
  /** How long it takes, in `unit`s, above 0. Default 500. */
  over?: number;
  /** Straight, or approaching. Default `linear`. */
  curve?: "linear" | "exponential";
}

/**
 * `linear`: from `from` to `to` over `over` epochs, then `to` (Hinton et al., 2012, appendix A.1: 0.5 to 0.99 over 500).
 * `exponential`: `to - (to - from) e^(-t / over)`, as in the code of Srivastava et al. (2014): 0.5 to 0.99 over 100,000 steps.
 *
 * @example
 * ```ts
 * import { momentumRamp, sgd } from "@thinned/dropout";
 *
 * sgd({ learningRate: 0.1, momentum: momentumRamp({ from: 0.5, to: 0.95, over: 10 }) });
 * ```
 */
export const momentumRamp: Factory<"schedule", MomentumRampOptions> = definePlugin({
  name: "momentum-ramp",
  summary: "The dropout papers' momentum, rising over time.",
  options: z.object({
    from: z.number().min(0).lt(1).default(0.5).describe("the momentum at the beginning"),
    to: z.number().min(0).lt(1).default(0.99).describe("the momentum at the end"),
    over: spanSchema.default(500).describe("how long it takes"),
    curve: z.enum(["linear", "exponential"]).default("linear").describe("straight, or approaching"),
    unit: unitSchema,
  }),
  value: (progress, { from, to, over, curve, unit }) =>
    curve === "linear"
      ? from + (to - from) * share(progress, unit, over)
      : to - (to - from) * Math.exp(-elapsed(progress, unit) / over),
});
