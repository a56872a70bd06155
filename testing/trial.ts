/** One plugin with options at one site: the models that the checks build, and how they run them. @module */
import {
  type AnyDefinition,
  type AnyFactory,
  buildModel,
  type Claims,
  type FloatType,
  type Mode,
  type Model,
  noGrad,
  type Plugin,
  type Progress,
  type RunOptions,
  type Tensor,
} from "../core/mod.ts";
import type { InputRequest, Site } from "./sites.ts";
import { atRate, type Options, rateNames } from "./rates.ts";
import { ensure } from "./report.ts";

/** How a subject is run: mode `train` unless said otherwise. */
export interface Run {
  /** How the model is run. Default `train`. */
  readonly mode?: Mode;
  /** The step. Default 3. */
  readonly step?: number;
  /** Number of the first example. Default 0. */
  readonly sample?: number;
  /** Number of a further pass. Default 0. */
  readonly pass?: number;
  /** Keeps the running state that earlier runs left. Default: each run begins with the first state. */
  readonly goOn?: boolean;
}

/** A model with the variant at its site. Runs are independent of each other. */
export class Subject {
  readonly model: Model;
  readonly #progress: Progress;
  readonly #site: Site;
  readonly #first: Map<string, Tensor>;
  readonly #dtype: FloatType;

  constructor(site: Site, variant: Plugin, progress: Progress, seed: number, dtype: FloatType) {
    this.model = buildModel(site.root(variant), {
      inputShape: site.inputShapes,
      inputType: site.inputType,
      seed,
      dtype,
    });
    this.#site = site;
    this.#progress = progress;
    this.#dtype = dtype;
    this.#first = this.state();
  }

  /** Inputs of the site. */
  inputs(batch: number, options: Pick<InputRequest, "equal"> = {}): Tensor[] {
    return this.#site.inputs({ batch, dtype: this.#dtype, ...options });
  }

  /** A copy of the running state. */
  state(): Map<string, Tensor> {
    return new Map([...this.model.state()].map(([name, tensor]) => [name, tensor.clone()]));
  }

  /** Runs the model; gradients can be asked for. */
  run(inputs: readonly Tensor[], { goOn = false, mode = "train", step = 3, ...options }: Run = {}): Tensor {
    if (!goOn) this.restore(this.#first);
    return this.model.forward(inputs, { mode, step, progress: this.#progress, ...options } as RunOptions);
  }

  /** Runs the model without a history. */
  output(inputs: readonly Tensor[], run: Run = {}): Tensor {
    return noGrad(() => this.run(inputs, run));
  }

  /** The penalty of the plugin in training, if it has one. */
  penalty(inputs: readonly Tensor[]): Tensor | null {
    this.restore(this.#first);
    return this.model.forwardWithPenalty(inputs, { mode: "train", step: 3, progress: this.#progress })[1];
  }

  /** Overwrites the running state. */
  restore(state: ReadonlyMap<string, Tensor>): void {
    for (const [name, tensor] of this.model.state()) tensor.assign(state.get(name)!);
  }

  /** Takes over the parameters and the first state of another subject. */
  copyFrom(other: Subject): void {
    this.model.parameters().forEach(({ tensor }, i) => tensor.assign(other.model.parameters()[i].tensor));
    for (const [name, tensor] of other.#first) this.#first.get(name)!.assign(tensor);
    this.restore(this.#first);
  }
}

/** How far a run may have come when a variant is examined: some act only early or late. */
const moments: readonly Progress[] = [0, 500, 999].map((step) => ({ step, stepsPerEpoch: 10, totalSteps: 1000 }));

/** What a model of a trial is built with. */
export interface SubjectSettings {
  /** What the plugin's probabilities are set to. */
  readonly rate?: number;
  /** Options in place of the trial's. */
  readonly options?: Options;
  /** The model's seed. */
  readonly seed?: number;
  /** Element type. Default float64. */
  readonly dtype?: FloatType;
}

/** One plugin with options at one site. */
export class Trial {
  readonly definition: AnyDefinition;
  readonly options: Options;
  readonly site: Site;
  readonly claims: Claims;
  readonly rates: readonly string[];
  readonly seed: number;
  readonly label: string;
  readonly #make: (options: Options) => Plugin;
  #progress: Progress = moments[0];

  constructor(factory: AnyFactory, options: Options, site: Site, seed: number) {
    this.definition = factory.definition;
    this.#make = (given) => makePlugin(factory, given);
    this.options = options;
    this.site = site;
    this.seed = seed;
    this.claims = claimsOf(this.definition, this.#make(options));
    this.rates = rateNames(this.definition, this.claims);
    const given = Object.keys(options).length === 0 ? "" : ` with ${JSON.stringify(options)}`;
    this.label = `${site.label}${given}`;
  }

  /** A model with the variant; `rate` sets its probabilities, if it has any. */
  subject(settings?: SubjectSettings): Subject;
  /** The same with a plugin that is changed first; undefined where `change` gives none. */
  subject(settings: SubjectSettings & { change: (plugin: Plugin) => Plugin | undefined }): Subject | undefined;
  subject(settings: SubjectSettings & { change?: (plugin: Plugin) => Plugin | undefined } = {}): Subject | undefined {
    const { rate, options = {}, seed = this.seed, dtype = "float64", change = (plugin) => plugin } = settings;
    const rates = rate === undefined ? {} : atRate(this.rates, rate);
    const variant = change(this.#make({ ...this.options, ...rates, ...options }));
    return variant === undefined ? undefined : new Subject(this.site, variant, this.#progress, seed, dtype);
  }

  /** Chooses a point of training at which the variant does something, and returns whether there is one. */
  findMoment(mode: Mode = "train"): boolean {
    for (const progress of moments) {
      this.#progress = progress;
      const subject = this.subject({ rate: 0.5 });
      const x = subject.inputs(16);
      const kept = subject.output(x, { mode: "eval" });
      const changed = [3, 4, 5, 6, 7, 8, 9, 10].some((step) => !sameBits(subject.output(x, { mode, step }), kept));
      if (changed) return true;
    }
    this.#progress = moments[0];
    return false;
  }

  /** Whether all examples of a batch share a draw, by the claims or by the option `share`. */
  get sharesBatch(): boolean {
    const { share } = this.options;
    return this.claims.draw === "batch" || (Array.isArray(share) && (share.includes("batch") || share.includes(0)));
  }
}

/** A plugin from named options, by its factory. */
export function makePlugin(factory: AnyFactory, options: Options): Plugin {
  const { positional = [] } = factory.definition;
  const rest = Object.fromEntries(Object.entries(options).filter(([name]) => !positional.includes(name)));
  return factory(...positional.map((name) => options[name]), rest);
}

/** What a plugin claims with its options. */
export function claimsOf(definition: AnyDefinition, plugin: Plugin): Claims {
  const { claims = {} } = definition;
  return typeof claims === "function" ? claims(plugin.options) : claims;
}

/** Whether two tensors have the same shape, type and numbers, NaN being equal to itself. */
export function sameBits(a: Tensor, b: Tensor): boolean {
  const [x, y] = [a.storage.array, b.storage.array];
  return a.dtype === b.dtype && a.shape.join() === b.shape.join() && x.every((value, i) => Object.is(value, y[i]));
}

/** Throws unless a tensor's numbers are all finite. */
export function ensureFinite(x: Tensor, what: string): void {
  const at = x.floats.findIndex((value) => !Number.isFinite(value));
  ensure(at < 0, () => `expected finite numbers in ${what}, found ${x.floats[at]} at entry ${at}`);
}
