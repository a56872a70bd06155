/** The course of a run in a notebook: curves, and the numbers of its epochs. @module */
import type { EpochMetrics } from "../train/events.ts";
import { numberText } from "./display_tensor.ts";
import { htmlTable } from "./html_table.ts";
import type { DisplayBundle } from "./jupyter.ts";
import { type Curve, lineChart } from "./line_chart.ts";

/** An error as text: the share of wrong classes, or the root of a mean square. */
export function errorText(error: number, classification: boolean): string {
  return classification ? `${(100 * error).toFixed(error < 0.1 ? 2 : 1)} %` : numberText(error);
}

/** Curves of loss and error over the epochs, as HTML. */
export function historyCurves(history: readonly EpochMetrics[], classification: boolean): string {
  const curve = (name: string, of: (metrics: EpochMetrics) => number | undefined): Curve => ({
    name,
    points: history.map((metrics) => [metrics.epoch, of(metrics) ?? NaN] as const),
  });
  const known = (curves: readonly Curve[]) => curves.filter(({ points }) => points.some(([, y]) => Number.isFinite(y)));
  const loss = lineChart(
    known([
      curve("train", ({ trainLoss }) => trainLoss),
      curve("test", ({ testLoss }) => testLoss),
      curve("validation", ({ validationLoss }) => validationLoss),
    ]),
    { title: "Loss", across: "epoch" },
  );
  const error = lineChart(
    known([
      curve("train", ({ trainError }) => trainError),
      curve("test", ({ testError }) => testError),
      curve("validation", ({ validationError }) => validationError),
    ]),
    {
      title: classification ? "Error" : "Root mean squared error",
      across: "epoch",
      format: classification ? (value) => `${Number((100 * value).toPrecision(6))} %` : undefined,
    },
  );
  const half = '<div style="flex:1 1 300px;max-width:400px">';
  return `<div style="display:flex;flex-wrap:wrap;gap:12px">${half}${loss}</div>${half}${error}</div></div>`;
}

const heads = ["epoch", "train loss", "test loss", "train error", "test error"];

function cells(metrics: EpochMetrics, classification: boolean): string[] {
  const { epoch, trainLoss, testLoss, trainError, testError, validationError, seconds } = metrics;
  const errors = [trainError, testError, ...(validationError === undefined ? [] : [validationError])];
  return [
    String(epoch),
    trainLoss.toFixed(4),
    testLoss.toFixed(4),
    ...errors.map((error) => errorText(error, classification)),
    seconds < 1 ? `${Math.round(1000 * seconds)} ms` : `${seconds.toFixed(1)} s`,
  ];
}

/** The numbers of epochs, as rows of texts under their names. */
function tableOf(history: readonly EpochMetrics[], classification: boolean): { head: string[]; rows: string[][] } {
  const validated = history[0]?.validationError !== undefined;
  const rows = history.map((metrics) => cells(metrics, classification));
  return { head: [...heads, ...(validated ? ["validation error"] : []), "time"], rows };
}

/** The numbers of epochs as a table in HTML. */
export function historyTable(history: readonly EpochMetrics[], classification: boolean): string {
  const { head, rows } = tableOf(history, classification);
  return htmlTable(head, rows);
}

/** What the epochs of a run show of themselves. */
export function displayHistory(history: readonly EpochMetrics[], classification: boolean): DisplayBundle {
  const { head, rows } = tableOf(history, classification);
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i].length)));
  const plain = [head, ...rows].map((row) => row.map((text, i) => text.padStart(widths[i])).join("  "));
  return {
    "text/plain": plain.join("\n"),
    "text/html": historyCurves(history, classification) +
      `<details><summary>${history.length} epochs</summary>${historyTable(history, classification)}</details>`,
  };
}
