/** What `study` understands. @module */
import type { CommandHelp } from "../command.ts";

/** Runs studies. */
export const studyCommand: CommandHelp = {
  name: "study",
  words: ["NAME"],
  summary: "Runs an experiment of a paper as its authors ran it; lists them without a name.",
  options: [],
  examples: [["study", "which there are"], ["study uci-dropout --help", "what one does, and its options"]],
};
