/** The lines of the metrics, epoch by epoch, as they are. @module */
import type { MetricsLine } from "../../report_data.ts";
import { table } from "../dom.ts";
import { brief, duration, errorText } from "../format.ts";
import { element } from "../dom.ts";
import { folded, named, panel, type View } from "../panel.ts";
import type { Shown } from "../runs.ts";

/** A table a run, folded. */
export function numbers({ runs }: View): HTMLElement | undefined {
  const seen = runs.filter(({ run }) => run.history.length > 0);
  if (seen.length === 0) return undefined;
  return panel(
    "numbers",
    "Every epoch in numbers",
    "The lines of metrics.jsonl. “As trained” is measured while learning, with dropout on; the rest with dropout off.",
    ...seen.map(ofRun),
  );
}

function ofRun(shown: Shown): HTMLElement {
  const { name, history, classification } = shown.run;
  const validation = history.some(({ validationError }) => validationError !== undefined);
  const error = (value: number | null | undefined) => errorText(value, classification);
  const columns: [string, keyof MetricsLine, (value: number | null | undefined) => string][] = [
    ["test error", "testError", error],
    ["train error", "trainError", error],
    ...(validation
      ? [["validation error", "validationError", error] as [string, keyof MetricsLine, typeof error]]
      : []),
    ["as trained", "runningError", error],
    ["test loss", "testLoss", brief],
    ["train loss", "trainLoss", brief],
    ["loss as trained", "runningLoss", brief],
    ["seconds", "seconds", (value) => duration(value ?? null)],
    ["ms a step", "stepMs", brief],
  ];
  const rows = history.map((line) => [
    String(line.epoch),
    ...columns.map(([, key, text]) =>
      element(
        "data",
        { value: line[key] ?? undefined, "data-name": key, title: line[key] ?? undefined },
        text(line[key]),
      )
    ),
  ]);
  const made = folded(
    `numbers-${name}`,
    name,
    table(["epoch", ...columns.map(([title]) => title)], rows, { caption: `Metrics of ${name}` }),
  );
  made.querySelector("summary")!.replaceChildren(named(shown));
  made.dataset.run = name;
  return made;
}
