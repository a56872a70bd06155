/** `predict`: what a trained model says of the test examples or of new inputs, once or averaged over passes. @module */
import { checkAverage, checkDraws, OptionError } from "../../mod.ts";
import { predictCommand } from "../arguments/commands/predict.ts";
import { note, type Outcome } from "../arguments/deliver.ts";
import { openRun } from "../run/open_run.ts";
import { type PredictChoices, predictChoices } from "./predict_choices.ts";
import { type ExamplePrediction, predictExamples, type TestErrors } from "./predict_examples.ts";
import { byLaplace, laplacePrediction, toldOf } from "./laplace_prediction.ts";
import { predictInput } from "./predict_input.ts";
import { predictSettled, settleOf } from "./predict_settled.ts";
import { printed } from "./prediction_formats.ts";
import { type Arguments, readArguments } from "../arguments/read_arguments.ts";
import { savedTemperature } from "../run/saved_temperatures.ts";

/** Runs `predict --run DIR [--input FILE] [--samples T] [--format FORMAT] ...`. */
export async function predict(args: readonly string[]): Promise<Outcome> {
  const given = readArguments(args, predictCommand);
  const choices = predictChoices(given);
  const settle = settleOf(given);
  if (settle !== undefined) return await predictSettled(given, choices, settle);
  return given.value("input") === undefined
    ? await predictTestPart(given, choices)
    : await predictInput(given, choices);
}

/** Predicts the test examples, whose targets are known. */
async function predictTestPart(given: Arguments, choices: PredictChoices): Promise<Outcome> {
  const opened = await openRun(given);
  const { out, dataset, name, members, loss, folders } = opened;
  const { samples, sites, format, average } = choices;
  checkAverage(average, dataset.classes, "--average");
  if (choices.precision !== undefined && dataset.classes > 0) {
    throw new OptionError("--precision", "nothing for a run that predicts classes", choices.precision);
  }
  if (choices.temperature !== undefined && dataset.classes === 0) {
    throw new OptionError("--temperature", "nothing for a run that predicts numbers", choices.temperature);
  }
  const temperature = choices.temperature === "fitted" ? await savedTemperature(opened, samples) : choices.temperature;
  if (choices.weightScaling && members.length > 1) {
    throw new OptionError("--weight-scaling", "a single run", `the ensemble ${name}`);
  }
  const { model, progress } = members.at(-1)!;
  const laplace = await laplacePrediction({
    out,
    folder: folders.length > 1 ? undefined : folders[0],
    name,
    member: members[0],
    units: dataset.targetUnits,
  }, choices);
  if (laplace && dataset.order === "lanes") {
    throw new OptionError("--laplace", "a run whose examples do not go on from each other", name);
  }
  const drawing = samples === 0 || laplace ? [] : checkDraws(model, "--samples", samples, { sites, progress });
  if (samples > 0 && drawing.length === 0 && !laplace) note("No place draws at the end of training: the passes agree.");
  const asked = { models: members, dataset, loss, choices, temperature, instead: laplace?.predict };
  const shown = (error: number) => dataset.classes > 0 ? `${(100 * error).toFixed(2)} %` : String(error);
  const summary = (errors: TestErrors) => {
    if (laplace) return `${name} on ${dataset.name}: test error ${shown(errors.arithmetic)} (${byLaplace(samples)})`;
    const each = samples === 0 ? "one pass, dropout off" : `${average} mean of ${samples} passes with dropout on`;
    const passes = members.length === 1 ? each : `mean of ${members.length} members, each ${each}`;
    const others = Object.entries(errors).filter(([kind]) => kind !== average)
      .map(([kind, error]) => `; ${kind === "weightScaling" ? "weight scaling" : kind} ${shown(error)}`).join("");
    return `${name} on ${dataset.name}: test error ${shown(errors[average]!)} (${passes}${others})`;
  };
  const all = (limit: number) => {
    const rows: ExamplePrediction[] = [];
    const examples = predictExamples(asked, limit);
    for (let next = examples.next();; next = examples.next()) {
      if (next.done) return { rows, errors: next.value };
      rows.push(next.value);
    }
  };
  const json = () => {
    const { rows, errors } = all(choices.limit ?? 10);
    return Promise.resolve({
      dataset: dataset.name,
      run: name,
      samples,
      members: members.length,
      ...(laplace && { laplace: toldOf(laplace.laplace) }),
      ...(samples > 0 && !laplace && { sites: drawing }),
      ...(temperature !== undefined && { temperature }),
      examples: dataset.test.count,
      testError: errors[average]!,
      ...((samples > 0 || members.length > 1) && { testErrors: errors }),
      predictions: rows,
    });
  };
  async function* stream(): AsyncGenerator<string> {
    if (format === "json") {
      yield JSON.stringify(await json()) + "\n";
      return;
    }
    if (format === "table") {
      const { rows, errors } = all(choices.limit ?? 10);
      yield `${summary(errors)}\n\n`;
      return yield* printed(rows, format);
    }
    function* rows(): Generator<ExamplePrediction> {
      note(summary(yield* predictExamples(asked, choices.limit ?? Infinity)));
    }
    yield* printed(rows(), format);
  }
  return { json, text: "", stream };
}
