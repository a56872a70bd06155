/** A place of a model while it is exported: what a plugin's part `onnx` is given, and what it says of sites. @module */
import {
  type AttentionStage,
  type Context,
  type Epilogue,
  isPlugin,
  keepProbability,
  Key,
  type Mask,
  type Model,
  type OnnxAttribute,
  type OnnxContext,
  type OnnxExtent,
  type OnnxMultiply,
  type OnnxNode,
  type OnnxRun,
  type OnnxType,
  type OnnxValue,
  optionsAt,
  type Plugin,
  PluginError,
  type Progress,
  rateThreshold,
  type RecurrentPlace,
  Rows,
  Tensor,
} from "../../../core/mod.ts";
import type { Graph } from "./_graph.ts";
import { applyMask, branchMask, embeddingMask, type Placeholders } from "./_masks.ts";

/** What all places of an export share. */
export interface Export {
  readonly model: Model;
  readonly graph: Graph;
  readonly progress: Progress;
  /** Whether the graph draws. */
  readonly samples: boolean;
  /** Writes the plugin at a place. */
  run(path: string, inputs: readonly OnnxValue[], how?: OnnxRun): OnnxValue;
  /** What is known of a variant of the whole product. */
  productPart(plugin: Plugin): ProductPart | undefined;
  /** What is known of a variant of a branch: what becomes of what the block gives. */
  branchPart(plugin: Plugin): OnnxPart | undefined;
  /** Further outputs of the model. */
  readonly emitted: Map<string, OnnxValue>;
  /** The place at which the model itself stands. */
  readonly root: string;
}

/** How a plugin at a layer position is written. */
// deno-lint-ignore no-explicit-any
export type OnnxPart = (x: OnnxValue, site: Site<any>) => OnnxValue;

/** How a variant of the whole product is written; the activation that is fused is `site.epilogue`. */
export type ProductPart = (
  x: OnnxValue,
  weight: Tensor,
  bias: Tensor | null,
  multiply: OnnxMultiply,
  // deno-lint-ignore no-explicit-any
  site: Site<any>,
) => OnnxValue;

/** A name under a path. */
export function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** Names of the nodes of activations that layers fuse. */
const epilogueNodes: Readonly<Record<Exclude<Epilogue, "none">, string>> = {
  relu: "Relu",
  sigmoid: "Sigmoid",
  tanh: "Tanh",
};

/** A place of a model. */
export class Site<Options = unknown> implements OnnxContext<Options> {
  readonly options: Options;
  readonly params: Readonly<Record<string, Tensor>>;
  readonly state: Readonly<Record<string, Tensor>>;
  readonly path: string;
  readonly inputs: readonly OnnxValue[];
  readonly epilogue: Epilogue;
  readonly plugin: Plugin;
  readonly #export: Export;

  constructor(shared: Export, path: string, inputs: readonly OnnxValue[], { epilogue = "none" }: OnnxRun = {}) {
    const { model, progress } = shared;
    const plugin = model.plugins().get(path);
    if (plugin === undefined) throw new PluginError(`model.${path}: nothing stands at this place.`);
    this.#export = shared;
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

  /** What a plugin's own part is given: its methods may be taken out one by one. */
  outside(): OnnxContext<Options> {
    const { options, params, state, path, inputs, samples, epilogue } = this;
    return Object.freeze({
      options,
      params,
      state,
      path,
      inputs,
      samples,
      epilogue,
      op: this.op.bind(this),
      several: this.several.bind(this),
      constant: this.constant.bind(this),
      unknown: this.unknown.bind(this),
      run: this.run.bind(this),
      has: this.has.bind(this),
      emit: this.emit.bind(this),
      weight: this.weight.bind(this),
      product: this.product.bind(this),
      branch: this.branch.bind(this),
      attention: this.attention.bind(this),
      embedding: this.embedding.bind(this),
    });
  }

  get samples(): boolean {
    return this.#export.samples;
  }

  /** Where the plugin stands, for errors. */
  get where(): string {
    return describe(this.path, this.plugin);
  }

  /** Refuses the plugin. */
  refuse(why: string): never {
    throw new PluginError(`${this.where}: cannot be exported to ONNX: ${why}.`);
  }

  op(type: string, inputs: readonly (OnnxValue | null)[], node?: OnnxNode): OnnxValue {
    return this.#export.graph.op(this.path, type, inputs, node);
  }

  several(
    type: string,
    inputs: readonly (OnnxValue | null)[],
    outputs: readonly Pick<OnnxValue, "shape" | "type">[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): OnnxValue[] {
    return this.#export.graph.several(this.path, type, inputs, outputs, attributes);
  }

  constant(value: number | readonly number[] | Tensor, type?: OnnxType): OnnxValue {
    return this.#export.graph.constant(value, type);
  }

  unknown(): OnnxExtent {
    return this.#export.graph.unknown();
  }

  run(name: string, x: OnnxValue | readonly OnnxValue[], how?: OnnxRun): OnnxValue {
    return this.#export.run(join(this.path, name), "name" in x ? [x] : x, how);
  }

  has(name: string): boolean {
    return this.#export.model.plugins().has(join(this.path, name));
  }

  emit(name: string, value: OnnxValue): void {
    if (this.path === this.#export.root) this.#export.emitted.set(name, value);
  }

  /** A name that no other value has. */
  name(wanted: string): string {
    return this.#export.graph.name(wanted);
  }

  /** The plugin under a name. */
  child(name: string): Plugin {
    return this.#export.model.plugins().get(join(this.path, name))!;
  }

  /** The place under a name. */
  at(name: string, inputs: readonly OnnxValue[] = [], how?: OnnxRun): Site {
    return new Site(this.#export, join(this.path, name), inputs, how);
  }

  /**
   * What this variant's methods are given, for what they say without an input. Random numbers lie where those of the first
   * step of mode `sample` do; only which draws are the same counts.
   */
  context(): Context<never> {
    const mode = this.samples ? "sample" : "eval";
    const { model, progress } = this.#export;
    const unable = (what: string) => () => this.refuse(`its method ${what} what only a run of the model can`);
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
      run: unable("runs a layer, and wants"),
      emit: () => {},
    });
  }

  /** The mask that this variant draws for a shape; null for none, undefined where it is a method. */
  mask(part: unknown, site: Readonly<Record<string, unknown>>): Mask | null | undefined {
    const mask = (part as { mask?: (context: Context<never>, site: unknown) => Mask | null } | undefined)?.mask;
    if (typeof mask !== "function") return undefined;
    return mask(this.context(), site);
  }

  /** A value as a mask leaves it. */
  masked(x: OnnxValue, mask: Mask | null, placeholders: Placeholders = new Map()): OnnxValue {
    return mask === null ? x : applyMask(this, x, mask, placeholders);
  }

  /** The same, with the numbers of its draw where they are at hand. */
  maskedBy(x: OnnxValue, mask: Mask, placeholders: Placeholders, u: OnnxValue | undefined): OnnxValue {
    return applyMask(this, x, mask, placeholders, u);
  }

  /** Whether this variant claims to leave its input as it is at evaluation. */
  get isIdentity(): boolean {
    const { claims } = this.plugin.definition;
    const found = typeof claims === "function" ? claims(this.options as never) : claims;
    return found?.eval === "identity";
  }

  /** A variant at a layer position. */
  activation(x: OnnxValue): OnnxValue {
    const mask = this.mask(this.plugin.definition.activation, { shape: extentsOf(x) });
    if (mask !== undefined) return this.masked(x, mask);
    if (!this.samples && this.isIdentity) return x;
    return this.#unknownVariant();
  }

  #unknownVariant(): never {
    if (this.samples) {
      this.refuse(
        "its draws are made by a method of its own, which no random node is known for; export the graph of evaluation",
      );
    }
    this.refuse("it says neither its nodes (a part onnx) nor that it is the identity at evaluation");
  }

  weight(name: string, weight: Tensor): OnnxValue {
    if (!this.has(name)) return this.constant(weight);
    const site = this.at(name);
    const part = site.plugin.definition.weight;
    const mask = site.mask(part, { shape: weight.shape });
    if (mask !== undefined) return site.masked(site.constant(weight), mask && { ...mask, key: mask.key.whole() });
    if (typeof part !== "function") return site.#unknownVariant();
    // At evaluation a weight depends on nothing but parameters.
    if (!site.samples) return site.constant(part(weight.detach(), site.context()));
    return site.#unknownVariant();
  }

  product(name: string, x: OnnxValue, weight: Tensor, bias: Tensor | null, multiply: OnnxMultiply): OnnxValue {
    const plain = (w: OnnxValue, b: Tensor | null) =>
      this.activated(multiply(x, w, b === null ? null : this.constant(b)));
    const variant = this.has(name) ? this.child(name) : undefined;
    if (variant === undefined || !isPlugin(variant, "product")) return plain(this.weight(name, weight), bias);
    const fuses = variant.definition.fuses === true;
    const site = this.at(name, [x], { epilogue: fuses ? this.epilogue : "none" });
    const known = this.#export.productPart(variant);
    if (known !== undefined) {
      const y = known(x, weight, bias, multiply, site);
      return fuses ? y : this.activated(y);
    }
    if (this.samples) return site.#unknownVariant();
    const [used, usedBias] = site.#evaluatedProduct(weight, bias);
    return this.activated(multiply(x, this.constant(used), usedBias === null ? null : this.constant(usedBias)));
  }

  /**
   * The weight and bias that this variant multiplies by at evaluation, where it does nothing but that: it is asked with an
   * input of NaN, so that nothing that it computes from the input is mistaken for a constant.
   */
  #evaluatedProduct(weight: Tensor, bias: Tensor | null): [Tensor, Tensor | null] {
    const { product } = this.plugin.definition;
    const probe = Tensor.full([1, ...this.inputs[0].shape.slice(1).map(known)], NaN, weight.floatType);
    const result = Tensor.full([1], NaN, weight.floatType);
    let found: [Tensor, Tensor | null] | undefined;
    const multiply = (x: Tensor, w: Tensor, b: Tensor | null) => {
      const constant = x === probe && w.rank === weight.rank && ![w, b].some((part) => part?.floats.some(Number.isNaN));
      if (constant) found = [w, b];
      return result;
    };
    const given = { ...this.context(), epilogue: this.epilogue, multiply, inputs: [probe] };
    const y = product!(probe, weight.detach(), bias && bias.detach(), Object.freeze(given) as never);
    if (y !== result || found === undefined) return this.#unknownVariant();
    return found;
  }

  /** A value with the activation that this layer fuses. */
  activated(y: OnnxValue): OnnxValue {
    return this.epilogue === "none" ? y : this.op(epilogueNodes[this.epilogue], [y]);
  }

  branch(name: string, block: () => OnnxValue): OnnxValue | null {
    if (!this.has(name)) return block();
    const site = this.at(name);
    const known = this.#export.branchPart(site.plugin);
    if (known !== undefined) return known(block(), site);
    const mask = site.mask(site.plugin.definition.branch, { shape: [1] });
    if (mask !== undefined) return branchMask(site, mask, block);
    if (!this.samples && site.isIdentity) return block();
    return site.#unknownVariant();
  }

  attention(name: string, value: OnnxValue, stage: AttentionStage): OnnxValue {
    if (!this.has(name)) return value;
    const site = this.at(name);
    const { stages, attention: part } = site.plugin.definition;
    const mode = this.samples ? "sample" : "eval";
    const acts = stages?.(site.options as never, mode) ?? ["weights"];
    if (!acts.includes(stage)) return value;
    const mask = site.mask(part, { shape: extentsOf(value), stage });
    if (mask !== undefined) return site.masked(value, mask);
    if (!this.samples && site.isIdentity) return value;
    return site.#unknownVariant();
  }

  embedding(name: string, table: OnnxValue, indices: OnnxValue): OnnxValue {
    const take = () =>
      this.op("Gather", [table, indices], { shape: [...indices.shape, ...table.shape.slice(1)], type: table.type });
    if (!this.has(name)) return take();
    const site = this.at(name);
    const mask = site.mask(site.plugin.definition.embedding, { shape: extentsOf(table) });
    if (mask !== undefined) return mask === null ? take() : embeddingMask(site, table, indices, mask, take());
    if (!this.samples && site.isIdentity) return take();
    return site.#unknownVariant();
  }

  /** The places at which the recurrent variant under a name acts. */
  recurrentPlaces(name: string, has: readonly RecurrentPlace[]): ReadonlySet<RecurrentPlace> {
    if (!this.has(name)) return new Set();
    const { plugin: { definition }, options } = this.at(name);
    const named = definition.places?.(options as never, this.samples ? "sample" : "eval", has) ??
      has.filter((place) => !place.endsWith("-by-gate"));
    return new Set(named.filter((place) => has.includes(place)));
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
function known(extent: OnnxExtent): number {
  return typeof extent === "number" ? extent : 1;
}

/** A value's shape as numbers: of a batch of one. */
export function extentsOf({ shape }: OnnxValue): number[] {
  return shape.map(known);
}
