/** The nets of the study, trained and asked many times. @module */
import {
  adam,
  batchesOf,
  buildModel,
  concreteDropout,
  dense,
  dropout,
  gradients,
  type LayerPlugin,
  lossOf,
  meanSquaredError,
  type Model,
  type ModelOptimizer,
  optimizerFor,
  recycling,
  relu,
  Rows,
  sequential,
  Tensor,
} from "../../mod.ts";
import { PassScores, type Quality } from "./_likelihood.ts";
import type { Prepared } from "./_part.ts";

/** The prior length scale of the weights. */
const LENGTH_SCALE = 1e-2;

/** What decides about a net beside its data. */
export interface NetSettings {
  /** The dropout rate of all layers, in [0, 1), or `concrete` where each layer learns its own. */
  readonly rate: number | "concrete";
  /** Precision of the noise in the target's units. */
  readonly tau: number;
  /** Hidden units of a layer. */
  readonly hidden: number;
  /** Hidden layers. */
  readonly layers: number;
  /** Epochs of training. */
  readonly epochs: number;
  /** Examples a step. */
  readonly batchSize: number;
  /** Monte Carlo passes of a prediction. */
  readonly samples: number;
  /** What everything random follows from. */
  readonly seed: number;
}

/** What a trained net was worth. */
export interface NetResult extends Quality {
  /** The dropout rates of the layers, from the input on. */
  readonly rates: readonly number[];
}

/** Dense layers as Keras begins them. */
const glorot = { initializer: "glorot-uniform" } as const;

/** Dropout at the input of every dense layer, the last included. */
function withDropout(rate: number, { hidden, layers }: NetSettings): LayerPlugin {
  const hiddenLayers = Array.from({ length: layers }, () => [dropout({ rate }), dense(hidden, glorot), relu()]);
  return sequential([...hiddenLayers.flat(), dropout({ rate }), dense(1, glorot)]);
}

/**
 * The same with rates that are learned. The penalties are those of Gal, Hron and Kendall (2017) for a mean squared error of
 * standardized targets: length scale l, N examples, and the precision tau of the noise in the standardized target's units.
 */
function withConcreteDropout({ hidden, layers, tau }: NetSettings, { dataset, units }: Prepared): LayerPlugin {
  const weight = () => {
    const examples = dataset.train.count * tau * units.deviation ** 2;
    return concreteDropout({ weightRegularizer: LENGTH_SCALE ** 2 / examples, dropoutRegularizer: 2 / examples });
  };
  const hiddenLayers = Array.from({ length: layers }, () => [dense(hidden, { ...glorot, weight: weight() }), relu()]);
  return sequential([...hiddenLayers.flat(), dense(1, { ...glorot, weight: weight() })]);
}

/**
 * The optimizer: Adam with the numbers of Keras. The authors' regularizer adds `r ||W||^2` for each weight W, no bias, to
 * the mean squared error, with `r = l^2 (1 - p) / (2 N tau)`: so `2 r W` to the gradient. Where rates are learned, the net
 * has the penalty itself.
 *
 * @param examples N
 */
export function optimizerOf(
  model: Model,
  { rate, tau }: Pick<NetSettings, "rate" | "tau">,
  examples: number,
): ModelOptimizer {
  const plain = { learningRate: 0.001, epsilon: 1e-7 };
  if (rate === "concrete") return optimizerFor(model, adam(plain));
  const regularizer = LENGTH_SCALE ** 2 * (1 - rate) / (2 * examples * tau);
  return optimizerFor(model, adam({ ...plain, weightDecay: 2 * regularizer }), {
    parameterGroups: [{ match: "bias$", set: { weightDecay: 0 } }],
  });
}

/**
 * Trains a net, and measures Monte Carlo predictions.
 *
 * @param tell called with the steps of each epoch, when it is done
 * @throws {DivergenceError} when a loss or a gradient is not finite
 */
export function trainNet(prepared: Prepared, settings: NetSettings, tell: (steps: number) => void): NetResult {
  const { dataset, inputs, targets, units } = prepared;
  const { rate, tau, epochs, batchSize, samples, seed } = settings;
  const net = rate === "concrete" ? withConcreteDropout(settings, prepared) : withDropout(rate, settings);
  const features = dataset.train.shape[0];
  const model = buildModel(net, { inputShape: [features], seed });
  const updates = optimizerOf(model, settings, dataset.train.count);
  const loss = meanSquaredError();
  for (let epoch = 0; epoch < epochs; epoch++) {
    let steps = 0;
    for (const batch of batchesOf(dataset, { epoch, batchSize, seed })) {
      recycling(() => {
        const [outputs, penalty] = model.forwardWithPenalty(batch.inputs, updates.run);
        const mean = lossOf(loss, outputs, batch.targets);
        updates.update(gradients(penalty === null ? mean : mean.add(penalty), updates.weights));
      });
      steps++;
    }
    tell(steps);
  }
  const scores = new PassScores(targets, units, tau);
  const x = Tensor.from(inputs, [targets.length, features]);
  model.sample(x, { passes: samples, rows: Rows.range({ step: 0 }) }, (outputs) => scores.add(outputs.floats));
  return { ...scores.quality(), rates: ratesOf(model, settings) };
}

/** The rates of the layers: those given, or those learned. */
function ratesOf(model: Model, { rate, layers }: NetSettings): number[] {
  if (rate !== "concrete") return Array.from({ length: layers + 1 }, () => rate);
  const logits = model.parameters().filter(({ name }) => name.endsWith("logit"));
  return logits.map(({ tensor }) => 1 / (1 + Math.exp(-tensor.item())));
}
