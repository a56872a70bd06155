/** What each run ended with, a line each. @module */
import { element, table } from "../dom.ts";
import { brief, count, difference, duration, errorText, gapText } from "../format.ts";
import { named, panel, type View } from "../panel.ts";
import { lastLine, type Shown } from "../runs.ts";

/** The table of results. */
export function summary({ data, runs }: View): HTMLElement {
  const validation = runs.some(({ run }) => lastLine(run)?.validationError !== undefined);
  const head = [
    "run",
    "test error",
    "train error",
    "gap",
    ...(validation ? ["validation error"] : []),
    "test loss",
    "epochs",
    "parameters",
    "a step",
    "training time",
  ];
  const how = data.runs[0].classification
    ? "Error is the share of wrong classes, measured with dropout off; the gap is test less train."
    : "Error is the root of the mean squared difference, measured with dropout off; the gap is test less train.";
  const rows = runs.map((shown) => row(shown, validation));
  return panel("results", "Results", how, table(head, rows, { caption: "Results of the runs" }));
}

function row(shown: Shown, validation: boolean): (string | Node)[] {
  const { run } = shown;
  const last = lastLine(run);
  const error = (value: number | null | undefined) => exact(value, errorText(value, run.classification));
  const best = run.bestEpoch === undefined ? "" : ` (best: ${run.bestEpoch})`;
  return [
    named(shown),
    error(last?.testError),
    error(last?.trainError),
    gapText(difference(last?.testError, last?.trainError), run.classification),
    ...(validation ? [error(last?.validationError)] : []),
    exact(last?.testLoss, brief(last?.testLoss)),
    `${run.epochs.done} of ${run.epochs.of}${best}`,
    count(run.parameters),
    run.time.stepMs === null ? "–" : `${brief(run.time.stepMs)}\u00a0ms`,
    duration(run.time.steps),
  ];
}

/** A rounded number that keeps its own value. */
function exact(value: number | null | undefined, text: string): Node {
  return element("data", { value: value ?? undefined, title: value ?? undefined }, text);
}
