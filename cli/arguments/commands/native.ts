/** What `native` understands. @module */
import type { CommandHelp } from "../command.ts";

/** Compiles. */
export const nativeCommand: CommandHelp = {
  name: "native",
  words: ["[FILE...]"],
  summary: "Compiles the C library, finds OpenBLAS, and compiles the kernels of plugin files that are named.",
  options: [],
  examples: [["native", "once for a machine"], ["native ./my_kernels.ts", "with kernels of yours"]],
};
