/**
 * Rates by layer: one schedule at many places, which gives each its own number.
 *
 * Srivastava et al., JMLR 15 (2014), appendix A.4: units of the input are dropped with a rate of 0.2, hidden ones of 0.5.
 * Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016, equation (4): rates rise linearly with depth.
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  OptionError,
  type Progress,
  rateSchema,
  type Scheduled,
  scheduled,
  scheduledValue,
  type ScheduleSite,
} from "../../core/mod.ts";

/** Options of {@linkcode byLayer}: `hidden` with or without `input`, or `last` with or without `first`, or `rates`. */
export interface ByLayerOptions {
  /** The rate at the first place, the input's, in [0, 1], or a schedule. Default: `hidden`. */
  input?: Scheduled;
  /** The rate at all places behind the first, in [0, 1], or a schedule. */
  hidden?: Scheduled;
  /** The rate at the first place, from which it goes linearly to `last`. Default: `last` over the number of places. */
  first?: Scheduled;
  /** The rate at the last place, in [0, 1], or a schedule. */
  last?: Scheduled;
  /** The rate at each place, in order, in [0, 1], or schedules. */
  rates?: readonly Scheduled[];
}

/** The number that a place has, made of those of the options. */
function rateAt(options: ByLayerOptions, index: number, count: number, number: (name: keyof ByLayerOptions) => number) {
  if (options.hidden !== undefined) return number(index === 0 && options.input !== undefined ? "input" : "hidden");
  const last = number("last");
  if (options.first === undefined) return (index + 1) / count * last;
  if (count === 1) return last;
  const first = number("first");
  return first + (last - first) * index / (count - 1);
}

/**
 * Rates by layer in one call. Give one and the same schedule to all the variants, at whatever sites: the plugins of a model
 * that have it, or one that is written alike, are counted in the order in which the model runs them, also those that
 * `repeat` makes, and each gets the rate of its place.
 *
 * - `{ input: 0.2, hidden: 0.5 }`: the first place has 0.2, all others 0.5.
 * - `{ last: 0.5 }`: linear in depth, `(l / L) last` for the places l = 1 to L; `{ first: 0, last: 0.5 }` begins elsewhere.
 * - `{ rates: [0.1, 0.2, 0.5] }`: one number for each place.
 *
 * In a configuration it is written at each place: `"rate": { "plugin": "by-layer", "input": 0.2, "hidden": 0.5 }`. Those
 * with a `name` are counted by it, whatever their numbers: give one to each stack that is to be counted apart, such as an
 * encoder and a decoder, and to all places where `--set` is to change the numbers of one.
 *
 * The numbers may be schedules in turn, so that a rate rises with depth and time:
 * `byLayer({ last: linear({ from: 0, to: 0.4 }) })`.
 *
 * @throws {OptionError} for options of two kinds, or fewer `rates` than places
 *
 * When: for the classic 0.2 and 0.5; for stochastic depth, whose rates rise with depth.
 * Cost: none.
 *
 * @example
 * ```ts
 * import { byLayer, dense, dropout, relu, repeat, residual, sequential, stochasticDepth } from "@thinned/dropout";
 *
 * const drop = () => dropout({ rate: byLayer({ input: 0.2, hidden: 0.5 }) });
 * sequential([drop(), dense(800), relu(), drop(), dense(800), relu(), drop(), dense(10)]);
 * repeat(residual(dense(64), { branch: stochasticDepth({ rate: byLayer({ last: 0.5 }) }) }), 12);
 * ```
 */
export const byLayer: Factory<"schedule", ByLayerOptions> = definePlugin({
  name: "by-layer",
  summary: "Rates by layer: one for the input and one for hidden layers, linear in depth, or a list.",
  options: z.object({
    input: scheduled(rateSchema).optional().describe("the rate at the first place"),
    hidden: scheduled(rateSchema).optional().describe("the rate at all places behind the first"),
    first: scheduled(rateSchema).optional().describe("the rate at the first place, from which it goes to last"),
    last: scheduled(rateSchema).optional().describe("the rate at the last place"),
    rates: z.array(scheduled(rateSchema)).min(1, "expected at least one rate").readonly().optional()
      .describe("the rate at each place"),
  }).superRefine((options, context) => {
    const given = Object.entries(options).filter(([, value]) => value !== undefined).map(([name]) => name);
    const kinds = [["hidden", "input"], ["last", "first"], ["rates"]];
    if (
      kinds.some(([needed, ...more]) => given.includes(needed) && given.every((n) => [needed, ...more].includes(n)))
    ) {
      return;
    }
    const message = "expected hidden with or without input, or last with or without first, or rates";
    context.addIssue({ code: "custom", message });
  }),
  cases: [{ input: 0.2, hidden: 0.5 }, { last: 0.5 }, { first: 0, last: 0.5 }, { rates: [0.1, 0.5] }],
  value(progress: Progress, options: ByLayerOptions, _state, site?: ScheduleSite) {
    const { index, count, inner } = site ?? { index: 0, count: 1, inner: (value, at) => scheduledValue(value, at) };
    const { rates } = options;
    if (rates === undefined) {
      return rateAt(options, index, count, (name) => inner(options[name] as Scheduled, progress, name));
    }
    if (index >= rates.length) throw new OptionError("by-layer.rates", `at least ${index + 1} rates`, rates.length);
    return inner(rates[index], progress, `rates.${index}`);
  },
});
