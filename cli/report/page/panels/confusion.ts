/** Which class was taken for which. @module */
import * as Plot from "@observablehq/plot";
import { element } from "../dom.ts";
import { figure } from "../figure.ts";
import { percent } from "../format.ts";
import { named, panel, type View } from "../panel.ts";
import type { Shown } from "../runs.ts";

/** Classes up to which each cell has its number. */
const NUMBERED = 12;

/** The confusion matrices. */
export function confusion({ runs }: View): HTMLElement | undefined {
  const seen = runs.filter(({ run, first }) => first && run.confusion !== undefined);
  if (seen.length === 0) return undefined;
  return panel(
    "confusion",
    "What is taken for what",
    "A row for each true class, a column for each answer, test part. The diagonal is right; the stronger a cell beside " +
      "it, the more often that mistake is made.",
    element("div", { class: "multiples medium" }, ...seen.map(matrix)),
  );
}

function matrix(shown: Shown): HTMLElement {
  const { confusion, dataset } = shown.run;
  const { counts } = confusion!;
  const names = counts.map((_, i) => dataset.classes[i] ?? String(i));
  const cells = counts.flatMap((row, truth) => {
    const all = row.reduce((a, b) => a + b, 0);
    return row.map((n, said) => ({ truth, said, n, share: all === 0 ? 0 : n / all }));
  });
  const wrong = cells.filter(({ truth, said, n }) => truth !== said && n > 0).sort((a, b) => b.n - a.n);
  const most = Math.max(1e-9, ...wrong.map(({ share }) => share));
  // How dark a cell is: mistakes by their share among all, what is right by a faint tint of its own.
  const depth = ({ truth, said, share }: { truth: number; said: number; share: number }) =>
    truth === said ? 0 : Math.sqrt(share / most);
  const says = wrong.slice(0, 3).map(({ truth, said, n }) => `${names[truth]} taken for ${names[said]} (${n}×)`);
  const long = Math.max(...names.map(({ length }) => length));
  const margin = Math.min(110, 18 + long * 6.2);
  const every = Math.ceil(names.length / (names.length > 24 ? 14 : 24));
  const padding = names.length > 40 ? 0 : 0.04;
  const ticks = names.map((_, i) => i).filter((i) => i % every === 0);
  const tilt = long > 2 && names.length > 5;
  return figure(
    named(shown),
    {
      label: `Confusion matrix of ${shown.run.name}; most often ${says.join(", ") || "nothing was wrong"}`,
      heightOf: (width) => Math.min(width, 420) + (tilt ? margin - 30 : 0),
      options: {
        marginLeft: margin,
        marginTop: tilt ? margin : 36,
        marginBottom: 6,
        marginRight: 4,
        x: { domain: names.map((_, i) => i), padding },
        y: { domain: names.map((_, i) => i), padding },
      },
      marks: [
        Plot.axisX({
          anchor: "top",
          ticks,
          tickSize: 0,
          tickFormat: (i: number) => names[i],
          tickRotate: tilt ? -60 : 0,
          label: "said",
          labelAnchor: "left",
          labelArrow: "none",
        }),
        Plot.axisY({ ticks, tickSize: 0, tickFormat: (i: number) => names[i], label: null }),
        Plot.cell(cells, {
          x: "said",
          y: "truth",
          fill: (cell) => cell.truth === cell.said ? "var(--right)" : "var(--wrong)",
          fillOpacity: (cell) => cell.truth === cell.said ? 0.12 + 0.25 * cell.share : depth(cell),
          title: (cell) => `${names[cell.truth]} taken for ${names[cell.said]}: ${cell.n} (${percent(cell.share, 1)})`,
        }),
        names.length <= NUMBERED
          ? Plot.text(cells.filter(({ n }) => n > 0), {
            x: "said",
            y: "truth",
            text: ({ n }) => String(n),
            fill: (cell) => depth(cell) > 0.7 ? "var(--paper)" : "var(--ink)",
            fontSize: 10,
          })
          : null,
      ],
    },
    says.length > 0 && element("p", { class: "note" }, `Most often: ${says.join(", ")}.`),
  );
}
