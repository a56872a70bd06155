/** The worst mistakes, as pictures. @module */
import type { MistakeReport } from "../../report_data.ts";
import { element } from "../dom.ts";
import { brief, percent } from "../format.ts";
import { folded, named, panel, type View } from "../panel.ts";
import type { Shown } from "../runs.ts";

/** Mistakes shown before the rest is folded. */
const MOST = 12;

/** The test examples that were wrong with the largest loss. */
export function mistakes({ runs }: View): HTMLElement | undefined {
  const seen = runs.filter(({ run, first }) => first && (run.mistakes?.length ?? 0) > 0);
  if (seen.length === 0) return undefined;
  return panel(
    "mistakes",
    "The worst mistakes",
    seen[0].run.classification
      ? "Test examples on which a net was most surely wrong. Ask of each whether you would have known, and whether " +
        "its label is right."
      : "Test examples on which a net was furthest from the truth. Ask of each what sets it apart.",
    ...seen.map(ofRun),
  );
}

function ofRun(shown: Shown): HTMLElement {
  const { name, mistakes = [] } = shown.run;
  const look = mistakes.some(({ row }) => row !== undefined) ? "mistakes rows" : "mistakes";
  const list = (some: readonly MistakeReport[]) => element("ul", { class: look }, ...some.map(card));
  const rest = mistakes.slice(MOST);
  return element(
    "div",
    { class: "group" },
    element("h3", {}, named(shown)),
    list(mistakes.slice(0, MOST)),
    rest.length > 0 && folded(`mistakes-${name}`, `${rest.length} more`, list(rest)),
  );
}

function card(mistake: MistakeReport): HTMLElement {
  const { example, image, size, row, truth, said, probability, truthProbability, loss } = mistake;
  const [width, height] = size ?? [28, 28];
  const scale = Math.max(1, Math.round(84 / Math.max(width, height)));
  const sure = probability === undefined ? "" : ` (${percent(probability, 1)})`;
  const hint = `test example ${example}; loss ${brief(loss)}` +
    (truthProbability === undefined ? "" : `; ${percent(truthProbability)} for ${truth}`);
  return element(
    "li",
    { title: hint },
    image !== undefined && element("img", {
      src: image,
      alt: `test example ${example}`,
      width: width * scale,
      height: height * scale,
    }),
    row !== undefined && element(
      "dl",
      {},
      ...row.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
    ),
    element("p", {}, "said ", element("b", { class: "said" }, said), sure),
    element("p", {}, "is ", element("b", { class: "truth" }, truth)),
  );
}
