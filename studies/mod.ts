/** Studies: experiments of papers, run as their authors ran them, and comparisons. @module */
import type { Study } from "./study.ts";
import { uciDropout } from "./uci_dropout/uci_dropout.ts";
import { uncertainty } from "./uncertainty/uncertainty.ts";

export { backendOption } from "./backend.ts";
export type { Study, StudyArguments, StudyHost, StudyOption, StudyOutcome } from "./study.ts";

/** All studies. */
export const studies: readonly Study[] = [uciDropout, uncertainty];
