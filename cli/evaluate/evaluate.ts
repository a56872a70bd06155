/** `evaluate`: what a trained model's probabilities, or predicted numbers, are worth. @module */
import {
  assessClassification,
  assessRegression,
  type ClassScores,
  type Dataset,
  didYouMean,
  type Judged,
  type LastLayerLaplace,
  lastLayerLaplace,
  type NumberAssessment,
  OptionError,
} from "../../mod.ts";
import { evaluateCommand } from "../arguments/commands/evaluate.ts";
import { note, type Outcome } from "../arguments/deliver.ts";
import { drawsOf, evaluateMixability } from "./evaluate_mixability.ts";
import { evaluateExact, exactOf } from "./evaluate_exact.ts";
import { foreignExamples } from "./foreign_examples.ts";
import { byLaplace } from "../predict/laplace_prediction.ts";
import { type OpenedRun, openRun } from "../run/open_run.ts";
import { readArguments } from "../arguments/read_arguments.ts";
import { reliability } from "./_reliability.ts";
import { saveLaplace } from "../run/saved_laplace.ts";
import { saveTemperature } from "../run/saved_temperatures.ts";
import { table } from "../print/table.ts";

/** Runs `evaluate --run DIR [--name RUN] [--samples T] [--foreign DATASET|FILE]`. */
export async function evaluate(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, evaluateCommand);
  const samples = given.whole("samples", 0) ?? 0;
  const seed = given.whole("seed", 0) ?? 0;
  const bins = given.whole("bins", 1) ?? 15;
  const noise = variance(given.value("noise"));
  const part = given.value("part") ?? "test";
  if (part !== "test" && part !== "validation") throw new OptionError("--part", '"test" or "validation"', part);
  const draws = drawsOf(given);
  const exact = exactOf(given);
  const opened = await openRun(given);
  const { dataset, name, members, loss } = opened;
  const laplace = laplaceOf(given.value("laplace"), opened);
  const split = dataset[part];
  if (split === undefined) throw new OptionError("--part", `"test", since the run has no validation part`, part);
  if (draws !== undefined) return evaluateMixability(opened, { draws, seed, split, part });
  if (exact) return evaluateExact(opened, { samples, seed, split, part });
  const wanted = given.value("foreign");
  const of: Judged = laplace === undefined
    ? members
    : samples === 0
    ? laplace.probit()
    : laplace.sampler({ samples, seed });
  const about = laplace === undefined ? { samples, seed, split } : { split };
  if (laplace !== undefined) {
    const kept = await saveLaplace(opened.folders[0], laplace);
    if (kept !== undefined) note(`The approximation is kept in ${kept}, for predict --laplace.`);
  }
  const told = (found: { passes: number; examples: number }) => ({
    dataset: dataset.name,
    run: name,
    part,
    members: members.length,
    samples,
    ...(laplace && { laplace: { priorPrecision: laplace.priorPrecision, noise: laplace.noise } }),
    passes: found.passes,
    examples: found.examples,
  });
  const head = ({ examples }: { examples: number }) =>
    `${name} on ${dataset.name}, ${examples.toLocaleString("en")} ${part} examples, ${
      laplace ? byLaplace(samples) : how(members.length, samples)
    }\n`;
  if (dataset.classes === 0) {
    if (wanted !== undefined) throw new OptionError("--foreign", "nothing for a run that predicts numbers", wanted);
    const found = assessRegression(of, dataset, { ...about, loss, noise: noise ?? noiseOf(laplace, dataset) });
    const { error, noise: known, scores } = found;
    return { json: { ...told(found), error, noise: known, scores }, text: `${head(found)}\n${describeNumbers(found)}` };
  }
  if (noise !== undefined) throw new OptionError("--noise", "nothing for a run that predicts classes", noise);
  const foreign = wanted === undefined ? undefined : await foreignExamples(wanted, opened);
  const found = assessClassification(of, dataset, { ...about, bins, foreign: foreign?.split });
  const { temperature, scores } = found;
  const fitted = "temperature" in temperature ? temperature : undefined;
  if (fitted !== undefined && laplace === undefined) {
    const saved = await saveTemperature(opened, { samples, seed, temperature: fitted.temperature });
    if (saved !== undefined) note(`The temperature is kept in ${saved}.`);
  }
  const lines = [
    head(found),
    table(
      scoreRows(scores, fitted?.scores),
      ["score", "value", ...(fitted ? [`at temperature ${fitted.temperature.toPrecision(4)}`] : [])],
    ),
    "reason" in temperature
      ? `\n${temperature.reason}`
      : `\nThe temperature was fitted on ${temperature.validationExamples.toLocaleString("en")} validation examples.` +
        (temperature.atLimit ? " It is the end of the range: the likelihood would rise beyond it." : ""),
    `\n${reliability(scores.calibration.width)}`,
    `\n${
      table(
        scores.selective.curve.map(({ refused, risk }) => [`${(100 * refused).toFixed(0)} %`, percent(1 - risk)]),
        ["refused", "accuracy of the rest"],
      )
    }`,
  ];
  if (found.foreign !== undefined) {
    const { examples, entropy, mutualInformation, maxProbability } = found.foreign;
    lines.push(
      `\nspotting ${examples.toLocaleString("en")} examples of ${foreign!.name}:\n` + table([
        ["entropy", entropy.toFixed(4)],
        ["mutual information", mutualInformation.toFixed(4)],
        ["probability of the class", maxProbability.toFixed(4)],
      ], ["by", "AUROC"]),
    );
  }
  return {
    json: {
      ...told(found),
      scores,
      temperature,
      ...(found.foreign && { foreign: { dataset: foreign!.name, ...found.foreign } }),
    },
    text: lines.join("\n") + "\n",
  };
}

/** The Laplace approximation of a run's last layer, where it is asked for. */
function laplaceOf(structure: string | undefined, { dataset, members, name }: OpenedRun): LastLayerLaplace | undefined {
  if (structure === undefined) return undefined;
  if (structure !== "kronecker" && structure !== "full") {
    throw new OptionError(
      "--laplace",
      '"kronecker" or "full"',
      structure,
      didYouMean(structure, ["kronecker", "full"]),
    );
  }
  if (members.length > 1) throw new OptionError("--laplace", "a single run", `the ensemble ${name}`);
  const [{ model, progress }] = members;
  return lastLayerLaplace(model, { data: dataset, structure, progress });
}

/** The noise that the approximation has found, in the targets' units. */
function noiseOf(laplace: LastLayerLaplace | undefined, { targetUnits, outputs }: Dataset): number[] | undefined {
  if (laplace?.noise === undefined) return undefined;
  return Array.from({ length: outputs }, (_, output) => laplace.noise! * (targetUnits?.deviation[output] ?? 1) ** 2);
}

function how(members: number, samples: number): string {
  const passes = samples === 0 ? "one pass, dropout off" : `mean of ${samples} passes with dropout on`;
  return members === 1 ? passes : `mean of ${members} members, each ${passes}`;
}

function percent(value: number): string {
  return `${(100 * value).toFixed(2)} %`;
}

function scoreRows(scores: ClassScores, tempered: ClassScores | undefined): string[][] {
  const row = (name: string, of: (scores: ClassScores) => string) => [
    name,
    of(scores),
    ...(tempered === undefined ? [] : [of(tempered)]),
  ];
  const digits = (of: (scores: ClassScores) => number) => (scores: ClassScores) => of(scores).toFixed(4);
  return [
    row("error", (scores) => percent(scores.error)),
    row("negative log-likelihood, nats", digits((scores) => scores.negativeLogLikelihood)),
    row("Brier score", digits((scores) => scores.brierScore)),
    row("calibration error, bins of equal width", (scores) => percent(scores.calibration.width.expectedError)),
    row("calibration error, bins of equal mass", (scores) => percent(scores.calibration.mass.expectedError)),
    row("largest calibration error", (scores) => percent(scores.calibration.width.maximumError)),
    row("confidence less accuracy", (scores) => percent(scores.calibration.width.overconfidence)),
    row("area under risk and coverage", (scores) => percent(scores.selective.area)),
    row("entropy, nats", digits((scores) => scores.entropy)),
    row("mutual information, nats", digits((scores) => scores.mutualInformation)),
  ];
}

function describeNumbers({ error, noise, scores }: NumberAssessment): string {
  const short = (value: number) =>
    Math.abs(value) < 1e4 ? value.toPrecision(4) : Math.round(value).toLocaleString("en");
  const rows = [["root mean squared error", short(error)]];
  if (scores !== undefined) {
    rows.push(
      ["negative log-likelihood, nats", short(scores.negativeLogLikelihood)],
      ["mean predicted deviation", short(scores.deviation)],
      ["calibration error of quantiles", percent(scores.quantiles.expectedError)],
    );
  }
  const told = "reason" in noise ? noise.reason : `Variance of the noise: ${noise.variance.map(short).join(", ")}, ${
    {
      given: "as given",
      model: "as the model says, in the mean",
      validation: "fitted on the validation examples",
    }[noise.from]
  }.`;
  if (scores === undefined) return `${table(rows, ["score", "value"])}\n\n${told}\n`;
  const levels = scores.coverage.map(({ level, found }) => [percent(level), percent(found)]);
  const refused = scores.selective.curve
    .map(({ refused, risk }) => [`${(100 * refused).toFixed(0)} %`, short(Math.sqrt(risk))]);
  return [
    table(rows, ["score", "value"]),
    told,
    table(levels, ["interval", "targets in it"]),
    table(refused, ["refused", "root mean squared error of the rest"]),
  ].join("\n\n") + "\n";
}

function variance(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0 && value < Infinity) return value;
  throw new OptionError("--noise", "a variance above 0, in the square of the targets' units", text);
}
