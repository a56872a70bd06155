/** Sections of the page: a title, a line that says how to read it, and what it shows. @module */
/// <reference lib="dom" />
import type { ReportData } from "../report_data.ts";
import { type Child, element } from "./dom.ts";
import type { Shown } from "./runs.ts";

/** What panels draw from. */
export interface View {
  /** All of it. */
  readonly data: ReportData;
  /** The runs that are switched on; never none. */
  readonly runs: readonly Shown[];
  /** Whether several runs are shown, so that they have to be named. */
  readonly several: boolean;
}

/** A panel: undefined where a report has nothing for it. */
export type Panel = (view: View) => HTMLElement | undefined;

/** Charts in a row before the rest is folded. */
const MOST = 12;

/** A section with a title, a line on how to read it, and its contents. */
export function panel(id: string, title: string, how: string, ...children: readonly Child[]): HTMLElement {
  return element(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    element("header", {}, element("h2", { id: `${id}-title` }, title), element("p", { class: "how" }, how)),
    ...children,
  );
}

/** A row of small charts under a title of their own; more than a dozen are folded. */
export function multiples(title: string | undefined, figures: readonly HTMLElement[], size = "medium"): HTMLElement {
  const row = (some: readonly HTMLElement[]) => element("div", { class: `multiples ${size}` }, ...some);
  const rest = figures.slice(MOST);
  return element(
    "div",
    { class: "group" },
    title !== undefined && element("h3", {}, title),
    row(figures.slice(0, MOST)),
    rest.length > 0 && folded(`${title ?? ""}-more`, `${rest.length} more`, row(rest)),
  );
}

/** Something that is opened by a click, and on paper. */
export function folded(key: string, summary: string, ...children: readonly Child[]): HTMLElement {
  return element("details", { "data-key": key }, element("summary", {}, summary), ...children);
}

/** A run's name with its colour before it. */
export function named({ run, colour, dash }: Shown): HTMLElement {
  return element("span", { class: "named" }, swatch(colour, dash), run.name);
}

/** A short line in a run's colour. */
export function swatch(colour: string, dash?: string): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "swatch");
  svg.setAttribute("viewBox", "0 0 18 8");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  for (const [name, value] of Object.entries({ x1: 0, x2: 18, y1: 4, y2: 4, "stroke-width": 3 })) {
    line.setAttribute(name, String(value));
  }
  line.style.stroke = colour;
  if (dash !== undefined) line.setAttribute("stroke-dasharray", dash);
  svg.append(line);
  return svg;
}
