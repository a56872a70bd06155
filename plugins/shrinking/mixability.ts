/**
 * How well a trained net's units work without each other: its error as random subsets of them are removed, and which pairs of
 * units depend on each other.
 *
 * Hinton, Srivastava, Krizhevsky, Sutskever, Salakhutdinov, "Improving neural networks by preventing co-adaptation of feature
 * detectors", arXiv:1207.0580 (2012): dropout is there so that no unit relies on particular others. The name is that of Livnat,
 * Papadimitriou, Dushoff, Feldman, "A mixability theory for the role of sex in evolution", PNAS 105 (2008), to which
 * Srivastava et al., JMLR 15 (2014), section 2, liken it: the ability of a part to work well with random other parts.
 *
 * @module
 */
import {
  type Dataset,
  defaultLoss,
  evaluate,
  type EvaluateOptions,
  Key,
  type Model,
  noGrad,
  OptionError,
  type Plugin,
  PluginError,
  refuseUnknown,
  Tensor,
} from "../../core/mod.ts";
import { Ablation, type Units } from "./_ablation.ts";

/** Options of {@linkcode mixability}: those of `evaluate`, and these. */
export interface MixabilityOptions extends EvaluateOptions {
  /** Shares of the units that are removed, in [0, 1), rising. Default 0, 0.1, ... 0.9. */
  rates?: readonly number[];
  /** Random subsets for each rate, at least 2. Default 10. */
  draws?: number;
  /** Which subsets, and which pairs where not all are looked at: a whole number in [0, 2^53). Default 0. */
  seed?: number;
  /** Most pairs of units for each layer; all of a layer that has no more. Default 50; 0 for none. */
  pairs?: number;
  /** The loss. Default that of the data's kind. */
  loss?: Plugin<"loss">;
}

/** A mean over draws. */
export interface DrawnMean {
  /** The mean. */
  readonly mean: number;
  /** Its standard error: the deviation over draws, divided by the root of their number. */
  readonly standardError: number;
}

/** The net with a share of its units removed. */
export interface MixabilityPoint {
  /** The share that was asked for. */
  readonly rate: number;
  /** The share of all units that was removed, since units are whole and each layer keeps at least one. */
  readonly removed: number;
  /** The error: see `Evaluation.error`. */
  readonly error: DrawnMean;
  /** The loss. */
  readonly loss: DrawnMean;
}

/** Two units of one layer, removed by themselves and together. */
export interface UnitPair {
  /** The path of the layer. */
  readonly layer: string;
  /** Their numbers in it. */
  readonly units: readonly [number, number];
  /** How much the loss grows when one is removed, for each. */
  readonly alone: readonly [number, number];
  /** How much the loss grows when both are. */
  readonly both: number;
  /**
   * `both` less the sum of `alone`. Above 0: either makes up for the other, and losing both hurts more. Below 0: each is of
   * use only with the other. Near 0: they work independently.
   */
  readonly interaction: number;
}

/** What {@linkcode mixability} gives. */
export interface Mixability {
  /** The layers whose units are removed, with how many each has. */
  readonly layers: readonly { readonly path: string; readonly units: number }[];
  /** Number of random subsets for each rate. */
  readonly draws: number;
  /** Loss and error of the whole net. */
  readonly whole: { readonly error: number; readonly loss: number };
  /** The net by how much of it is removed. */
  readonly curve: readonly MixabilityPoint[];
  /**
   * The score: by how much error and loss are above those of the whole net in the mean over rates, the area between the curve
   * and the whole net's line divided by its width. The smaller, the better the units mix.
   */
  readonly area: { readonly error: number; readonly loss: number };
  /** Pairs of units, those that depend on each other most first. */
  readonly pairs: readonly UnitPair[];
}

const decimals = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

function wholeAtLeast(least: number, value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new OptionError(`mixability: ${name}`, `a whole number of at least ${least}`, value);
}

function checkRates(rates: readonly number[]): readonly number[] {
  const rise = rates.every((rate, i) => rate >= 0 && rate < 1 && (i === 0 || rate > rates[i - 1]));
  if (rates.length >= 2 && rise) return rates;
  throw new OptionError("mixability: rates", "at least two rising numbers in [0, 1)", rates);
}

function meanOf(values: readonly number[]): DrawnMean {
  const mean = values.reduce((a, b) => a + b) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, standardError: Math.sqrt(square / values.length) };
}

/** The mean over a range of a curve that is straight between its points. */
function meanHeight(points: readonly (readonly [x: number, y: number])[]): number {
  let area = 0;
  points.slice(1).forEach(([x, y], i) => area += (x - points[i][0]) * (y + points[i][1]) / 2);
  return area / (points[points.length - 1][0] - points[0][0]);
}

/** Numbers in a random order. */
function shuffled(count: number, key: Key): number[] {
  const places = Tensor.uniform([1, count], key, "float64").floats;
  return Array.from({ length: count }, (_, i) => i).sort((a, b) => places[a] - places[b] || a - b);
}

/** Pairs of numbers below `count`: all, or so many at random. */
function somePairs(count: number, most: number, key: Key): [number, number][] {
  const all = count * (count - 1) / 2;
  const chosen = new Map<number, [number, number]>();
  const add = (i: number, j: number) => void (i !== j && chosen.set(i * count + j, [i, j]));
  if (all <= most) {
    for (let i = 0; i < count; i++) for (let j = i + 1; j < count; j++) add(i, j);
  } else {
    for (let round = 0; chosen.size < most; round++) {
      const draws = Tensor.uniform([1, 2 * most], key.atPass(round), "float64").floats;
      for (let at = 0; at < 2 * most && chosen.size < most; at += 2) {
        const [i, j] = [Math.floor(draws[at] * count), Math.floor(draws[at + 1] * count)];
        add(Math.min(i, j), Math.max(i, j));
      }
    }
  }
  return [...chosen.values()];
}

function pairsIn(layer: Units, most: number, key: Key, ablation: Ablation, whole: number): UnitPair[] {
  const known = new Map<number, number>();
  const grows = (units: readonly number[]) => ablation.without(new Map([[layer, units]]), false).loss - whole;
  const alone = (unit: number) => {
    if (!known.has(unit)) known.set(unit, grows([unit]));
    return known.get(unit)!;
  };
  return somePairs(layer.count, most, key).map((units) => {
    const singles = [alone(units[0]), alone(units[1])] as const;
    const both = grows(units);
    return { layer: layer.path, units, alone: singles, both, interaction: both - singles[0] - singles[1] };
  });
}

/**
 * Measures how error and loss of a trained net grow as random subsets of its hidden units and channels are removed, and which
 * pairs of units depend on each other. It can be any net, trained with dropout or without; the given one stays as it is.
 *
 * At each rate that share of the units of every hidden layer is removed, and what is left is scaled up by `units / left`, so
 * that the next layer's input keeps its mean, as inverted dropout does. The subsets of a draw contain each other from rate
 * to rate. Pairs are removed without scaling.
 *
 * The layers are dense layers and convolutions without groups that follow each other in `sequential` and `repeat`, also inside
 * of blocks, with activations, pooling, batch norm and dropout between them; the outputs of the net are no units.
 *
 * Cost: one evaluation for each rate and draw, and up to three for each pair; `limit` bounds the examples.
 *
 * @param model the model
 * @param dataset where the examples come from
 * @param options which examples and how; by default the first 2000 test examples
 * @throws {OptionError} for an option out of range
 * @throws {PluginError} for a model without such layers
 *
 * @example
 * ```ts
 * import { adam, dense, digits, dropout, fit, loadDataset, mixability, relu, sequential } from "@thinned/dropout";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const data = await loadDataset(digits({ train: 200, test: 100 }));
 * const net = sequential([dense(32), relu(), dropout(), dense(10)]);
 * const { model } = await fit(net, { data, optimizer: adam(), epochs: 2 });
 * const { curve, area, pairs } = mixability(model, data, { rates: [0, 0.5, 0.9], draws: 3, pairs: 5 });
 * assertEquals(curve.map(({ rate }) => rate), [0, 0.5, 0.9]);
 * assert(area.loss > 0 && pairs.length === 5);
 * ```
 */
export function mixability(model: Model, dataset: Dataset, options: MixabilityOptions = {}): Mixability {
  refuseUnknown(
    options,
    ["rates", "draws", "seed", "pairs", "loss", "split", "limit", "batchSize", "progress"],
    "mixability",
  );
  const { rates: asked = decimals, loss = defaultLoss(dataset), limit = 2000, split, batchSize, progress } = options;
  const rates = checkRates(asked);
  const draws = wholeAtLeast(2, options.draws ?? 10, "draws");
  const seed = wholeAtLeast(0, options.seed ?? 0, "seed");
  const most = wholeAtLeast(0, options.pairs ?? 50, "pairs");
  return noGrad(() => {
    const settings = { split, limit, batchSize, progress };
    const ablation = new Ablation(model, (thin) => evaluate(thin, dataset, loss, settings));
    const { layers } = ablation;
    if (layers.length === 0) {
      throw new PluginError(
        "mixability: expected a model with hidden units between two dense layers or convolutions that follow each other, " +
          "found none.",
      );
    }
    const key = Key.seed(seed).at("mixability");
    const { error, loss: wholeLoss } = ablation.without(new Map(), false);
    const all = layers.reduce((sum, { count }) => sum + count, 0);
    const curve = rates.map((rate): MixabilityPoint => {
      const gone = (count: number) => Math.min(count - 1, Math.round(rate * count));
      const found = Array.from({ length: draws }, (_, draw) =>
        ablation.without(
          new Map(layers.map((layer) => [
            layer,
            shuffled(layer.count, key.at(`units of ${layer.path || "the model"}`).atPass(draw))
              .slice(0, gone(layer.count)),
          ])),
          true,
        ));
      return {
        rate,
        removed: layers.reduce((sum, { count }) => sum + gone(count), 0) / all,
        error: meanOf(found.map(({ error }) => error)),
        loss: meanOf(found.map(({ loss }) => loss)),
      };
    });
    const pairs = layers.flatMap((layer) =>
      pairsIn(layer, most, key.at(`pairs of ${layer.path || "the model"}`), ablation, wholeLoss)
    );
    return {
      layers: layers.map(({ path, count }) => ({ path, units: count })),
      draws,
      whole: { error, loss: wholeLoss },
      curve,
      area: {
        error: meanHeight(curve.map(({ rate, error: { mean } }) => [rate, mean - error])),
        loss: meanHeight(curve.map(({ rate, loss: { mean } }) => [rate, mean - wholeLoss])),
      },
      pairs: pairs.sort((a, b) => Math.abs(b.interaction) - Math.abs(a.interaction)),
    };
  });
}
