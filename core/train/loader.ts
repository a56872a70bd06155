/**
 * Where a training step gets its batch from: made on the spot, or by a worker while the step before is computed.
 *
 * @module
 */
import type { Batch } from "./batches.ts";
import type { Dataset } from "./data.ts";
import { isPlugin } from "../plugin/is_plugin.ts";
import { OptionError } from "../errors.ts";
import { optionsAt } from "../plugin/options.ts";
import type { Plugin, Progress } from "../plugin/plugin.ts";
import { Prefetcher } from "./prefetch.ts";
import { type AugmentationPart, BatchMaker, batchSource } from "./prepare.ts";
import { recycling } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";

/** What a run says of its batches. */
export interface LoaderOptions {
  /** Examples a step. */
  readonly batchSize: number;
  /** Steps that make an epoch. */
  readonly stepsPerEpoch: number;
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** What everything random follows from. */
  readonly seed: number;
  /** What changes the examples, in this order. */
  readonly augment: readonly Plugin<"augmentation">[];
  /** Whether a worker makes the batches ahead. */
  readonly prefetch: boolean;
}

/** Hands out the batches of a run. */
export class Loader {
  readonly #maker: BatchMaker;
  readonly #shape: readonly number[];
  readonly #augment: readonly Plugin<"augmentation">[];
  readonly #parts: readonly AugmentationPart[];
  readonly #run: LoaderOptions;
  readonly #ahead: Prefetcher | null = null;
  /** Whether the worker augments; else the training thread does. */
  readonly #away: boolean = false;

  /**
   * @throws {OptionError} for what is no augmentation, or one that mixes targets of which an example has several
   * @throws {ShapeError} for an augmentation that does not fit the examples
   */
  constructor(dataset: Dataset, run: LoaderOptions) {
    const wrong = run.augment.findIndex((plugin) => !isPlugin(plugin, "augmentation"));
    if (wrong >= 0) throw new OptionError(`augment.${wrong}`, "an augmentation plugin", run.augment[wrong]);
    const mixing = run.augment.findIndex((plugin) => plugin.definition.mixesTargets);
    if (mixing >= 0 && dataset.train.labelsPerExample !== undefined) {
      throw new OptionError(
        `augment.${mixing}`,
        `no augmentation that mixes targets, because each example of ${dataset.name} has several labels`,
        run.augment[mixing].plugin,
      );
    }
    const source = batchSource(dataset, { ...run, soft: mixing >= 0 && dataset.classes > 0 });
    this.#run = run;
    this.#shape = dataset.train.shape;
    this.#maker = new BatchMaker(source);
    this.#augment = run.augment;
    this.#parts = run.augment.map((plugin, i) => ({ definition: plugin.definition, label: plugin.name ?? String(i) }));
    this.#tryOut();
    if (run.prefetch) {
      this.#away = this.#parts.every(({ definition }, i) =>
        definition.module !== undefined && cloneable(this.#optionsAt(0)[i])
      );
      this.#ahead = new Prefetcher(source, this.#away ? this.#parts : [], this.#maker);
    }
  }

  /** Waits until the batch of a step can be taken. Nothing to wait for unless a worker makes it. */
  ready(step: number): Promise<void> | undefined {
    return this.#ahead?.ready(step, (step) => this.#asked(step));
  }

  /** The batch of a step. */
  take(step: number): Batch {
    const count = this.#maker.count(step);
    const { shape, dtype } = this.#maker.targets(count);
    const batch = { inputs: Tensor.empty([count, ...this.#shape]), targets: Tensor.empty(shape, dtype) };
    const inputs = batch.inputs.floats as Float32Array;
    const targets = batch.targets.storage.array as Float32Array | Int32Array;
    if (this.#ahead === null) this.#maker.gather(step, inputs, targets);
    else this.#ahead.take(step, inputs, targets, (step) => this.#asked(step));
    if (!this.#away) this.#maker.augment(step, inputs, targets, this.#parts, this.#optionsAt(step));
    return batch;
  }

  /** Ends the worker, if there is one. */
  close(): void {
    this.#ahead?.close();
  }

  /** The options that a worker needs for a step; null for steps that will not come. */
  #asked(step: number): Readonly<Record<string, unknown>>[] | null {
    if (step >= this.#run.totalSteps) return null;
    return this.#away ? this.#optionsAt(step) : [];
  }

  #optionsAt(step: number): Readonly<Record<string, unknown>>[] {
    const { stepsPerEpoch, totalSteps } = this.#run;
    const progress: Progress = { step, stepsPerEpoch, totalSteps };
    return this.#augment.map((plugin, i) => optionsAt(plugin, progress, `augment.${i}`));
  }

  /** Augments one example that nobody sees, so that what does not fit is refused before a run begins. */
  #tryOut(): void {
    if (this.#parts.length === 0) return;
    recycling(() => {
      const { shape, dtype } = this.#maker.targets(1);
      const inputs = Tensor.zeros([1, ...this.#shape]).floats as Float32Array;
      const targets = Tensor.zeros(shape, dtype).storage.array as Float32Array | Int32Array;
      this.#maker.augment(0, inputs, targets, this.#parts, this.#optionsAt(0), 1);
    });
  }
}

/** Whether a worker can be sent a value. */
function cloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
