/** Rates: what a variant's is, and what rates the literature has at its place. @module */
import { isPlugin } from "../../core/mod.ts";
import type { DropoutFinding } from "./finding.ts";
import { srivastava } from "./_sources.ts";
import { type UsualRates, usualRates } from "./usual_rates.ts";
import type { Variant } from "./_walk.ts";

/** The place of a variant, by what flows there. */
export function placeOf({ role, plugin, host, signal }: Variant): UsualRates {
  if (role === "attention") {
    return plugin.plugin === "drop-key" ? { ...usualRates.attention, most: 0.3 } : usualRates.attention;
  }
  if (role === "branch") return plugin.plugin === "layer-drop" ? usualRates.layerDrop : usualRates.branch;
  if (role === "weight" || role === "product") return usualRates.weight;
  if (role === "recurrent") return usualRates.recurrent;
  if (role === "embedding") return usualRates.embedding;
  if (host !== undefined && /-block$/.test(host.plugin)) return usualRates.sublayer;
  switch (signal) {
    case "input":
      return host === undefined ? usualRates.input : usualRates.hidden;
    case "embedding":
      return usualRates.words;
    case "maps":
      return usualRates.maps;
    case "tokens":
      return usualRates.sublayer;
    case "sequence":
      return usualRates.recurrent;
    default:
      return usualRates.hidden;
  }
}

/**
 * The largest rate that a variant has at a place: its option `rate`, or the largest of those of a variant of several.
 * Undefined for one without, and for schedules whose numbers do not say it.
 */
export function rateOf({ plugin, signal }: Variant): number | undefined {
  if (plugin.plugin === "variational-recurrent-dropout" || plugin.plugin === "zoneout") {
    const rates = Object.values(plugin.options).filter((value) => typeof value === "number");
    return rates.length === 0 ? undefined : Math.max(...rates);
  }
  const { rate } = plugin.options;
  if (typeof rate === "number") return rate;
  if (!isPlugin(rate, "schedule")) return undefined;
  const { input, hidden, last, first, rate: most, from, to } = rate.options;
  const numbers = rate.plugin === "by-layer"
    ? [signal === "input" ? input ?? hidden : hidden, last, first]
    : [most, from, to];
  const found = numbers.filter((value) => typeof value === "number");
  return found.length === 0 ? undefined : Math.max(...found);
}

/** Whether a variant may ever draw: not one whose rate is 0 throughout. */
export function draws(variant: Variant): boolean {
  return rateOf(variant) !== 0;
}

/** Whether the rate is a part of what is targeted, or of a fixed number, and says nothing by itself. */
const ownRates = new Set(["targeted-weight-dropout", "targeted-unit-dropout", "mixout", "zoneout", "patch-dropout"]);

/** What is wrong with the rates. */
export function* rateFindings(variants: readonly Variant[]): Generator<DropoutFinding> {
  for (const variant of variants) {
    const { plugin, path } = variant;
    const rate = rateOf(variant);
    if (rate === undefined || rate === 0 || ownRates.has(plugin.plugin)) continue;
    const { place, least, most, source } = placeOf(variant);
    if (rate <= most) continue;
    const plain = typeof plugin.options.rate === "number";
    if (rate >= 0.8 && rate < 1) {
      const kept = Number((1 - rate).toPrecision(6));
      yield {
        code: "keep-probability",
        severity: "fault",
        path,
        problem:
          `A rate of ${rate} keeps only ${kept} of ${place}: it looks like a probability of keeping. Here, a rate is that of dropping.`,
        remedy: `Give the rate as ${kept}, if it was meant to keep ${rate}.`,
        changes: plain ? [{ path: `${path}.rate`, value: kept }] : [],
        source: srivastava("section 4: p is the probability that a unit is kept"),
      };
      continue;
    }
    yield {
      code: "rate-above-usual",
      severity: "warning",
      path,
      problem: `A rate of ${rate} at ${place} is above the ${least} to ${most} that are usual there.`,
      remedy: `Begin with a rate of ${most} or less.`,
      changes: plain ? [{ path: `${path}.rate`, value: most }] : [],
      source,
    };
  }
}
