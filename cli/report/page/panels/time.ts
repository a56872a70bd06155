/** Where the time went. @module */
import * as Plot from "@observablehq/plot";
import { element } from "../dom.ts";
import { axisX, figure } from "../figure.ts";
import { brief, duration, tick } from "../format.ts";
import { multiples, named, panel, type View } from "../panel.ts";
import type { Shown } from "../runs.ts";

/** What takes time, with its shade: of a run's colour. */
const PARTS = [["steps", 1], ["evaluation", 0.5], ["recording", 0.25]] as const;

/** A bar for each run, and what a step is made of. */
export function time({ runs }: View): HTMLElement | undefined {
  if (runs.every(({ run }) => run.time.steps === 0)) return undefined;
  const bars = runs.flatMap(({ run, colour }) =>
    PARTS.flatMap(([part, shade]) => {
      const seconds = run.time[part];
      return seconds === null || seconds === 0 ? [] : [{ name: run.name, part, seconds, colour, shade }];
    })
  );
  const longest = Math.max(...runs.map(({ run }) => run.name.length));
  const says = runs.map(({ run }) =>
    `${run.name} took ${PARTS.map(([part]) => `${duration(run.time[part])} for ${part}`).join(", ")}`
  );
  const height = 54 + 26 * runs.length;
  const kernels = runs.filter(({ run, first }) => first && (run.time.kernels?.length ?? 0) > 0);
  return panel(
    "time",
    "Where the time went",
    "Strong is training, paler is measuring on train and test, palest is recording for this page.",
    figure(undefined, {
      marks: [
        ...axisX("seconds", tick),
        Plot.axisY({ label: null, tickSize: 0 }),
        Plot.barX(bars, {
          x: "seconds",
          y: "name",
          fill: "colour",
          fillOpacity: "shade",
          insetTop: 4,
          insetBottom: 4,
          title: ({ name, part, seconds }) => `${name}: ${part} ${duration(seconds)}`,
        }),
      ],
      label: `Where the time went: ${says.join("; ")}`,
      options: { y: { domain: runs.map(({ run }) => run.name) }, marginLeft: Math.min(160, 16 + longest * 6.5) },
      height,
    }),
    kernels.length > 0 && multiples("What a step's passes are made of, forward and back", kernels.map(step)),
    element(
      "p",
      { class: "aside" },
      [...new Set(runs.flatMap(({ run }) => run.backend ?? []))].map((line) => `Computed by ${line}.`).join(" "),
    ),
  );
}

function step(shown: Shown): HTMLElement {
  const kernels = shown.run.time.kernels!.slice(0, 10);
  const longest = Math.max(...kernels.map(({ kind }) => kind.length));
  return figure(named(shown), {
    marks: [
      ...axisX("ms a step", tick),
      Plot.axisY({ label: null, tickSize: 0 }),
      Plot.barX(kernels, {
        x: "ms",
        y: "kind",
        fill: shown.colour,
        fillOpacity: 0.8,
        insetTop: 3,
        insetBottom: 3,
        title: ({ kind, ms }) => `${kind}: ${brief(ms)} ms`,
      }),
    ],
    label: `Kernels of a step of ${shown.run.name}: ${
      kernels.map(({ kind, ms }) => `${kind} ${brief(ms)} ms`).join(", ")
    }`,
    options: { y: { domain: kernels.map(({ kind }) => kind) }, marginLeft: Math.min(170, 16 + longest * 6.5) },
    height: 46 + 22 * kernels.length,
  });
}
