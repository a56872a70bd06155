/** What each run ended with, a line each. @module */
import type { Maybe } from "../../report_data.ts";
import { element, table } from "../dom.ts";
import { brief, count, difference, duration, errorText, gapText } from "../format.ts";
import { folded, named, panel, type View } from "../panel.ts";
import { byVariant, lastLine, type Shown } from "../runs.ts";
import { deviationOf, meanOf } from "../spread.ts";

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
  const each = table(head, rows, { caption: "Results of the runs" });
  const variants = [...byVariant(runs).values()];
  if (variants.length === runs.length) return panel("results", "Results", how, each);
  const names = ["variant", "seeds", "test error", "train error", "gap", "test loss", "a step"];
  return panel(
    "results",
    "Results",
    `${how} Means over seeds, and their standard deviation.`,
    table(names, variants.map(together), { caption: "Means of the variants" }),
    folded("each-run", `Each of the ${runs.length} runs`, each),
  );
}

/** The runs of a variant, which differ in their seeds. */
function together(group: readonly Shown[]): (string | Node)[] {
  const [{ run }] = group;
  const lines = group.map(({ run }) => lastLine(run));
  const spread = (values: readonly (Maybe | undefined)[], text: (value: Maybe) => string) => {
    const deviation = deviationOf(values);
    const mean = text(meanOf(values));
    // The unit stands once, behind both.
    return deviation === null ? mean : `${mean.replace(/\u00a0.*$/, "")} ± ${text(deviation)}`;
  };
  const error = (value: Maybe) => errorText(value, run.classification);
  return [
    named({ ...group[0], run: { ...run, name: run.variant } }),
    String(group.length),
    spread(lines.map((line) => line?.testError), error),
    spread(lines.map((line) => line?.trainError), error),
    spread(
      lines.map((line) => difference(line?.testError, line?.trainError)),
      (value) => gapText(value, run.classification),
    ),
    spread(lines.map((line) => line?.testLoss), brief),
    `${brief(meanOf(group.map(({ run }) => run.time.stepMs)))}\u00a0ms`,
  ];
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
