/**
 * What changes a model's weights: from a batch to gradients, in parts where memory is short, through clipping and the
 * optimizer, to an average of the weights where one is kept.
 *
 * @module
 */
import { gradients } from "../tensor/autograd.ts";
import { AverageDriver, isMeasured } from "./average.ts";
import * as kernels from "../backend/kernels.ts";
import type { Batch } from "./batches.ts";
import type { Dataset } from "./data.ts";
import { isPlugin } from "../plugin/is_plugin.ts";
import { checkLoss, defaultLoss } from "./default_loss.ts";
import { checkOutput } from "./check_output.ts";
import { CheckpointError, DivergenceError, OptionError } from "../errors.ts";
import { errorSum, predictionOf } from "./evaluate.ts";
import { divisor, lossOptions } from "./loss_of.ts";
import { isKept } from "./kept_weights.ts";
import { type FrozenPart, trainedParameters } from "../plugin/frozen_part.ts";
import type { Model, Parameter, RunOptions } from "../plugin/model.ts";
import { overwrite } from "../plugin/overwrite.ts";
import type { LearningOptions } from "./learning_options.ts";
import { refuseNonFinite } from "./non_finite.ts";
import { clipGradients, type GradientClipping, OptimizerDriver } from "./optimizer.ts";
import type { Plugin, Progress } from "../plugin/plugin.ts";
import { refuseOtherFrozen } from "./refuse_other_frozen.ts";
import { Teacher } from "./teacher.ts";
import { sizeOf } from "../tensor/shape.ts";
import { recycling } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import { wholeNumber } from "./whole_number.ts";

/** A model that learns, one batch at a time. */
export class Learner {
  /** The loss. */
  readonly loss: Plugin<"loss">;
  readonly #model: Model;
  readonly #dataset: Dataset;
  readonly #optimizer: OptimizerDriver;
  readonly #average: AverageDriver | undefined;
  readonly #teacher: Teacher | undefined;
  readonly #run: Omit<Progress, "step">;
  readonly #accumulate: number;
  readonly #clip: GradientClipping | undefined;
  readonly #frozen: FrozenPart | null;
  /** The parameters that are trained. */
  readonly #parameters: readonly Parameter[];
  readonly #weights: readonly Tensor[];
  #lastLoss: number | null = null;

  /**
   * @param model the model
   * @param dataset what is learned, for the meaning of its errors
   * @param options the loss, the optimizer and the rest
   * @param run how long the run is
   * @throws {OptionError} for a wrong option
   * @throws {ShapeError} when the model's output does not fit the targets
   */
  constructor(
    model: Model,
    dataset: Dataset,
    options: LearningOptions,
    run: Omit<Progress, "step"> = { stepsPerEpoch: 1, totalSteps: 1 },
  ) {
    const loss = options.loss ?? defaultLoss(dataset);
    if (!isPlugin(loss, "loss")) throw new OptionError("loss", "a loss plugin", loss);
    checkLoss(loss, dataset);
    if (!isPlugin(options.optimizer, "optimizer")) {
      throw new OptionError("optimizer", "an optimizer plugin", options.optimizer);
    }
    const { average, learning, freeze = [] } = options;
    if (average !== undefined && !isPlugin(average, "average")) {
      throw new OptionError("average", "a plugin that owns the weights of evaluation", average);
    }
    if (learning !== undefined && !isPlugin(learning, "learning")) {
      throw new OptionError("learning", "a learning plugin", learning);
    }
    checkOutput(model, dataset, loss);
    this.#run = run;
    this.loss = loss;
    this.#model = model;
    this.#dataset = dataset;
    const frozen = Array.isArray(freeze) && freeze.length === 0 ? null : model.frozen(freeze, "freeze");
    this.#frozen = frozen;
    this.#optimizer = new OptimizerDriver(options.optimizer, model, options.parameterGroups, model.built.seed, frozen);
    this.#average = average && new AverageDriver(average, model, this.#optimizer, frozen);
    this.#teacher = learning && new Teacher(learning, model, loss, frozen);
    this.#accumulate = wholeNumber(options.accumulate ?? 1, 1, "accumulate");
    this.#clip = options.clip;
    this.#parameters = trainedParameters(model.parameters(), frozen);
    this.#weights = this.#parameters.map(({ tensor }) => tensor);
  }

  /** How many numbers are trained. */
  get size(): number {
    return this.#weights.reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Everything that learning changes, by name: parameters, running state, the slots of optimizer and average; and, where
   * these are others, the weights that evaluation uses, which follow from the rest.
   */
  tensors(): Map<string, Tensor> {
    const all = this.#own();
    for (const [name, tensor] of this.#average?.measured(this.#progress()) ?? []) all.set(name, tensor);
    return all;
  }

  #progress(): Progress {
    return { ...this.#run, step: this.#optimizer.iteration };
  }

  #own(): Map<string, Tensor> {
    const all = new Map<string, Tensor>();
    for (const { name, tensor } of this.#model.parameters()) all.set(`model/${name}`, tensor);
    for (const [name, tensor] of this.#model.state()) all.set(`state/${name}`, tensor);
    for (const [name, tensor] of this.#optimizer.slots()) all.set(`optimizer/${name}`, tensor);
    for (const [name, tensor] of this.#average?.slots(this.#progress()) ?? []) all.set(name, tensor);
    return all;
  }

  /**
   * Goes on from saved tensors after `step` updates.
   *
   * @throws {CheckpointError} when they are of another architecture; nothing has been changed then
   */
  restore(saved: ReadonlyMap<string, Tensor>, step: number): void {
    const mine = this.#own();
    refuseOtherFrozen(this.#model.parameters(), mine, saved);
    for (const name of saved.keys()) {
      if (!mine.has(name) && !isMeasured(name) && !isKept(name)) {
        throw new CheckpointError(`The checkpoint is of another architecture: this model has no ${name}.`);
      }
    }
    overwrite(mine, saved);
    this.#optimizer.resume(step);
  }

  /**
   * One update from one batch: its mean loss, and the sum of its errors.
   *
   * @throws {DivergenceError} when the loss or a gradient is not finite; the weights are then as they were
   */
  learn(batch: Batch, progress: Progress): [number, number] {
    this.#average?.begin(progress);
    const whole = batch.inputs.shape[0];
    const parts = Math.min(this.#accumulate, whole);
    if (parts <= 1 && this.#teacher === undefined) {
      const part = this.#differentiate(batch, 0, progress, (sum, weight) => sum.div(divisor(weight)), 1);
      return this.#update(part.gradients, part.sum / divisor(part.weight), part, progress);
    }
    const total = this.#weights.map((tensor) => Tensor.zeros(tensor.shape, tensor.dtype));
    const given = total.map(() => false);
    const all = { sum: 0, weight: null as number | null, errors: 0, settle: () => {} };
    for (let i = 0; i < parts; i++) {
      const from = Math.floor(i * whole / parts);
      const to = Math.floor((i + 1) * whole / parts);
      recycling(() => {
        const part = this.#part(rows(batch, from, to), from, progress, (to - from) / whole);
        part.gradients.forEach((gradient, j) => {
          if (gradient === null) return;
          kernels.accumulate(gradient.floats, total[j].floats, 1);
          given[j] = true;
        });
        all.sum += part.sum;
        all.errors += part.errors;
        if (part.weight !== null) all.weight = (all.weight ?? 0) + part.weight;
        part.settle();
      });
    }
    // Only here is the sum divided, by the weight of the whole batch.
    const scale = 1 / divisor(all.weight);
    if (scale !== 1) { for (const { floats } of total) kernels.unary("affine", floats, floats, scale, 0); }
    return this.#update(total.map((gradient, j) => given[j] ? gradient : null), all.sum * scale, all, progress);
  }

  /** What some rows of a batch that is run in parts give. */
  #part(batch: Batch, sample: number, progress: Progress, share: number): Part {
    if (this.#teacher === undefined) return this.#differentiate(batch, sample, progress, (sum) => sum, share);
    const { outputs, ...part } = this.#teacher.learn(batch, sample, progress);
    const errors = outputs === null ? NaN : errorSum(predictionOf(this.loss, outputs), batch.targets, this.#dataset);
    if (outputs !== null && !Number.isFinite(part.sum)) {
      throw new DivergenceError(progress.step + 1, `the loss is ${part.sum}`, this.#lastLoss);
    }
    return { ...part, errors };
  }

  #update(
    total: readonly (Tensor | null)[],
    loss: number,
    { errors, settle }: { errors: number; settle(): void },
    progress: Progress,
  ): [number, number] {
    refuseNonFinite(total, this.#parameters, progress.step, this.#lastLoss);
    settle();
    if (this.#clip !== undefined) clipGradients(total.filter((gradient) => gradient !== null), this.#clip);
    this.#optimizer.update(total, progress);
    this.#average?.track(progress);
    this.#lastLoss = loss;
    return [loss, errors];
  }

  /**
   * The sum of the losses of some rows, and gradients. Running state becomes what the pass says only when `settle` is called.
   *
   * @param of what is differentiated, of the sum and its weight
   * @param share how much of the whole batch the rows are, for a penalty beside a sum that is never divided
   */
  #differentiate(
    batch: Batch,
    sample: number,
    progress: Progress,
    of: (sum: Tensor, weight: number | null) => Tensor,
    share: number,
  ): Part {
    const { definition } = this.loss;
    const settings = lossOptions(this.loss, progress, this.#model.schedules);
    // All passes of a loss start from the same running state, and a step that diverges leaves it as it was.
    const stateUpdates = new Map<Tensor, Tensor>();
    const frozen = this.#frozen ?? undefined;
    const options: RunOptions = { mode: "train", progress, sample, stateUpdates, frozen };
    const passes = definition.objective && this.#model.passes(batch.inputs, options);
    const [outputs, penalty] = passes === undefined
      ? this.#model.forwardWithPenalty(batch.inputs, options)
      : [passes.output, passes.penalty];
    const { sum, weight } = passes === undefined
      ? definition.loss(outputs, batch.targets, settings)
      : definition.objective!(passes.again, batch.targets, settings);
    const value = sum.item();
    const added = penalty?.item() ?? 0;
    if (!Number.isFinite(value)) throw new DivergenceError(progress.step + 1, `the loss is ${value}`, this.#lastLoss);
    if (!Number.isFinite(added)) throw new DivergenceError(progress.step + 1, `a penalty is ${added}`, this.#lastLoss);
    const plain = of(sum, weight);
    // A penalty stands beside the mean, so in a part whose sum is divided later it has the part's weight.
    const factor = share === 1 ? 1 : weight ?? share;
    return {
      sum: value,
      weight,
      gradients: gradients(penalty === null ? plain : plain.add(penalty.mul(factor)), this.#weights),
      errors: errorSum(predictionOf(this.loss, outputs), batch.targets, this.#dataset),
      settle: () => stateUpdates.forEach((value, state) => state.assign(value)),
    };
  }

  /** Runs `body` with the averaged weights in the model, if an average is kept. */
  averaged<T>(body: () => T): T {
    return this.#average === undefined ? body() : this.#average.during(this.#progress(), body);
  }

  /** Puts the averaged weights into the model for good, if an average is kept. */
  settle(): void {
    this.#average?.settle(this.#progress());
  }
}

/** What some rows of a batch give. */
interface Part {
  readonly sum: number;
  readonly weight: number | null;
  readonly gradients: readonly (Tensor | null)[];
  readonly errors: number;
  settle(): void;
}

/** Some rows of a batch. */
function rows(batch: Batch, from: number, to: number): Batch {
  const { inputs, targets } = batch;
  if (targets.dtype !== "int32") return { inputs: inputs.slice([from], [to]), targets: targets.slice([from], [to]) };
  const shape = targets.shape.slice(1);
  const size = sizeOf(shape);
  const labels = Tensor.from(targets.ints.slice(from * size, to * size), [to - from, ...shape]);
  return { inputs: inputs.slice([from], [to]), targets: labels };
}
