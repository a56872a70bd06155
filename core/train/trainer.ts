/**
 * A training run, an epoch at a time. All randomness is addressed by the seed and the step, so a run that is stopped
 * anywhere and resumed, on the same backend with any number of threads, ends with the same bits as one that was not.
 *
 * @module
 */
import { weightsNow } from "./average.ts";
import { currentBackend } from "../backend/backend.ts";
import type { Dataset, Split } from "./data.ts";
import { displayHistory } from "../display/display_history.ts";
import { displayResult } from "../display/display_result.ts";
import { jupyterDisplay } from "../display/jupyter.ts";
import { isPlugin } from "../plugin/is_plugin.ts";
import { CheckpointError, DivergenceError, OptionError, refuseUnknown } from "../errors.ts";
import { errorOf, evaluate, loadDataset } from "./evaluate.ts";
import type { EpochMetrics, Observation, RunInfo, Snapshot, TrainingProgress } from "./events.ts";
import { type FitOptions, fitOptions, type FitResult } from "./fit_options.ts";
import { KeptWeights } from "./kept_weights.ts";
import { Learner } from "./learner.ts";
import { Loader } from "./loader.ts";
import { outlineOf } from "./outline.ts";
import { buildModel, type Model } from "../plugin/model.ts";
import type { LayerPlugin, Plugin, Progress } from "../plugin/plugin.ts";
import { preprocessingOf } from "../store/preprocessing.ts";
import { recycling } from "../tensor/storage.ts";
import { stepsPerEpoch } from "./steps_per_epoch.ts";
import { holdBack } from "./validation.ts";
import { wholeNumber } from "./whole_number.ts";

/** Training examples measured after each epoch but the last; after the last, all are. */
const TRAIN_EVALUATION_LIMIT = 10000;

/** Milliseconds of steps after which the event loop gets a turn, for signals and timers. */
const TURN_MS = 50;

function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** What of a run's options is plain data, for those who tell of it; the data set and who watches have names of their own. */
function configurationOf(root: LayerPlugin, loss: Plugin<"loss">, options: FitOptions): Record<string, unknown> {
  const { optimizer, accumulate, clip, parameterGroups, freeze, average, learning, validation, augment } = options;
  const how = { optimizer, accumulate, clip, parameterGroups, freeze, average, learning, validation, augment };
  const plain = (_: string, value: unknown) => typeof value === "bigint" ? String(value) : value;
  return JSON.parse(JSON.stringify({ model: root, loss, ...how }, plain));
}

/** A training run, an epoch at a time. Made by {@linkcode Trainer.create}. */
export class Trainer {
  /** The model in training. */
  readonly model: Model;
  /** What is known of the run. */
  readonly info: RunInfo;
  readonly #dataset: Dataset;
  readonly #learner: Learner;
  readonly #waiting: Plugin<"observer">[] = [];
  /** Those that may end the run early, and the one that may keep weights. */
  readonly #judges: Plugin<"observer">[] = [];
  readonly #kept: KeptWeights = new KeptWeights();
  readonly #observers: Observation[] = [];
  readonly #signal: AbortSignal | undefined;
  /** Aborted by an observer. */
  readonly #stop = new AbortController();
  readonly #loader: Loader;
  #counters: TrainingProgress;
  #stepTimes: number[] = [];
  #stopped = false;
  #ended = false;
  #settled = false;

  private constructor(
    model: Model,
    dataset: Dataset,
    signal: AbortSignal | undefined,
    info: RunInfo,
    learner: Learner,
    counters: TrainingProgress,
    loader: Loader,
  ) {
    this.model = model;
    this.info = info;
    this.#dataset = dataset;
    this.#learner = learner;
    this.#signal = signal;
    this.#loader = loader;
    this.#counters = counters;
  }

  /**
   * Loads the data, builds the model, checks that its output fits the targets, and restores the snapshot if there is one.
   * Nothing is written, and the observers are not told yet: {@linkcode Trainer.open} does that.
   */
  static async create(root: LayerPlugin, options: FitOptions): Promise<Trainer> {
    refuseUnknown(options, fitOptions, "");
    const epochs = wholeNumber(options.epochs ?? 10, 1, "epochs");
    const batchSize = wholeNumber(options.batchSize ?? 128, 1, "batchSize");
    const seed = wholeNumber(options.seed ?? 0, 0, "seed");
    const loaded = await loadDataset(options.data);
    const dataset = options.validation === undefined ? loaded : holdBack(loaded, options.validation, seed);
    const steps = stepsPerEpoch(dataset, batchSize);
    const model = buildModel(root, { inputShape: dataset.train.shape, seed });
    const { initialize, resume } = options;
    if (initialize !== undefined && typeof initialize !== "function") {
      throw new OptionError("initialize", "a function of the model", initialize);
    }
    if (resume === undefined) initialize?.(model);
    const examples = dataset.train.count;
    const learner = new Learner(model, dataset, options, {
      stepsPerEpoch: steps,
      totalSteps: steps * epochs,
      examples,
    });
    const backend = currentBackend().info();
    const computedBy = `${backend.name}, ${backend.instructions}, ${backend.blas}`;
    const before = options.resume?.progress.computedBy;
    const fresh: TrainingProgress = {
      step: 0,
      epoch: 0,
      stepInEpoch: 0,
      stepsPerEpoch: steps,
      totalSteps: steps * epochs,
      lossSum: 0,
      errorSum: 0,
      examples: 0,
      seconds: 0,
      history: [],
      seed,
      schedules: {},
      model: JSON.parse(JSON.stringify(root)),
      computedBy,
    };
    const image = dataset.image ?? (dataset.train.shape.length === 3 ? dataset.train.shape : undefined);
    const info: RunInfo = {
      name: options.name ?? "run",
      dataset: dataset.name,
      examples: dataset.train.count,
      validationExamples: dataset.validation?.count ?? 0,
      parameters: learner.size,
      epochs,
      stepsPerEpoch: steps,
      batchSize,
      seed,
      inputShape: dataset.train.shape,
      ...(image && { image }),
      configuration: configurationOf(root, learner.loss, options),
      backend,
      classification: dataset.classes > 0,
      resumedAt: options.resume?.progress.step ?? 0,
      ...(before === undefined || before === computedBy ? {} : { computedBefore: before }),
    };
    const loader = new Loader(dataset, {
      ...info,
      totalSteps: info.stepsPerEpoch * epochs,
      augment: options.augment ?? [],
      prefetch: options.prefetch ?? false,
    });
    const trainer = new Trainer(model, dataset, options.signal, info, learner, fresh, loader);
    for (const observer of options.observers ?? []) {
      if (!isPlugin(observer, "observer")) throw new OptionError("observers", "observer plugins", observer);
      trainer.#waiting.push(observer);
      const { stops, keeps } = observer.definition;
      if (stops !== undefined || keeps !== undefined) trainer.#judges.push(observer);
    }
    const keepers = trainer.#judges.filter(({ definition }) => definition.keeps !== undefined);
    if (keepers.length > 1) {
      throw new OptionError("observers", "at most one that keeps weights", keepers.map(({ plugin }) => plugin));
    }
    if (options.resume !== undefined) trainer.#restore(options.resume);
    return trainer;
  }

  /** Tells the observers that the run begins, once. */
  async open(): Promise<void> {
    for (const observer of this.#waiting.splice(0)) {
      const context = { options: observer.options, run: this.info, stop: () => this.#stop.abort() };
      this.#observers.push(await observer.definition.observe!(context));
    }
  }

  /** Steps done. */
  get step(): number {
    return this.#counters.step;
  }

  /** Epochs done. */
  get epoch(): number {
    return this.#counters.epoch;
  }

  /** Whether the last epoch is done, an observer has ended the run, or it was aborted. */
  get done(): boolean {
    return this.#complete || this.#aborted;
  }

  get #complete(): boolean {
    return this.#stopped || this.#counters.epoch >= this.info.epochs;
  }

  /** Whether the run was aborted before its last epoch was done. */
  get interrupted(): boolean {
    return this.#aborted && !this.#complete;
  }

  get #aborted(): boolean {
    return this.#stop.signal.aborted || (this.#signal?.aborted ?? false);
  }

  /** Each finished epoch's metrics. */
  get history(): readonly EpochMetrics[] {
    return this.#counters.history;
  }

  /** Everything needed to go on from here. The tensors are the live ones: copy or write them before the next step. */
  snapshot(): Snapshot {
    const progress = { ...this.#counters, schedules: this.model.schedules.toJSON() };
    const tensors = this.#learner.tensors();
    for (const [name, tensor] of this.#kept.tensors()) tensors.set(name, tensor);
    return { tensors, progress };
  }

  /**
   * Writes the model as it would be measured now, with schedules replaced by their values and with the preprocessing, as one
   * file that `loadModel` reads: see {@linkcode Model.save}. After the end of a run whose weights an observer has kept, these
   * are the ones.
   */
  async save(path: string): Promise<void> {
    // The end has put what is kept into the model.
    const kept = this.#settled ? this.#kept.moment : undefined;
    const tensors = kept === undefined ? { tensors: weightsNow(this.snapshot()) } : {};
    const progress = { ...this.#progress(), ...(kept && { step: kept.step }) };
    await this.model.save(path, { preprocessing: this.#dataset, loss: this.#learner.loss, progress, ...tensors });
  }

  #restore(snapshot: Snapshot): void {
    const { progress } = snapshot;
    if (progress.seed !== this.info.seed) {
      throw new CheckpointError(`The checkpoint was made with seed ${progress.seed}, not ${this.info.seed}.`);
    }
    const { stepsPerEpoch } = this.info;
    if (
      progress.step !== progress.epoch * stepsPerEpoch + progress.stepInEpoch || progress.stepInEpoch > stepsPerEpoch
    ) {
      throw new CheckpointError(
        `The checkpoint's ${progress.step} steps, ${progress.stepInEpoch} of them after ${progress.epoch} epochs, ` +
          `do not fit epochs of ${stepsPerEpoch} steps: keep the batch size and the data set.`,
      );
    }
    const [outline, saved] = [outlineOf(this.#counters.model), outlineOf(progress.model)];
    if (outline !== saved) {
      throw new CheckpointError(
        `The checkpoint is of another architecture: expected the plugins ${outline}, found ${saved}.`,
      );
    }
    this.#learner.restore(snapshot.tensors, progress.step);
    this.model.schedules.restore(progress.schedules);
    const { model, totalSteps, computedBy } = this.#counters;
    const keeps = this.#judges.some(({ definition }) => definition.keeps !== undefined);
    if (keeps) this.#kept.restore(snapshot, weightsNow(this.snapshot()));
    this.#counters = { ...progress, model, totalSteps, computedBy, kept: this.#kept.moment };
    this.#stopped = this.#asksToStop();
  }

  #asksToStop(): boolean {
    if (this.epoch === 0) return false;
    return this.#judges.some(({ definition, options }) => definition.stops?.(this.history, options) ?? false);
  }

  /**
   * Trains to the end of the epoch that has begun, measures, and tells the observers.
   *
   * @throws {DivergenceError} when a step diverges; the observers have then been told the end, with the last good step
   */
  async runEpoch(): Promise<void> {
    await this.open();
    try {
      await this.#runSteps();
      if (this.#counters.stepInEpoch === this.info.stepsPerEpoch) {
        this.#finishEpoch();
        await this.#tell("epoch");
      }
    } catch (error) {
      this.#loader.close();
      if (error instanceof DivergenceError) await this.#finish(true);
      throw error;
    }
    if (this.done) this.#loader.close();
  }

  async #runSteps(): Promise<void> {
    let turn = performance.now();
    this.#stepTimes = [];
    while (this.#counters.stepInEpoch < this.info.stepsPerEpoch && !this.done) {
      const started = performance.now();
      const waiting = this.#loader.ready(this.step);
      if (waiting !== undefined) await waiting;
      this.#step(started);
      await this.#tell("step");
      if (performance.now() - turn > TURN_MS) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        turn = performance.now();
      }
    }
  }

  #progress(): Progress {
    const { stepsPerEpoch, epochs, examples } = this.info;
    return { step: this.step, stepsPerEpoch, totalSteps: stepsPerEpoch * epochs, examples };
  }

  #step(started: number): void {
    const before = this.#counters;
    const progress = this.#progress();
    const [loss, errors, examples] = recycling(() => {
      const batch = this.#loader.take(before.step);
      return [...this.#learner.learn(batch, progress), batch.inputs.shape[0]];
    });
    const ms = performance.now() - started;
    this.#stepTimes.push(ms);
    this.#counters = {
      ...before,
      step: before.step + 1,
      stepInEpoch: before.stepInEpoch + 1,
      lossSum: before.lossSum + loss * examples,
      errorSum: before.errorSum + errors,
      examples: before.examples + examples,
      seconds: before.seconds + ms / 1000,
    };
  }

  #finishEpoch(): void {
    const counters = this.#counters;
    const epoch = counters.epoch + 1;
    const { train, validation, test } = this.#dataset;
    const limit = epoch === this.info.epochs ? train.count : TRAIN_EVALUATION_LIMIT;
    const progress = this.#progress();
    const measure = (split: Split, limit = split.count) =>
      evaluate(this.model, this.#dataset, this.#learner.loss, { split, limit, progress });
    const [onTrain, onTest, onValidation] = this.#learner.averaged(() => [
      measure(train, limit),
      measure(test),
      validation && measure(validation),
    ]);
    const metrics: EpochMetrics = {
      epoch,
      step: counters.step,
      trainLoss: onTrain.loss,
      trainError: onTrain.error,
      ...(onValidation && { validationLoss: onValidation.loss, validationError: onValidation.error }),
      testLoss: onTest.loss,
      testError: onTest.error,
      runningLoss: counters.lossSum / counters.examples,
      runningError: errorOf(counters.errorSum, counters.examples, this.info.classification),
      seconds: counters.seconds,
      stepMs: median(this.#stepTimes),
    };
    this.#counters = {
      ...counters,
      epoch,
      stepInEpoch: 0,
      lossSum: 0,
      errorSum: 0,
      examples: 0,
      seconds: 0,
      history: [...counters.history, metrics],
    };
    this.model.schedules.epoch(metrics);
    this.#judge(metrics);
  }

  /** Asks the observers whether these weights are the ones to end with, and whether the run ends here. */
  #judge({ epoch, step }: EpochMetrics): void {
    for (const { definition, options } of this.#judges) {
      if (!definition.keeps?.(this.history, options)) continue;
      const kept = { epoch, step, schedules: this.model.schedules.toJSON() };
      this.#kept.take(kept, weightsNow(this.snapshot()));
      this.#counters = { ...this.#counters, kept };
    }
    this.#stopped = this.#asksToStop();
  }

  async #tell(what: "step" | "epoch"): Promise<void> {
    const counters = this.#counters;
    const snapshot = () => this.snapshot();
    for (const observer of this.#observers) {
      if (what === "epoch") await observer.epoch?.({ ...counters.history.at(-1)!, snapshot });
      else if (observer.step !== undefined) {
        const told = observer.step({
          step: counters.step,
          epoch: counters.epoch + 1,
          stepInEpoch: counters.stepInEpoch,
          loss: counters.lossSum / counters.examples,
          error: errorOf(counters.errorSum, counters.examples, this.info.classification),
          examples: counters.examples,
          seconds: counters.seconds,
          snapshot,
        });
        if (told !== undefined) await told;
      }
    }
  }

  async #finish(interrupted: boolean): Promise<void> {
    this.#ended = true;
    const { step, history } = this;
    for (const observer of this.#observers) {
      await observer.end?.({ interrupted, step, history, snapshot: () => this.snapshot() });
    }
  }

  /** Tells the observers that the run has ended, once, and returns the result. */
  async end(): Promise<FitResult> {
    this.#loader.close();
    if (!this.#ended) {
      await this.#finish(this.interrupted);
      this.#learner.settle();
      this.#kept.settle(this.model);
      this.#settled = true;
    }
    const history = this.history;
    const kept = this.#kept.moment;
    const last: EpochMetrics = (kept === undefined ? history.at(-1) : history[kept.epoch - 1]) ?? {
      epoch: 0,
      step: this.step,
      trainLoss: NaN,
      trainError: NaN,
      testLoss: NaN,
      testError: NaN,
      runningLoss: NaN,
      runningError: NaN,
      seconds: 0,
      stepMs: 0,
    };
    const { classification } = this.info;
    const result = {
      ...last,
      name: this.info.name,
      model: this.model,
      parameters: this.info.parameters,
      history: Object.defineProperty([...history], jupyterDisplay, {
        value: () => displayHistory(history, classification),
      }),
      secondsPerEpoch: median(history.map((metrics) => metrics.seconds)),
      stepMs: median(history.map((metrics) => metrics.stepMs)),
      step: this.step,
      stopped: this.#stopped && this.epoch < this.info.epochs,
      interrupted: this.interrupted,
      backend: this.info.backend,
      preprocessing: preprocessingOf(this.#dataset),
      save: (path: string) => this.save(path),
    };
    return { ...result, [jupyterDisplay]: () => displayResult(result, classification) };
  }
}
