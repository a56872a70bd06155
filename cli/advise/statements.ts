/** What short trainings say of dropout: whether it is needed, where and how much, each with its number and its source. @module */
import type { AdviceSource } from "../../mod.ts";
import type { Measured, Placed, Statement, Uncertain, Verdict } from "./advice.ts";

const srivastava = (where: string): AdviceSource => ({
  paper: "Srivastava et al. 2014",
  where,
  url: "https://jmlr.org/papers/v15/srivastava14a.html",
});

/** Standard errors by which a difference must differ from 0 to count. */
const SURE = 2;
/** The smallest part of the loss on validation that counts as a gap. */
const LEAST_GAP = 0.05;

/** Whether a number is above 0 by more than the noise. */
export function above({ mean, standardError }: Uncertain): boolean {
  return mean > SURE * standardError;
}

/** Whether a net does worse on validation than on training, by more than the noise and by a part that counts. */
export function overfits({ gap, validationLoss }: Measured): boolean {
  return above(gap) && gap.mean > LEAST_GAP * Math.abs(validationLoss.mean);
}

/** Whether a training was shorter than the configuration's, and still went on well at its end. */
function isEarly({ epochs, bestEpoch }: Measured, planned: number): boolean {
  return epochs < planned && bestEpoch === epochs;
}

/** The numbers of an uncertain one, under a name. */
function numbers(name: string, { mean, standardError }: Uncertain): Record<string, number> {
  return { [name]: mean, [`${name}StandardError`]: standardError };
}

const shown = (value: number) => Number(value.toPrecision(3)).toString();
const epochsOf = (count: number) => count === 1 ? "1 epoch" : `${count} epochs`;
const within = ({ mean, standardError }: Uncertain) => `${shown(mean)} ± ${shown(standardError)}`;

/** What is known beside the trainings. */
export interface Known {
  /** Whether errors are fractions of wrong classes. */
  readonly classification: boolean;
  /** Training examples. */
  readonly examples: number;
  /** Labels of a training example: 1, or its positions where each has one. */
  readonly labels: number;
  /** Validation examples. */
  readonly validationExamples: number;
  /** Numbers that are trained. */
  readonly parameters: number;
  /** Epochs of the configuration. */
  readonly planned: number;
}

/** The net that is advised: that with the smallest loss on validation. */
export function bestOf(trained: readonly Measured[]): Measured {
  return trained.reduce((a, b) => b.validationLoss.mean < a.validationLoss.mean ? b : a);
}

/** Whether dropout is of use. */
export function verdictOf(trained: readonly Measured[], planned: number): Verdict {
  const [plain] = trained;
  if (!overfits(plain)) return isEarly(plain, planned) ? "too-early" : "not-needed";
  const { againstPlain } = bestOf(trained);
  if (againstPlain === undefined) return "unclear";
  return above({ ...againstPlain, mean: -againstPlain.mean }) ? "needed" : "unclear";
}

/** What the plain net says, before any dropout. */
export function plainStatements(plain: Measured, known: Known): Statement[] {
  const { examples, parameters, classification, validationExamples } = known;
  const error = (value: number) => classification ? `${shown(100 * value)} %` : shown(value);
  const found: Statement[] = [];
  const losses = `loss ${within(plain.trainLoss)} on training, ${within(plain.validationLoss)} on validation; error ${
    error(plain.trainError)
  } and ${error(plain.validationError)}`;
  const gap = within(plain.gap);
  const measured = {
    ...numbers("trainLoss", plain.trainLoss),
    ...numbers("validationLoss", plain.validationLoss),
    ...numbers("gap", plain.gap),
    trainError: plain.trainError,
    validationError: plain.validationError,
    epochs: plain.epochs,
  };
  if (overfits(plain)) {
    found.push({
      said: `Without dropout the net overfits: after ${
        epochsOf(plain.epochs)
      } ${losses}, a gap of ${gap}. Dropout is a remedy for that.`,
      measured,
      source: srivastava("section 1: dropout prevents overfitting"),
    });
  } else {
    const noise = above(plain.gap)
      ? `less than ${100 * LEAST_GAP} % of the loss`
      : `within the noise of ${validationExamples} validation examples`;
    const rest = isEarly(plain, known.planned)
      ? `But these were ${plain.epochs} of the ${known.planned} epochs of the configuration, and the loss on validation was ` +
        "still falling: a gap may yet come. --epochs trains longer."
      : "A net that does as well on validation as on training is underfitting, if anything, and dropout would hold it back.";
    found.push({
      said: `Without dropout there is no gap that counts: after ${
        epochsOf(plain.epochs)
      } ${losses}, a gap of ${gap}, ${noise}. ${rest}`,
      measured,
      source: srivastava("section 7.3 and figure 9: with small nets and large rates, training errors rise, too"),
    });
  }
  const labels = examples * known.labels;
  const each = parameters / labels;
  const few = examples <= 500;
  found.push({
    said: `${parameters.toLocaleString("en")} parameters for ${labels.toLocaleString("en")} ${
      known.labels === 1 ? "training examples" : "labels of training"
    }: ${shown(each)} for each. ${
      few
        ? "With so few examples dropout gained nothing in the paper's study: the net learns them by heart even so."
        : each > 1
        ? "The more parameters there are for each, the more there is for dropout to do."
        : "With fewer parameters than these there is mostly little for dropout to do."
    }`,
    measured: { parameters, examples, labels, parametersPerLabel: each },
    source: srivastava(
      "section 7.4 and figure 10: no gain at 100 and 500 examples, more with thousands, less with many more",
    ),
  });
  if (plain.bestEpoch < plain.epochs) {
    found.push({
      said:
        `The loss on validation was smallest after epoch ${plain.bestEpoch} of ${plain.epochs}: ${
          shown(plain.bestLoss)
        }, against ${
          shown(plain.validationLoss.mean)
        } at the end. To stop there, by early-stopping or keep-best, is the ` +
        "cheapest remedy, and dropout must do better than that.",
      measured: { bestEpoch: plain.bestEpoch, bestLoss: plain.bestLoss, lastLoss: plain.validationLoss.mean },
      source: srivastava("section 1: stopping when the performance on validation gets worse"),
    });
  }
  return found;
}

/** What nets with dropout say, against the plain one. */
export function dropoutStatements(trained: readonly Measured[], known: Known): Statement[] {
  const [plain, ...others] = trained;
  const error = (value: number) => known.classification ? `${shown(100 * value)} %` : shown(value);
  const found = others.map((net): Statement => {
    const difference = net.againstPlain!;
    const judged = above(difference)
      ? "more than without: worse"
      : above({ ...difference, mean: -difference.mean })
      ? "less than without: better"
      : "which is within the noise";
    return {
      said: `${describeName(net.name)}: loss ${within(net.validationLoss)} on validation, error ${
        error(net.validationError)
      }, gap ${within(net.gap)}. On the same examples that is ${
        within(difference)
      } against the net without dropout, ${judged}.`,
      measured: {
        ...numbers("validationLoss", net.validationLoss),
        validationError: net.validationError,
        ...numbers("gap", net.gap),
        ...numbers("againstPlain", difference),
      },
    };
  });
  if (others.length === 0) return found;
  const best = bestOf(trained);
  const longer = plain.epochs < known.planned
    ? ` These were ${plain.epochs} of the ${known.planned} epochs of the configuration.`
    : "";
  if (best === plain || verdictOf(trained, known.planned) === "unclear") {
    found.push({
      said: `Whether dropout helps here cannot be told from so short a training: ${
        best === plain ? "no rate did better than none" : "what it gained is within the noise"
      }. Nets with dropout take two to three times as long to train.${longer}`,
      measured: { epochs: plain.epochs, plannedEpochs: known.planned },
      source: srivastava("section 10: two to three times longer"),
    });
  } else {
    found.push({
      said:
        `The net with the smallest loss on validation is ${
          bestName(best.name)
        }. Nets with dropout take two to three times as long to train, and ` +
        `gain more then.${longer} The noise is that of the validation examples; another seed gives other numbers.`,
      measured: { epochs: plain.epochs, plannedEpochs: known.planned },
      source: srivastava("section 10: two to three times longer"),
    });
  }
  return found;
}

/** What was put where. */
export function placeStatements(places: readonly Placed[]): Statement[] {
  return places.map(({ path, plugin, rate, source }) => ({
    said: `Begin with ${plugin} at a rate of ${rate} at ${path}.`,
    measured: { rate },
    source,
  }));
}

/** The net that did best, in a sentence. */
function bestName(name: string): string {
  if (name === "usual") return "that with the rates of the literature";
  return name === "gentle" ? "that with half of these rates" : "that of the configuration";
}

/** What a net is called at the beginning of a sentence. */
function describeName(name: string): string {
  if (name === "usual") return "With the rates of the literature";
  if (name === "gentle") return "With half of these rates";
  return "As it is configured";
}
