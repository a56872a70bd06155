/** Error and loss over the epochs, and the gap between train and test. @module */
import * as Plot from "@observablehq/plot";
import type { Maybe, MetricsLine } from "../../report_data.ts";
import { brief, difference, errorText, gapText, percentTick, tick } from "../format.ts";
import { axisEpochs, axisY, ceiling, figure } from "../figure.ts";
import { multiples, named, panel, type View } from "../panel.ts";
import { byVariant, nameOf, type Shown } from "../runs.ts";
import { lineOf } from "./_over_epochs.ts";

/** What is drawn: error or loss. */
interface Measure {
  readonly name: string;
  readonly of: (line: MetricsLine, part: "train" | "test" | "validation") => Maybe | undefined;
  readonly text: (value: number) => string;
  readonly tick: (value: number) => string;
}

/** Curves of error and loss, the space between train and test shaded. */
export function learning({ runs, several }: View): HTMLElement | undefined {
  if (runs.every(({ run }) => run.history.length === 0)) return undefined;
  const { classification } = runs[0].run;
  const error: Measure = {
    name: "error",
    of: (line, part) => line[`${part}Error`],
    text: (value) => errorText(value, classification),
    tick: classification ? percentTick : tick,
  };
  const loss: Measure = { name: "loss", of: (line, part) => line[`${part}Loss`], text: brief, tick };
  const groups = [...byVariant(runs).values()];
  const gap = gapOverTime(runs, classification);
  const how = "Solid is the test part, dashed the training part, both with dropout off; the shaded space is the gap " +
    "that dropout is there to close.";
  if (!several) {
    const [group] = groups;
    return panel("learning", "Learning", how, multiples(undefined, [withGap(group, error), withGap(group, loss), gap]));
  }
  return panel(
    "learning",
    "Learning",
    how,
    multiples("Side by side", [together(runs, error), together(runs, loss), gap]),
    ...[error, loss].map((measure) => {
      const top = topOf(runs, measure);
      const title = `${measure.name[0].toUpperCase()}${measure.name.slice(1)} of train and test`;
      return multiples(title, groups.map((group) => withGap(group, measure, top, groupName(group))));
    }),
  );
}

function groupName(group: readonly Shown[]): HTMLElement {
  const [first] = group;
  return named({ ...first, run: { ...first.run, name: nameOf(group) } });
}

/** Train and test of the runs of one variant. */
function withGap(group: readonly Shown[], measure: Measure, top = topOf(group, measure), title?: Node): HTMLElement {
  const shade = 0.14 / Math.sqrt(group.length);
  const marks = group.flatMap(({ run, colour }) => {
    const rows = run.history.map((line) => ({
      epoch: line.epoch,
      train: measure.of(line, "train"),
      test: measure.of(line, "test"),
      validation: measure.of(line, "validation"),
    }));
    const one = rows.length === 1;
    return [
      Plot.areaY(rows, { x: "epoch", y1: "train", y2: "test", fill: colour, fillOpacity: shade, clip: true }),
      Plot.lineY(rows, {
        x: "epoch",
        y: "train",
        stroke: colour,
        strokeDasharray: "4 3",
        strokeWidth: 1.4,
        clip: true,
      }),
      Plot.lineY(rows, { x: "epoch", y: "test", stroke: colour, strokeWidth: 2, clip: true }),
      rows.some(({ validation }) => typeof validation === "number")
        ? Plot.lineY(rows, { x: "epoch", y: "validation", stroke: "var(--soft)", strokeWidth: 1, clip: true })
        : null,
      one ? Plot.dot(rows, { x: "epoch", y: "test", fill: colour, r: 3.5 }) : null,
      one ? Plot.dot(rows, { x: "epoch", y: "train", stroke: colour, r: 3.5 }) : null,
      Plot.tip(
        rows,
        Plot.pointerX({
          x: "epoch",
          y: "test",
          title: (row) =>
            [
              `epoch ${row.epoch}`,
              `test ${measure.text(row.test)}`,
              `train ${measure.text(row.train)}`,
              ...(typeof row.validation === "number" ? [`validation ${measure.text(row.validation)}`] : []),
            ].join("\n"),
        }),
      ),
    ];
  });
  const [{ run }] = group;
  const last = run.history.at(-1);
  const say = (part: "train" | "test") => last === undefined ? "–" : measure.text(measure.of(last, part) ?? NaN);
  return figure(title ?? measure.name, {
    marks: [...axisY(null, measure.tick), ...axisEpochs(), ...marks],
    label: `${run.name}: ${measure.name} over the epochs, ending with ${say("train")} in training and ${
      say("test")
    } in test`,
    options: { y: { domain: [0, top] } },
    height: 200,
  });
}

/** The test part of all runs. */
function together(runs: readonly Shown[], measure: Measure): HTMLElement {
  const values = (shown: Shown) => shown.run.history.map((line) => measure.of(line, "test") ?? null);
  return figure(`test ${measure.name}`, {
    marks: [
      ...axisY(null, measure.tick),
      ...axisEpochs(),
      ...runs.map((shown) => lineOf(shown, shown.run.history.map(({ epoch }) => epoch), values(shown), measure.text)),
    ].flat(),
    label: `Test ${measure.name} of all runs over the epochs`,
    options: { y: { domain: [0, ceiling(runs.map(values))] } },
    height: 200,
  });
}

/** Test less train, over the epochs. */
function gapOverTime(runs: readonly Shown[], classification: boolean): HTMLElement {
  const values = ({ run }: Shown) => run.history.map(({ testError, trainError }) => difference(testError, trainError));
  const points = (value: number) => tick(classification ? value * 100 : value);
  return figure(classification ? "gap, in points" : "gap", {
    marks: [
      ...axisY(null, points),
      ...axisEpochs(),
      Plot.ruleY([0], { stroke: "var(--soft)", strokeOpacity: 0.6 }),
      ...runs.flatMap((shown) =>
        lineOf(
          shown,
          shown.run.history.map(({ epoch }) => epoch),
          values(shown),
          (value) => gapText(value, classification),
        )
      ),
    ],
    label: `Test error less train error over the epochs: ${
      runs.map(({ run }) => `${run.name} ends with ${errorText(values({ run } as Shown).at(-1), classification)}`)
        .join(", ")
    }`,
    height: 200,
  });
}

function topOf(runs: readonly Shown[], { of }: Measure): number {
  return ceiling(
    runs.flatMap(({ run }) => (["train", "test"] as const).map((part) => run.history.map((l) => of(l, part) ?? null))),
  );
}
