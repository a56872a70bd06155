/** First-layer weights as images: figure 7 of the paper of 2014. @module */
import { element } from "../dom.ts";
import { count } from "../format.ts";
import { named, panel, type View } from "../panel.ts";
import type { Shown } from "../runs.ts";

/** What the units of the first layer look for. */
export function features({ runs }: View): HTMLElement | undefined {
  const seen = runs.filter(({ run, first }) => first && run.features !== undefined);
  if (seen.length === 0) return undefined;
  return panel(
    "features",
    "What the first layer looks for",
    "Each tile is the weights into one unit; middle grey is zero. Dropout makes units stand on their own: strokes and " +
      "spots rather than noise that only makes sense together.",
    element("div", { class: "multiples medium" }, ...seen.map(tiles)),
  );
}

function tiles(shown: Shown): HTMLElement {
  const { name, units, width, height, tiles } = shown.run.features!;
  const scale = width <= 16 ? 2 : 1;
  const shownUnits = tiles.length < units ? `the first ${tiles.length} of ${count(units)} units` : `${units} units`;
  return element(
    "figure",
    {},
    element("figcaption", {}, named(shown), element("span", { class: "soft" }, ` · ${name}, ${shownUnits}`)),
    element(
      "div",
      {
        class: "tiles",
        role: "img",
        "aria-label": `Weights ${name} of ${shown.run.name} as images, a tile for each unit`,
      },
      ...tiles.map((src) => element("img", { src, alt: "", width: width * scale, height: height * scale })),
    ),
  );
}
