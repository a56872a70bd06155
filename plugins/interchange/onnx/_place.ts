/** A place of a model while it is exported: its options and numbers, and what writes nodes. @module */
import {
  type Claims,
  type Context,
  type Epilogue,
  keepProbability,
  Key,
  type Mask,
  type Model,
  type OnnxAttribute,
  type OnnxExtent,
  type OnnxNode,
  type OnnxRun,
  type OnnxType,
  type OnnxValue,
  optionsAt,
  type Plugin,
  PluginError,
  type Progress,
  rateThreshold,
  Rows,
  type Tensor,
} from "../../../core/mod.ts";
import type { Graph } from "./_graph.ts";

/** What all places of an export share. */
export interface Export {
  readonly model: Model;
  readonly graph: Graph;
  readonly progress: Progress;
  /** Whether the graph draws. */
  readonly samples: boolean;
  /** Writes the plugin at a place. */
  run(path: string, inputs: readonly OnnxValue[], how?: OnnxRun): OnnxValue;
  /** Further outputs of the model. */
  readonly emitted: Map<string, OnnxValue>;
}

/** A name under a path. */
export function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** Errors that say where they come from. */
const placed = new WeakSet<Error>();

/** A place of a model. */
export class Place<Options = unknown> {
  readonly options: Options;
  readonly params: Readonly<Record<string, Tensor>>;
  readonly state: Readonly<Record<string, Tensor>>;
  readonly path: string;
  readonly inputs: readonly OnnxValue[];
  readonly epilogue: Epilogue;
  readonly plugin: Plugin;
  /** What all places of the export share. */
  readonly shared: Export;

  constructor(shared: Export, path: string, inputs: readonly OnnxValue[], { epilogue = "none" }: OnnxRun = {}) {
    const { model, progress } = shared;
    const plugin = model.plugins().get(path);
    if (plugin === undefined) throw new PluginError(`model.${path}: nothing stands at this place.`);
    this.shared = shared;
    this.plugin = plugin;
    this.path = path;
    this.inputs = inputs;
    this.epilogue = epilogue;
    this.options = optionsAt(plugin, progress, `model.${path}`, model.schedules, path) as Options;
    const prefix = join(path, "");
    const inside = [...model.plugins().keys()].filter((other) => other !== path && other.startsWith(prefix));
    const own = (all: Iterable<readonly [string, Tensor]>) =>
      Object.fromEntries(
        [...all].filter(([name]) => name.startsWith(prefix) && !inside.some((child) => name.startsWith(`${child}.`)))
          .map(([name, tensor]) => [name.slice(prefix.length), tensor] as const),
      );
    this.params = own(model.parameters().map(({ name, tensor }) => [name, tensor] as const));
    this.state = own(model.state());
  }

  get samples(): boolean {
    return this.shared.samples;
  }

  /** Where the plugin stands, for errors. */
  get where(): string {
    return describe(this.path, this.plugin);
  }

  /** Refuses the plugin. */
  refuse(why: string): never {
    throw this.located(new PluginError(`${why}.`));
  }

  /** An error with this place in its message; those that name one already are left alone. */
  located(error: unknown): Error {
    if (error instanceof Error && placed.has(error)) return error;
    const { message } = error instanceof Error ? error : { message: `${String(error)}.` };
    const found = new PluginError(`${this.where}: cannot be exported to ONNX: ${message}`, { cause: error });
    placed.add(found);
    return found;
  }

  op(type: string, inputs: readonly (OnnxValue | null)[], node?: OnnxNode): OnnxValue {
    return this.shared.graph.op(this.path, type, inputs, node);
  }

  several(
    type: string,
    inputs: readonly (OnnxValue | null)[],
    outputs: readonly Pick<OnnxValue, "shape" | "type">[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): OnnxValue[] {
    return this.shared.graph.several(this.path, type, inputs, outputs, attributes);
  }

  constant(value: number | readonly number[] | Tensor, type?: OnnxType): OnnxValue {
    return this.shared.graph.constant(value, type);
  }

  unknown(): OnnxExtent {
    return this.shared.graph.unknown();
  }

  has(name: string): boolean {
    return this.shared.model.plugins().has(join(this.path, name));
  }

  emit(name: string, value: OnnxValue): void {
    if (this.path === "") this.shared.emitted.set(name, value);
  }

  /** A name that no other value has. */
  name(wanted: string): string {
    return this.shared.graph.name(wanted);
  }

  /** The plugin under a name. */
  child(name: string): Plugin {
    return this.shared.model.plugins().get(join(this.path, name))!;
  }

  /**
   * What this variant's methods are given, for what they say without an input. Random numbers lie where those of the first
   * step of mode `sample` do; only which draws are the same counts.
   */
  context(): Context<never> {
    const mode = this.samples ? "sample" : "eval";
    const { model, progress } = this.shared;
    return Object.freeze({
      mode,
      options: this.options as never,
      key: Key.seed(model.built.seed).at(mode).at(this.path === "" ? "(root)" : this.path)
        .withRows(Rows.range({ step: 0 })),
      params: this.params,
      state: this.state,
      progress,
      path: this.path,
      inputs: [],
      setState: () => {},
      run: () => this.refuse("its method runs a layer, which takes an input"),
      emit: () => {},
    });
  }

  /** The mask that this variant draws for a shape; null for none, undefined where it is a method. */
  mask(part: unknown, site: Readonly<Record<string, unknown>>): Mask | null | undefined {
    const draws = part as { mask?(context: Context<never>, site: unknown): Mask | null } | undefined;
    return draws?.mask?.(this.context(), site);
  }

  get #claims(): Claims | undefined {
    const { claims } = this.plugin.definition;
    return typeof claims === "function" ? claims(this.options as never) : claims;
  }

  /** Whether this variant does in this graph what it does at evaluation: the graph evaluates, or the variant never draws. */
  get evaluates(): boolean {
    return !this.samples || this.#claims?.draw === "none";
  }

  /** Whether this variant leaves its input as it is in this graph, as it claims. */
  get isIdentity(): boolean {
    return this.evaluates && this.#claims?.eval === "identity";
  }

  /** Refuses a variant that no nodes are known for. */
  refuseVariant(): never {
    if (this.samples) {
      this.refuse(
        "its draws are made by a method of its own, which no random node is known for; export the graph of evaluation",
      );
    }
    this.refuse("it says neither its nodes (a part onnx) nor that it is the identity at evaluation");
  }
}

/** The probability of keeping that a rate really gives. */
export function keepOf(rate: number): number {
  return rate === 1 ? 0 : keepProbability(rateThreshold(rate));
}

/** Where a plugin stands, for errors. */
export function describe(path: string, plugin: Plugin): string {
  return `${path === "" ? "model" : `model.${path}`} (${plugin.plugin})`;
}

/** An extent as a number, for those who only want some shape. */
export function known(extent: OnnxExtent): number {
  return typeof extent === "number" ? extent : 1;
}

/** A value's shape as numbers: of a batch of one. */
export function extentsOf({ shape }: OnnxValue): number[] {
  return shape.map(known);
}
