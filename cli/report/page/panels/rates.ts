/** The rates of dropout over the epochs: what was asked for, and what was drawn. @module */
import * as Plot from "@observablehq/plot";
import { element } from "../dom.ts";
import { axisEpochs, axisY, figure } from "../figure.ts";
import { brief, tick } from "../format.ts";
import { multiples, panel, swatch, type View } from "../panel.ts";
import type { Shown } from "../runs.ts";
import type { SiteReport } from "../../report_data.ts";
import { lastOf } from "./_over_epochs.ts";

/** A place of dropout in a run. */
interface Place {
  readonly shown: Shown;
  readonly site: SiteReport;
}

/** Each place of dropout with its rate. */
export function rates({ runs }: View): HTMLElement | undefined {
  const places = runs.flatMap((shown) => shown.run.sites.map((site) => ({ shown, site })));
  const drawn = places.filter(({ site }) => [...site.asked, ...site.realised].some((value) => value !== null));
  const silent = places.filter((place) => !drawn.includes(place));
  if (places.length === 0) return undefined;
  const charts = [...Map.groupBy(drawn, ({ site }) => site.path).values()].map(chart);
  const names = [...new Set(silent.map(({ site }) => `${site.variant} at ${site.path}`))];
  return panel(
    "rates",
    "Dropout rates",
    "Lines are the rates that were asked for, as they stood, were scheduled or were learned; dots are the shares that " +
      "were really dropped. Dots should sit on their line.",
    multiples(undefined, charts, "small"),
    names.length > 0 && element("p", { class: "aside" }, `Without a rate to draw: ${names.join(", ")}.`),
  );
}

function chart(places: readonly Place[]): HTMLElement {
  const [{ site }] = places;
  const variants = [...new Set(places.map(({ site }) => site.variant))];
  const marks = places.flatMap(({ shown: { run, colour, dash }, site }) => {
    const rows = run.observed.map((epoch, i) => ({
      epoch,
      asked: site.asked[i] ?? NaN,
      realised: site.realised[i] ?? NaN,
    }));
    return [
      Plot.lineY(rows, { x: "epoch", y: "asked", stroke: colour, strokeWidth: 1.6, strokeDasharray: dash }),
      Plot.dot(rows, { x: "epoch", y: "realised", fill: colour, r: 2.6 }),
      Plot.tip(
        rows,
        Plot.pointer({
          x: "epoch",
          y: (row) => Number.isFinite(row.realised) ? row.realised : row.asked,
          title: (row) =>
            `${run.name}, epoch ${row.epoch}\nasked ${brief(finite(row.asked))}\ndropped ${
              brief(finite(row.realised))
            }`,
        }),
      ),
    ];
  });
  const highest = places.flatMap(({ site }) => [...site.asked, ...site.realised]).reduce<number>(
    (most, value) => Math.max(most, value ?? 0),
    0,
  );
  const says = places.map(({ shown: { run }, site }) =>
    `${run.name} asked for ${brief(lastOf(site.asked))} and dropped ${brief(lastOf(site.realised))}`
  );
  const title = element(
    "span",
    {},
    element("b", {}, variants.join(", ")),
    ` at ${site.path === "" ? "the model" : site.path}`,
    element("span", { class: "soft" }, ` · ${site.role}`),
  );
  return figure(
    title,
    {
      marks: [...axisY(null, tick), ...axisEpochs(), ...marks],
      label: `Dropout rate at ${site.path} over the epochs; at the end, ${says.join("; ")}`,
      options: { y: { domain: [0, Math.min(1, Math.max(0.1, highest * 1.25))] } },
      height: 150,
    },
    element(
      "p",
      { class: "note" },
      ...places.slice(0, 6).flatMap(({ shown, site }) => [
        swatch(shown.colour, shown.dash),
        ` ${brief(lastOf(site.asked))} asked, ${brief(lastOf(site.realised))} dropped `,
      ]),
    ),
  );
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
