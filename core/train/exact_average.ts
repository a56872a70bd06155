/**
 * The average over all nets that dropout can leave, computed one by one: what weight scaling and Monte Carlo approximate.
 *
 * Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15 (2014), section 7.5 and
 * figure 11; Baldi and Sadowski, "Understanding Dropout", NIPS 2013, sections 2 and 3: for a softmax of one linear layer,
 * weight scaling is the normalised weighted geometric mean; Warde-Farley et al., "An Empirical Analysis of Dropout in
 * Piecewise Linear Networks", ICLR 2014, section 4: the same enumeration for small nets of ReLUs.
 *
 * @module
 */
import { OptionError, PluginError, refuseUnknown, ShapeError, showShape } from "../errors.ts";
import type { Model } from "../plugin/model.ts";
import type { Progress } from "../plugin/plugin.ts";
import { repeated } from "../plugin/samples.ts";
import type { SiteCall } from "../plugin/site_call.ts";
import { keepProbability, rateThreshold } from "../random/key.ts";
import { Rows } from "../random/rows.ts";
import { noGrad } from "../tensor/autograd.ts";
import { checkMask, type Mask, maskEntries } from "../tensor/ops/mask.ts";
import { sizeOf } from "../tensor/shape.ts";
import { recycling } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Most decisions that are enumerated: about a million masks. */
const MOST_UNITS = 20;

/** Rows that are run at a time. */
const MOST_ROWS = 4096;

/** Options of {@linkcode exactAverage}. */
export interface ExactAverageOptions {
  /**
   * Which mean of the class probabilities, each mask weighted by its probability. `arithmetic` (default): what Monte Carlo
   * tends to. `geometric`: the product of the probabilities to the power of the weights, divided by the sum over classes.
   */
  of?: "arithmetic" | "geometric";
  /** Whether outputs are logits, to be turned into probabilities by softmax over the last axis. Default true. */
  softmax?: boolean;
  /** Which places draw: see `AnyRun.sites`; all others are as in mode `eval`. Default: all that do in mode `sample`. */
  sites?: readonly string[];
  /** How far training has come, for rates that are schedules. Default: its beginning. */
  progress?: Progress;
}

/** What {@linkcode exactAverage} gives. */
export interface ExactAverage {
  /** The average, of the shape of the outputs, `[batch, ...]`, in the model's element type. */
  readonly average: Tensor;
  /** How many decisions a mask is made of: units, channels, weights and branches that are kept or dropped by themselves. */
  readonly units: number;
  /** How many masks there are: 2^units. */
  readonly masks: number;
}

/** A place where decisions are made. */
interface Site {
  /** The first of its decisions among all. */
  readonly from: number;
  readonly count: number;
  readonly keep: number;
}

/** The shape of one example's decisions, with an extent of 1 along axes that share them. */
function decisionsOf({ role, args }: SiteCall, mask: Mask): number[] {
  const { shape } = args[0] as Tensor;
  const share = new Set(checkMask(mask, role === "branch" ? 1 : shape.length));
  if (role === "branch") return [1];
  return shape.map((extent, axis) => (axis === 0 && role === "activation") || share.has(axis) ? 1 : extent);
}

/** The probability of keeping; null where nothing is decided. */
function keepOf({ rate }: Mask): number | null {
  const keep = rate === 1 ? 0 : keepProbability(rateThreshold(rate));
  return keep === 0 || keep === 1 ? null : keep;
}

/** The masks of a model's variants, one after the other. */
class Masks {
  readonly #sites = new Map<string, Site>();
  /** Whether a weight is masked, which all rows share. */
  #whole = false;
  #units = 0;

  /** Finds the decisions at a place. */
  find(call: SiteCall): Tensor | null {
    const { path, mask, role } = call;
    if (mask === undefined || mask?.empty === "kept") {
      throw new PluginError(
        "expected a variant that keeps or drops each entry of an activation, a weight or a branch, which has finitely " +
          "many masks, found one that does something else" +
          `${role === "product" ? "; one that masks the weight itself, such as weight-drop, can be averaged" : ""}.`,
      );
    }
    const keep = mask === null ? null : keepOf(mask);
    if (keep !== null && !this.#sites.has(path)) {
      const count = sizeOf(decisionsOf(call, mask!));
      this.#sites.set(path, { from: this.#units, count, keep });
      this.#units += count;
      this.#whole ||= role === "weight";
    }
    return call.act(call.args);
  }

  get units(): number {
    return this.#units;
  }

  /** How many masks are run at a time. */
  together(batch: number): number {
    return this.#whole ? 1 : Math.max(1, Math.floor(MOST_ROWS / Math.max(1, batch)));
  }

  /** The probability of a mask, whose bits say which decisions keep. */
  probability(mask: number): number {
    let product = 1;
    for (const { from, count, keep } of this.#sites.values()) {
      for (let i = from; i < from + count; i++) product *= (mask >>> i) & 1 ? keep : 1 - keep;
    }
    return product;
  }

  /** What some consecutive masks make of a tensor, whose rows are those of the batch for one mask after the other. */
  apply(call: SiteCall, first: number, times: number): Tensor | null {
    const { path, role, args, mask } = call;
    const site = this.#sites.get(path);
    if (site === undefined) return call.act(args);
    const [x, block, further] = args as [Tensor, (inputs: readonly Tensor[]) => Tensor, readonly Tensor[]];
    const shape = decisionsOf(call, mask!);
    const rows = role === "weight" ? 1 : x.shape[0];
    const kept = new Float64Array(rows * site.count);
    for (let row = 0; row < rows; row++) {
      const bits = first + Math.floor(row * times / rows);
      for (let i = 0; i < site.count; i++) kept[row * site.count + i] = (bits >>> (site.from + i)) & 1;
    }
    const y = role === "branch" ? block([x, ...further]) : x;
    const of = role === "weight" ? shape : [rows, ...(role === "branch" ? y.shape : shape).slice(1)];
    if (role === "branch") of.fill(1, 1);
    return maskEntries(y, Tensor.from(kept, of, y.dtype), mask!);
  }
}

/** `probabilities += weight * softmax(logits)` of each row. */
function addSoftmax(logits: ArrayLike<number>, from: number, weight: number, classes: number, sum: Float64Array): void {
  for (let row = 0; row < sum.length; row += classes) {
    let most = -Infinity;
    for (let i = row; i < row + classes; i++) most = Math.max(most, logits[from + i]);
    let total = 0;
    for (let i = row; i < row + classes; i++) total += Math.exp(logits[from + i] - most);
    for (let i = row; i < row + classes; i++) sum[i] += weight * Math.exp(logits[from + i] - most) / total;
  }
}

/**
 * The average of a small model's outputs over all masks that its dropout can draw, each with its probability: of units,
 * channels, weights (by variants that mask the weight itself, such as `weightDrop`), and branches. Nothing is drawn; everything else is as in mode `sample`.
 *
 * Beside it stand weight scaling, `predict(model, x)`, which for a softmax of one linear layer is the geometric mean exactly,
 * and Monte Carlo, `predict(model, x, { samples })`, which tends to the arithmetic mean.
 *
 * Cost: 2^units passes over the inputs, many of them in one batch unless weights are masked.
 *
 * @param model the model
 * @param x `[batch, ...inputShape]`, at least one example; a list of them for a model with several inputs
 * @throws {OptionError} for more than 20 decisions, naming how many, and for a geometric mean of what are no logits
 * @throws {PluginError} naming a variant that has other than finitely many masks, or that takes a whole product, as `dropConnect` does
 * @throws {ShapeError} when the input does not fit the model, or is empty
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, exactAverage, predict, sequential, Tensor } from "@thinned/dropout";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const model = buildModel(sequential([dropout({ rate: 0.5 }), dense(3)]), { inputShape: [4], seed: 1 });
 * const x = Tensor.ones([1, 4]);
 * const { average, masks } = exactAverage(model, x, { of: "geometric" });
 * assertEquals(masks, 16);
 * const scaled = predict(model, x, { softmax: true }).mean; // weight scaling, exact for one linear layer
 * assertAlmostEquals(average.floats[0], scaled.floats[0], 1e-6);
 * ```
 */
export function exactAverage(
  model: Model,
  x: Tensor | readonly Tensor[],
  options: ExactAverageOptions = {},
): ExactAverage {
  refuseUnknown(options, ["of", "softmax", "sites", "progress"], "exactAverage");
  const { of = "arithmetic", softmax = true, sites, progress } = options;
  if (of !== "arithmetic" && of !== "geometric") {
    throw new OptionError("exactAverage: of", '"arithmetic" or "geometric"', of);
  }
  if (of === "geometric" && !softmax) {
    throw new OptionError("exactAverage: softmax", "true for a geometric mean, which is one of probabilities", softmax);
  }
  const inputs = x instanceof Tensor ? [x] : x;
  const batch = inputs[0]?.shape[0] ?? 0;
  if (batch === 0) throw new ShapeError("exactAverage: expected at least one example, found none.");
  const rows = Rows.range({ step: 0 });
  const run = { mode: "sample", progress, sites } as const;
  return noGrad(() => {
    const { masks, shape } = findMasks(model, inputs, { sites, progress });
    const { units } = masks;
    if (units > MOST_UNITS) {
      throw new OptionError(
        "exactAverage: model",
        `at most ${MOST_UNITS} units that are kept or dropped by themselves, since there are 2^units masks`,
        units,
      );
    }
    const classes = shape[shape.length - 1];
    const means = softmax && of === "arithmetic";
    if (softmax && shape.length < 2) {
      throw new ShapeError(`exactAverage: expected outputs [batch, ..., classes], found ${showShape(shape)}.`);
    }
    const sum = new Float64Array(sizeOf(shape));
    const count = 2 ** units;
    for (let first = 0; first < count; first += masks.together(batch)) {
      const times = Math.min(masks.together(batch), count - first);
      recycling(() => {
        const wide = times === 1 ? inputs : inputs.map((input) => repeated(input, times));
        const outputs = model.forward(wide, {
          ...run,
          rows: times === 1 ? rows : rowsAgain(batch, times),
          atSites: (call) => masks.apply(call, first, times),
        }).floats;
        for (let i = 0; i < times; i++) {
          const weight = masks.probability(first + i);
          const from = i * sum.length;
          if (means) addSoftmax(outputs, from, weight, classes, sum);
          else for (let j = 0; j < sum.length; j++) sum[j] += weight * outputs[from + j];
        }
      });
    }
    // The softmax of the mean logits is the normalised geometric mean of the softmaxes.
    const average = new Float64Array(sum.length);
    if (of === "geometric") addSoftmax(sum, 0, 1, classes, average);
    else average.set(sum);
    return { average: Tensor.from(average, shape, model.dtype), units, masks: count };
  });
}

/**
 * How many decisions a mask of a model is made of: the units, channels, weights and branches that are kept or dropped by
 * themselves. There are 2 to that power of masks, of which {@linkcode exactAverage} takes at most 2^20.
 *
 * @param x `[batch, ...inputShape]`, at least one example; a list of them for a model with several inputs
 * @throws {PluginError} naming a variant that has other than finitely many masks
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, maskUnits, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(sequential([dropout({ rate: 0.5 }), dense(3)]), { inputShape: [4], seed: 1 });
 * assertEquals(maskUnits(model, Tensor.ones([1, 4])), 4);
 * ```
 */
export function maskUnits(
  model: Model,
  x: Tensor | readonly Tensor[],
  options: Pick<ExactAverageOptions, "sites" | "progress"> = {},
): number {
  refuseUnknown(options, ["sites", "progress"], "maskUnits");
  const inputs = x instanceof Tensor ? [x] : x;
  return noGrad(() => findMasks(model, inputs, options).masks.units);
}

/** Finds all decisions by one pass. */
function findMasks(
  model: Model,
  inputs: readonly Tensor[],
  { sites, progress }: Pick<ExactAverageOptions, "sites" | "progress">,
): { masks: Masks; shape: readonly number[] } {
  const masks = new Masks();
  const run = { mode: "sample", progress, sites, rows: Rows.range({ step: 0 }) } as const;
  const { shape } = recycling(() => model.forward(inputs, { ...run, atSites: (call) => masks.find(call) }));
  return { masks, shape };
}

/** The rows of a batch, as often as there are masks. */
function rowsAgain(batch: number, times: number): Rows {
  return Rows.of(Array.from({ length: batch * times }, (_, row) => ({ sample: row % batch, step: 0 })));
}
