/** `evaluate --exact`: the average over all masks of a small net, and how near weight scaling and Monte Carlo come to it. @module */
import {
  assessClassification,
  assessRegression,
  type Dataset,
  exactAverage,
  makeBatch,
  maskUnits,
  type Member,
  OptionError,
  pickExamples,
  predict,
  type Predictor,
  type Split,
  Tensor,
} from "../../mod.ts";
import type { Outcome } from "../arguments/deliver.ts";
import type { OpenedRun } from "../run/open_run.ts";
import type { Arguments } from "../arguments/read_arguments.ts";
import { table } from "../print/table.ts";

/** Most units of which all masks are enumerated: about a million of these. */
const MOST_UNITS = 20;

/** Rows that all masks together are run over at most: some seconds for a small net. */
const MOST_ROWS = 2 ** 24;

/** Monte Carlo passes where `--samples` does not say it. */
const SAMPLES = 100;

/** Options that say how predictions are made or judged in another way. */
const others = ["foreign", "bins", "noise", "laplace", "mixability"];

/**
 * Whether all masks are asked for.
 *
 * @throws {OptionError} for an option that means nothing beside it
 */
export function exactOf(given: Arguments): boolean {
  if (!given.has("exact")) return false;
  const other = others.find((name) => given.value(name) !== undefined);
  if (other === undefined) return true;
  throw new OptionError(`--${other}`, "nothing beside --exact", given.value(other));
}

/** Which examples and passes. */
export interface ExactArguments {
  /** Monte Carlo passes; 0 for the default. */
  readonly samples: number;
  /** Which masks these have. */
  readonly seed: number;
  /** The examples. */
  readonly split: Split;
  /** What they are called. */
  readonly part: string;
}

/** What one way of averaging gives. */
interface Average {
  readonly name: string;
  /** Class probabilities or numbers, `[examples, ...]`. */
  readonly mean: Tensor;
}

/** Averages over all masks, and judges it beside what approximates it. */
export function evaluateExact(opened: OpenedRun, { samples, seed, split, part }: ExactArguments): Outcome {
  const { members, dataset, loss, name } = opened;
  if (members.length > 1) throw new OptionError("--exact", "a single run or member", `the ensemble ${name}`);
  if (split.labelsPerExample !== undefined || dataset.order === "lanes") {
    throw new OptionError("--exact", "a run that predicts one class, or numbers, for each example", name);
  }
  const classes = dataset.classes > 0;
  if (!classes && loss.definition.prediction !== undefined) {
    throw new OptionError("--exact", "a loss for which the model's outputs are the prediction", loss.plugin);
  }
  const [member] = members;
  const { model, progress } = member;
  const units = maskUnits(model, makeBatch(split, dataset.outputs, 0, 1).inputs, { progress });
  if (units > MOST_UNITS) {
    throw new OptionError(
      "--exact",
      `a net with at most ${MOST_UNITS} units, weights or branches that are kept or dropped, since there are 2^units masks`,
      `${units.toLocaleString("en")} in ${name}`,
    );
  }
  const masks = 2 ** units;
  if (units === 0) {
    throw new OptionError("--exact", "a run in which dropout draws, since otherwise all masks agree", name);
  }
  const count = Math.min(split.count, Math.max(1, Math.floor(MOST_ROWS / masks)));
  const chosen = count === split.count ? split : pickExamples(split, Array.from({ length: count }, (_, i) => i));
  const passes = samples === 0 ? SAMPLES : samples;
  const averages = averagesOf(member, makeBatch(chosen, dataset.outputs, 0, count).inputs, { classes, passes, seed });
  const [exact] = averages;
  const rows = averages.map((average) => ({
    average: average.name,
    ...scoresOf(average, dataset, chosen),
    distance: distanceOf(average.mean, exact.mean, dataset),
  }));
  const told = { dataset: dataset.name, run: name, part, examples: count, of: split.count, units, masks };
  const error = (value: number) => classes ? `${(100 * value).toFixed(2)} %` : value.toPrecision(4);
  const cells = rows.map((row) => [
    row.average,
    error(row.error),
    ...(classes ? [row.negativeLogLikelihood!.toFixed(4), row.brierScore!.toFixed(4)] : []),
    row.distance.toPrecision(3),
  ]);
  const head = ["average", classes ? "error" : "root mean squared error"];
  const scores = classes ? ["negative log-likelihood, nats", "Brier score"] : [];
  const some = count === split.count ? "" : `the first ${count.toLocaleString("en")} of `;
  return {
    json: { ...told, samples: passes, averages: rows },
    text: [
      `${name} on ${dataset.name}, ${some}${split.count.toLocaleString("en")} ${part} examples; ` +
      `${units} units that are kept or dropped, ${masks.toLocaleString("en")} masks`,
      table(cells, [...head, ...scores, "distance from the exact mean"]),
      classes
        ? "The distance is half the sum of the probabilities' differences, in the mean over the examples."
        : "The distance is the root of the mean squared difference.",
    ].join("\n\n") + "\n",
  };
}

function averagesOf(
  { model, progress }: Member,
  x: Tensor,
  { classes, passes, seed }: { classes: boolean; passes: number; seed: number },
): Average[] {
  const exact = (of: "arithmetic" | "geometric") => exactAverage(model, x, { of, softmax: classes, progress }).average;
  const asked = (samples: number) => predict(model, x, { samples, seed, progress, softmax: classes }).mean;
  return [
    { name: classes ? "exact, arithmetic mean" : "exact", mean: exact("arithmetic") },
    ...(classes ? [{ name: "exact, geometric mean", mean: exact("geometric") }] : []),
    { name: "weight scaling", mean: asked(0) },
    { name: `Monte Carlo, ${passes} passes`, mean: asked(passes) },
  ];
}

function scoresOf({ mean }: Average, dataset: Dataset, split: Split) {
  if (dataset.classes === 0) {
    const known: Predictor = { passes: 1, run: ({ examples }, visit) => visit(rowsAt(mean, examples), 0) };
    return { error: assessRegression(known, { ...dataset, validation: undefined }, { split }).error };
  }
  const logs = mean.log();
  const known: Predictor = { passes: 1, run: ({ examples }, visit) => visit(rowsAt(logs, examples), 0) };
  const { scores } = assessClassification(known, { ...dataset, validation: undefined }, { split });
  const { error, negativeLogLikelihood, brierScore } = scores;
  return { error, negativeLogLikelihood, brierScore };
}

function rowsAt(values: Tensor, examples: ArrayLike<number>): Tensor {
  const width = values.size / values.shape[0];
  const out = Tensor.empty([examples.length, width], values.floatType);
  for (let i = 0; i < examples.length; i++) {
    out.floats.set(values.floats.subarray(examples[i] * width, (examples[i] + 1) * width), i * width);
  }
  return out;
}

/** How far two averages are from each other, in the mean over examples. */
function distanceOf(a: Tensor, b: Tensor, { classes, outputs, targetUnits }: Dataset): number {
  const units = targetUnits?.deviation;
  let sum = 0;
  for (let i = 0; i < a.size; i++) {
    const difference = a.floats[i] - b.floats[i];
    sum += classes > 0 ? Math.abs(difference) / 2 : (difference * (units?.[i % outputs] ?? 1)) ** 2;
  }
  return classes > 0 ? sum / a.shape[0] : Math.sqrt(sum / a.size);
}
