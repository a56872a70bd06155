/** What `report` understands. @module */
import { backendOption as backend } from "../../../studies/mod.ts";
import type { CommandHelp } from "../command.ts";
import { data } from "../shared_options.ts";

/** Reports. */
export const reportCommand: CommandHelp = {
  name: "report",
  summary: "Makes one page that shows a run, or several side by side, which needs nothing but a browser.",
  options: [
    { name: "run", value: "DIR", repeated: true, meaning: "the folder of a run; must be given, once for each" },
    {
      name: "out",
      value: "FILE",
      meaning: "the page to write",
      default: "report.html in the run's folder; of several folders, in this one",
    },
    { name: "open", meaning: "open it in the browser" },
    data,
    backend,
  ],
  examples: [
    ["report --run runs/mine --open", "anew, as train wrote it at its end"],
    ["report --run runs/a --run runs/b --out both.html", "two folders side by side"],
  ],
  notes: [
    "Curves, rates and activations are those that train has recorded; what follows from predictions is computed anew, and " +
    "needs the data.",
  ],
};
