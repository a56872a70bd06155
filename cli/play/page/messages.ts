/** What the page and its worker, in which the library runs, say to each other. @module */
import type { Doubt, Scene } from "./scene.ts";
import type { Points } from "./points.ts";
import type { Variant } from "./variants.ts";

/** To the worker. */
export type Request =
  | { readonly type: "scene"; readonly scene: Scene }
  /**
   * Trains at most `steps`, for about 12 ms at most, and answers with a frame; with `fresh` losses and field are in it for
   * certain, else now and then.
   */
  | { readonly type: "advance"; readonly steps: number; readonly fresh: boolean }
  /** Begins training anew: weights and steps. */
  | { readonly type: "reset" };

/** What a variant drew at one site, of the shown example or of all: see `Drawn`. */
export interface SiteFrame {
  /** The site's path in the model, such as `3`. */
  readonly path: string;
  /** Which layer it acts on: 0 for the inputs. */
  readonly layer: number;
  /** Whether the factors are those of the weights that lead into the layer: `[outputs, inputs]`. */
  readonly weights: boolean;
  /** Examples that have factors of their own; 1 where all share them. */
  readonly rows: number;
  /** Factors: 0 for what is dropped. The shown example is row 0. */
  readonly factors: Float32Array<ArrayBuffer>;
  /** What part of the factors is 0. */
  readonly dropped: number;
}

/** A training step in sight. */
export interface Shown {
  /** Its number, from 0. */
  readonly step: number;
  /** The example at row 0 of its batch: x, y and class. */
  readonly example: readonly [x: number, y: number, label: number];
  /** What was drawn, site by site. */
  readonly sites: readonly SiteFrame[];
}

/** Mean loss and share of wrong classes. */
export interface Measured {
  readonly loss: number;
  readonly error: number;
}

/** Training and test part, measured without dropout after a number of steps. */
export interface Losses {
  readonly step: number;
  readonly train: Measured;
  readonly test: Measured;
}

/** What the net says of each place of a square grid, row by row from the lower left. */
export interface Field {
  /** Places along a side; the outermost lie on the border. */
  readonly size: number;
  /** Probability of class 1 without dropout. */
  readonly probability: Float32Array<ArrayBuffer>;
  /** What is shown of uncertainty. */
  readonly doubt: Doubt;
  /** How unsure the net is, from 0 to 1: entropy or mutual information in bits, or twice the deviation of the probability. */
  readonly unsure: Float32Array<ArrayBuffer>;
  /** The probability in each Monte Carlo pass, one after the other. */
  readonly passes: Float32Array<ArrayBuffer>;
}

/** What each unit answers to, place by place. */
export interface Views {
  /** Places along a side of the plane. */
  readonly size: number;
  /** Of the inputs and each hidden layer: `[units, size * size]`, each unit's least answer 0 and its greatest 1. */
  readonly layers: readonly Float32Array<ArrayBuffer>[];
}

/** How things stand after some steps. */
export interface Frame {
  readonly type: "frame";
  /** Steps done. */
  readonly step: number;
  /** Passes over the training points done. */
  readonly epoch: number;
  /** The last step in sight; absent before the first. */
  readonly shown?: Shown;
  /** Weights of each dense layer, `[outputs, inputs]`. */
  readonly weights: readonly Float32Array<ArrayBuffer>[];
  /** Where they have been measured anew. */
  readonly losses?: Losses;
  /** Where it has been computed anew. */
  readonly field?: Field;
  /** Beside a field. */
  readonly views?: Views;
  /** Milliseconds of training, and the steps in them. */
  readonly spent: readonly [milliseconds: number, steps: number];
  /** Why training has ended, in a sentence. */
  readonly stopped?: string;
}

/** From the worker. */
export type Answer =
  | { readonly type: "ready"; readonly variants: readonly Variant[] }
  /** A scene stands; what it could not be is said. */
  | { readonly type: "scene"; readonly points: Points; readonly rates: readonly number[]; readonly refused?: string }
  | Frame;
