/** What the command line understands: each command with its options, told once for reading and for `--help`. @module */
import { studies } from "../../studies/mod.ts";
import type { CommandHelp } from "./command.ts";
import { adviseCommand } from "./commands/advise.ts";
import { compareCommand } from "./commands/compare.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { exportCommand } from "./commands/export.ts";
import { helpCommand } from "./commands/help.ts";
import { nativeCommand } from "./commands/native.ts";
import { playCommand } from "./commands/play.ts";
import { pluginCheckCommand, pluginNewCommand, pluginsCommand } from "./commands/plugins.ts";
import { generateCommand, predictCommand } from "./commands/predict.ts";
import { reportCommand } from "./commands/report.ts";
import { studyCommand } from "./commands/study.ts";
import { trainCommand } from "./commands/train.ts";

/** All commands. */
export const commandHelps: readonly CommandHelp[] = [
  trainCommand,
  adviseCommand,
  predictCommand,
  generateCommand,
  evaluateCommand,
  reportCommand,
  studyCommand,
  ...studies.map((study) => ({ ...study, name: `study ${study.name}` })),
  compareCommand,
  exportCommand,
  pluginsCommand,
  pluginNewCommand,
  pluginCheckCommand,
  playCommand,
  nativeCommand,
  helpCommand,
];
