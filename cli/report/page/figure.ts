/** Charts that are as wide as their places, and drawn again when these change. @module */
/// <reference lib="dom" />
import * as Plot from "@observablehq/plot";
import { type Child, element } from "./dom.ts";

/** What a chart is drawn from: all but its size. */
export interface Chart {
  /** What is drawn. */
  readonly marks: Plot.Markish[];
  /** What it shows, in a sentence, for those who do not see it. */
  readonly label: string;
  /** The scales and margins. */
  readonly options?: Plot.PlotOptions;
  /** Its height in pixels. Default 170. */
  readonly height?: number;
  /** Its height from its width, where it is to be square or the like. */
  readonly heightOf?: (width: number) => number;
}

/** Width of a chart on paper, in pixels. */
const PAPER_WIDTH = 330;

/** Charts that are to be drawn when their places have a width. */
const drawn = new WeakMap<Element, (width: number) => void>();

const observer = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) if (contentRect.width > 0) drawn.get(target)?.(contentRect.width);
});

addEventListener("beforeprint", () => redrawAll(() => PAPER_WIDTH));
addEventListener("afterprint", () => redrawAll(({ clientWidth }) => clientWidth));

function redrawAll(width: (place: Element) => number): void {
  for (const place of document.querySelectorAll(".chart")) if (width(place) > 0) drawn.get(place)?.(width(place));
}

/** A chart under a title, drawn when it has its place. */
export function figure(title: Child, chart: Chart, below?: Child): HTMLElement {
  const place = element("div", { class: "chart" });
  if (chart.heightOf === undefined) place.style.minHeight = `${chart.height ?? 170}px`;
  drawn.set(place, (width) => {
    if (place.dataset.width === String(Math.round(width))) return;
    place.dataset.width = String(Math.round(width));
    place.replaceChildren(draw(chart, Math.round(width)));
  });
  observer.observe(place);
  return element("figure", {}, title && element("figcaption", {}, title), place, below);
}

function draw({ marks, label, options = {}, height = 170, heightOf }: Chart, width: number): Element {
  const svg = Plot.plot({
    width,
    height: heightOf?.(width) ?? height,
    marginLeft: 44,
    marginRight: 14,
    marginTop: 12,
    marginBottom: 30,
    ...options,
    marks,
    style: { fontFamily: "inherit", fontSize: "11px", background: "none", color: "var(--soft)", overflow: "visible" },
  });
  svg.setAttribute("role", "img");
  // The picture is told as a whole; its parts are no elements of their own.
  for (const part of svg.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
  svg.setAttribute("aria-label", label);
  return svg;
}

/** A scale's lines across a chart, and numbers beside it. */
export function axisY(label: string | null, format: (value: number) => string, ticks = 4): Plot.Markish[] {
  return [
    Plot.gridY({ stroke: "var(--line)", strokeOpacity: 1, ticks }),
    Plot.axisY({
      label,
      labelAnchor: "top",
      labelArrow: "none",
      ticks,
      tickSize: 0,
      tickFormat: (value: number) => format(value),
    }),
  ];
}

/** Numbers below a chart. */
export function axisX(label: string | null, format: (value: number) => string = String, ticks = 5): Plot.Markish[] {
  return [
    Plot.axisX({
      label,
      labelAnchor: "right",
      labelArrow: "none",
      ticks,
      tickSize: 3,
      tickFormat: (value: number) => format(value),
      stroke: "var(--line)",
      color: "var(--soft)",
    }),
  ];
}

/** Numbers of epochs below a chart: whole ones. */
export function axisEpochs(): Plot.Markish[] {
  return axisX("epoch", (value) => Number.isInteger(value) ? String(value) : "");
}

/** The highest value worth a place: what the first epochs tower above the rest is cut off. */
export function ceiling(series: readonly (readonly (number | null)[])[]): number {
  const longest = Math.max(0, ...series.map(({ length }) => length));
  const from = longest >= 6 ? Math.ceil(longest / 10) : 0;
  const values = series.flatMap((values) => values.slice(from)).filter((value) => value !== null);
  return (values.length === 0 ? 1 : values.reduce((a, b) => Math.max(a, b), 0) * 1.08) || 1;
}
