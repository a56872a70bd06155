/** The table of the methods, for programs and for people. @module */
import type { Measured } from "./_measure.ts";

/** A mean over seeds, with the standard deviation where there are several. */
export interface OverSeeds {
  readonly mean: number;
  readonly deviation?: number;
}

type Figure = Exclude<keyof Measured, "name" | "trainingSeconds" | "predictionTimes">;

/** A method's figures over all seeds. */
export type MethodSummary =
  & { readonly name: string }
  & Readonly<Record<Figure, OverSeeds>>
  & {
    /** Parameters, time of training and of prediction as multiples of the plain net's. */
    readonly cost: { readonly parameters: number; readonly training: OverSeeds; readonly prediction: OverSeeds };
  };

function overSeeds(values: readonly number[]): OverSeeds {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return { mean };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}

/** Joins the measurements of all seeds: each is a list of methods, the plain net first. */
export function summarize(seeds: readonly (readonly Measured[])[]): MethodSummary[] {
  const complete = Math.min(...seeds.map((measured) => measured.length));
  return Array.from({ length: complete }, (_, method) => {
    const own = seeds.map((measured) => measured[method]);
    const of = (figure: Figure) => overSeeds(own.map((measured) => measured[figure]));
    return {
      name: own[0].name,
      error: of("error"),
      negativeLogLikelihood: of("negativeLogLikelihood"),
      brierScore: of("brierScore"),
      calibrationError: of("calibrationError"),
      riskCoverageArea: of("riskCoverageArea"),
      foreign: of("foreign"),
      parameters: of("parameters"),
      cost: {
        parameters: own[0].parameters / seeds[0][0].parameters,
        training: overSeeds(own.map((measured, seed) => measured.trainingSeconds / seeds[seed][0].trainingSeconds)),
        prediction: overSeeds(own.map((measured) => measured.predictionTimes)),
      },
    };
  });
}

const heads = ["method", "error", "NLL", "ECE", "Brier", "AURC", "AUROC", "parameters", "training", "prediction"];

/** The table as text. */
export function describe(methods: readonly MethodSummary[]): string {
  const percent = ({ mean, deviation }: OverSeeds) =>
    `${(100 * mean).toFixed(2)}${deviation === undefined ? "" : ` ± ${(100 * deviation).toFixed(2)}`} %`;
  const number = ({ mean, deviation }: OverSeeds) =>
    `${mean.toFixed(4)}${deviation === undefined ? "" : ` ± ${deviation.toFixed(4)}`}`;
  const times = (value: number) => `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} x`;
  const rows = methods.map((method) => [
    method.name,
    percent(method.error),
    number(method.negativeLogLikelihood),
    percent(method.calibrationError),
    number(method.brierScore),
    percent(method.riskCoverageArea),
    number(method.foreign),
    times(method.cost.parameters),
    times(method.cost.training.mean),
    times(method.cost.prediction.mean),
  ]);
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ");
  return [line(heads), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}
