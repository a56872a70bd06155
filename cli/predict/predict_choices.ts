/** How predictions are made and printed, as the arguments of `predict` say. @module */
import { type Averaging, OptionError } from "../../mod.ts";
import type { OptionHelp } from "../arguments/command.ts";
import type { Arguments } from "../arguments/read_arguments.ts";

/** How predictions are printed. */
export type Format = "json" | "jsonl" | "csv" | "table";

const formats: readonly Format[] = ["json", "jsonl", "csv", "table"];

/** What the arguments say. */
export interface PredictChoices {
  /** Passes with dropout on; 0 for one without. */
  readonly samples: number;
  /** Patterns of the places that draw. */
  readonly sites: readonly string[] | undefined;
  /** Which masks. */
  readonly seed: number;
  /** How class probabilities are averaged over passes. */
  readonly average: Averaging;
  /** Levels of quantiles. */
  readonly quantiles: readonly number[];
  /** Precision of the noise around numbers, in the targets' units. */
  readonly precision: number | undefined;
  /** At which class probabilities are given; `fitted` for the one that `evaluate` has kept. */
  readonly temperature: number | "fitted" | undefined;
  /** Whether the Laplace approximation that `evaluate` has kept predicts. */
  readonly laplace: boolean;
  /** Whether each prediction has that of weight scaling beside it. */
  readonly weightScaling: boolean;
  /** Most predictions to show. */
  readonly limit: number | undefined;
  /** How they are printed. */
  readonly format: Format;
}

/** The option of Monte Carlo passes. */
export const samples: OptionHelp = {
  name: "samples",
  value: "T",
  meaning: "passes with dropout on, to average over",
  default: "0: one pass, without",
};

/** The options that say it. */
export const predictOptions: readonly OptionHelp[] = [
  samples,
  {
    name: "sites",
    value: "PATTERN",
    repeated: true,
    meaning: "a regular expression that the path of a place has to match to draw, such as ^3$",
    default: "all places with dropout draw",
  },
  { name: "seed", value: "N", meaning: "which masks are drawn", default: "0" },
  {
    name: "average",
    value: "HOW",
    meaning: '"arithmetic" or "geometric" mean of the class probabilities of the passes',
    default: "arithmetic",
  },
  {
    name: "quantiles",
    value: "LEVELS",
    meaning: "quantiles over the passes, such as 0.05,0.5,0.95",
    default: "none",
  },
  {
    name: "precision",
    value: "TAU",
    meaning: "of the noise around numbers: 1 over its variance, in the target's units",
    default: "what the loss says, which may be nothing",
  },
  {
    name: "temperature",
    value: "T",
    meaning: "at which class probabilities are given: a number above 0, or fitted, for what evaluate has found",
    default: "1",
  },
  {
    name: "laplace",
    meaning:
      "by the Laplace approximation of the last layer that evaluate --laplace has kept; with --samples by draws of its " +
      "weights",
  },
  { name: "weight-scaling", meaning: "beside each prediction, what one pass without dropout says" },
];

/**
 * Reads them.
 *
 * @throws {OptionError} naming the option whose value is out of range
 */
export function predictChoices(given: Arguments): PredictChoices {
  const samples = given.whole("samples", 0) ?? 0;
  if (samples > 16384) throw new OptionError("--samples", "a whole number in [0, 16384]", String(samples));
  const seed = given.whole("seed", 0) ?? 0;
  if (seed >= 2 ** 32) throw new OptionError("--seed", "a whole number in [0, 2^32)", String(seed));
  const average = given.value("average") ?? "arithmetic";
  if (average !== "arithmetic" && average !== "geometric") {
    throw new OptionError("--average", "arithmetic or geometric", average);
  }
  const sites = given.list("sites");
  if (sites.length > 0 && samples === 0) {
    throw new OptionError("--sites", "--samples beside it, since without passes nothing draws", sites.join(" "));
  }
  const temperature = given.value("temperature");
  if (temperature === "fitted" && (average !== "arithmetic" || sites.length > 0)) {
    const beside = average !== "arithmetic" ? `--average ${average}` : `--sites ${sites.join(" ")}`;
    throw new OptionError("--temperature", `a number beside ${beside}, for which none was fitted`, temperature);
  }
  const laplace = given.has("laplace");
  if (laplace) refuseBesideLaplace(given);
  const format = given.value("format") ?? "table";
  if (!formats.includes(format as Format)) throw new OptionError("--format", `one of ${formats.join(", ")}`, format);
  return {
    samples,
    sites: sites.length > 0 ? sites : undefined,
    seed,
    average,
    quantiles: levels(given.value("quantiles")),
    precision: above0(given.value("precision"), "--precision"),
    temperature: temperature === "fitted" ? temperature : above0(temperature, "--temperature"),
    laplace,
    weightScaling: given.has("weight-scaling"),
    limit: given.whole("limit", 1),
    format: format as Format,
  };
}

/** Refuses what says how a net's own passes are made. */
function refuseBesideLaplace(given: Arguments): void {
  const other = ["sites", "precision"].find((name) => given.list(name).length > 0);
  if (other !== undefined) throw new OptionError(`--${other}`, "nothing beside --laplace", given.value(other));
  if (given.has("weight-scaling")) throw new OptionError("--weight-scaling", "nothing beside --laplace", "it");
  if (given.value("temperature") === "fitted") {
    throw new OptionError("--temperature", "a number beside --laplace, for which none was kept", "fitted");
  }
}

function levels(text: string | undefined): number[] {
  if (text === undefined) return [];
  return text.split(",").map((part) => {
    const level = part.trim() === "" ? NaN : Number(part);
    if (level >= 0 && level <= 1) return level;
    throw new OptionError("--quantiles", "numbers in [0, 1] with commas between them", text);
  });
}

function above0(text: string | undefined, path: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0 && value < Infinity) return value;
  throw new OptionError(path, "a number above 0", text);
}
