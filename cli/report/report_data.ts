/**
 * What a report shows: plain JSON, made from run folders and drawn by a page. A number that is not finite is null.
 *
 * Series over epochs are lists as long as {@linkcode RunReport.observed}, with null where nothing was measured.
 *
 * @module
 */

/** A number, or null where there is none. */
export type Maybe = number | null;

/** What a report shows. */
export interface ReportData {
  /** Version of this format. */
  readonly format: 1;
  /** What made it, such as `@thinned/dropout 0.1.0`. */
  readonly madeBy: string;
  /** When, as an ISO 8601 date in UTC. */
  readonly madeAt: string;
  /** A heading: the name of the data set, or of the folder. */
  readonly title: string;
  /** The runs, side by side; at least one. */
  readonly runs: readonly RunReport[];
}

/** One run. */
export interface RunReport {
  /** Its name; no other run of the report has it. */
  readonly name: string;
  /** The entry of `runs` in the configuration that it belongs to, which runs of other seeds share. */
  readonly variant: string;
  /** The seed. */
  readonly seed: number;
  /** What the configuration is for, in its own words. */
  readonly description?: string;
  /** The configuration, with what this run changes in it: what is in `config.json`. */
  readonly config: unknown;
  /** The line that trains it again. */
  readonly command: string;
  /** The line that goes on with it; only for a run that was stopped. */
  readonly resume?: string;
  /** What computed it, such as `native: OpenBLAS 0.3.31, 2 threads, AVX-512`. */
  readonly backend?: string;
  /** The data. */
  readonly dataset: DatasetReport;
  /** Whether `error` is the fraction of wrong classes (true) or a root mean squared error (false). */
  readonly classification: boolean;
  /** The model's layers. */
  readonly model: readonly LayerRow[];
  /** Number of trainable numbers. */
  readonly parameters: number;
  /** Examples a step. */
  readonly batchSize: number;
  /** Epochs done, and epochs of the whole run. */
  readonly epochs: { readonly done: number; readonly of: number };
  /** The epoch whose weights the run ended with, where that is not the last. */
  readonly bestEpoch?: number;
  /** Whether it was stopped before its last epoch. */
  readonly interrupted: boolean;
  /** The lines of `metrics.jsonl`, as they are. */
  readonly history: readonly MetricsLine[];
  /** The epochs at which sites, layers and weights were looked at, rising: the lines of `observations.jsonl`. */
  readonly observed: readonly number[];
  /** How many training examples were looked at each time. */
  readonly sample?: number;
  /** The places of dropout, in the order in which they are run; none for a net without. */
  readonly sites: readonly SiteReport[];
  /** The layers whose outputs are rectified, in the order in which they are run. */
  readonly layers: readonly LayerReport[];
  /** The parameters, in the order of the layers. */
  readonly weights: readonly WeightReport[];
  /** First-layer weights as images; only where inputs are images. */
  readonly features?: FeatureReport;
  /** How often which class was taken for which; only for classes, of the test part. */
  readonly confusion?: ConfusionReport;
  /** The test examples that were wrong with the largest loss, the worst first. */
  readonly mistakes?: readonly MistakeReport[];
  /** What the probabilities of the test part are worth, dropout off; only for classes. */
  readonly reliability?: ReliabilityReport;
  /** The same averaged over passes with dropout on; only for classes and a net that draws. */
  readonly uncertainty?: UncertaintyReport;
  /** Where the time went. */
  readonly time: TimeReport;
}

/** A line of `metrics.jsonl`: the numbers of `EpochMetrics`, in which one that is not finite is null. */
export interface MetricsLine {
  /** Epochs done, from 1. */
  readonly epoch: number;
  /** Steps done. */
  readonly step: number;
  /** Mean loss on the training examples, dropout off. */
  readonly trainLoss: Maybe;
  /** Error on the training examples, dropout off. */
  readonly trainError: Maybe;
  /** Mean loss on the validation examples; absent when there are none. */
  readonly validationLoss?: Maybe;
  /** Error on the validation examples; absent when there are none. */
  readonly validationError?: Maybe;
  /** Mean loss on the test examples. */
  readonly testLoss: Maybe;
  /** Error on the test examples. */
  readonly testError: Maybe;
  /** Mean loss as seen in training, dropout on. */
  readonly runningLoss: Maybe;
  /** Error as seen in training, dropout on. */
  readonly runningError: Maybe;
  /** Seconds spent in the steps of this epoch. */
  readonly seconds: number;
  /** Median milliseconds of a step. */
  readonly stepMs: number;
}

/** The data that a run was trained on. */
export interface DatasetReport {
  /** Its name. */
  readonly name: string;
  /** Number of training examples. */
  readonly train: number;
  /** Number of validation examples; 0 for none. */
  readonly validation: number;
  /** Number of test examples. */
  readonly test: number;
  /** Shape of one example. */
  readonly shape: readonly number[];
  /** Names of the classes, in their order; their numbers where they have none; empty where there are no classes. */
  readonly classes: readonly string[];
}

/** A line of the model's summary. */
export interface LayerRow {
  /** Where the plugin stands, such as `2` or `encoder.0.weight`; empty for the whole model. */
  readonly path: string;
  /** The plugin's name. */
  readonly plugin: string;
  /** Shape of its output, without the batch axis. */
  readonly shape: readonly number[];
  /** Number of trainable numbers of its own. */
  readonly parameters: number;
  /** The site at which a variant stands; null for a layer. */
  readonly site: string | null;
}

/** A place of dropout over the epochs. */
export interface SiteReport {
  /** Where it stands, such as `3` or `0.weight`. */
  readonly path: string;
  /** The variant's name, such as `dropout`. */
  readonly variant: string;
  /** What it acts on: `activation`, `weight`, `product`, `recurrent`, `branch`, `attention` or `embedding`. */
  readonly role: string;
  /** The rate that was asked for: constant, scheduled or learned; null for a variant without a rate, such as noise. */
  readonly asked: readonly Maybe[];
  /**
   * The share of entries that were dropped in a training pass over the sample; null for a variant that drops none, such as
   * noise. Of entries that were 0 before, only those count whose mask is known.
   */
  readonly realised: readonly Maybe[];
}

/** Counts in bins of equal width. */
export interface Histogram {
  /** The lower edge of the first bin. */
  readonly from: number;
  /** The upper edge of the last bin; above `from`. */
  readonly to: number;
  /** How many values fall into each bin; a value on an edge falls into the bin above, the last edge into the last bin. */
  readonly counts: readonly number[];
}

/** A layer with rectified outputs over the epochs, seen without dropout on the sample of training examples. */
export interface LayerReport {
  /** Where the rectifier stands. */
  readonly path: string;
  /** Its name, such as `relu`. */
  readonly plugin: string;
  /** Number of units; of channels where units are arranged in them. */
  readonly units: number;
  /** The share of dead units, those that were 0 for every example of the sample. */
  readonly dead: readonly Maybe[];
  /** The share of outputs that are above 0: 1 less the sparsity. */
  readonly active: readonly Maybe[];
  /** The mean output. */
  readonly mean: readonly Maybe[];
  /** Histograms at some epochs, at most twelve, the first and the last among them. */
  readonly histograms: readonly LayerHistograms[];
}

/** A layer's outputs at one epoch: figure 8 of Srivastava et al., JMLR 15 (2014). */
export interface LayerHistograms {
  /** Which epoch. */
  readonly epoch: number;
  /** The outputs of all units for all examples of the sample, but those that are exactly 0. */
  readonly outputs: Histogram;
  /** How many outputs are exactly 0. */
  readonly zeros: number;
  /** The mean output of each unit. */
  readonly means: Histogram;
}

/** A parameter over the epochs. */
export interface WeightReport {
  /** Its name, such as `1.weight`. */
  readonly name: string;
  /** Its shape. */
  readonly shape: readonly number[];
  /** Its Euclidean norm. */
  readonly norm: readonly Maybe[];
  /** Where max-norm holds it: the limit, and the share of its units (or kernels) that are at it. */
  readonly maxNorm?: { readonly limit: readonly Maybe[]; readonly hits: readonly Maybe[] };
}

/** First-layer weights as images: figure 7 of Srivastava et al., JMLR 15 (2014). */
export interface FeatureReport {
  /** The parameter's name, such as `1.weight`. */
  readonly name: string;
  /** Units that there are; those shown are the first of them. */
  readonly units: number;
  /** Width of a tile in pixels. */
  readonly width: number;
  /** Height of a tile in pixels. */
  readonly height: number;
  /** A PNG image for each unit shown, as data URLs; at most 64. Middle grey is 0, each tile is scaled by itself. */
  readonly tiles: readonly string[];
}

/** How often which class was taken for which. */
export interface ConfusionReport {
  /** `counts[truth][said]`: examples of the class `truth` that the net said were of the class `said`. */
  readonly counts: readonly (readonly number[])[];
}

/** An example that a net got wrong. */
export interface MistakeReport {
  /** Its number in the test part, from 0. */
  readonly example: number;
  /** The example as a PNG image, as a data URL; only for images. */
  readonly image?: string;
  /** Width and height of the image in pixels. */
  readonly size?: readonly [width: number, height: number];
  /** The example's values by name, for what is no image; at most 12 of them. */
  readonly row?: readonly (readonly [name: string, value: string])[];
  /** The class that it is of, or the target. */
  readonly truth: string;
  /** The class that the net said, or the number that it predicted. */
  readonly said: string;
  /** The probability that the net gave to what it said; absent for numbers. */
  readonly probability?: number;
  /** The probability that it gave to the truth; absent for numbers. */
  readonly truthProbability?: number;
  /** The loss of this example: the negative logarithm of `truthProbability`, or the squared difference. */
  readonly loss: Maybe;
}

/** A bin of a reliability diagram. */
export interface ReliabilityBin {
  /** Lower edge, of the confidence. */
  readonly from: number;
  /** Upper edge. */
  readonly to: number;
  /** Examples in it. */
  readonly count: number;
  /** Their mean confidence; null for none. */
  readonly confidence: Maybe;
  /** The share of them that is right; null for none. */
  readonly accuracy: Maybe;
}

/** What probabilities are worth. */
export interface ReliabilityReport {
  /** Examples that were judged. */
  readonly examples: number;
  /** The fraction of wrong classes among them. */
  readonly error: number;
  /** Mean negative log-likelihood, in nats. */
  readonly negativeLogLikelihood: Maybe;
  /** Brier score. */
  readonly brierScore: Maybe;
  /** Expected calibration error over the bins, in [0, 1]. */
  readonly expectedError: Maybe;
  /** Mean confidence less accuracy: above 0 for a net that is too sure of itself. */
  readonly overconfidence: Maybe;
  /** The bins, by rising confidence; empty ones too. */
  readonly bins: readonly ReliabilityBin[];
}

/** What Monte Carlo passes say. */
export interface UncertaintyReport extends ReliabilityReport {
  /** Number of passes. */
  readonly passes: number;
  /** The entropy of the mean prediction in nats, of the examples that were right. */
  readonly right: Histogram;
  /** The same of those that were wrong, in the same bins. */
  readonly wrong: Histogram;
  /** Mean entropy, in nats. */
  readonly entropy: Maybe;
  /** Mean mutual information of prediction and masks, in nats. */
  readonly mutualInformation: Maybe;
}

/** Where the time went, in seconds. */
export interface TimeReport {
  /** In steps. */
  readonly steps: number;
  /** In measuring on training, validation and test examples; null where it is not known. */
  readonly evaluation: Maybe;
  /** In looking at sites, layers and weights; null where it is not known. */
  readonly recording: Maybe;
  /** Median milliseconds of a step. */
  readonly stepMs: Maybe;
  /**
   * What the passes of a step are made of, forward and back without the update of the weights: milliseconds of one step by
   * what they are spent on, the largest first; only where it was measured.
   */
  readonly kernels?: readonly { readonly kind: string; readonly ms: number }[];
}
