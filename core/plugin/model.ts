/**
 * A model: a layer plugin with its parameters. Building runs it once on zeros, so that every layer sees the shape of its
 * input, makes its parameters, and complains by its path if the shape does not fit.
 *
 * @module
 */
import { OptionError, refuseUnknown } from "../errors.ts";
import { displayModel } from "../display/display_model.ts";
import { type DisplayBundle, jupyterDisplay } from "../display/jupyter.ts";
import { Rows } from "../random/rows.ts";
import { noGrad } from "../tensor/autograd.ts";
import { saveModel, type SaveOptions } from "../store/saved_model.ts";
import type { Shape } from "../tensor/shape.ts";
import { recycling } from "../tensor/storage.ts";
import { type FloatType, Tensor } from "../tensor/tensor.ts";
import { type FrozenPart, frozenPart } from "./frozen_part.ts";
import { isPlugin } from "./is_plugin.ts";
import type {
  AllOutputs,
  BuildOptions,
  Parameter,
  Passes,
  RunOptions,
  SampleOptions,
  SummaryRow,
} from "./model_options.ts";
import { Pass } from "./pass.ts";
import type { PassSettings } from "./pass_settings.ts";
import { checkInputs, zerosFor } from "./model_inputs.ts";
import { overwrite } from "./overwrite.ts";
import { settingsOf } from "./run_settings.ts";
import { type SamplePass, samplePasses } from "./samples.ts";
import type { FurtherPass, LayerPlugin, Moments, Plugin, Progress } from "./plugin.ts";
import type { ScheduleMemory } from "./schedule_memory.ts";
import { formatSummary } from "./summary.ts";
import { beginning, Tree } from "./tree.ts";

export type {
  AllOutputs,
  AnyRun,
  BuildOptions,
  EvalRun,
  Parameter,
  Passes,
  RunOptions,
  SampleOptions,
  StepRun,
  SummaryRow,
} from "./model_options.ts";

/** Whether several shapes are given, one for each input. */
function isSeveral(shape: Shape | readonly Shape[]): shape is readonly Shape[] {
  return Array.isArray(shape[0]);
}

/**
 * A layer plugin with its parameters and running state.
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, relu, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(sequential([dense(8), relu(), dropout({ rate: 0.5 }), dense(2)]), { inputShape: [4], seed: 1 });
 * assertEquals(model.forward(Tensor.ones([3, 4])).shape, [3, 2]);
 * assertEquals(model.parameters().map((p) => p.name), ["0.weight", "0.bias", "3.weight", "3.bias"]);
 * ```
 */
export class Model {
  /** The description it was built from. */
  readonly root: LayerPlugin;
  /** Shape of one example, without the batch axis. */
  readonly inputShape: Shape;
  /** Shapes of one example's inputs, the first included. */
  readonly inputShapes: readonly Shape[];
  /** Element type. */
  readonly dtype: FloatType;
  /** How it was built. */
  readonly built: Required<BuildOptions>;
  readonly #tree: Tree;
  #trainedAt: number | undefined;

  /** Prefer {@linkcode buildModel}. */
  constructor(root: LayerPlugin, options: BuildOptions) {
    if (!isPlugin(root, "layer", "activation")) {
      throw new OptionError("model", "a layer plugin, such as sequential([...])", root);
    }
    refuseUnknown(options, ["inputShape", "inputType", "seed", "dtype"], "buildModel");
    if (!Array.isArray(options.inputShape)) {
      throw new OptionError(
        "buildModel.inputShape",
        "a shape without the batch axis, such as [784]",
        options.inputShape,
      );
    }
    this.root = root;
    this.inputShapes = isSeveral(options.inputShape) ? options.inputShape : [options.inputShape];
    this.inputShape = this.inputShapes[0];
    this.dtype = options.dtype ?? "float32";
    const { seed = 0, inputType = this.dtype } = options;
    this.built = { inputShape: this.inputShapes, inputType, seed, dtype: this.dtype };
    this.#tree = new Tree(options.seed ?? 0, this.dtype);
    noGrad(() => this.#begin({}, { building: true }).run(root, this.#zeros(), ""));
  }

  /**
   * Runs the model.
   *
   * @param x `[batch, ...inputShape]`; a list of them for a model with several inputs
   * @returns the output, batch first; remembered for gradients unless inside `noGrad`
   * @throws {ShapeError} naming the layer, when the shape does not fit
   * @throws {OptionError} when a mode that draws is not told its step
   */
  forward(x: Tensor | readonly Tensor[], options: RunOptions = {}): Tensor {
    return this.#begin(options).run(this.root, this.#inputs(x), "");
  }

  /** Runs the model and collects what its layers hand out beside their outputs, such as a graph's further outputs. */
  forwardAll(x: Tensor | readonly Tensor[], options: RunOptions = {}): AllOutputs {
    const emitted = new Map<string, Tensor>();
    return { output: this.#begin(options, { emitted }).run(this.root, this.#inputs(x), ""), emitted };
  }

  /** Runs the model and adds up the penalties of its plugins: `[output, penalty]`; null when no plugin has one. */
  forwardWithPenalty(x: Tensor | readonly Tensor[], options: RunOptions = {}): [Tensor, Tensor | null] {
    const penalties: Tensor[] = [];
    const output = this.#begin(options, { penalties }).run(this.root, this.#inputs(x), "");
    return [output, penalties.length === 0 ? null : penalties.reduce((a, b) => a.add(b))];
  }

  /**
   * Runs the model, and is ready to run further passes over the same inputs, with other masks: what a loss of several passes
   * is made of.
   *
   * @example
   * ```ts
   * import { buildModel, dense, dropout, relu, sequential, Tensor } from "@thinned/dropout";
   * import { assertEquals } from "@std/assert";
   *
   * const model = buildModel(sequential([dense(64), relu(), dropout(), dense(2)]), { inputShape: [4], seed: 1 });
   * const { output, again } = model.passes(Tensor.ones([3, 4]), { mode: "train", step: 0 });
   * assertEquals(again(0), output);
   * again(1); // all of the model, with other masks
   * again(2, { from: null }); // other masks in the last dropout, on the hidden units of the first pass
   * ```
   */
  passes(x: Tensor | readonly Tensor[], options: RunOptions = {}): Passes {
    const inputs = this.#inputs(x);
    const penalties: Tensor[] = [];
    const outputs = new Map<string, Tensor>();
    const output = this.#begin(options, { penalties, outputs }).run(this.root, inputs, "");
    const penalty = penalties.length === 0 ? null : penalties.reduce((a, b) => a.add(b));
    const again = (pass: number, { from }: FurtherPass = {}) => {
      if (pass === 0) return output;
      const begins = from === null ? this.#tree.lastVariant() : from;
      if (begins !== undefined && !this.#tree.isLayer(begins)) {
        throw new OptionError("from", "the path of a layer of the model", begins);
      }
      const reused = begins === undefined ? null : { outputs, from: begins, reached: false };
      return this.#begin({ ...options, pass }, { reused }).run(this.root, inputs, "");
    };
    return { output, penalty, again };
  }

  /**
   * Runs Monte Carlo passes over the same inputs, in mode `sample`: each gives what a pass of its own gives, up to the order
   * of summation. What comes before the first draw is computed once, and the passes are run in batches of several, unless a
   * plugin says that rows of a batch depend on each other or draws one mask for all of them.
   *
   * @param visit called with the output of each pass, batch first, and the number of the pass, in their order; an output
   * lasts until it returns
   *
   * @example
   * ```ts
   * import { buildModel, dense, dropout, relu, Rows, sequential, Tensor } from "@thinned/dropout";
   *
   * const model = buildModel(sequential([dense(64), relu(), dropout(), dense(2)]), { inputShape: [4], seed: 1 });
   * model.sample(Tensor.ones([3, 4]), { passes: 20, rows: Rows.range({ step: 0 }) }, (output, pass) => {
   *   console.log(pass, output.toArray());
   * });
   * ```
   */
  sample(
    x: Tensor | readonly Tensor[],
    { passes, from = 0, rows, progress, sites }: SampleOptions,
    visit: (output: Tensor, pass: number) => void,
  ): void {
    const inputs = this.#inputs(x);
    const run: SamplePass = (rows, more) =>
      this.#begin({ mode: "sample", rows, progress, sites }, more).run(this.root, inputs, "");
    const together = !this.#tree.mixesRows("sample", progress ?? beginning);
    noGrad(() => recycling(() => samplePasses({ inputs, rows, from, passes, together, run }, visit)));
  }

  /**
   * Mean and variance of the output in place of samples: each layer hands on those of its input, whose entries are taken as
   * independent. In mode `train` or `sample` the masks of variants are averaged over, in mode `eval` they are not there.
   *
   * @param x mean and variance of the input, `[batch, ...inputShape]`; a tensor has variance 0
   * @throws {PluginError} naming the first layer that cannot
   *
   * @example
   * ```ts
   * import { buildModel, dense, dropout, relu, sequential, Tensor } from "@thinned/dropout";
   *
   * const model = buildModel(sequential([dropout(), dense(8), relu(), dense(1)]), { inputShape: [4], seed: 1 });
   * const { mean, variance } = model.moments(Tensor.ones([2, 4]), { mode: "sample", step: 0 });
   * console.log(mean.toArray(), variance.toArray());
   * ```
   */
  moments(x: Tensor | Moments, options: RunOptions = {}): Moments {
    const moments = x instanceof Tensor ? { mean: x, variance: Tensor.zeros(x.shape, x.dtype) } : x;
    this.#inputs(moments.mean);
    return this.#begin(options).moments(this.root, moments, "");
  }

  #begin(options: RunOptions, more: Partial<PassSettings> = {}): Pass {
    const settings = settingsOf(options, () => [...this.#tree.nodes.keys()]);
    if (settings.mode === "train") this.#trainedAt = settings.rows.common?.step;
    return new Pass(this.#tree, { ...settings, ...more });
  }

  #zeros(): Tensor[] {
    return zerosFor(this.inputShapes, this.built.inputType, this.dtype);
  }

  #inputs(x: Tensor | readonly Tensor[]): readonly Tensor[] {
    return checkInputs(x, this.inputShapes);
  }

  /**
   * The paths of the places that draw random numbers in mode `sample`, in the order in which they are run: none for a model
   * without dropout, or one whose rates are 0 at that point of training. The model is run once, on zeros.
   *
   * @param progress how far training has come, for schedules; default its beginning
   * @param sites which places draw: see {@linkcode AnyRun.sites}; default all that do
   *
   * @example
   * ```ts
   * import { buildModel, dense, dropout, relu, sequential } from "@thinned/dropout";
   * import { assertEquals } from "@std/assert";
   *
   * const net = sequential([dropout({ rate: 0.2 }), dense(8), relu(), dropout({ rate: 0.5 }), dense(2)]);
   * const model = buildModel(net, { inputShape: [4] });
   * assertEquals(model.drawingSites(), ["0", "3"]);
   * assertEquals(model.drawingSites(undefined, ["^3$"]), ["3"]);
   * ```
   */
  drawingSites(progress?: Progress, sites?: readonly string[]): string[] {
    const drawn = new Set<string>();
    // What is handed out is asked for, so that no branch is left out as a whole.
    const more = { drawn, emitted: new Map<string, Tensor>() };
    const run = { mode: "sample", rows: Rows.range(), progress, sites } as const;
    recycling(() => noGrad(() => this.#begin(run, more).run(this.root, this.#zeros(), "")));
    return [...this.#tree.nodes.keys()].filter((path) => drawn.has(path));
  }

  /** The step of the last pass in mode `train`; undefined before the first, or where its rows are of several steps. */
  get trainedAt(): number | undefined {
    return this.#trainedAt;
  }

  /** Shape of one example's output, without the batch axis; with 1 for an extent that may differ from call to call. */
  get outputShape(): Shape {
    return this.#tree.nodes.get("")!.outputShape;
  }

  /** All learned parameters, in the order of the layers. */
  parameters(): readonly Parameter[] {
    return this.#tree.parameters;
  }

  /** Number of trainable numbers. */
  parameterCount(): number {
    return this.parameters().reduce((sum, parameter) => sum + parameter.tensor.size, 0);
  }

  /**
   * Chooses the part of the model that training leaves as it is, for fine-tuning: parameters whose names match get neither
   * gradients nor updates, and a layer with running statistics, such as batch norm, is run as in evaluation when all of its
   * parameters, or all of its running state, match. Dropout in that part goes on. What trains is told of it: `fit` by
   * `freeze`, `optimizerFor` likewise, whose `run` hands it to `forward`.
   *
   * @param patterns regular expressions that the names of parameters and of running state are searched for, such as `^0\\.`
   * @param path where they stand, for errors
   * @throws {OptionError} for a pattern that matches nothing, and when no parameter is left to be trained
   *
   * @example
   * ```ts
   * import { buildModel, dense, relu, sequential } from "@thinned/dropout";
   * import { assertEquals } from "@std/assert";
   *
   * const model = buildModel(sequential([dense(8), relu(), dense(2)]), { inputShape: [4] });
   * assertEquals([...model.frozen(["^0\\."]).parameters], ["0.weight", "0.bias"]);
   * ```
   */
  frozen(patterns: readonly string[], path = "frozen"): FrozenPart {
    return frozenPart(this.#tree, patterns, path);
  }

  /**
   * Overwrites parameters and running state by those of a snapshot: `model/1.weight`, `state/4.mean`.
   *
   * @throws {CheckpointError} when one is missing or has another shape; nothing has been changed then
   */
  load(tensors: ReadonlyMap<string, Tensor>): void {
    const mine = new Map<string, Tensor>();
    for (const { name, tensor } of this.parameters()) mine.set(`model/${name}`, tensor);
    for (const [name, tensor] of this.state()) mine.set(`state/${name}`, tensor);
    overwrite(mine, tensors);
  }

  /**
   * Writes the model as one file, which `loadModel` reads without the program that made it: architecture, weights, running
   * state, and what a data set did to inputs and targets where `preprocessing` says it.
   *
   * @param path the file, by custom ending in `.safetensors`
   * @throws {PermissionError} without permission to read and write the file's folder
   * @throws {CheckpointError} when the file cannot be written, or an option of a plugin is no plain data
   *
   * @example
   * ```ts
   * import { buildModel, dense, dropout, loadModel, relu, sequential } from "@thinned/dropout";
   * import { assertEquals } from "@std/assert";
   *
   * const path = `${await Deno.makeTempDir()}/model.safetensors`;
   * const model = buildModel(sequential([dense(8), relu(), dropout({ rate: 0.5 }), dense(2)]), { inputShape: [4] });
   * await model.save(path);
   * const loaded = await loadModel(path);
   * assertEquals(loaded.model.parameterCount(), model.parameterCount());
   * ```
   */
  save(path: string, options: SaveOptions = {}): Promise<void> {
    return saveModel(this, path, options);
  }

  /** Running state by name, such as `4.mean`. */
  state(): Map<string, Tensor> {
    return this.#tree.state();
  }

  /** What the schedules among its plugins' options remember. */
  get schedules(): ScheduleMemory {
    return this.#tree.schedules;
  }

  /** The plugins by the paths at which they stand, in the order they are run. */
  plugins(): Map<string, Plugin> {
    return new Map([...this.#tree.nodes].map(([path, node]) => [path, node.plugin]));
  }

  /** One row for each plugin, in the order they are run. */
  summary(): SummaryRow[] {
    return this.#tree.summary();
  }

  /** What a notebook shows: the summary as a table. */
  [jupyterDisplay](): DisplayBundle {
    return displayModel({ rows: this.summary(), inputs: this.inputShapes, plain: formatSummary(this) });
  }

  /**
   * Changes an option of a plugin in place: the next pass uses it. Nothing is rebuilt, so options that decide shapes
   * cannot be changed; nor can a plugin's name, or options that hold plugins, which have places of their own.
   *
   * @param path where the plugin stands, such as `2`
   * @param changes options by name
   * @throws {OptionError} for an unknown path, a value that is refused, or an option that cannot be changed
   *
   * @example
   * ```ts
   * import { buildModel, dropout, sequential } from "@thinned/dropout";
   *
   * const model = buildModel(sequential([dropout({ rate: 0.5 })]), { inputShape: [4] });
   * model.configure("0", { rate: 0.1 });
   * ```
   */
  configure(path: string, changes: Readonly<Record<string, unknown>>): void {
    this.#tree.configure(path, changes);
  }
}

/**
 * Builds a model: gives every plugin its place, its parameters and its shape.
 *
 * @throws {ShapeError} naming the layer whose input does not fit
 * @throws {PluginError} when two plugins have one name, or one stands at a site that it does not serve
 */
export function buildModel(root: LayerPlugin, options: BuildOptions): Model {
  return new Model(root, options);
}
