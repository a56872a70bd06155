/**
 * LayerDrop: whole layers are left out at random, so that a shallower model can be cut out of the trained one.
 *
 * Fan, Grave, Joulin, "Reducing Transformer Depth on Demand with Structured Dropout", ICLR 2020, sections 3.2 and 3.3: a
 * layer is kept iff `u > rate`, u uniform, and nothing is scaled; all layers are kept at evaluation, or those that are left
 * after pruning. "Every other": pruning at a rate p leaves out the layers d with `d = 0 mod floor(1 / p)`, d from 1.
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  type Model,
  OptionError,
  rateSchema,
  type Scheduled,
  scheduled,
} from "../../core/mod.ts";

/** Options of {@linkcode layerDrop}. */
export interface LayerDropOptions {
  /** Probability of dropping the layer, in [0, 1], or a schedule. The paper uses 0.2. Default 0.2. */
  rate?: Scheduled;
  /** `batch` (default), as in the paper: one draw for the whole batch. `row`: each example draws for itself. */
  mode?: "batch" | "row";
  /** Whether the layer is left out in every mode: see {@linkcode pruneLayers}. Default false. */
  pruned?: boolean;
}

/**
 * LayerDrop (Fan et al., 2020), for a `branch` site: at `bypass`, around a layer with shortcuts of its own such as
 * `encoderBlock`; at `residual`, whose shortcut is then all that is left. What is dropped is not computed: in mode `batch`
 * the whole layer, in mode `row` the examples that lost it; the others are gathered and run, unless a layer inside mixes
 * examples.
 *
 * A kept layer is not scaled, and evaluation is the whole model, whatever the rate: it has been trained at all depths. A rate
 * of 0 keeps every layer; of 1 drops every layer, with zero gradients. A `pruned` layer is left out in every mode, its
 * parameters stay.
 *
 * When: to train one deep transformer from which models of other depths can be cut without training again.
 * Cost: less than none in training: dropped layers are not computed, a share `rate` of the work; none at evaluation.
 *
 * @example
 * ```ts
 * import { buildModel, bypass, encoderBlock, everyOther, layerDrop, pruneLayers, repeat, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const block = bypass(encoderBlock(2), { branch: layerDrop({ rate: 0.2 }) });
 * const model = buildModel(repeat(block, 4), { inputShape: [5, 8], seed: 1 });
 * // ... train it, then keep every other layer:
 * pruneLayers(model, everyOther(4));
 * assertEquals(everyOther(4), [1, 3]);
 * assertEquals(model.forward(Tensor.ones([1, 5, 8])).shape, [1, 5, 8]);
 * ```
 */
export const layerDrop: Factory<"branch", LayerDropOptions> = definePlugin({
  name: "layer-drop",
  summary: "Leaves out whole layers at random, without scaling, so that the model can be cut shallower.",
  paper: {
    authors: "Fan, Grave, Joulin",
    year: 2020,
    title: "Reducing Transformer Depth on Demand with Structured Dropout",
    url: "https://arxiv.org/abs/1909.11556",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.2).describe("probability of dropping the layer, in [0, 1]"),
    mode: z.enum(["batch", "row"]).default("batch").describe("who shares a draw: the whole batch, or an example's own"),
    pruned: z.boolean().default(false).describe("whether the layer is left out in every mode"),
  }),
  branch: {
    mask({ key, options: { rate, mode, pruned } }) {
      const share = mode === "batch" ? [0] : [];
      return pruned ? { key, rate: 1, share, a: 1, eval: "mean" } : { key, rate, share, a: 1 };
    },
  },
  gone: ({ options: { pruned } }) => pruned,
  claims: ({ mode, pruned }) => {
    const draw = mode === "batch" ? "batch" : "sample";
    return pruned ? { draw, dropped: "otherwise" } : { draw, mean: "reduced", eval: "identity" };
  },
  cases: [{}, { mode: "row" }],
});

/**
 * The layers that the paper's "every other" strategy leaves out, counted from 0: those at depth d, from 1, with
 * `d = 0 mod floor(1 / rate)`. At the rate 1/2 that is every second layer, the first one kept.
 *
 * @param depth number of layers, a whole number of at least 0
 * @param options `rate`: the share of layers to leave out, in [0, 0.5]. Default 0.5
 * @throws {OptionError} when one is outside its range
 *
 * @example
 * ```ts
 * import { everyOther } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(everyOther(6), [1, 3, 5]);
 * assertEquals(everyOther(6, { rate: 1 / 3 }), [2, 5]);
 * ```
 */
export function everyOther(depth: number, options: { rate?: number } = {}): number[] {
  const { rate = 0.5 } = options;
  if (!Number.isSafeInteger(depth) || depth < 0) throw new OptionError("depth", "a whole number of at least 0", depth);
  if (!(rate >= 0 && rate <= 0.5)) throw new OptionError("rate", "a number in [0, 0.5]", rate);
  // A rate such as 1 - 2/3 is a little more than a third in binary, and its inverse a little less than 3.
  const every = Math.floor(1 / rate + 1e-9);
  return Array.from({ length: depth }, (_, i) => i).filter((i) => (i + 1) % every === 0);
}

/**
 * Leaves layers out of a model for good, in place: those whose `layerDrop` has one of the given numbers, counted from 0 in
 * the order in which the model runs them; all others are kept again. A saved model remembers it. Parameters stay where they
 * are; `pruned` makes a model without them.
 *
 * @param model a model with `layerDrop` at its branches
 * @param layers numbers of the layers to leave out, such as {@linkcode everyOther} gives
 * @throws {OptionError} for a number that no layer has
 *
 * @example
 * ```ts
 * import { buildModel, dense, layerDrop, pruneLayers, repeat, residual, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(repeat(residual(dense(4), { branch: layerDrop() }), 2), { inputShape: [4], seed: 1 });
 * pruneLayers(model, [0, 1]);
 * assertEquals(model.forward(Tensor.ones([1, 4])).toArray(), [[1, 1, 1, 1]]); // nothing but shortcuts
 * ```
 */
export function pruneLayers(model: Model, layers: readonly number[]): void {
  const paths = [...model.plugins()].filter(([, { definition }]) => definition === layerDrop.definition)
    .map(([path]) => path);
  for (const layer of layers) {
    if (!Number.isSafeInteger(layer) || layer < 0 || layer >= paths.length) {
      throw new OptionError("layers", `numbers of the model's ${paths.length} layers with layerDrop, from 0`, layer);
    }
  }
  paths.forEach((path, i) => model.configure(path, { pruned: layers.includes(i) }));
}
