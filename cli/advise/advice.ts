/** What advice is made of. @module */
import type { AdviceSource, DropoutFinding } from "../../mod.ts";
import type { Config } from "../configuration/config.ts";

/** A number with its standard error. */
export interface Uncertain {
  /** The number. */
  readonly mean: number;
  /** Its standard error, over parts of the examples. */
  readonly standardError: number;
}

/** A net after its short training. */
export interface Measured {
  /** What it was trained with: `plain`, `gentle`, `usual`, `configured`. */
  readonly name: string;
  /** Its epochs. */
  readonly epochs: number;
  /** Loss on training examples, as many as there are for validation, dropout off. */
  readonly trainLoss: Uncertain;
  /** Loss on the validation examples. */
  readonly validationLoss: Uncertain;
  /** Error on these training examples. */
  readonly trainError: number;
  /** Error on the validation examples: the fraction of wrong classes, or the root of the mean squared error. */
  readonly validationError: number;
  /** By how much the loss on validation is above that on training. */
  readonly gap: Uncertain;
  /** The epoch with the smallest loss on validation, from 1. */
  readonly bestEpoch: number;
  /** That loss. */
  readonly bestLoss: number;
  /** By how much its loss on validation is above the plain net's, on the same examples. Undefined for that net. */
  readonly againstPlain?: Uncertain;
}

/** One thing that is said, with the number that it rests on and who says so. */
export interface Statement {
  /** What is said. */
  readonly said: string;
  /** What it rests on: names with numbers. */
  readonly measured: Readonly<Record<string, number>>;
  /** Who says so; undefined for what was only measured. */
  readonly source?: AdviceSource;
}

/** A variant that is put somewhere. */
export interface Placed {
  /** Where: `model.3`, `model.1.attention`. */
  readonly path: string;
  /** Its name. */
  readonly plugin: string;
  /** Its rate. */
  readonly rate: number;
  /** Who says so. */
  readonly source: AdviceSource;
}

/**
 * Whether dropout is of use. `unclear`: there is a gap, but what dropout does to it is within the noise. `too-early`: there is
 * no gap yet, after a part of the configuration's epochs, with a loss that still falls.
 */
export type Verdict = "needed" | "unclear" | "too-early" | "not-needed";

/** All that is said of a configuration. */
export interface Advice {
  /** The data set's name; undefined where nothing was loaded. */
  readonly dataset?: string;
  /** The run that was looked at. */
  readonly run: string;
  /** What is wrong with the configuration as it is. */
  readonly findings: readonly DropoutFinding[];
  /** Whether errors are fractions of wrong classes; undefined where nothing was measured. */
  readonly classification?: boolean;
  /** The nets that were trained, in order; empty for a static look. */
  readonly trained: readonly Measured[];
  /** Whether dropout is of use; undefined where nothing was measured. */
  readonly verdict?: Verdict;
  /** What is said, in order. */
  readonly statements: readonly Statement[];
  /** What to begin with, where it was measured. */
  readonly begin?: { readonly name: string; readonly places: readonly Placed[] };
  /** The configuration that is advised. */
  readonly config: Config;
  /** Whether it was stopped before all was measured. */
  readonly stopped: boolean;
}
