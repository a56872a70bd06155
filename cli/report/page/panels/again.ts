/** What was trained, and how to do it again. @module */
import type { LayerRow } from "../../report_data.ts";
import { copyable, element, table } from "../dom.ts";
import { count } from "../format.ts";
import { folded, named, panel, type View } from "../panel.ts";
import type { Shown } from "../runs.ts";

/** The model, the configuration and the command of each run. */
export function again({ runs }: View): HTMLElement {
  return panel(
    "again",
    "What was trained, and how to do it again",
    "The command trains with the same data, seed and order of numbers; on the same backend it ends with the same bits.",
    ...runs.map(ofRun),
  );
}

function ofRun(shown: Shown): HTMLElement {
  const { run } = shown;
  const { name, dataset, config, command, resume, model } = run;
  const parts = [
    `${count(dataset.train)} to train`,
    ...(dataset.validation > 0 ? [`${count(dataset.validation)} to validate`] : []),
    `${count(dataset.test)} to test`,
  ];
  const facts = `${dataset.name}: ${parts.join(", ")}, each ${dataset.shape.join(" × ")}; ` +
    `${count(run.parameters)} parameters; ${count(run.batchSize)} examples a step; seed ${run.seed}.`;
  return element(
    "div",
    { class: "group" },
    element("h3", {}, named(shown)),
    element("p", { class: "aside" }, run.description !== undefined && `${run.description} `, facts),
    copyable(command, `Copy the command that trains ${name}`),
    resume !== undefined && element("p", { class: "aside" }, "It was stopped. To go on:"),
    resume !== undefined && copyable(resume, `Copy the command that goes on with ${name}`),
    folded(`model-${name}`, `Model: ${model.filter(({ path }) => path !== "").length} parts`, modelTable(model, name)),
    folded(
      `config-${name}`,
      "Configuration",
      element("pre", { tabindex: 0 }, JSON.stringify(config, null, 2)),
    ),
  );
}

function modelTable(model: readonly LayerRow[], name: string): HTMLElement {
  const rows = model.map(({ path, plugin, site, shape, parameters }) => [
    path === "" ? "model" : path,
    plugin,
    site ?? "",
    shape.length === 0 ? "–" : shape.join(" × "),
    parameters === 0 ? "–" : count(parameters),
  ]);
  return table(["place", "plugin", "site", "output", "parameters"], rows, {
    caption: `The model of ${name}`,
    numbersFrom: 3,
  });
}
