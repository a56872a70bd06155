/** What a study is: an experiment of a paper, run as its authors ran it, with its figures beside theirs. @module */

/** An option of a study, as the command line explains it. */
export interface StudyOption {
  /** Its name, without the dashes. */
  readonly name: string;
  /** What stands behind it, such as `N`; a switch has none. */
  readonly value?: string;
  /** What it means, in a few words. */
  readonly meaning: string;
  /** What holds without it. */
  readonly default?: string;
}

/** The arguments of a call: unknown options and missing values have been refused. */
export interface StudyArguments {
  /** The value of an option, if it was given. */
  value(name: string): string | undefined;
  /**
   * The value as a whole number of at least `least`, if the option was given.
   *
   * @throws {OptionError} for any other value
   */
  whole(name: string, least: number): number | undefined;
}

/** What a study needs of the program that runs it. */
export interface StudyHost {
  /** Aborted when the study is to stop: what is finished is kept. */
  readonly signal: AbortSignal;
  /** Says something to a person, on a line of its own. */
  note(line: string): void;
  /** Shows how far it has come, on a line that the next one overwrites; on nothing but a terminal. */
  show(line: string): void;
  /** The line that a person types to run a command, such as `study uci-dropout`. */
  command(line: string): string;
}

/** What a study ends with. */
export interface StudyOutcome {
  /** One object, for programs. */
  readonly json: unknown;
  /** The same for a person. */
  readonly text: string;
  /** Whether all that was asked for is there; false when it was stopped before. */
  readonly complete: boolean;
}

/** A study. */
export interface Study {
  /** Its name on the command line. */
  readonly name: string;
  /** What it does, in a sentence. */
  readonly summary: string;
  /** Its options. */
  readonly options: readonly StudyOption[];
  /** Lines to copy, and what each does. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** More that is to be known, a paragraph each. */
  readonly notes: readonly string[];
  /** Runs it. */
  run(given: StudyArguments, host: StudyHost): Promise<StudyOutcome>;
}
