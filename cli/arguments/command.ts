/** What is told of a command, for reading its arguments and for `--help`. @module */

/** An option of a command. */
export interface OptionHelp {
  /** Its name, without the dashes. */
  readonly name: string;
  /** What stands behind it, such as `FILE`; a switch has none. */
  readonly value?: string;
  /** Whether the option may stand without its value. */
  readonly bare?: boolean;
  /** Whether it may be given several times. */
  readonly repeated?: boolean;
  /** What it means, in a few words. */
  readonly meaning: string;
  /** What holds without it. */
  readonly default?: string;
}

/** A command. */
export interface CommandHelp {
  /** How it is called: `train` or `plugin new`. */
  readonly name: string;
  /** Words that follow it, as in a line of usage: `NAME|FILE`. */
  readonly words?: readonly string[];
  /** What it does, in a sentence. */
  readonly summary: string;
  /** Its options. All commands take `--json` and `--help`, too. */
  readonly options: readonly OptionHelp[];
  /** Lines to copy, without what starts the command line, and what each does. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** More that is to be known, a paragraph each. */
  readonly notes?: readonly string[];
}
