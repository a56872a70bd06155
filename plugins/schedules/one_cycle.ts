/**
 * One cycle: up to a peak and down again, over a run.
 *
 * Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates", 2018, section 3;
 * numbers and curves as in fastai and PyTorch.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { type ScheduleTime, share, spanSchema, unitSchema } from "./_schema.ts";

/** Options of {@linkcode oneCycle}. */
export interface OneCycleOptions extends ScheduleTime {
  /** The number at the peak. */
  peak: number;
  /** The number at the beginning. Default `peak / 25`. */
  from?: number;
  /** The number at the end. Default `from / 10000`. */
  to?: number;
  /** Share of the time until the peak, in (0, 1); with three phases below 0.5. Default 0.3. */
  rise?: number;
  /** `cosine`: along half a cosine. `linear`: straight. Default `cosine`. */
  curve?: "cosine" | "linear";
  /** 2: up, then down to `to`. 3: up, down to `from` in the same time, then down to `to`. Default 2. */
  phases?: 2 | 3;
  /** How long it takes, in `unit`s; default the whole run. */
  over?: number;
}

/**
 * From `from` up to `peak`, down to `to`, and then `to`. A momentum that goes the other way is one with `from` above `peak`.
 *
 * @example
 * ```ts
 * import { oneCycle, sgd } from "@thinned/dropout";
 *
 * sgd({ learningRate: oneCycle({ peak: 0.5 }), momentum: oneCycle({ from: 0.95, peak: 0.85, to: 0.95 }) });
 * ```
 */
export const oneCycle: Factory<"schedule", OneCycleOptions> = definePlugin({
  name: "one-cycle",
  summary: "A number that goes up to a peak and down again, over a run.",
  paper: {
    authors: "Smith, Topin",
    year: 2018,
    title: "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates",
    url: "https://arxiv.org/abs/1708.07120",
  },
  options: z.object({
    peak: z.number().describe("the number at the peak"),
    from: z.number().optional().describe("the number at the beginning; default peak / 25"),
    to: z.number().optional().describe("the number at the end; default from / 10000"),
    rise: z.number().gt(0, "expected a number in (0, 1)").lt(1, "expected a number in (0, 1)").default(0.3)
      .describe("share of the time until the peak"),
    curve: z.enum(["cosine", "linear"]).default("cosine").describe("along half a cosine, or straight"),
    phases: z.union([z.literal(2), z.literal(3)], "expected 2 or 3").default(2).describe("2 or 3 parts of the way"),
    over: spanSchema.optional().describe("how long it takes; default the whole run"),
    unit: unitSchema,
  }),
  value(progress, { peak, from = peak / 25, to = from / 10000, rise, curve, phases, over, unit }) {
    const t = share(progress, unit, over);
    const [times, values] = phases === 2
      ? [[0, rise, 1], [from, peak, to]]
      : [[0, rise, Math.min(2 * rise, 1), 1], [from, peak, from, to]];
    if (t >= 1) return to;
    const part = times.findIndex((_, i) => t < times[i + 1]);
    const way = (t - times[part]) / (times[part + 1] - times[part]);
    const bent = curve === "linear" ? way : (1 - Math.cos(Math.PI * way)) / 2;
    return values[part] + (values[part + 1] - values[part]) * bent;
  },
});
