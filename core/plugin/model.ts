/**
 * The driver: a model is a layer plugin with its parameters. Building runs it once on zeros, so that every layer sees the
 * shape of its input, makes its parameters, and complains by its path if the shape does not fit.
 *
 * @module
 */
import type { Epilogue } from "../backend/epilogue.ts";
import { noGrad } from "../tensor/autograd.ts";
import { CheckpointError, OptionError, PluginError, ShapeError, showShape } from "../errors.ts";
import { Key } from "../random/key.ts";
import { instantiate, isPlugin, rolesOf } from "./define.ts";
import type { AllOutputs, BuildOptions, Parameter, RunOptions, SummaryRow } from "./model_options.ts";
import { optionsAt } from "./options.ts";
import type { Context, LayerPlugin, Mode, ParameterSpec, Plugin, Progress, SiteMethod, SiteResult } from "./plugin.ts";
import { saveModel, type SaveOptions } from "../store/saved_model.ts";
import { sameShape, type Shape } from "../tensor/shape.ts";
import { type FloatType, Tensor } from "../tensor/tensor.ts";

export type { AllOutputs, BuildOptions, Parameter, RunOptions, SummaryRow } from "./model_options.ts";

/** One plugin in its place in a model. */
interface Node {
  readonly path: string;
  plugin: Plugin;
  readonly params: Record<string, Tensor>;
  readonly state: Record<string, Tensor>;
  readonly inputShape: Shape;
  outputShape: Shape;
  readonly site: SummaryRow["site"];
  readonly keys: Record<Mode, Key>;
}

const beginning: Progress = Object.freeze({ step: 0, stepsPerEpoch: 1, totalSteps: 1 });

/** One forward pass: what all contexts of the pass share. */
interface Pass {
  readonly mode: Mode;
  readonly step: number;
  readonly sample: number;
  readonly again: number;
  readonly stateUpdates: Map<Tensor, Tensor> | null;
  readonly progress: Progress;
  readonly building: Set<string> | null;
  readonly carry: Map<string, Tensor> | null;
  readonly penalties: Tensor[] | null;
  /** Places whose penalty has been added in this pass. */
  readonly penalized: Set<string> | null;
  /** Where `emit` puts what layers hand out. */
  readonly emitted: Map<string, Tensor> | null;
  /** Which use of a shared layer this is, such as `0:1` for the second of the layer `0`; empty for the first. */
  readonly use: string;
}

/** Methods whose output has the shape of their first argument. */
const keepsShape: ReadonlySet<string> = new Set(["activation", "weight", "recurrent", "attention"]);

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
  readonly #key: Key;
  readonly #nodes = new Map<string, Node>();
  readonly #parameters: Parameter[] = [];

  /** Prefer {@linkcode buildModel}. */
  constructor(root: LayerPlugin, options: BuildOptions) {
    if (!isPlugin(root, "layer", "activation")) {
      throw new OptionError("model", "a layer plugin, such as sequential([...])", root);
    }
    this.root = root;
    this.inputShapes = isSeveral(options.inputShape) ? options.inputShape : [options.inputShape];
    this.inputShape = this.inputShapes[0];
    this.dtype = options.dtype ?? "float32";
    const { seed = 0, inputType = this.dtype } = options;
    this.built = { inputShape: this.inputShapes, inputType, seed, dtype: this.dtype };
    this.#key = Key.seed(options.seed ?? 0);
    const pass: Pass = {
      mode: "eval",
      step: 0,
      sample: 0,
      again: 0,
      stateUpdates: null,
      progress: beginning,
      building: new Set(),
      carry: null,
      penalties: null,
      penalized: null,
      emitted: null,
      use: "",
    };
    const types = options.inputType ?? this.dtype;
    const inputs = this.inputShapes.map((shape, i) =>
      Tensor.zeros(
        [1, ...shape.map((extent) => extent === -1 ? 1 : extent)],
        typeof types === "string" ? types : types[i] ?? this.dtype,
      )
    );
    noGrad(() => this.#run(pass, root, inputs, "", "none"));
  }

  /**
   * Runs the model.
   *
   * @param x `[batch, ...inputShape]`; a list of them for a model with several inputs
   * @returns the output, batch first; remembered for gradients unless inside `noGrad`
   * @throws {ShapeError} naming the layer, when the shape does not fit
   */
  forward(x: Tensor | readonly Tensor[], options: RunOptions = {}): Tensor {
    return this.#pass(x, options, null);
  }

  /** Runs the model and collects what its layers hand out beside their outputs, such as a graph's further outputs. */
  forwardAll(x: Tensor | readonly Tensor[], options: RunOptions = {}): AllOutputs {
    const emitted = new Map<string, Tensor>();
    return { output: this.#pass(x, options, null, emitted), emitted };
  }

  /** Runs the model and adds up the penalties of its plugins: `[output, penalty]`; null when no plugin has one. */
  forwardWithPenalty(x: Tensor | readonly Tensor[], options: RunOptions = {}): [Tensor, Tensor | null] {
    const penalties: Tensor[] = [];
    const output = this.#pass(x, options, penalties);
    return [output, penalties.length === 0 ? null : penalties.reduce((a, b) => a.add(b))];
  }

  #checkInputs(inputs: readonly Tensor[]): void {
    if (inputs.length !== this.inputShapes.length) {
      throw new ShapeError(`model: expected ${this.inputShapes.length} inputs, found ${inputs.length}.`);
    }
    inputs.forEach((x, i) => {
      const shape = this.inputShapes[i];
      const batch = i === 0 ? "batch" : inputs[0].shape[0];
      const fits = x.rank === shape.length + 1 &&
        shape.every((extent, axis) => extent === -1 || extent === x.shape[axis + 1]);
      if (!fits || (i > 0 && x.shape[0] !== batch)) {
        const which = inputs.length === 1 ? "an input" : `input ${i}`;
        throw new ShapeError(
          `model: expected ${which} of shape [${
            [batch, ...shape.map((extent) => extent === -1 ? "any" : extent)].join(", ")
          }], found ${showShape(x.shape)}.`,
        );
      }
    });
  }

  #pass(
    x: Tensor | readonly Tensor[],
    options: RunOptions,
    penalties: Tensor[] | null,
    emitted: Map<string, Tensor> | null = null,
  ): Tensor {
    const inputs = x instanceof Tensor ? [x] : x;
    this.#checkInputs(inputs);
    const progress = options.progress ?? beginning;
    const pass: Pass = {
      mode: options.mode ?? "eval",
      step: options.step ?? progress.step,
      sample: options.sample ?? 0,
      again: options.pass ?? 0,
      stateUpdates: options.stateUpdates ?? null,
      progress,
      building: null,
      carry: options.carry ?? null,
      penalties,
      penalized: penalties === null ? null : new Set(),
      emitted,
      use: "",
    };
    return this.#run(pass, this.root, inputs, "", "none");
  }

  /** All learned parameters, in the order of the layers. */
  parameters(): readonly Parameter[] {
    return this.#parameters;
  }

  /** Number of trainable numbers. */
  parameterCount(): number {
    return this.#parameters.reduce((sum, parameter) => sum + parameter.tensor.size, 0);
  }

  /**
   * Overwrites parameters and running state by those of a snapshot: `model/1.weight`, `state/4.mean`.
   *
   * @throws {CheckpointError} when one is missing or has another shape; nothing has been changed then
   */
  load(tensors: ReadonlyMap<string, Tensor>): void {
    const mine = new Map<string, Tensor>();
    for (const { name, tensor } of this.#parameters) mine.set(`model/${name}`, tensor);
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
    const all = new Map<string, Tensor>();
    for (const node of this.#nodes.values()) {
      for (const name in node.state) all.set(join(node.path, name), node.state[name]);
    }
    return all;
  }

  /** The plugins by the paths at which they stand, in the order they are run. */
  plugins(): Map<string, Plugin> {
    return new Map([...this.#nodes].map(([path, node]) => [path, node.plugin]));
  }

  /** One row for each plugin, in the order they are run. */
  summary(): SummaryRow[] {
    return [...this.#nodes.values()].map((node) => ({
      path: node.path,
      plugin: node.plugin.plugin,
      shape: node.outputShape,
      parameters: Object.values(node.params).reduce((sum, tensor) => sum + tensor.size, 0),
      site: node.site,
    }));
  }

  /**
   * Changes an option of a plugin in place: the next pass uses it. Nothing is rebuilt, so options that decide shapes
   * cannot be changed.
   *
   * @param path where the plugin stands, such as `2`
   * @param changes options by name
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
    const node = this.#nodes.get(path);
    if (node === undefined) {
      throw new OptionError("path", `one of ${[...this.#nodes.keys()].map((p) => JSON.stringify(p)).join(", ")}`, path);
    }
    node.plugin = instantiate(
      node.plugin.definition,
      { ...node.plugin.options, ...changes },
      describe(path, node.plugin),
    );
  }

  /** Runs a layer at its place. */
  #run(pass: Pass, plugin: Plugin, inputs: readonly Tensor[], path: string, epilogue: Epilogue): Tensor {
    const method = "layer" in plugin.serves ? "forward" : "activation";
    return this.#visit(pass, plugin, path, method, [inputs[0]], epilogue, inputs)!;
  }

  #visit(
    pass: Pass,
    given: Plugin,
    path: string,
    method: "forward" | "activation" | SiteMethod,
    args: readonly unknown[],
    epilogue: Epilogue = "none",
    inputs: readonly Tensor[] = [args[0] as Tensor],
  ): Tensor | null {
    const x = args[0] as Tensor;
    const batched = method === "forward" || method === "activation" || method === "branch";
    const site = method !== "forward" && method !== "activation";
    const weight = weightAmong(method, args);
    try {
      if (pass.building !== null) {
        // A variant at a site may be called many times in a pass, and so may a shared layer; each has one place.
        const again = (site || pass.use !== "") && pass.building.has(path) && this.#nodes.get(path)?.plugin === given;
        if (!again) {
          const shapes = batched ? inputs.map((input) => input.shape.slice(1)) : [weight?.shape ?? x.shape];
          this.#place(pass.building, given, path, shapes, method);
        }
      }
      const node = this.#nodes.get(path);
      if (node === undefined) {
        throw new PluginError(`${describe(path, given)}: this place did not exist when the model was built.`);
      }
      const plugin = node.plugin;
      // A weight's first axis is not the batch: all parts of a split batch draw the same mask for it.
      const context = this.#context(pass, node, inputs, epilogue, method === "weight" ? 0 : pass.sample);
      const run = plugin.definition[method] as ((...args: unknown[]) => Tensor | null) | undefined;
      if (run === undefined) throw new PluginError(misuse(path, plugin, method));
      const out = run(...args, context);
      if (out !== null && keepsShape.has(method) && !sameShape(out.shape, x.shape)) {
        throw new ShapeError(
          `expected an output of the input's shape ${showShape(x.shape)}, found ${showShape(out.shape)}.`,
        );
      }
      if (plugin.definition.penalty !== undefined && pass.penalties !== null && !pass.penalized!.has(path)) {
        pass.penalized!.add(path);
        const input = method === "weight" || method === "embedding" ? null : x;
        pass.penalties.push(plugin.definition.penalty(context, { input, weight }));
      }
      if (pass.building !== null && out !== null) {
        node.outputShape = batched ? out.shape.slice(1) : method === "product" ? weight!.shape : out.shape;
      }
      return out;
    } catch (error) {
      // The innermost layer names itself; those around it pass the error on.
      if (error instanceof ShapeError && !error.message.startsWith("model")) {
        error.message = `${describe(path, given)}: ${error.message}`;
      }
      throw error;
    }
  }

  /** Gives a plugin its place and its parameters, when the model is built. */
  #place(
    seen: Set<string>,
    plugin: Plugin,
    path: string,
    inputShapes: readonly Shape[],
    method: "forward" | "activation" | SiteMethod,
  ): void {
    const inputShape = inputShapes[0];
    if (seen.has(path)) {
      throw new PluginError(`${describe(path, plugin)}: two plugins have this place; give one another name.`);
    }
    seen.add(path);
    const where = path === "" ? "(root)" : path;
    const initial = plugin.definition.init?.({
      options: optionsAt(plugin, beginning, describe(path, plugin)),
      inputShape,
      inputShapes,
      key: this.#key.at("init").at(where),
      dtype: this.dtype,
      path,
    });
    const params: Record<string, Tensor> = {};
    for (const [name, given] of Object.entries(initial?.params ?? {})) {
      const spec: ParameterSpec = given instanceof Tensor ? { value: given } : given;
      params[name] = spec.value.withGradient();
      this.#parameters.push({ name: join(path, name), tensor: params[name], constraint: spec.constraint });
    }
    this.#nodes.set(path, {
      path,
      plugin,
      params,
      state: { ...initial?.state },
      inputShape,
      outputShape: [],
      site: method === "forward" ? null : method === "product" ? "weight" : method,
      keys: {
        train: this.#key.at("train").at(where),
        eval: this.#key.at("eval").at(where),
        sample: this.#key.at("sample").at(where),
      },
    });
  }

  #context(
    pass: Pass,
    node: Node,
    inputs: readonly Tensor[],
    epilogue: Epilogue,
    sample: number,
  ): Context<never> {
    const { path } = node;
    let key = node.keys[pass.mode];
    if (pass.again !== 0) key = key.at(`pass ${pass.again}`);
    if (pass.use !== "") key = key.at(`use ${pass.use}`);
    return Object.freeze({
      mode: pass.mode,
      options: optionsAt(node.plugin, pass.progress, describe(path, node.plugin)) as never,
      key: key.atStep(pass.step).sample(sample),
      params: node.params,
      state: node.state,
      progress: pass.progress,
      path,
      epilogue,
      inputs,
      building: pass.building !== null,
      carry: pass.carry,
      use: pass.use,
      run: (
        child: LayerPlugin,
        x: Tensor | readonly Tensor[],
        name: string,
        fused: Epilogue = "none",
        use: number = 0,
      ) => {
        const inner = use === 0 ? pass : { ...pass, use: join(pass.use, `${path}:${use}`) };
        return this.#run(inner, child, x instanceof Tensor ? [x] : x, join(path, name), fused);
      },
      serve: <M extends SiteMethod>(method: M, variant: Plugin, args: readonly unknown[], name: string = method) =>
        this.#visit(
          pass,
          variant,
          join(path, name),
          method,
          args,
          method === "product" && variant.definition.fuses ? epilogue : "none",
        ) as SiteResult<M>,
      emit: (name: string, value: Tensor) => {
        const use = pass.use === "" ? "" : ` (use ${pass.use})`;
        pass.emitted?.set(join(path, name) + use, value);
      },
      setState: (name: string, value: Tensor) => {
        if (pass.mode !== "train" || pass.building !== null) return;
        const state = node.state[name];
        if (state === undefined) {
          throw new PluginError(`${describe(path, node.plugin)}: init made no state named ${JSON.stringify(name)}.`);
        }
        if (pass.again !== 0) return;
        if (pass.stateUpdates === null) state.assign(value);
        else pass.stateUpdates.set(state, value.detach());
      },
    });
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

/**
 * Overwrites tensors by those of the same names: all of them, or none.
 *
 * @throws {CheckpointError} when one is missing or has another shape; nothing has been changed then
 */
export function overwrite(mine: ReadonlyMap<string, Tensor>, saved: ReadonlyMap<string, Tensor>): void {
  for (const [name, tensor] of mine) {
    const found = saved.get(name);
    if (found === undefined || !sameShape(found.shape, tensor.shape)) {
      throw new CheckpointError(
        `The checkpoint is of another architecture: expected ${name} of shape ${showShape(tensor.shape)}, ` +
          `found ${found === undefined ? "none" : showShape(found.shape)}.`,
      );
    }
  }
  for (const [name, tensor] of mine) tensor.assign(saved.get(name)!);
}

/** The weight or table among a method's arguments. */
function weightAmong(method: string, args: readonly unknown[]): Tensor | null {
  if (method === "product") return args[1] as Tensor;
  return method === "weight" || method === "embedding" ? args[0] as Tensor : null;
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function describe(path: string, plugin: Plugin): string {
  return path === "" ? `model (${plugin.plugin})` : `model.${path} (${plugin.plugin})`;
}

function misuse(path: string, plugin: Plugin, method: string): string {
  return `${describe(path, plugin)}: serves ${rolesOf(plugin.definition).join(", ")}, not ${method}.`;
}
