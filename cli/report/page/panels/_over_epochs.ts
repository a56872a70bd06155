/** Lines over epochs, one a run. @module */
import * as Plot from "@observablehq/plot";
import type { Maybe } from "../../report_data.ts";
import { axisEpochs, axisY, figure } from "../figure.ts";
import type { Shown } from "../runs.ts";

/** The line of a run, a dot where it has but one epoch, and what it says where it is pointed at. */
export function lineOf(
  { run, colour, dash }: Shown,
  epochs: readonly number[],
  values: readonly Maybe[],
  text: (value: number) => string,
): Plot.Markish[] {
  const rows = epochs.map((epoch, i) => ({ epoch, value: values[i] ?? NaN }));
  const known = rows.filter(({ value }) => Number.isFinite(value));
  return [
    Plot.lineY(rows, { x: "epoch", y: "value", stroke: colour, strokeDasharray: dash, strokeWidth: 1.8, clip: true }),
    known.length === 1 ? Plot.dot(known, { x: "epoch", y: "value", fill: colour, r: 3.5 }) : null,
    Plot.tip(
      known,
      Plot.pointer({
        x: "epoch",
        y: "value",
        title: (row) => `${run.name}\nepoch ${row.epoch}: ${text(row.value)}`,
      }),
    ),
  ];
}

/** A chart of one line a run over the epochs at which runs were observed. */
export function overEpochs(
  title: string | Node,
  lines: readonly { readonly shown: Shown; readonly values: readonly Maybe[] }[],
  options: {
    /** What it shows, in a sentence. */
    readonly label: string;
    /** A value, where it is pointed at. */
    readonly text: (value: number) => string;
    /** A value beside the scale. */
    readonly tick: (value: number) => string;
    readonly domain?: readonly [number, number];
    readonly more?: Plot.Markish[];
    readonly below?: string | Node;
  },
): HTMLElement {
  const { label, text, tick, domain, more = [], below } = options;
  return figure(title, {
    marks: [
      ...axisY(null, tick),
      ...axisEpochs(),
      ...more,
      ...lines.flatMap(({ shown, values }) => lineOf(shown, shown.run.observed, values, text)),
    ],
    label,
    options: domain === undefined ? { y: { zero: true } } : { y: { domain } },
  }, below);
}

/** What the numbers of a series are known for: the last one that there is. */
export function lastOf(values: readonly Maybe[]): Maybe {
  return values.findLast((value) => value !== null) ?? null;
}
