/**
 * A smaller model with the same outputs: what a trained model's variants leave out at evaluation is taken away for good.
 *
 * @module
 */
import {
  type Model,
  noGrad,
  optionsAt,
  type Plugin,
  PluginError,
  type Progress,
  type PruneContext,
  refuseUnknown,
  sameShape,
  ShapeError,
  showShape,
  Tensor,
} from "../../core/mod.ts";
import { sequential } from "../layers/sequential.ts";
import { join, withOptions, withoutBlocks, withoutPruned } from "./_description.ts";
import { rebuilt, tensorsOf } from "./_rebuilt.ts";
import { shrinkOnce, type Tensors } from "./_units.ts";
import { weightAt } from "./_weight_at.ts";

/** Options of {@linkcode pruned}. */
export interface PruneOptions {
  /** The point of training at which schedules among the options are looked at. Default the beginning. */
  progress?: Progress;
}

/** A number before and after pruning. */
export interface PrunedCount {
  /** In the model as it was. */
  readonly before: number;
  /** In the pruned model. */
  readonly after: number;
}

/** What became of one layer with parameters. */
export interface PrunedRow {
  /** Where it stands, in both models. */
  readonly path: string;
  /** The layer's plugin. */
  readonly plugin: string;
  /** Its learned numbers, without those of variants at its weights. */
  readonly parameters: PrunedCount;
  /** Those of them that are not zero. */
  readonly nonZero: PrunedCount;
  /** Its units or channels, where it has a weight with a row for each; else null. */
  readonly units: PrunedCount | null;
  /** Whether it went as a whole, with the block around it. */
  readonly gone: boolean;
}

/** What {@linkcode pruned} gives. */
export interface PrunedModel {
  /** The smaller model, which is saved, loaded, trained and run like any other. */
  readonly model: Model;
  /** What went: one row for each layer with parameters, in the order in which the model runs them. */
  readonly table: readonly PrunedRow[];
}

const beginning: Progress = { step: 0, stepsPerEpoch: 1, totalSteps: 1 };

/** The tensors that belong to the plugin at a path itself, by their own names. */
function ownTensors(path: string, kind: "model" | "state", tensors: Tensors, model: Model): Record<string, Tensor> {
  const prefix = `${kind}/${join(path, "")}`;
  const children = [...model.plugins().keys()].filter((other) => other !== path && other.startsWith(join(path, "")));
  return Object.fromEntries(
    [...tensors].filter(([name]) =>
      name.startsWith(prefix) && !children.some((child) => name.startsWith(`${kind}/${child}.`))
    ).map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
}

/** Writes into the weights what the variants at them leave. */
function pruneWeights(model: Model, tensors: Tensors, contextOf: (path: string) => PruneContext<never>): void {
  for (const [path, { plugin, definition }] of model.plugins()) {
    if (definition.prunes === undefined) continue;
    const dot = path.lastIndexOf(".");
    const { weight: name, rows } = weightAt(path.slice(0, Math.max(dot, 0)), path.slice(dot + 1), tensors);
    const whole = tensors.get(name);
    if (whole === undefined) {
      throw new PluginError(
        `model.${path} (${plugin}): expected a layer with the parameter ${name.slice("model/".length)}, whose weight ` +
          `can be written, found none; the variant can be pruned in the built-in layers.`,
      );
    }
    const weight = rows === undefined ? whole : whole.slice([rows[0]], [rows[1]]);
    const left = definition.prunes(weight, contextOf(path));
    if (!(left instanceof Tensor) || !sameShape(left.shape, weight.shape)) {
      const found = left instanceof Tensor ? showShape(left.shape) : String(left);
      throw new ShapeError(
        `model.${path} (${plugin}): expected a weight of shape ${showShape(weight.shape)} from its method prunes, ` +
          `found ${found}.`,
      );
    }
    const parts = rows === undefined ? [left] : [whole.slice([0], [rows[0]]), left, whole.slice([rows[1]])];
    tensors.set(name, parts.length === 1 ? left : Tensor.concat(parts));
  }
}

/** What went, layer by layer. */
export function tableOf(before: Model, after: Model): PrunedRow[] {
  const tensors = [before, after].map(tensorsOf);
  const layers = before.summary().filter(({ site, parameters }) => site === null && parameters > 0);
  return layers.map(({ path, plugin }) => {
    const own = [before, after].map((model, i) => ownTensors(path, "model", tensors[i], model));
    const count = (of: (tensor: Tensor) => number): PrunedCount => {
      const [was, is] = own.map((parts) => Object.values(parts).reduce((sum, tensor) => sum + of(tensor), 0));
      return { before: was, after: is };
    };
    const [was, is] = own.map(({ weight }) => weight === undefined || weight.rank < 2 ? 0 : weight.shape[0]);
    return {
      path,
      plugin,
      parameters: count(({ size }) => size),
      nonZero: count(({ floats }) => floats.filter((value) => value !== 0).length),
      units: was === 0 ? null : { before: was, after: is },
      gone: !after.plugins().has(path),
    };
  });
}

/**
 * A smaller model with the same outputs in evaluation, and a table of what went. The given model stays as it is.
 *
 * - Weights that a variant takes for gone are written as zeros, and the variant goes away, its parameters too:
 *   `targetedWeightDropout`, `targetedUnitDropout`, `sparseVariationalDropout`, and any variant that says what it `prunes`.
 * - Units and channels that nothing uses any more, or that say the same whatever the input, are taken out, of their layer
 *   and of the next one; what they said is added to the bias there. That is done between dense layers and convolutions
 *   without groups that follow each other in `sequential` and `repeat`, also inside of `residual` and `bypass` blocks, with
 *   activations, pooling, batch norm, dropout and `flatten` between them, where padding does not tell places apart.
 * - Blocks of `residual` and `bypass` that are left out for good, such as those that `pruneLayers` marked, are taken out of
 *   `sequential` and `repeat`. Single sub-layers of transformer blocks stay, though nothing computes them.
 *
 * What is left keeps its path, so that parameters have the names that they had. Zeros that are left among the weights are
 * plain zeros: they move if the model is trained further. Outputs differ by rounding alone, since sums have fewer terms.
 *
 * @throws {PluginError} for a variant that prunes the weight of a layer that is not built in
 *
 * @example
 * ```ts
 * import { buildModel, dense, pruned, relu, sequential, targetedUnitDropout, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const weight = targetedUnitDropout({ target: 0.75 });
 * const model = buildModel(sequential([dense(8, { weight }), relu(), dense(2)]), { inputShape: [4], seed: 1 });
 * // ... train it, then:
 * const { model: small, table } = pruned(model);
 * assertEquals(table[0].units, { before: 8, after: 2 });
 * assertEquals([model.parameterCount(), small.parameterCount()], [58, 16]);
 * assertEquals(small.forward(Tensor.ones([1, 4])).shape, [1, 2]);
 * ```
 */
export function pruned(model: Model, options: PruneOptions = {}): PrunedModel {
  refuseUnknown(options, ["progress"], "pruned");
  const { progress = beginning } = options;
  const tensors = tensorsOf(model);
  const contextOf = (path: string): PruneContext<never> => {
    const plugin: Plugin = model.plugins().get(path)!;
    return Object.freeze({
      options: optionsAt(plugin, progress, path, model.schedules) as never,
      params: ownTensors(path, "model", tensors, model),
      state: ownTensors(path, "state", tensors, model),
      progress,
      path,
    });
  };
  return noGrad(() => {
    pruneWeights(model, tensors, contextOf);
    const gone = [...model.plugins()].filter(([path, { definition }]) => definition.gone?.(contextOf(path)) === true);
    const blocks = new Set(gone.map(([path]) => path));
    let root = withoutBlocks(withoutPruned(model.root), "", blocks) ?? sequential([]);
    let small = rebuilt(root, model, tensors, new Set());
    const left = tensorsOf(small);
    const changed = new Set<string>();
    for (let found = shrinkOnce(small, left); found !== null; found = shrinkOnce(small, left)) {
      const { path, option, units } = found;
      root = withOptions(root, "", path, { [option]: units });
      small = rebuilt(root, small, left, changed.add(join(path, option)));
    }
    return { model: small, table: tableOf(model, small) };
  });
}
