/** What a page hears while training: plain JSON. @module */
import type { Maybe } from "../report/report_data.ts";

/** Where training stands. */
export type State = "training" | "paused" | "stopping" | "stopped" | "failed" | "done";

/** How far a run is. */
export interface RunProgress {
  /** Its name. */
  readonly name: string;
  /** Epochs of the whole run. */
  readonly epochs: number;
  /** The epoch that it is in, from 1; 0 before its first step. */
  readonly epoch: number;
  /** Steps done in this epoch. */
  readonly step: number;
  /** Steps that make an epoch. */
  readonly steps: number;
  /** Mean loss over the epoch so far, dropout on. */
  readonly loss: Maybe;
  /** Error over the epoch so far, dropout on: of classes a share, else a root mean squared one. */
  readonly error: Maybe;
  /** Whether `error` is a share of wrong classes. */
  readonly classification: boolean;
  /** Examples a second in the steps of this epoch. */
  readonly speed: Maybe;
}

/** How far all of it is. */
export interface Progress {
  /** Where it stands. */
  readonly state: State;
  /** The line that goes on with it, where it has been stopped. */
  readonly resume?: string;
  /** The runs, in the order in which they are trained. */
  readonly runs: readonly RunProgress[];
}
