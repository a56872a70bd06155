/**
 * Dropout as data augmentation: dropout's noise is projected into the input, and the net is trained on that without dropout.
 *
 * Bouthillier, Konda, Vincent, Memisevic, "Dropout as data augmentation", arXiv 1506.08700 (2015). Section 3: for an example x
 * and the noisy activations `f~_l(x)` of the layers, an input x* is searched that minimises
 * `sum_l lambda_l |f_l(x*) - f~_l(x)|^2` by gradient steps on x*, where f_l are the activations without noise. Section 4: the
 * noise level is drawn from `U(0, rate)`. Sources differ on whether one level serves a batch; here each example has its own at
 * each layer, so that a batch shows the net all levels.
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  gradients,
  type Key,
  noGrad,
  PluginError,
  recycling,
  type Scheduled,
  scheduled,
  show,
  type StandIn,
  Tensor,
} from "../../core/mod.ts";

/** Options of {@linkcode dropoutAugmentation}. */
export interface DropoutAugmentationOptions {
  /**
   * The greatest probability of dropping an activation, in [0, 1), for all places alike, or a schedule. Default: at each place
   * the option `rate` of the variant that stands there.
   */
  rate?: Scheduled;
  /** `uniform` (default): each example's level at each place is drawn from U(0, rate). `fixed`: it is the rate itself. */
  level?: "uniform" | "fixed";
  /** The factors lambda of the places, at least 0, first to last. Default 1 for each. */
  weights?: readonly number[];
  /** Gradient steps on the input, at least 0. Default 20. */
  steps?: number;
  /** Size of the first gradient step, above 0. It grows by a half after a step that helps, and halves after one that does not. Default 0.1. */
  stepSize?: number;
}

/** What {@linkcode projectNoise} is told. */
export interface NoiseProjectionOptions {
  /** Runs the model without draws on an input, with something in the place of its variants, and returns the output. */
  run: (x: Tensor, variants: StandIn) => Tensor;
  /** Makes an activation noisy. */
  noise: StandIn;
  /** The factors of the places, first to last. Default 1 for each. */
  weights?: readonly number[];
  /** Gradient steps on the input. Default 20. */
  steps?: number;
  /** Size of the first gradient step. Default 0.1. */
  stepSize?: number;
}

/** What {@linkcode projectNoise} gives. */
export interface NoiseProjection {
  /** The inputs x*, of the shape of x. */
  readonly inputs: Tensor;
  /** Each example's objective at x: `[batch]`. */
  readonly before: Tensor;
  /** Each example's objective at x*: `[batch]`, nowhere above `before`. */
  readonly after: Tensor;
}

/** A number for each example, stretched to the examples' shape. */
function perExample(values: Tensor, like: Tensor): Tensor {
  return values.reshape([values.size, ...like.shape.slice(1).map(() => 1)]);
}

/** `a` for the examples where `first` is 1, `b` where it is 0. */
function select(first: Tensor, a: Tensor, b: Tensor): Tensor {
  return a.mask(perExample(first, a)).add(b.mask(perExample(first.neg().add(1), b)));
}

/**
 * Searches inputs whose activations without noise are those of `x` with noise: at each place where a variant stands at a
 * layer position, the input of the variant is compared with what `noise` makes of it. Each example follows its own gradient,
 * with a step size of its own; a step that raises its objective is taken back.
 *
 * @param x inputs `[batch, ...]`, floats
 * @throws {PluginError} when no variant stands at a layer position, or there are more or fewer weights than places
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, projectNoise, sequential, Tensor } from "@thinned/dropout";
 * import { assert } from "@std/assert";
 *
 * const model = buildModel(sequential([dense(3), dropout(), dense(1)]), { inputShape: [3], seed: 1 });
 * const mask = Tensor.of([[1, 0, 1]]);
 * const found = projectNoise(Tensor.of([[1, -2, 3]]), {
 *   run: (x, variants) => model.forward(x, { variants }),
 *   noise: (activation) => activation.mask(mask),
 *   steps: 100,
 * });
 * assert(found.after.item() < 0.01 * found.before.item()); // an input at which the second unit is 0 and the others as before
 * ```
 */
export function projectNoise(x: Tensor, options: NoiseProjectionOptions): NoiseProjection {
  const { run, noise, weights, steps = 20, stepSize = 0.1 } = options;
  const targets: Tensor[] = [];
  noGrad(() =>
    run(x, (value, place) => {
      const noisy = noise(value, place);
      targets.push(noisy);
      return noisy;
    })
  );
  if (targets.length === 0) {
    throw new PluginError("expected a variant at a layer position of the model, such as dropout, found none.");
  }
  if (weights !== undefined && weights.length !== targets.length) {
    throw new PluginError(
      `expected ${targets.length} weights, one for each variant of the model, found ${weights.length}.`,
    );
  }
  const evaluate = (at: Tensor): [Tensor, Tensor] => {
    const leaf = at.withGradient();
    const terms: Tensor[] = [];
    run(leaf, (value) => {
      const gap = value.sub(targets[terms.length]).square();
      terms.push(gap.reshape([gap.shape[0], -1]).sum(1).mul(weights?.[terms.length] ?? 1));
      return value;
    });
    const objective = terms.reduce((a, b) => a.add(b));
    return [objective.detach(), gradients(objective.sum(), [leaf])[0]];
  };
  const inputs = x.clone();
  const [before, slope] = evaluate(inputs);
  const after = before.clone();
  const size = Tensor.full([x.shape[0]], stepSize, x.floatType);
  for (let step = 0; step < steps; step++) {
    recycling(() => {
      const candidate = inputs.sub(slope.mul(perExample(size, slope))).detach();
      const [objective, next] = evaluate(candidate);
      const better = after.greater(objective); // no for NaN
      inputs.assign(select(better, candidate, inputs));
      slope.assign(select(better, next, slope));
      after.assign(select(better, objective, after));
      size.assign(size.mul(better.add(0.5)));
    });
  }
  return { inputs, before, after };
}

/** Dropout of each example at a level of its own: `[batch, ...]`, kept entries divided by the probability of keeping. */
function dropAtLevels(x: Tensor, key: Key, rate: number, level: "uniform" | "fixed"): Tensor {
  if (rate === 0) return x;
  const batch = x.shape[0];
  const dropping = level === "fixed"
    ? Tensor.full([batch], rate, x.floatType)
    : Tensor.uniform([batch], key.at("level"), x.floatType).mul(rate);
  const levels = perExample(dropping, x);
  const kept = Tensor.uniform(x.shape, key.at("mask"), x.floatType).greaterEqual(levels);
  return x.mask(kept.div(levels.neg().add(1)));
}

/** The rate at a place: the plugin's, or else that of the variant that stands there. */
function rateAt(given: number | undefined, { path, plugin, options: { rate } }: Parameters<StandIn>[1]): number {
  if (given !== undefined) return given;
  if (typeof rate === "number" && rate >= 0 && rate < 1) return rate;
  throw new PluginError(
    `expected a rate in [0, 1) of the ${plugin} at ${path}, or of its own for all places, found ${show(rate)}.`,
  );
}

const range = "expected a number in [0, 1): at 1 nothing would be left to project";

/**
 * Trains a model on inputs that make its layers, without noise, do what dropout would have made them do:
 * `fit(model, { learning: dropoutAugmentation(), ... })`. Variants at layer positions say where noise is, and do not act
 * themselves; variants at other sites act as ever. Each step draws noise, searches the inputs by {@linkcode projectNoise}
 * in mode `eval`, so that batch norm uses its running statistics, and then follows the loss on them in mode `train`. A
 * variant before the first layer makes the input itself noisy.
 *
 * Kept activations are divided by the probability of keeping at their level. Evaluation is the plain model. At a rate of 0
 * this is training without dropout; 1 is refused. Penalties are left out. Indices, such as those of words, stay as they are,
 * since no gradient reaches them.
 *
 * @throws {PluginError} for a model without variants at layer positions, or with one that has no rate where none is given
 *
 * When: to see what dropout does to the data, or to train a net without noise in its layers and still with dropout's effect.
 * Cost: `steps` + 1 further passes forward and backward through the net a step; memory of one of them.
 *
 * @example
 * ```ts
 * import { arrays, dense, dropout, dropoutAugmentation, fit, relu, sequential, sgd } from "@thinned/dropout";
 *
 * const x = Array.from({ length: 40 }, (_, i) => [Math.cos(i), Math.sin(i)]);
 * const y = x.map(([a, b]) => a * b > 0 ? "same" : "different");
 * const run = await fit(sequential([dense(16), relu(), dropout({ rate: 0.3 }), dense(2)]), {
 *   data: arrays({ train: [x, y], test: 0.2 }),
 *   learning: dropoutAugmentation({ steps: 5 }),
 *   optimizer: sgd({ learningRate: 0.1 }),
 *   epochs: 2,
 *   batchSize: 8,
 * });
 * console.log(run.testError);
 * ```
 */
export const dropoutAugmentation: Factory<"learning", DropoutAugmentationOptions> = definePlugin({
  name: "dropout-augmentation",
  summary: "Projects dropout's noise into the input and trains on that without dropout.",
  paper: {
    authors: "Bouthillier, Konda, Vincent, Memisevic",
    year: 2015,
    title: "Dropout as data augmentation",
    url: "https://arxiv.org/abs/1506.08700",
  },
  options: z.object({
    rate: scheduled(z.number(range).min(0, range).lt(1, range)).optional()
      .describe("greatest probability of dropping, in [0, 1); default each variant's own rate"),
    level: z.enum(["uniform", "fixed"]).default("uniform").describe("whether levels are drawn from U(0, rate)"),
    weights: z.array(z.number("expected a number of at least 0").min(0, "expected a number of at least 0")).readonly()
      .optional().describe("the factors of the places, first to last; default 1"),
    steps: z.int("expected a whole number of at least 0").min(0, "expected a whole number of at least 0").default(20)
      .describe("gradient steps on the input"),
    stepSize: z.number("expected a number above 0").positive("expected a number above 0").default(0.1)
      .describe("size of the first gradient step"),
  }),
  cases: [{}, { rate: 0.5 }, { rate: 0.3, level: "fixed" }],
  learn({ inputs, key, options, parameters, forward, loss, give }) {
    const { rate, level, ...search } = options;
    const found = projectNoise(inputs, {
      ...search,
      run: (x, variants) => forward(x, { mode: "eval", variants }),
      noise: (x, place) => dropAtLevels(x, key.at(place.path), rateAt(rate, place), level),
    });
    const { sum } = loss(forward(found.inputs, { variants: (x) => x }));
    const names = [...parameters.keys()];
    const slopes = gradients(sum, names.map((name) => parameters.get(name)!));
    names.forEach((name, i) => give(name, slopes[i]));
  },
});
