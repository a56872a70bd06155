/** The variants with their colours, as switches. @module */
/// <reference lib="dom" />
import { button, element } from "./dom.ts";
import { errorText } from "./format.ts";
import { swatch } from "./panel.ts";
import { byVariant, lastLine, nameOf, type Shown } from "./runs.ts";
import { meanOf } from "./spread.ts";

/** A switch for each variant, which all of its seeds follow; the last one that is on cannot be switched off. */
export function legend(runs: readonly Shown[], hidden: Set<string>, changed: () => void): HTMLElement {
  const variants = byVariant(runs);
  const switches = [...variants].map(([variant, group]) => {
    const [{ run, colour, dash }] = group;
    const made = button("", () => {
      if (hidden.has(variant)) hidden.delete(variant);
      else if (hidden.size < variants.size - 1) hidden.add(variant);
      made.setAttribute("aria-pressed", String(!hidden.has(variant)));
      changed();
    }, { "aria-pressed": String(!hidden.has(variant)), "data-variant": variant });
    const error = errorText(meanOf(group.map(({ run }) => lastLine(run)?.testError)), run.classification);
    made.append(swatch(colour, dash), nameOf(group), element("span", { class: "soft" }, error));
    return made;
  });
  return element("nav", { class: "legend", "aria-label": "Runs to show" }, ...switches);
}
