/**
 * The driver: a model is a layer plugin with its parameters. Building runs it once on zeros, so that every layer sees the
 * shape of its input, makes its parameters, and complains by its path if the shape does not fit.
 *
 * @module
 */
import type { Epilogue } from "./backend.ts";
import { noGrad } from "./autograd.ts";
import { CheckpointError, OptionError, PluginError, ShapeError, showShape } from "./errors.ts";
import { Key } from "./key.ts";
import { instantiate, isPlugin, rolesOf } from "./define.ts";
import { optionsAt } from "./options.ts";
import type { Context, LayerPlugin, Mode, ParameterSpec, Plugin, Progress, SiteMethod } from "./plugin.ts";
import { sameShape, type Shape } from "./shape.ts";
import { type FloatType, Tensor } from "./tensor.ts";

/** A learned parameter of a built model. */
export interface Parameter {
  /** Its name: the layer's path and the parameter's own name, such as `1.weight`. */
  readonly name: string;
  /** Its numbers; a leaf that gradients can be asked for. */
  readonly tensor: Tensor;
  /** What is applied to it after each update. */
  readonly constraint: Plugin<"constraint"> | undefined;
}

/** How a model is run. */
export interface RunOptions {
  /** `train`, `eval` (the default) or `sample`. */
  mode?: Mode;
  /** Global index of the first sample of the batch within the step; default 0. */
  sample?: number;
  /** How far training has come; default the beginning. */
  progress?: Progress;
  /** Training step, or Monte Carlo pass, that addresses random numbers; default `progress.step`. */
  step?: number;
  /** Number of a further pass over the same batch, whose masks are to differ from those of pass 0. Default 0. */
  pass?: number;
}

/** How a model is built. */
export interface BuildOptions {
  /** Shape of one example, without the batch axis. */
  inputShape: Shape;
  /** What initial parameters and random draws follow from: a whole number in [0, 2^53). Default 0. */
  seed?: number | bigint;
  /** Element type; default float32. */
  dtype?: FloatType;
}

/** One plugin in its place in a model. */
interface Node {
  readonly path: string;
  plugin: Plugin;
  readonly params: Record<string, Tensor>;
  readonly state: Record<string, Tensor>;
  readonly inputShape: Shape;
  outputShape: Shape;
  readonly keys: Record<Mode, Key>;
}

/** One line of a model's summary. */
export interface SummaryRow {
  /** Where the plugin stands. */
  readonly path: string;
  /** The plugin's name. */
  readonly plugin: string;
  /** Shape of its output, without the batch axis; for a variant at a weight, the weight's shape. */
  readonly shape: Shape;
  /** Number of trainable numbers of its own. */
  readonly parameters: number;
}

const beginning: Progress = Object.freeze({ step: 0, stepsPerEpoch: 1, totalSteps: 1 });

/** One forward pass: what all contexts of the pass share. */
interface Pass {
  readonly mode: Mode;
  readonly step: number;
  readonly sample: number;
  readonly again: number;
  readonly progress: Progress;
  readonly building: Set<string> | null;
  readonly penalties: Tensor[] | null;
  /** Places whose penalty has been added in this pass. */
  readonly penalized: Set<string> | null;
}

/** Methods whose output has the shape of their first argument. */
const keepsShape: ReadonlySet<string> = new Set(["activation", "weight", "recurrent", "branch", "attention"]);

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
  /** Element type. */
  readonly dtype: FloatType;
  readonly #key: Key;
  readonly #nodes = new Map<string, Node>();
  readonly #parameters: Parameter[] = [];

  /** Prefer {@linkcode buildModel}. */
  constructor(root: LayerPlugin, options: BuildOptions) {
    if (!isPlugin(root, "layer", "activation")) {
      throw new OptionError("model", "a layer plugin, such as sequential([...])", root);
    }
    this.root = root;
    this.inputShape = options.inputShape;
    this.dtype = options.dtype ?? "float32";
    this.#key = Key.seed(options.seed ?? 0);
    const pass: Pass = {
      mode: "eval",
      step: 0,
      sample: 0,
      again: 0,
      progress: beginning,
      building: new Set(),
      penalties: null,
      penalized: null,
    };
    noGrad(() => this.#run(pass, root, Tensor.zeros([1, ...options.inputShape], this.dtype), "", "none"));
  }

  /**
   * Runs the model.
   *
   * @param x `[batch, ...inputShape]`
   * @returns the output, batch first; remembered for gradients unless inside `noGrad`
   * @throws {ShapeError} naming the layer, when the shape does not fit
   */
  forward(x: Tensor, options: RunOptions = {}): Tensor {
    return this.#pass(x, options, null);
  }

  /** Runs the model and adds up the penalties of its plugins: `[output, penalty]`; null when no plugin has one. */
  forwardWithPenalty(x: Tensor, options: RunOptions = {}): [Tensor, Tensor | null] {
    const penalties: Tensor[] = [];
    const output = this.#pass(x, options, penalties);
    return [output, penalties.length === 0 ? null : penalties.reduce((a, b) => a.add(b))];
  }

  #pass(x: Tensor, options: RunOptions, penalties: Tensor[] | null): Tensor {
    if (x.rank === 0 || !sameShape(x.shape.slice(1), this.inputShape)) {
      throw new ShapeError(
        `model: expected an input of shape [batch, ${this.inputShape.join(", ")}], found ${showShape(x.shape)}.`,
      );
    }
    const progress = options.progress ?? beginning;
    const pass: Pass = {
      mode: options.mode ?? "eval",
      step: options.step ?? progress.step,
      sample: options.sample ?? 0,
      again: options.pass ?? 0,
      progress,
      building: null,
      penalties,
      penalized: penalties === null ? null : new Set(),
    };
    return this.#run(pass, this.root, x, "", "none");
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

  /** Running state by name, such as `4.mean`. */
  state(): Map<string, Tensor> {
    const all = new Map<string, Tensor>();
    for (const node of this.#nodes.values()) {
      for (const name in node.state) all.set(join(node.path, name), node.state[name]);
    }
    return all;
  }

  /** One row for each plugin, in the order they are run. */
  summary(): SummaryRow[] {
    return [...this.#nodes.values()].map((node) => ({
      path: node.path,
      plugin: node.plugin.plugin,
      shape: node.outputShape,
      parameters: Object.values(node.params).reduce((sum, tensor) => sum + tensor.size, 0),
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
  #run(pass: Pass, plugin: Plugin, x: Tensor, path: string, epilogue: Epilogue): Tensor {
    return this.#visit(pass, plugin, path, "layer" in plugin.serves ? "forward" : "activation", [x], epilogue);
  }

  #visit(
    pass: Pass,
    given: Plugin,
    path: string,
    method: "forward" | "activation" | SiteMethod,
    args: readonly unknown[],
    epilogue: Epilogue = "none",
  ): Tensor {
    const x = args[0] as Tensor;
    const batched = method === "forward" || method === "activation" || method === "branch";
    const site = method !== "forward" && method !== "activation";
    try {
      if (pass.building !== null) {
        // A variant at a site may be called many times in a pass; it has one place all the same.
        const again = site && pass.building.has(path) && this.#nodes.get(path)?.plugin === given;
        if (!again) this.#place(pass.building, given, path, batched ? x.shape.slice(1) : x.shape);
      }
      const node = this.#nodes.get(path);
      if (node === undefined) {
        throw new PluginError(`${describe(path, given)}: this place did not exist when the model was built.`);
      }
      const plugin = node.plugin;
      // A weight's first axis is not the batch: all parts of a split batch draw the same mask for it.
      const context = this.#context(pass, node, epilogue, method === "weight" ? 0 : pass.sample);
      const run = plugin.definition[method] as ((...args: unknown[]) => Tensor) | undefined;
      if (run === undefined) throw new PluginError(misuse(path, plugin, method));
      const out = run(...args, context);
      if (keepsShape.has(method) && !sameShape(out.shape, x.shape)) {
        throw new ShapeError(
          `expected an output of the input's shape ${showShape(x.shape)}, found ${showShape(out.shape)}.`,
        );
      }
      if (plugin.definition.penalty !== undefined && pass.penalties !== null && !pass.penalized!.has(path)) {
        pass.penalized!.add(path);
        pass.penalties.push(plugin.definition.penalty(context));
      }
      if (pass.building !== null) node.outputShape = batched ? out.shape.slice(1) : out.shape;
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
  #place(seen: Set<string>, plugin: Plugin, path: string, inputShape: Shape): void {
    if (seen.has(path)) {
      throw new PluginError(`${describe(path, plugin)}: two plugins have this place; give one another name.`);
    }
    seen.add(path);
    const where = path === "" ? "(root)" : path;
    const initial = plugin.definition.init?.({
      options: optionsAt(plugin, beginning, describe(path, plugin)),
      inputShape,
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
      keys: {
        train: this.#key.at("train").at(where),
        eval: this.#key.at("eval").at(where),
        sample: this.#key.at("sample").at(where),
      },
    });
  }

  #context(pass: Pass, node: Node, epilogue: Epilogue, sample: number): Context<never> {
    const { path } = node;
    const key = node.keys[pass.mode];
    return Object.freeze({
      mode: pass.mode,
      options: optionsAt(node.plugin, pass.progress, describe(path, node.plugin)) as never,
      key: (pass.again === 0 ? key : key.at(`pass ${pass.again}`)).atStep(pass.step).sample(sample),
      params: node.params,
      state: node.state,
      progress: pass.progress,
      path,
      epilogue,
      building: pass.building !== null,
      run: (child: LayerPlugin, x: Tensor, name: string, fused: Epilogue = "none") =>
        this.#run(pass, child, x, join(path, name), fused),
      serve: (method: SiteMethod, variant: Plugin, args: readonly unknown[], name: string = method) =>
        this.#visit(pass, variant, join(path, name), method, args),
      setState: (name: string, value: Tensor) => {
        if (pass.mode !== "train" || pass.building !== null) return;
        const state = node.state[name];
        if (state === undefined) {
          throw new PluginError(`${describe(path, node.plugin)}: init made no state named ${JSON.stringify(name)}.`);
        }
        state.assign(value);
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

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function describe(path: string, plugin: Plugin): string {
  return path === "" ? `model (${plugin.plugin})` : `model.${path} (${plugin.plugin})`;
}

function misuse(path: string, plugin: Plugin, method: string): string {
  return `${describe(path, plugin)}: serves ${rolesOf(plugin.definition).join(", ")}, not ${method}.`;
}
