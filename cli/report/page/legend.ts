/** The runs with their colours, as switches. @module */
/// <reference lib="dom" />
import { button, element } from "./dom.ts";
import { errorText } from "./format.ts";
import { swatch } from "./panel.ts";
import { lastLine, type Shown } from "./runs.ts";

/** A switch for each run; the last one that is on cannot be switched off. */
export function legend(runs: readonly Shown[], hidden: Set<string>, changed: () => void): HTMLElement {
  const switches = runs.map(({ run, colour, dash }) => {
    const made = button("", () => {
      if (hidden.has(run.name)) hidden.delete(run.name);
      else if (hidden.size < runs.length - 1) hidden.add(run.name);
      made.setAttribute("aria-pressed", String(!hidden.has(run.name)));
      changed();
    }, { "aria-pressed": String(!hidden.has(run.name)), "data-run": run.name });
    const error = errorText(lastLine(run)?.testError, run.classification);
    made.append(swatch(colour, dash), run.name, element("span", { class: "soft" }, error));
    return made;
  });
  return element("nav", { class: "legend", "aria-label": "Runs to show" }, ...switches);
}
