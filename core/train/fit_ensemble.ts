/** Training an ensemble in one call. @module */
import { loadDataset } from "./evaluate.ts";
import type { Snapshot } from "./events.ts";
import { fit } from "./fit.ts";
import type { FitOptions, FitResult } from "./fit_options.ts";
import type { LayerPlugin, Plugin } from "../plugin/plugin.ts";
import { holdBack } from "./validation.ts";
import { wholeNumber } from "./whole_number.ts";

/** Options of {@linkcode fitEnsemble}: those of `fit`, for all members alike, and these. */
export interface FitEnsembleOptions extends Omit<FitOptions, "observers" | "resume"> {
  /** How many members, at least 1. */
  members: number;
  /** What watches a member, by its number. Default nothing. */
  observers?: (member: number) => readonly Plugin<"observer">[];
  /** Where each member goes on from, in their order; those without a snapshot begin anew. */
  resume?: readonly (Snapshot | undefined)[];
}

/**
 * Trains the members of a deep ensemble, one after the other: the same model with the seeds `seed`, `seed + 1`, ..., from which
 * everything random follows but the validation part, which all have in common. A member is, bit for bit, the run of its seed
 * on these data.
 *
 * Lakshminarayanan, Pritzel, Blundell, "Simple and Scalable Predictive Uncertainty Estimation Using Deep Ensembles", NIPS 2017,
 * algorithm 1 without adversarial examples.
 *
 * @param root the model, as a layer plugin
 * @param options those of `fit`, and how many members
 * @returns what `fit` gives of each member
 * @throws {OptionError} for a wrong option
 * @throws what `fit` throws
 *
 * @example
 * ```ts
 * import { adam, assessClassification, dense, digits, fitEnsemble, loadDataset, relu, sequential } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const data = await loadDataset(digits({ train: 200, test: 100 }));
 * const net = sequential([dense(32), relu(), dense(10)]);
 * const runs = await fitEnsemble(net, { members: 3, data, optimizer: adam(), epochs: 3, seed: 1 });
 * const { scores, passes } = assessClassification(runs.map(({ model }) => model), data);
 * assertEquals(passes, 3);
 * console.log(scores.error, runs.map(({ testError }) => testError));
 * ```
 */
export async function fitEnsemble(root: LayerPlugin, options: FitEnsembleOptions): Promise<FitResult[]> {
  const { members, observers, resume, validation, ...settings } = options;
  wholeNumber(members, 1, "members");
  const seed = wholeNumber(options.seed ?? 0, 0, "seed");
  const loaded = await loadDataset(options.data);
  const data = validation === undefined ? loaded : holdBack(loaded, validation, seed);
  const results: FitResult[] = [];
  for (let member = 0; member < members; member++) {
    const own = { seed: seed + member, name: `${options.name ?? "run"}-member-${member}` };
    results.push(
      await fit(root, { ...settings, ...own, data, observers: observers?.(member), resume: resume?.[member] }),
    );
    if (results.at(-1)!.interrupted) break;
  }
  return results;
}
