/**
 * What a model says of inputs: once, or averaged over Monte Carlo passes, and how sure it is.
 *
 * Gal and Ghahramani, "Dropout as a Bayesian Approximation: Representing Model Uncertainty in Deep Learning", ICML 2016,
 * equations (6) and (7): mean and variance over passes with dropout on. Srivastava et al., "Dropout: A Simple Way to
 * Prevent Neural Networks from Overfitting", JMLR 15 (2014), section 7.5 and figure 11: weight scaling beside Monte Carlo
 * averaging.
 *
 * @module
 */
import { noGrad } from "../tensor/autograd.ts";
import { OptionError, refuseUnknown } from "../errors.ts";
import { Model } from "../plugin/model.ts";
import { sizeOf } from "../tensor/shape.ts";
import { Rows } from "../random/rows.ts";
import { recycling } from "../tensor/storage.ts";
import { type FloatType, Tensor } from "../tensor/tensor.ts";
import { checkLevels } from "../uncertainty/quantiles.ts";
import { ClassBatch, Gathered, NumberBatch } from "./passes_of_batch.ts";
import type { ClassificationPrediction, Prediction, PredictOptions, RegressionPrediction } from "./prediction.ts";
import { isPredictor, type Member, type Predictor } from "./predictor.ts";
import { wholeNumber } from "./whole_number.ts";

const BATCH = 1000;

/** Passes that addresses tell apart. */
const MOST_PASSES = 2 ** 14;

/** Numbers of all passes over a batch that are kept at a time, where quantiles need them. */
const MOST_KEPT = 2 ** 23;

/** Numbers that a pass gives for an example where nobody says how many: as of some hundred classes. */
const MOST_OUTPUTS = 128;

/** What can be asked: a model, the members of an ensemble, or what else gives outputs in passes. */
export type Predicting = Model | readonly (Model | Member)[] | Predictor;

const optionNames: readonly (keyof PredictOptions)[] = [
  "samples",
  "sites",
  "seed",
  "batchSize",
  "softmax",
  "read",
  "noise",
  "units",
  "quantiles",
  "keepPasses",
  "weightScaling",
  "first",
  "examples",
  "carry",
  "progress",
];

/**
 * Runs a model on inputs and returns the mean and the variance over passes, in the model's element type; of classes and of
 * numbers with noise also what kind of uncertainty it is. They outlive the training step in which it may be called; no
 * gradients are recorded. Everything but quantiles, and the passes themselves, is summed up as passes come.
 *
 * @param of the model; or the members of an ensemble, whose passes count alike, those of the first member first, each at its
 *   moment of training where that is given; or another predictor, which takes one input, and says itself how many passes it
 *   has, and which
 * @param x `[batch, ...inputShape]`; a list of them for a model with several inputs
 * @throws {OptionError} for an option out of range
 * @throws {ShapeError} when the input does not fit the model
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, predict, relu, sequential, Tensor } from "@thinned/dropout";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const net = sequential([dense(64), relu(), dropout({ rate: 0.5 }), dense(3)]);
 * const model = buildModel(net, { inputShape: [4], seed: 1 });
 * const { mean, variance, mutualInformation } = predict(model, Tensor.ones([2, 4]), { samples: 20, softmax: true });
 * assertEquals(mean.shape, [2, 3]);
 * assert(Math.abs(mean.sum().item() - 2) < 1e-5); // probabilities of two examples
 * assert(variance.min().item() > 0); // the passes disagree
 * assertEquals(mutualInformation.shape, [2]); // how far, in nats
 * ```
 */
export function predict(
  of: Predicting,
  x: Tensor | readonly Tensor[],
  options: PredictOptions & { softmax: true; read?: undefined },
): ClassificationPrediction;
/** Predicts numbers around which there is noise of a known variance. */
export function predict(
  of: Predicting,
  x: Tensor | readonly Tensor[],
  options: PredictOptions & { noise: NonNullable<PredictOptions["noise"]>; softmax?: false },
): RegressionPrediction;
/** Predicts whatever a model gives. */
export function predict(
  of: Predicting,
  x: Tensor | readonly Tensor[],
  options?: PredictOptions,
): Prediction;
export function predict(
  of: Predicting,
  x: Tensor | readonly Tensor[],
  options: PredictOptions = {},
): Prediction {
  refuseUnknown(options, optionNames, "predict");
  const samples = wholeNumber(options.samples ?? 0, 0, "predict: samples");
  if (samples > MOST_PASSES) {
    throw new OptionError("predict: samples", `a whole number in [0, ${MOST_PASSES}]`, samples);
  }
  const seed = wholeNumber(options.seed ?? 0, 0, "predict: seed");
  const first = wholeNumber(options.first ?? 0, 0, "predict: first");
  const asked = wholeNumber(options.batchSize ?? BATCH, 1, "predict: batchSize");
  const each = Math.max(samples, 1);
  const inputs = x instanceof Tensor ? [x] : x;
  const way = isPredictor(of) ? wayOfPredictor(of, inputs, options) : wayOfMembers(of, options, each);
  const { passes } = way;
  const { carry, examples, keepPasses = false, weightScaling = false } = options;
  const levels = checkLevels(options.quantiles ?? [], "predict: quantiles");
  const { noise, units } = options;
  if (noise !== undefined && options.softmax) {
    throw new OptionError("predict: noise", "nothing with softmax: classes have no noise of their own", noise);
  }
  if (typeof noise === "number" && !(noise >= 0 && noise < Infinity)) {
    throw new OptionError("predict: noise", "a variance of at least 0", noise);
  }
  if (weightScaling && way.evaluated === undefined) {
    throw new OptionError("predict: weightScaling", "false for several models: it is what a single one says", true);
  }
  const states = passes + (weightScaling && samples > 0 ? 1 : 0);
  if (carry !== undefined && carry.length < states) {
    throw new OptionError("predict: carry", `a map for each of ${states} passes`, carry.length);
  }
  const count = inputs[0]?.shape[0] ?? 0;
  const batchSize = levels.length === 0 ? asked : Math.min(asked, rowsToKeep(way, inputs[0]));
  const size = carry === undefined ? batchSize : Math.max(count, 1);
  if (examples !== undefined && examples.length !== count) {
    throw new OptionError("predict: examples", `a number for each of ${count} examples`, examples.length);
  }
  const rowsOf = (from: number, to: number) => {
    if (examples === undefined) return Rows.range({ first: first + from, step: seed });
    return Rows.of(Array.from(examples).slice(from, to).map((sample) => ({ sample, step: seed })));
  };
  const numbersOf = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => examples?.[from + i] ?? first + from + i);
  const classes = options.softmax === true && options.read === undefined;
  const keeps = keepPasses || levels.length > 0;
  const gathered = new Gathered(count, passes, way.dtype);
  // An empty batch is run too, for the shape of its output.
  for (let from = 0; from === 0 || from < count; from += size) {
    const to = Math.min(from + size, count);
    const begin = (): ClassBatch | NumberBatch =>
      classes ? new ClassBatch({ rows: to - from, keeps }) : new NumberBatch({
        rows: to - from,
        keeps,
        softmax: options.softmax === true,
        read: options.read,
        noise,
        units,
      });
    const batch = begin();
    const take = (outputs: Tensor) => batch.add(outputs);
    recycling(() =>
      noGrad(() => {
        const part = from === 0 && to === count ? inputs : inputs.map((input) => rows(input, from, to));
        const asked: Part = { inputs: part, at: rowsOf(from, to), examples: () => numbersOf(from, to), carry };
        way.run(asked, take);
        batch.gather(gathered, from, levels, keepPasses);
        if (!weightScaling) return;
        const scaled = begin();
        scaled.add(way.evaluated!(asked, samples === 0 ? undefined : carry?.[passes]));
        gathered.put("weightScaling", scaled.tail, from, scaled.latest);
      })
    );
  }
  const found = gathered.tensors();
  const list = (name: string) => levels.map((_, i) => found.get(`${name}.${i}`)!);
  return {
    ...Object.fromEntries([...found].filter(([name]) => !name.includes("."))),
    quantiles: list("quantiles"),
    ...(noise !== undefined && { predictiveQuantiles: list("predictiveQuantiles") }),
  } as unknown as Prediction;
}

/**
 * What each of several passes gives: `[passes, ...shape of what is averaged]`, in the model's element type. Pass t is the
 * same however many there are, and whatever else is in the batch.
 *
 * @param of as for {@linkcode predict}
 * @param x `[batch, ...inputShape]`; a list of them for a model with several inputs
 * @param options as for {@linkcode predict}
 * @throws what {@linkcode predict} throws
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, samplesOf, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(sequential([dropout({ rate: 0.5 }), dense(3)]), { inputShape: [4], seed: 1 });
 * const passes = samplesOf(model, Tensor.ones([2, 4]), { samples: 20, softmax: true });
 * assertEquals(passes.shape, [20, 2, 3]);
 * ```
 */
export function samplesOf(
  of: Predicting,
  x: Tensor | readonly Tensor[],
  options: PredictOptions = {},
): Tensor {
  return predict(of, x, { ...options, keepPasses: true }).passes!;
}

/** Some of the examples. */
interface Part {
  readonly inputs: readonly Tensor[];
  /** Where their draws lie. */
  readonly at: Rows;
  /** The number of each. */
  readonly examples: () => number[];
  /** A map for each pass, and for `weightScaling`. */
  readonly carry: readonly Map<string, Tensor>[] | undefined;
}

/** What runs the passes. */
interface Way {
  readonly passes: number;
  readonly dtype: FloatType;
  /** Numbers that a pass gives for an example, where that is known before. */
  readonly width: (x: Tensor) => number;
  /** Runs all of them. */
  run(part: Part, take: (outputs: Tensor) => void): void;
  /** One pass in mode `eval`; only of a single model. */
  readonly evaluated?: (part: Part, carry: Map<string, Tensor> | undefined) => Tensor;
}

/** The passes of a model, or of the members of an ensemble. */
function wayOfMembers(of: Model | readonly (Model | Member)[], options: PredictOptions, each: number): Way {
  const { samples = 0, sites } = options;
  const given = of instanceof Model ? [of] : of;
  const members = given.map((one): Member => one instanceof Model ? { model: one, progress: options.progress } : one);
  if (members.length === 0) throw new OptionError("predict: models", "at least one", members);
  const evaluated = ({ model, progress }: Member, { inputs, at }: Part, carry: Map<string, Tensor> | undefined) =>
    model.forward(inputs, { mode: "eval", rows: at, carry, progress });
  return {
    passes: members.length * each,
    dtype: members[0].model.dtype,
    width: (x) => widthOf(members[0].model, x),
    run(part, take) {
      const { inputs, at, carry } = part;
      members.forEach((member, place) => {
        const { model, progress } = member;
        if (samples === 0) return recycling(() => take(evaluated(member, part, carry?.[place])));
        if (carry === undefined) return model.sample(inputs, { passes: each, rows: at, progress, sites }, take);
        // States are carried for each pass by itself.
        for (let pass = 0; pass < each; pass++) {
          const own = carry[place * each + pass];
          const run = { mode: "sample", rows: at.atPass(pass), carry: own, progress, sites } as const;
          recycling(() => take(model.forward(inputs, run)));
        }
      });
    },
    ...(members.length === 1 && { evaluated: (part, carry) => evaluated(members[0], part, carry) }),
  };
}

/** Options that say which passes a model makes. */
const passOptions = ["samples", "sites", "seed", "progress", "weightScaling"] as const;

/** The passes of what makes its own. */
function wayOfPredictor(of: Predictor, inputs: readonly Tensor[], options: PredictOptions): Way {
  const told = passOptions.find((name) => options[name] !== undefined && options[name] !== false);
  if (told !== undefined) {
    throw new OptionError(`predict: ${told}`, "nothing beside a predictor, which says it itself", options[told]);
  }
  if (inputs.length !== 1) throw new OptionError("predict: x", "one input for a predictor", `${inputs.length}`);
  return {
    passes: of.passes,
    dtype: inputs[0].floatType,
    width: () => MOST_OUTPUTS,
    run: ({ inputs: [x], examples, carry }, take) => of.run({ inputs: x, examples: examples(), carry }, take),
  };
}

/** How many rows at a time keep all their passes in a limited space. */
function rowsToKeep({ passes, width }: Way, x: Tensor): number {
  return Math.max(1, Math.floor(MOST_KEPT / (passes * width(x))));
}

/** Numbers that a pass of a model gives for an example. */
function widthOf(model: Model, x: Tensor): number {
  const built = sizeOf(model.inputShape.map((extent) => extent === -1 ? 1 : extent));
  const longer = Math.max(1, sizeOf(x.shape.slice(1)) / Math.max(1, built));
  return Math.max(1, sizeOf(model.outputShape)) * longer;
}

/** A copy of some rows, of numbers or indices. */
function rows(x: Tensor, from: number, to: number): Tensor {
  const width = sizeOf(x.shape.slice(1));
  const part = Tensor.empty([to - from, ...x.shape.slice(1)], x.dtype);
  part.storage.array.set(x.storage.array.subarray(from * width, to * width));
  return part;
}
