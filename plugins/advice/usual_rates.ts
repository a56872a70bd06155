/** The rates at which papers drop, by place. @module */
import { type AdviceSource, devlin, fan, galRecurrent, huang, merity, srivastava, vaswani, wan } from "./_sources.ts";

/** The rates that are usual at a place. */
export interface UsualRates {
  /** What the place is, for a sentence: `the input`. */
  readonly place: string;
  /** The smallest usual rate. */
  readonly least: number;
  /** The largest. */
  readonly most: number;
  /** What to begin with. */
  readonly begin: number;
  /** Who says so. */
  readonly source: AdviceSource;
}

/** A place at which units, weights or blocks are dropped. */
export type DropoutPlace =
  | "input"
  | "hidden"
  | "maps"
  | "recurrent"
  | "embedding"
  | "words"
  | "attention"
  | "sublayer"
  | "weight"
  | "branch"
  | "layerDrop";

/**
 * The rates of the literature by place, each with its source.
 *
 * @example
 * ```ts
 * import { usualRates } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([usualRates.input.begin, usualRates.hidden.begin], [0.2, 0.5]);
 * ```
 */
export const usualRates: Readonly<Record<DropoutPlace, UsualRates>> = {
  input: {
    place: "the input",
    least: 0,
    most: 0.2,
    begin: 0.2,
    source: srivastava("appendix A.4: inputs of real numbers are kept with a probability of 0.8"),
  },
  hidden: {
    place: "a hidden layer",
    least: 0.2,
    most: 0.5,
    begin: 0.5,
    source: srivastava("appendix A.4: hidden units are kept with a probability of 0.5 to 0.8"),
  },
  maps: {
    place: "feature maps",
    least: 0.1,
    most: 0.3,
    begin: 0.1,
    source: srivastava(
      "section 6.1.2 and appendix B: keep probabilities 0.9, 0.75, 0.75, 0.5, 0.5, 0.5 from the input up",
    ),
  },
  recurrent: {
    place: "a recurrent layer",
    least: 0.2,
    most: 0.5,
    begin: 0.3,
    source: galRecurrent("section 4, and the authors' settings: 0.5 on inputs and outputs, 0.3 on hidden states"),
  },
  embedding: {
    place: "an embedding",
    least: 0.1,
    most: 0.3,
    begin: 0.1,
    source: merity("section 5: embedding dropout 0.1"),
  },
  words: {
    place: "word vectors",
    least: 0.1,
    most: 0.65,
    begin: 0.3,
    source: merity("section 5: 0.4 on word vectors, and 0.65 in the other setting"),
  },
  attention: {
    place: "attention weights",
    least: 0.1,
    most: 0.2,
    begin: 0.1,
    source: devlin("appendix A.2: 0.1 on all layers, attention too"),
  },
  sublayer: {
    place: "a transformer's sub-layer",
    least: 0.1,
    most: 0.3,
    begin: 0.1,
    source: vaswani("section 5.4 and table 3: 0.1 in the base model, 0.3 in the big one"),
  },
  weight: {
    place: "weights",
    least: 0.2,
    most: 0.5,
    begin: 0.5,
    source: wan("experiments: 0.5"),
  },
  branch: {
    place: "residual blocks",
    least: 0.1,
    most: 0.5,
    begin: 0.2,
    source: huang("section 3: the last block survives with a probability of 0.5"),
  },
  layerDrop: {
    place: "residual blocks",
    least: 0.1,
    most: 0.5,
    begin: 0.2,
    source: fan("experiments: 0.2"),
  },
};
