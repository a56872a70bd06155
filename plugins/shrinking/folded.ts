/**
 * A model with the same outputs in which numbers that evaluation multiplies by, or adds, have gone into the weights: batch
 * norm into the layer before it, classic dropout's factor into the layer behind it.
 *
 * Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: A Simple Way to Prevent Neural Networks from
 * Overfitting", JMLR 15 (2014), section 4: "the outgoing weights of that unit are multiplied by p at test time".
 *
 * @module
 */
import {
  type LayerPlugin,
  Model,
  noGrad,
  OptionError,
  type Plugin,
  type Progress,
  refuseUnknown,
} from "../../core/mod.ts";
import { dropConnect } from "../dropout/drop_connect/drop_connect.ts";
import { dropout } from "../dropout/dropout.ts";
import { stochasticDepth } from "../dropout/stochastic_depth.ts";
import { batchNorm } from "../layers/batch_norm.ts";
import { type Chain, type ChainLink, chainsOf } from "./_chains.ts";
import { changed, is } from "./_description.ts";
import { type Fate, Folding } from "./_folding.ts";
import { rebuilt } from "./_rebuilt.ts";

/** Options of {@linkcode folded}. */
export interface FoldOptions {
  /** The point of training at which schedules among the options are looked at. Default the beginning. */
  progress?: Progress;
  /** Whether batch norms are folded, too. Default true. */
  batchNorm?: boolean;
}

/** What became of one layer or variant that multiplies at evaluation. */
export interface FoldedRow {
  /** Where it stands in the model as it was. */
  readonly path: string;
  /** Its plugin. */
  readonly plugin: string;
  /** The path of the layer whose weights have taken it up; null where it is left as it was. */
  readonly into: string | null;
  /** Why it is left as it was; null where it is not. */
  readonly left: string | null;
}

/** What {@linkcode folded} gives. */
export interface FoldedModel {
  /** The folded model, which is saved, loaded, trained and run like any other. */
  readonly model: Model;
  /** What was folded and what was left: a row for each that could be asked for, in the order in which the model runs them. */
  readonly table: readonly FoldedRow[];
}

const beginning: Progress = { step: 0, stepsPerEpoch: 1, totalSteps: 1 };

/** Whether evaluation multiplies, by a factor that is known before. */
function multiplies(plugin: Plugin): boolean {
  const { claims } = plugin.definition;
  return is(plugin, batchNorm) || (typeof claims === "function" ? claims(plugin.options) : claims)?.eval === "scaled";
}

/** Whether a plugin is this variant, in the classic convention. */
function isClassic(plugin: Plugin | undefined, factory: { readonly definition: unknown }): boolean {
  if (plugin === undefined || !is(plugin, factory)) return false;
  return (plugin.options as { convention?: string }).convention === "classic";
}

/**
 * A model with the same outputs in evaluation that multiplies less, and a table of what was folded and what was left. The
 * given model stays as it is. Folded are
 *
 * - batch norm into the dense layer or convolution directly before it, which gets a bias if it has none; the batch norm is
 *   taken out;
 * - the factor of `dropout` in the classic convention into the weights of the dense layer or convolution behind it, through
 *   ReLUs, pooling, `flatten`, `reshape` and other dropout: the variant stays, in the inverted convention, so that its masks
 *   mean in training and in Monte Carlo passes what they meant before;
 * - likewise that of `dropConnect` into the weight at which it stands, and that of `stochasticDepth` into the last layer of
 *   its residual block.
 *
 * Layers follow each other in `sequential` and `repeat`, also inside of blocks, branches and nodes of graphs. Where something
 * stands between, or a variant at the weight, they are left, and the table says why. What is left keeps its path.
 *
 * @throws {OptionError} for what is no model, or an unknown option
 *
 * @example
 * ```ts
 * import { batchNorm, buildModel, dense, dropout, folded, relu, sequential, Tensor } from "@thinned/dropout";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const layers = [dense(8, { bias: false }), batchNorm(), relu(), dropout({ convention: "classic" }), dense(1)];
 * const model = buildModel(sequential(layers), { inputShape: [4], seed: 1 });
 * const { model: plain, table } = folded(model);
 * assertEquals(table.map(({ path, into }) => [path, into]), [["1", "0"], ["3", "4"]]);
 * const x = Tensor.ones([1, 4]);
 * assertAlmostEquals(plain.forward(x).item(), model.forward(x).item(), 1e-6);
 * ```
 */
export function folded(model: Model, options: FoldOptions = {}): FoldedModel {
  if (!(model instanceof Model)) throw new OptionError("folded: model", "a model made by buildModel", model);
  refuseUnknown(options, ["progress", "batchNorm"], "folded");
  const { progress = beginning, batchNorm: norms = true } = options;
  if (typeof norms !== "boolean") throw new OptionError("folded.batchNorm", "true or false", norms);
  const plugins = model.plugins();
  const chains = chainsOf(model.root);
  const folding = new Folding(model, progress);
  const fates = new Map<string, Fate>();
  /** Asks for each layer of all chains; `at` is the name of the variant in question below it. */
  const each = (at: string, wanted: (plugin: Plugin | undefined) => boolean, fold: (c: Chain, i: number) => Fate) => {
    for (const chain of chains.values()) {
      chain.forEach(({ path }: ChainLink, i) => {
        const place = [path, at].filter((part) => part !== "").join(".");
        if (wanted(plugins.get(place))) fates.set(place, fold(chain, i));
      });
    }
  };
  return noGrad(() => {
    // Batch norms first: what they leave behind takes up the factors.
    const isNorm = (plugin: Plugin | undefined) => norms && plugin !== undefined && is(plugin, batchNorm);
    each("", isNorm, (chain, i) => folding.batchNorm(chain, i));
    each("", (plugin) => isClassic(plugin, dropout), (chain, i) => folding.dropout(chain, i));
    each("weight", (plugin) => isClassic(plugin, dropConnect), (chain, i) => folding.dropConnect(chain[i]));
    each(
      "branch",
      (plugin) => isClassic(plugin, stochasticDepth),
      (chain, i) => folding.stochasticDepth(chain[i], chains),
    );
    const root = changed(model.root, "", folding.changes) as LayerPlugin;
    const table = [...plugins].filter(([, plugin]) => multiplies(plugin) && (norms || !is(plugin, batchNorm))).map(
      ([path, { plugin }]) => {
        const fate = fates.get(path) ??
          { left: "it stands inside of another layer" };
        return { path, plugin, into: "into" in fate ? fate.into : null, left: "left" in fate ? fate.left : null };
      },
    );
    return { model: rebuilt(root, model, folding.tensors, folding.options), table };
  });
}
