/** What units put out, and which are dead: figure 8 of the paper of 2014. @module */
import * as Plot from "@observablehq/plot";
import type { Histogram, LayerReport } from "../../report_data.ts";
import { element } from "../dom.ts";
import { axisX, axisY, figure } from "../figure.ts";
import { brief, percent, percentTick, tick } from "../format.ts";
import { multiples, panel, type View } from "../panel.ts";
import type { Shown } from "../runs.ts";
import { lastOf, overEpochs } from "./_over_epochs.ts";

/** A rectified layer of a run. */
interface Layer {
  readonly shown: Shown;
  readonly layer: LayerReport;
}

/** Histograms of outputs, and how many units are dead or active. */
export function activations({ runs }: View): HTMLElement | undefined {
  const layers = runs.flatMap((shown) => shown.run.layers.map((layer) => ({ shown, layer })));
  if (layers.length === 0) return undefined;
  const places = [...Map.groupBy(layers, ({ layer }) => layer.path).entries()];
  const share = { text: (value: number) => percent(value, 1), tick: percentTick };
  const groups = places.map(([path, group]) => {
    const [{ layer }] = group;
    const lines = (what: "dead" | "active") => group.map(({ shown, layer }) => ({ shown, values: layer[what] }));
    const says = (what: "dead" | "active") =>
      group.map(({ shown, layer }) => `${shown.run.name} ends with ${percent(lastOf(layer[what]), 1)}`).join(", ");
    const most = Math.max(0.02, ...group.flatMap(({ layer }) => layer.dead.map((value) => value ?? 0)));
    return multiples(`${layer.plugin} at ${path}, ${layer.units} units`, [
      ...histograms(group),
      overEpochs("active share", lines("active"), {
        label: `Share of outputs above 0 over the epochs: ${says("active")}`,
        ...share,
      }),
      overEpochs("dead units", lines("dead"), {
        label: `Share of units that are never above 0, over the epochs: ${says("dead")}`,
        ...share,
        domain: [0, Math.min(1, most * 1.2)],
      }),
    ], "small");
  });
  return panel(
    "activations",
    "What units put out",
    "Outputs without dropout on a fixed sample; thin lines are the first epoch. Nets trained with dropout are sparse: " +
      "few units are active at a time, and none should be dead, 0 for every example.",
    ...groups,
  );
}

/** Outputs, and means of units, at the last epoch beside the first. */
function histograms(group: readonly Layer[]): HTMLElement[] {
  const known = group.filter(({ layer }) => layer.histograms.length > 0);
  if (known.length === 0) return [];
  const zeros = known.map(({ shown, layer }) => {
    const last = layer.histograms.at(-1)!;
    const all = last.zeros + last.outputs.counts.reduce((a, b) => a + b, 0);
    return `${known.length > 1 ? `${shown.run.name}: ` : ""}${percent(last.zeros / all, 0)} are 0`;
  });
  return [
    density("outputs above 0", known, "outputs", zeros.slice(0, 6).join("; ")),
    density("mean output of each unit", known, "means"),
  ];
}

function density(title: string, layers: readonly Layer[], what: "outputs" | "means", below?: string): HTMLElement {
  const marks = layers.flatMap(({ shown: { colour, dash }, layer: { histograms } }) => {
    const last = outline(histograms.at(-1)![what]);
    return [
      // Shades on shades are mud.
      layers.length === 1
        ? Plot.areaY(last, { x: "at", y: "share", fill: colour, fillOpacity: 0.14, curve: "step-after" })
        : null,
      histograms.length > 1
        ? Plot.lineY(outline(histograms[0][what]), {
          x: "at",
          y: "share",
          stroke: colour,
          strokeWidth: 0.8,
          strokeOpacity: 0.8,
          curve: "step-after",
        })
        : null,
      Plot.lineY(last, {
        x: "at",
        y: "share",
        stroke: colour,
        strokeWidth: 1.8,
        strokeDasharray: dash,
        curve: "step-after",
      }),
    ];
  });
  const says = layers.map(({ shown, layer }) => `${shown.run.name} up to ${brief(layer.histograms.at(-1)![what].to)}`);
  return figure(title, {
    marks: [...axisY(null, () => "", 3), ...axisX(null, tick, 4), ...marks],
    label: `Histogram of ${title} at the last epoch: ${says.join(", ")}`,
    options: { y: { zero: true }, marginLeft: 14 },
  }, below === undefined ? undefined : element("p", { class: "note" }, below));
}

/** A histogram as a density that begins and ends at 0, so that those with other bins can be compared. */
function outline({ from, to, counts }: Histogram): { at: number; share: number }[] {
  const all = counts.reduce((a, b) => a + b, 0) || 1;
  const width = (to - from) / counts.length;
  const bins = counts.map((n, i) => ({ at: from + i * width, share: n / all / width }));
  return [...bins, { at: to, share: bins.at(-1)?.share ?? 0 }];
}
