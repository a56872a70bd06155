/** What the study says at its end: means over the splits, beside what was published. @module */
import type { Identity } from "./_kept.ts";
import { meanAndError } from "./_likelihood.ts";
import type { SplitResult } from "./_protocol.ts";
import { type Published, publishedFor } from "./_published.ts";

/** The figures of a study. */
export interface Summary {
  /** Name of the set. */
  readonly set: string;
  /** Root of the mean squared error of the Monte Carlo mean, over the splits, in the target's units; null without a split. */
  readonly rmse: number | null;
  /** Its standard error. */
  readonly rmseError: number | null;
  /** Predictive log-likelihood, over the splits. */
  readonly logLikelihood: number | null;
  /** Its standard error. */
  readonly logLikelihoodError: number | null;
  /** What was published for the same set, multiplier and grid; null for what was not. */
  readonly published: Published | null;
  /** `grid`, or `concrete` where rates are learned. */
  readonly rate: "grid" | "concrete";
  /** Multiplier of the epochs. */
  readonly epochsTimes: number;
  /** Hidden layers. */
  readonly layers: number;
  /** Examples a step. */
  readonly batchSize: number;
  /** Monte Carlo passes. */
  readonly samples: number;
  /** What everything random follows from. */
  readonly seed: number;
  /** Whether all splits that were asked for are there. */
  readonly complete: boolean;
  /** Each split's own figures. */
  readonly splits: readonly SplitResult[];
  /** The folder that keeps them. */
  readonly out: string;
}

/** Puts finished splits together. */
export function summarize(
  about: Identity,
  results: readonly SplitResult[],
  { out, complete }: { readonly out: string; readonly complete: boolean },
): Summary {
  const splits = [...results].sort((a, b) => a.split - b.split);
  const over = (values: number[]) => values.length === 0 ? { mean: null, error: null } : meanAndError(values);
  const rmse = over(splits.map((result) => result.rmse));
  const likelihood = over(splits.map((result) => result.logLikelihood));
  const { set, rate, epochsTimes, layers, batchSize, samples, seed } = about;
  return {
    set,
    rmse: rmse.mean,
    rmseError: rmse.error,
    logLikelihood: likelihood.mean,
    logLikelihoodError: likelihood.error,
    published: rate === "grid" && layers === 1 ? publishedFor(set, epochsTimes, batchSize) : null,
    rate,
    epochsTimes,
    layers,
    batchSize,
    samples,
    seed,
    complete,
    splits,
    out,
  };
}

/** The same for a person. */
export function describe(summary: Summary): string {
  const { set, rate, epochsTimes, layers, splits, published, out } = summary;
  if (splits.length === 0) return `${set}: no split is finished.\n`;
  const given = (mean: number, error: number) => `${digits(mean)} ± ${digits(error)}`;
  const lines = [
    `${set}: ${splits.length} ${splits.length === 1 ? "split" : "splits"}, ${epochsTimes} times the epochs, ` +
    `${layers} hidden ${layers === 1 ? "layer" : "layers"}, rates ${rate === "grid" ? "from the grid" : "learned"}`,
    `RMSE            ${given(summary.rmse!, summary.rmseError!)}` +
    (published === null ? "" : `   published ${given(published.rmse, published.rmseError)}`),
    `log-likelihood  ${given(summary.logLikelihood!, summary.logLikelihoodError!)}` +
    (published === null ? "" : `   published ${given(published.logLikelihood, published.logLikelihoodError)}`),
  ];
  if (rate === "concrete") {
    const rates = splits[0].rates.map((_, layer) => meanAndError(splits.map((result) => result.rates[layer])).mean);
    lines.push(`learned rates   ${rates.map(digits).join(", ")}`);
  }
  if (published !== null) lines.push(`published: ${published.source}`);
  if (published?.note !== undefined) lines.push(`note: ${published.note}`);
  lines.push(`standard errors over the splits; each split is in ${out}`);
  return lines.join("\n") + "\n";
}

/** A number with two digits behind the point, more where it is small. */
export function digits(value: number): string {
  return Math.abs(value) < 0.1 && value !== 0 ? value.toPrecision(2) : value.toFixed(2);
}
