/** A place of a model while it is exported: what a plugin's part `onnx` is given, and what it says of sites. @module */
import {
  type AttentionStage,
  type Epilogue,
  isPlugin,
  type Mask,
  type OnnxContext,
  type OnnxMultiply,
  type OnnxRun,
  type OnnxValue,
  type Plugin,
  type RecurrentPlace,
  Tensor,
} from "../../../core/mod.ts";
import { type Export, extentsOf, join, known, Place } from "./_place.ts";
import { applyMask, branchMask, embeddingMask, type Placeholders } from "./_masks.ts";

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

/** What all places of an export share, and what is known of variants that are more than masks. */
export interface SiteExport extends Export {
  /** What is known of a variant of the whole product. */
  productPart(plugin: Plugin): ProductPart | undefined;
  /** What is known of a variant of a branch: what becomes of what the block gives. */
  branchPart(plugin: Plugin): OnnxPart | undefined;
}

/** Names of the nodes of activations that layers fuse. */
const epilogueNodes: Readonly<Record<Exclude<Epilogue, "none">, string>> = {
  relu: "Relu",
  sigmoid: "Sigmoid",
  tanh: "Tanh",
};

/** A place of a model, with the sites at which variants stand. */
export class Site<Options = unknown> extends Place<Options> implements OnnxContext<Options> {
  declare readonly shared: SiteExport;

  constructor(shared: SiteExport, path: string, inputs: readonly OnnxValue[], how?: OnnxRun) {
    super(shared, path, inputs, how);
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

  run(name: string, x: OnnxValue | readonly OnnxValue[], how?: OnnxRun): OnnxValue {
    return this.shared.run(join(this.path, name), "name" in x ? [x] : x, how);
  }

  /** The place under a name. */
  at(name: string, inputs: readonly OnnxValue[] = [], how?: OnnxRun): Site {
    return new Site(this.shared, join(this.path, name), inputs, how);
  }

  /** A value as a mask leaves it. */
  masked(x: OnnxValue, mask: Mask | null, placeholders: Placeholders = new Map()): OnnxValue {
    return mask === null ? x : applyMask(this, x, mask, placeholders);
  }

  /** The same, with the numbers of its draw where they are at hand. */
  maskedBy(x: OnnxValue, mask: Mask, placeholders: Placeholders, u: OnnxValue | undefined): OnnxValue {
    return applyMask(this, x, mask, placeholders, u);
  }

  /** A variant at a layer position. */
  activation(x: OnnxValue): OnnxValue {
    const mask = this.mask(this.plugin.definition.activation, { shape: extentsOf(x) });
    if (mask !== undefined) return this.masked(x, mask);
    if (this.isIdentity) return x;
    return this.refuseVariant();
  }

  weight(name: string, weight: Tensor): OnnxValue {
    if (!this.has(name)) return this.constant(weight);
    const site = this.at(name);
    const part = site.plugin.definition.weight;
    const mask = site.mask(part, { shape: weight.shape });
    if (mask !== undefined) return site.masked(site.constant(weight), mask && { ...mask, key: mask.key.whole() });
    if (typeof part !== "function") return site.refuseVariant();
    // At evaluation a weight depends on nothing but parameters.
    if (site.evaluates) return site.constant(part(weight.detach(), site.context()));
    return site.refuseVariant();
  }

  product(name: string, x: OnnxValue, weight: Tensor, bias: Tensor | null, multiply: OnnxMultiply): OnnxValue {
    const plain = (w: OnnxValue, b: Tensor | null) =>
      this.activated(multiply(x, w, b === null ? null : this.constant(b)));
    const variant = this.has(name) ? this.child(name) : undefined;
    if (variant === undefined || !isPlugin(variant, "product")) return plain(this.weight(name, weight), bias);
    const fuses = variant.definition.fuses === true;
    const site = this.at(name, [x], { epilogue: fuses ? this.epilogue : "none" });
    const known = this.shared.productPart(variant);
    if (known !== undefined) {
      const y = known(x, weight, bias, multiply, site);
      return fuses ? y : this.activated(y);
    }
    if (!site.evaluates) return site.refuseVariant();
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
    if (y !== result || found === undefined) return this.refuseVariant();
    return found;
  }

  /** A value with the activation that this layer fuses. */
  activated(y: OnnxValue): OnnxValue {
    return this.epilogue === "none" ? y : this.op(epilogueNodes[this.epilogue], [y]);
  }

  branch(name: string, block: () => OnnxValue): OnnxValue | null {
    if (!this.has(name)) return block();
    const site = this.at(name);
    const known = this.shared.branchPart(site.plugin);
    if (known !== undefined) return known(block(), site);
    const mask = site.mask(site.plugin.definition.branch, { shape: [1] });
    if (mask !== undefined) return branchMask(site, mask, block);
    if (site.isIdentity) return block();
    return site.refuseVariant();
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
    if (site.isIdentity) return value;
    return site.refuseVariant();
  }

  embedding(name: string, table: OnnxValue, indices: OnnxValue): OnnxValue {
    const take = () =>
      this.op("Gather", [table, indices], { shape: [...indices.shape, ...table.shape.slice(1)], type: table.type });
    if (!this.has(name)) return take();
    const site = this.at(name);
    const mask = site.mask(site.plugin.definition.embedding, { shape: extentsOf(table) });
    if (mask !== undefined) return mask === null ? take() : embeddingMask(site, table, indices, mask, take());
    if (site.isIdentity) return take();
    return site.refuseVariant();
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
