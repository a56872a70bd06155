/**
 * One of the nets that dropout trained, by itself: smaller, and without anything random.
 *
 * Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15 (2014), section 1: "training a
 * neural network with dropout can be seen as training a collection of 2^n thinned networks with extensive weight sharing".
 *
 * @module
 */
import {
  type LayerPlugin,
  type Model,
  noGrad,
  OptionError,
  type Plugin,
  PluginError,
  type Progress,
  refuseUnknown,
  type SiteRole,
  Tensor,
} from "../../core/mod.ts";
import { sequential } from "../layers/sequential.ts";
import { changed, join, withOptions, withoutBlocks } from "./_description.ts";
import { type Fixed, fixedIn } from "./_fixed.ts";
import { foldMasks, idle, scaleBranch } from "./_fixing.ts";
import { fixedMask } from "./fixed_mask.ts";
import { type PrunedRow, tableOf } from "./pruned.ts";
import { rebuilt, tensorsOf } from "./_rebuilt.ts";
import { shrinkOnce } from "./_units.ts";

/** Options of {@linkcode thinned}. */
export interface ThinnedOptions {
  /** The training step, a whole number in [0, 2^32); in mode `sample` the seed of the passes. */
  step: number;
  /** The example's number within the step, which is its place in the batch: a whole number in [0, 2^24). */
  example: number;
  /** The pass: of a loss of several passes, or the number of a Monte Carlo pass. In [0, 2^14). Default 0. */
  pass?: number;
  /** The seed that the masks follow from. Default the model's own. */
  seed?: number | bigint;
  /** Whose masks: those of training, or of Monte Carlo passes. Default `train`. */
  mode?: "train" | "sample";
  /** How far training had come, for rates that are schedules. Default: their beginning. */
  progress?: Progress;
}

/** What became of one variant. */
export interface ThinnedRow {
  /** Where it stood. */
  readonly path: string;
  /** Its plugin. */
  readonly plugin: string;
  /** The site at which it stood. */
  readonly site: SiteRole;
  /**
   * `folded`: what it drew is in the weights now. `fixed`: it is left as a mask that no longer changes, since no product stands
   * where that could go. `skipped`: the branch at which it stood is gone. `idle`: it drew nothing in this pass.
   */
  readonly became: "folded" | "fixed" | "skipped" | "idle";
}

/** What {@linkcode thinned} gives. */
export interface ThinnedModel {
  /** The subnet, which is saved, loaded, trained and run like any other. */
  readonly model: Model;
  /** What went of the layers with parameters: as for `pruned`. */
  readonly table: readonly PrunedRow[];
  /** What became of the variants. */
  readonly variants: readonly ThinnedRow[];
}

/** A layer without the variants that stood at some of its sites. */
function withoutVariants(layer: LayerPlugin, roles: readonly SiteRole[]): LayerPlugin {
  const gone = (part: unknown) => {
    const { serves, definition } = (part ?? {}) as Partial<Plugin>;
    return definition !== undefined && serves !== undefined && !("layer" in serves) &&
      roles.some((role) => role in serves);
  };
  const left = Object.entries(layer.options as Record<string, unknown>).filter(([name, part]) =>
    name !== "block" && name !== "projection" && gone(part)
  );
  return layer.with(Object.fromEntries(left.map(([name]) => [name, undefined]))) as LayerPlugin;
}

/** The path of the layer around a site. */
function hostOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("."), 0));
}

/** What becomes of the layers of the description, once the draws are known. */
function describe(model: Model, fixed: Fixed): LayerPlugin {
  const plugins = model.plugins();
  const changes = new Map<string, (layer: LayerPlugin) => LayerPlugin | null>();
  for (const [path, factor] of fixed.branches) {
    const host = hostOf(path);
    if (factor !== 0) scaleBranch(plugins.get(host) as LayerPlugin, host, factor, fixed);
  }
  for (const [path, mask] of fixed.entries) changes.set(path, () => idle(mask) ? null : fixedMask());
  const hosts = new Set([...fixed.weights, ...fixed.branches.keys()].map(hostOf));
  for (const host of hosts) {
    changes.set(host, (layer) => withoutVariants(layer, ["weight", "product", "embedding", "branch"]));
  }
  const skipped = new Set([...fixed.branches].filter(([, factor]) => factor === 0).map(([path]) => path));
  const root = withoutBlocks(model.root, "", skipped);
  return (root && changed(root, "", changes)) ?? sequential([]);
}

/**
 * The subnet that one example met in one step of training, or in one Monte Carlo pass, as a model of its own: in mode `eval` it
 * gives what that pass gave for that example, up to rounding. Masks are addresses, so any of them can be had again, at any
 * time. The given model stays as it is, and its weights are the ones that it has now: for those of that step, load the checkpoint.
 *
 * - Units and channels that were dropped are taken out, of their layer and of the next one, and the factor of those that were
 *   kept goes into the next one's weights: where `pruned` takes units out, between dense layers and convolutions that follow each
 *   other. Of the inputs, which the net still takes, the weights are 0.
 * - Weights that were dropped are zeros, those that were kept have their factor: `dropConnect`, `weightDrop` and any other variant of
 *   a weight; words that were dropped are rows of zeros of an embedding.
 * - Branches that were skipped are gone with their blocks; the factor of one that was kept goes into the end of its block.
 * - A mask that cannot go into weights, such as one before a softmax or on single pixels before a convolution, is left as a layer
 *   that multiplies each entry by the same number for ever: `fixedMask`.
 *
 * Variants whose effect depends on what they are given, those inside of recurrent and attention layers, and layers that draw
 * by themselves, such as `stochasticPooling`, are refused by name. Batch norm is as in evaluation: in training it also depends on
 * the rest of the batch.
 *
 * @param model the model
 * @throws {OptionError} for a number out of range
 * @throws {PluginError} naming a variant that can neither be taken out nor left as it was
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, relu, sequential, Tensor, thinned } from "@thinned/dropout";
 * import { assert, assertAlmostEquals } from "@std/assert";
 *
 * const net = sequential([dense(64), relu(), dropout({ rate: 0.5 }), dense(1)]);
 * const model = buildModel(net, { inputShape: [4], seed: 1 });
 * const x = Tensor.ones([10, 4]);
 * const trained = model.forward(x, { mode: "train", step: 500 });
 * const { model: subnet } = thinned(model, { step: 500, example: 7 });
 * assert(subnet.parameterCount() < 300); // of 385
 * assertAlmostEquals(subnet.forward(Tensor.ones([1, 4])).item(), trained.floats[7], 1e-5);
 * ```
 */
export function thinned(model: Model, options: ThinnedOptions): ThinnedModel {
  refuseUnknown(options, ["step", "example", "pass", "seed", "mode", "progress"], "thinned");
  const { step, example, pass = 0, seed, mode = "train", progress } = options;
  if (mode !== "train" && mode !== "sample") throw new OptionError("thinned: mode", '"train" or "sample"', mode);
  return noGrad(() => {
    const source = rebuilt(model.root, model, tensorsOf(model), new Set(), seed);
    const fixed = fixedIn(source, { mode, step, example, pass, progress });
    const { tensors, entries } = fixed;
    let root = describe(source, fixed);
    for (const [path, { shape, factor, shift }] of entries) {
      tensors.set(`state/${join(path, "factor")}`, Tensor.from(factor, shape, model.dtype));
      tensors.set(`state/${join(path, "shift")}`, Tensor.from(shift, shape, model.dtype));
    }
    const whole = rebuilt(root, model, tensors, new Set());
    checkGone(source, whole, fixed, progress);
    const folded = foldMasks(whole, entries, tensors);
    root = changed(root, "", new Map([...folded].map((path) => [path, () => null]))) ?? sequential([]);
    let small = rebuilt(root, whole, tensors, new Set());
    const left = tensorsOf(small);
    const resized = new Set<string>();
    for (let found = shrinkOnce(small, left); found !== null; found = shrinkOnce(small, left)) {
      const { path, option, units } = found;
      root = withOptions(root, "", path, { [option]: units });
      small = rebuilt(root, small, left, resized.add(join(path, option)));
    }
    return { model: small, table: tableOf(model, small), variants: rowsOf(source, fixed, folded) };
  });
}

/** Refuses what is still there of the variants, and layers that draw by themselves. */
function checkGone(source: Model, made: Model, fixed: Fixed, progress: Progress | undefined): void {
  const found = made.plugins();
  for (const path of [...fixed.entries.keys(), ...fixed.weights, ...fixed.branches.keys()]) {
    const { plugin } = source.plugins().get(path)!;
    if (found.get(path)?.plugin !== plugin) continue;
    throw new PluginError(
      `model.${path} (${plugin}): expected a place in layers that follow each other, in a block, or at a weight, where it ` +
        `can be taken out, found it inside of ${found.get(hostOf(path))?.plugin ?? "another layer"}.`,
    );
  }
  const [drawing] = made.drawingSites(progress);
  if (drawing === undefined) return;
  throw new PluginError(
    `model.${drawing} (${
      found.get(drawing)!.plugin
    }): expected a variant at a site, whose draw can be fixed, found a layer ` +
      `that draws by itself.`,
  );
}

function rowsOf(source: Model, fixed: Fixed, folded: ReadonlySet<string>): ThinnedRow[] {
  const sites = new Map(source.summary().map(({ path, site }) => [path, site]));
  return [...source.plugins()].flatMap(([path, { plugin }]): ThinnedRow[] => {
    const row = (became: ThinnedRow["became"]) => [{ path, plugin, site: sites.get(path)!, became }];
    const [mask, factor] = [fixed.entries.get(path), fixed.branches.get(path)];
    if (mask !== undefined) return row(idle(mask) ? "idle" : folded.has(path) ? "folded" : "fixed");
    if (factor !== undefined) return row(factor === 0 ? "skipped" : factor === 1 ? "idle" : "folded");
    return fixed.weights.has(path) ? row("folded") : [];
  });
}
