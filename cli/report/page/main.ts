/** The page of a report: reads the data that stand in it and draws them; while training, it hears more. @module */
/// <reference lib="dom" />
import css from "./page.css" with { type: "text" };
import type { ReportData } from "../report_data.ts";
import { button, element } from "./dom.ts";
import { headline, lead } from "./headline.ts";
import { legend } from "./legend.ts";
import { listen } from "./live.ts";
import type { Panel, View } from "./panel.ts";
import { activations } from "./panels/activations.ts";
import { again } from "./panels/again.ts";
import { reliability, uncertainty } from "./panels/certainty.ts";
import { confusion } from "./panels/confusion.ts";
import { features } from "./panels/features.ts";
import { learning } from "./panels/learning.ts";
import { mistakes } from "./panels/mistakes.ts";
import { numbers } from "./panels/numbers.ts";
import { rates } from "./panels/rates.ts";
import { summary } from "./panels/summary.ts";
import { time } from "./panels/time.ts";
import { weights } from "./panels/weights.ts";
import { coloured } from "./runs.ts";
import { themeButton } from "./theme.ts";

/** The page from top to bottom. */
const panels: readonly Panel[] = [
  summary,
  learning,
  rates,
  features,
  activations,
  weights,
  confusion,
  mistakes,
  reliability,
  uncertainty,
  time,
  again,
  numbers,
];

/** Variants that are switched off, and folds that are open: they outlast new data. */
const hidden = new Set<string>();
const opened = new Set<string>();

const words = element("h1", {});
const more = element("p", { class: "lead" });
const facts = element("p", { class: "facts" });
const switches = element("div", { class: "switches" });
const contents = element("main", {});

function draw(data: ReportData): void {
  const all = coloured(data);
  const variants = new Set(all.map(({ run }) => run.variant));
  for (const variant of hidden) if (!variants.has(variant)) hidden.delete(variant);
  words.textContent = headline(data);
  more.textContent = lead(data);
  facts.textContent = about(data);
  document.title = `${data.title}: ${words.textContent}`;
  switches.replaceChildren(...(variants.size > 1 ? [legend(all, hidden, () => drawPanels(data))] : []));
  drawPanels(data);
}

function drawPanels(data: ReportData): void {
  const runs = coloured(data).filter(({ run }) => !hidden.has(run.variant));
  const view: View = { data, runs, several: data.runs.length > 1 };
  contents.replaceChildren(...panels.map((panel) => panel(view)).filter((made) => made !== undefined));
  for (const fold of contents.querySelectorAll("details")) {
    fold.open = opened.has(fold.dataset.key!);
    fold.addEventListener("toggle", () => {
      if (printing) return;
      if (fold.open) opened.add(fold.dataset.key!);
      else opened.delete(fold.dataset.key!);
    });
  }
}

/** On what was trained, and when the page was made. */
function about({ runs, madeAt, madeBy }: ReportData): string {
  const data = [...new Set(runs.map(({ dataset }) => dataset.name))].join(", ");
  const backends = [...new Set(runs.flatMap(({ backend }) => backend ?? []))].join("; ");
  const day = new Date(madeAt).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
  return [data, backends, madeBy, day].filter((part) => part !== "").join(" · ");
}

let printing = false;

// On paper nothing can be opened.
addEventListener("beforeprint", () => {
  printing = true;
  for (const fold of document.querySelectorAll("details")) fold.open = true;
});
addEventListener("afterprint", () => {
  for (const fold of document.querySelectorAll("details")) fold.open = opened.has(fold.dataset.key!);
  setTimeout(() => printing = false);
});

const data: ReportData = JSON.parse(document.getElementById("report-data")!.textContent!);
document.head.append(element("style", {}, css));
const tools = element(
  "div",
  { class: "tools" },
  themeButton(),
  button("Print", () => print(), { id: "print" }),
);
document.body.append(
  element(
    "header",
    { class: "top" },
    element("div", { class: "bar" }, element("p", { class: "title" }, data.title), tools),
    words,
    more,
    facts,
  ),
  switches,
  contents,
);
draw(data);
listen(
  draw,
  (box) => switches.before(box),
  (name) => coloured(data).find(({ run }) => run.name === name)?.colour ?? "var(--run-0)",
);
