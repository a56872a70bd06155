/** What `plugins`, `plugin new` and `plugin check` understand. @module */
import { backendOption as backend } from "../../../studies/mod.ts";
import type { CommandHelp } from "../command.ts";

/** Lists plugins. */
export const pluginsCommand: CommandHelp = {
  name: "plugins",
  words: ["[NAME]"],
  summary: "Lists the plugins, or shows one: its options with types, bounds, defaults and meaning.",
  options: [
    { name: "role", value: "ROLE", meaning: "only those that serve as this: layer, activation, optimizer, ..." },
    { name: "plugin", value: "FILE", repeated: true, meaning: "count the plugins that a file of yours exports, too" },
    { name: "schema", meaning: "write the JSON Schema of configurations, for editors" },
  ],
  examples: [
    ["plugins --role schedule", "what can stand in the place of a number"],
    ["plugins dropout", "the options of one"],
    ["plugins --schema > config.schema.json", 'for "$schema": "config.schema.json" in a configuration'],
  ],
};

/** Begins a plugin. */
export const pluginNewCommand: CommandHelp = {
  name: "plugin new",
  words: ["NAME"],
  summary: "Begins a plugin of yours: its file, and its test, which passes at once.",
  options: [
    {
      name: "site",
      value: "SITE",
      meaning: "where it acts: activation, weight, recurrent, branch, attention, embedding or loss; must be given",
    },
    { name: "out", value: "DIR", meaning: "where the files go", default: "this folder" },
  ],
  examples: [["plugin new my-dropout --site activation", "writes my_dropout.ts and my_dropout_test.ts"]],
};

/** Examines a plugin. */
export const pluginCheckCommand: CommandHelp = {
  name: "plugin check",
  words: ["NAME|FILE"],
  summary: "Examines a plugin, built-in or yours; exit status 1 if it fails.",
  options: [backend],
  examples: [["plugin check dropout", "a built-in one"], ["plugin check ./my_dropout.ts", "all that a file exports"]],
};
