/** What `help` understands. @module */
import type { CommandHelp } from "../command.ts";

/** Explains. */
export const helpCommand: CommandHelp = {
  name: "help",
  words: ["[COMMAND...]"],
  summary: "Explains the commands, or one of them.",
  options: [],
  examples: [["help train", "the options of train"]],
};
