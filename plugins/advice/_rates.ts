/** Rates: what a variant's is, and what rates the literature has at its place. @module */
import { isPlugin } from "../../core/mod.ts";
import type { DropoutFinding } from "./finding.ts";
import { type AdviceSource, devlin, fan, galRecurrent, huang, merity, srivastava, vaswani, wan } from "./_sources.ts";
import type { Variant } from "./_walk.ts";

/** The rates that are usual at a place. */
export interface UsualRates {
  /** What the place is, for a sentence: `the input`. */
  readonly place: string;
  /** The smallest usual rate. */
  readonly least: number;
  /** The largest. */
  readonly most: number;
  /** What to begin with. */
  readonly begin: number;
  /** Who says so. */
  readonly source: AdviceSource;
}

/** The rates of the literature by place. */
export const usualRates = {
  input: {
    place: "the input",
    least: 0,
    most: 0.2,
    begin: 0.2,
    source: srivastava("appendix A.4: inputs of real numbers are kept with a probability of 0.8"),
  },
  hidden: {
    place: "a hidden layer",
    least: 0.2,
    most: 0.5,
    begin: 0.5,
    source: srivastava("appendix A.4: hidden units are kept with a probability of 0.5 to 0.8"),
  },
  maps: {
    place: "feature maps",
    least: 0.1,
    most: 0.3,
    begin: 0.1,
    source: srivastava(
      "section 6.1.2 and appendix B: keep probabilities 0.9, 0.75, 0.75, 0.5, 0.5, 0.5 from the input up",
    ),
  },
  recurrent: {
    place: "a recurrent layer",
    least: 0.2,
    most: 0.5,
    begin: 0.3,
    source: galRecurrent("section 4, and the authors' settings: 0.5 on inputs and outputs, 0.3 on hidden states"),
  },
  embedding: {
    place: "an embedding",
    least: 0.1,
    most: 0.3,
    begin: 0.1,
    source: merity("section 5: embedding dropout 0.1"),
  },
  words: {
    place: "word vectors",
    least: 0.1,
    most: 0.65,
    begin: 0.3,
    source: merity("section 5: 0.4 on word vectors, and 0.65 in the other setting"),
  },
  attention: {
    place: "attention weights",
    least: 0.1,
    most: 0.2,
    begin: 0.1,
    source: devlin("appendix A.2: 0.1 on all layers, attention too"),
  },
  sublayer: {
    place: "a transformer's sub-layer",
    least: 0.1,
    most: 0.3,
    begin: 0.1,
    source: vaswani("section 5.4 and table 3: 0.1 in the base model, 0.3 in the big one"),
  },
  weight: {
    place: "weights",
    least: 0.2,
    most: 0.5,
    begin: 0.5,
    source: wan("experiments: 0.5"),
  },
  branch: {
    place: "residual blocks",
    least: 0.1,
    most: 0.5,
    begin: 0.2,
    source: huang("section 3: the last block survives with a probability of 0.5"),
  },
  layerDrop: {
    place: "residual blocks",
    least: 0.1,
    most: 0.5,
    begin: 0.2,
    source: fan("experiments: 0.2"),
  },
} as const satisfies Record<string, UsualRates>;

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
