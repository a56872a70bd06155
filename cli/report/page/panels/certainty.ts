/** What the net's probabilities are worth, once and averaged over passes with dropout on. @module */
import * as Plot from "@observablehq/plot";
import type { Histogram, ReliabilityReport } from "../../report_data.ts";
import { element, table } from "../dom.ts";
import { axisX, axisY, figure } from "../figure.ts";
import { brief, count, percent, percentTick, tick } from "../format.ts";
import { multiples, named, panel, type View } from "../panel.ts";
import type { Shown } from "../runs.ts";

/** Examples from which on a bin is joined to the next. */
const FEW = 10;

/** Reliability diagrams, and the scores of probabilities. */
export function reliability({ runs }: View): HTMLElement | undefined {
  const seen = runs.filter(({ run, first }) => first && run.reliability !== undefined);
  if (seen.length === 0) return undefined;
  const sampled = seen.some(({ run }) => run.uncertainty !== undefined);
  const rows = seen.flatMap((shown) => {
    const { reliability, uncertainty } = shown.run;
    return [
      scores(named(shown), "dropout off", reliability!),
      ...(uncertainty === undefined ? [] : [scores(named(shown), `mean of ${uncertainty.passes} passes`, uncertainty)]),
    ];
  });
  const head = [
    "run",
    "predicted",
    "error",
    "log-likelihood, negative",
    "Brier score",
    "calibration error",
    "too sure by",
  ];
  return panel(
    "reliability",
    "How sure it is, and how right",
    `Answers by how sure the net was: on the diagonal it is right as often as it says, below it is too sure.${
      sampled ? " Filled dots are the net without dropout, rings the mean of passes with dropout on." : ""
    } Larger dots hold more examples.`,
    element("div", { class: "multiples medium" }, ...seen.map(diagram)),
    table(head, rows, { caption: "Scores of the probabilities", numbersFrom: 2 }),
  );
}

function scores(name: Node, how: string, of: ReliabilityReport): (string | Node)[] {
  return [
    name,
    how,
    percent(of.error),
    brief(of.negativeLogLikelihood),
    brief(of.brierScore),
    percent(of.expectedError),
    of.overconfidence === null ? "–" : `${percent(of.overconfidence).replace("%", "points")}`,
  ];
}

function diagram(shown: Shown): HTMLElement {
  const { reliability, uncertainty, name } = shown.run;
  const points = ({ bins }: ReliabilityReport) => bins.filter(({ count }) => count > 0);
  // What a few examples say is chance: their dots stand alone.
  const sure = ({ bins }: ReliabilityReport) => bins.filter(({ count }) => count >= FEW);
  const size = ({ examples }: ReliabilityReport) => (bin: { count: number }) =>
    3 + 9 * Math.sqrt(bin.count / Math.max(1, examples));
  const tell = (what: string) => (bin: { confidence: number | null; accuracy: number | null; count: number }) =>
    `${what}: sure ${percent(bin.confidence, 1)}, right ${percent(bin.accuracy, 1)}, ${count(bin.count)} examples`;
  const marks = [
    Plot.line([[0, 0], [1, 1]], { stroke: "var(--soft)", strokeDasharray: "2 3", strokeOpacity: 0.8 }),
    Plot.line(sure(reliability!), { x: "confidence", y: "accuracy", stroke: shown.colour, strokeWidth: 1.2 }),
    Plot.dot(points(reliability!), {
      x: "confidence",
      y: "accuracy",
      fill: shown.colour,
      fillOpacity: 0.75,
      r: size(reliability!),
      title: tell("dropout off"),
    }),
    ...(uncertainty === undefined ? [] : [
      Plot.line(sure(uncertainty), {
        x: "confidence",
        y: "accuracy",
        stroke: "var(--ink)",
        strokeWidth: 1,
        strokeDasharray: "4 3",
      }),
      Plot.dot(points(uncertainty), {
        x: "confidence",
        y: "accuracy",
        stroke: "var(--ink)",
        strokeWidth: 1.2,
        r: size(uncertainty),
        title: tell(`mean of ${uncertainty.passes} passes`),
      }),
    ]),
  ];
  return figure(named(shown), {
    marks: [...axisY("right", percentTick), ...axisX("sure", percentTick), ...marks],
    label: `Reliability diagram of ${name}: expected calibration error ${percent(reliability!.expectedError)}`,
    heightOf: (width) => Math.min(width, 360),
    options: { x: { domain: [0, 1] }, y: { domain: [0, 1] }, r: { type: "identity" }, marginTop: 24 },
  });
}

/** How doubt tells right from wrong. */
export function uncertainty({ runs }: View): HTMLElement | undefined {
  const seen = runs.filter(({ run, first }) => first && run.uncertainty !== undefined);
  if (seen.length === 0) return undefined;
  return panel(
    "uncertainty",
    "Whether it knows what it does not know",
    "The entropy of the mean over passes with dropout on, in nats: 0 is sure. Wrong answers should lie further to the " +
      "right than right ones; each shape has the same area.",
    multiples(undefined, seen.map(entropies)),
  );
}

function entropies(shown: Shown): HTMLElement {
  const { right, wrong, passes, entropy, mutualInformation } = shown.run.uncertainty!;
  const shapes = [["right", right, "var(--right)"], ["wrong", wrong, "var(--wrong)"]] as const;
  const marks = shapes.flatMap(([, histogram, colour]) => [
    Plot.areaY(outline(histogram), { x: "at", y: "share", fill: colour, fillOpacity: 0.2, curve: "step-after" }),
    Plot.lineY(outline(histogram), { x: "at", y: "share", stroke: colour, strokeWidth: 1.6, curve: "step-after" }),
  ]);
  const all = ({ counts }: Histogram) => counts.reduce((a, b) => a + b, 0);
  return figure(
    named(shown),
    {
      marks: [...axisY(null, percentTick, 3), ...axisX("entropy, nats", tick), ...marks],
      label: `Entropy of ${count(all(right))} right and ${count(all(wrong))} wrong answers of ${shown.run.name}`,
      options: { y: { zero: true } },
    },
    element(
      "p",
      { class: "note" },
      element("b", { class: "truth" }, "right"),
      ` ${count(all(right))}, `,
      element("b", { class: "said" }, "wrong"),
      ` ${count(all(wrong))}; ${passes} passes; mean entropy ${brief(entropy)}, of which the masks’ ${
        brief(mutualInformation)
      }`,
    ),
  );
}

function outline({ from, to, counts }: Histogram): { at: number; share: number }[] {
  const all = counts.reduce((a, b) => a + b, 0) || 1;
  const width = (to - from) / counts.length;
  const bins = counts.map((n, i) => ({ at: from + i * width, share: n / all }));
  return [...bins, { at: to, share: bins.at(-1)?.share ?? 0 }];
}
