/** One plugin with options at one site: the models that the checks build, and how they run them. @module */
import {
  type AnyDefinition,
  type AnyFactory,
  buildModel,
  type Claims,
  type FloatType,
  instantiate,
  type Mask,
  type MaskPart,
  type Mode,
  type Model,
  noGrad,
  type Plugin,
  type Progress,
  recycling,
  type RunOptions,
  type SiteRole,
  type Tensor,
} from "../core/mod.ts";
import { Picker } from "./chance.ts";
import { severalHost } from "./hosts.ts";
import { type Sharing, sharingOf } from "./sharing.ts";
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
  /** The plugin at its places. */
  readonly variant: Plugin;
  readonly #progress: Progress;
  readonly #site: Site;
  readonly #first: Map<string, Tensor>;
  readonly #dtype: FloatType;

  constructor(site: Site, variant: Plugin, progress: Progress, seed: number, dtype: FloatType, layers: number) {
    this.variant = variant;
    const root = layers === 1
      ? site.root(variant)
      : severalHost({ layers: Array.from({ length: layers }, () => site.root(variant)) });
    this.model = buildModel(root, {
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
  inputs(batch: number, options: Pick<InputRequest, "equal" | "draw" | "positive"> = {}): Tensor[] {
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

/** Steps tried until a variant does something: with one draw a pass it does nothing at all of them once in 2^64 times. */
export const TRIES = 64;

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
  /** How far training has come. Default the moment that `findMoment` chose. */
  readonly progress?: Progress;
  /** A site in place of the trial's. */
  readonly site?: Site;
  /** Number of places, side by side. Default 1. */
  readonly layers?: number;
  /** Receives each mask that the variant returns, if it is given as one. */
  readonly watch?: (mask: Mask | null) => void;
}

/** The plugin with a mask at a role that is told; the plugin itself where it has a method there. */
function watched(plugin: Plugin, role: SiteRole, tell: (mask: Mask | null) => void): Plugin {
  const part = (plugin.definition as Partial<Record<SiteRole, unknown>>)[role];
  const draw = (part as Partial<MaskPart<never>> | undefined)?.mask as
    | ((...args: unknown[]) => Mask | null)
    | undefined;
  if (draw === undefined) return plugin;
  const mask = (...args: unknown[]) => {
    const drawn = draw(...args);
    tell(drawn);
    return drawn;
  };
  return instantiate({ ...plugin.definition, [role]: { mask } }, plugin.options, plugin.plugin);
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
  /** How far a run may have come when the variant is examined: some act only early or late. */
  readonly moments: readonly Progress[];
  readonly #active = new Map<Mode, Progress | null>();
  #progress: Progress;

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
    const pick = this.picker("moments");
    const totalSteps = pick.whole(400, 4000);
    this.moments = [0, pick.real(0.1, 0.5), pick.real(0.5, 0.9), 1].map((share) => ({
      step: Math.min(totalSteps - 1, Math.floor(share * totalSteps)),
      stepsPerEpoch: Math.ceil(totalSteps / 20),
      totalSteps,
    }));
    this.#progress = this.moments[0];
  }

  /** What a check of this trial chooses at random. */
  picker(label: string): Picker {
    return new Picker(this.seed, `${label} ${this.label}`);
  }

  /** A point of training in one of so many parts of it, at random. */
  moment(pick: Picker, part: number, parts: number): Progress {
    const totalSteps = pick.whole(400, 4000);
    const step = Math.floor((part + pick.unit()) / parts * totalSteps);
    return { step, stepsPerEpoch: Math.ceil(totalSteps / pick.whole(5, 40)), totalSteps };
  }

  /** A model with the variant; `rate` sets its probabilities, if it has any. */
  subject(settings?: SubjectSettings): Subject;
  /** The same with a plugin that is changed first; undefined where `change` gives none. */
  subject(settings: SubjectSettings & { change: (plugin: Plugin) => Plugin | undefined }): Subject | undefined;
  subject(settings: SubjectSettings & { change?: (plugin: Plugin) => Plugin | undefined } = {}): Subject | undefined {
    const { rate, options = {}, seed = this.seed, dtype = "float64", change = (plugin) => plugin } = settings;
    const { site = this.site, progress = this.#progress, layers = 1, watch } = settings;
    const rates = rate === undefined ? {} : atRate(this.rates, rate);
    const made = this.#make({ ...this.options, ...rates, ...options });
    const variant = change(watch === undefined ? made : watched(made, site.role, watch));
    return variant === undefined ? undefined : new Subject(site, variant, progress, seed, dtype, layers);
  }

  /** Chooses a point of training at which the variant does something, and returns whether there is one. */
  findMoment(mode: Mode = "train"): boolean {
    let found = this.#active.get(mode);
    if (found === undefined) {
      const sizes = this.moments.map((progress) => this.changes(mode, progress));
      const most = Math.max(...sizes);
      // A variant that grows over a run does next to nothing at its beginning.
      found = most === 0 ? null : this.moments[sizes.findIndex((size) => size >= most / 2)];
      this.#active.set(mode, found);
    }
    this.#progress = found ?? this.moments[0];
    return found !== null;
  }

  /** Whether the variant changes what stands there without it, which is what evaluation gives unless masks are fixed. */
  acts(mode: Mode, progress: Progress): boolean {
    return this.changes(mode, progress) > 0;
  }

  /** By how much it changes entries in some steps, all in all; 0 only where every bit stays. */
  changes(mode: Mode, progress: Progress): number {
    const subject = this.subject({ rate: 0.5, progress });
    const x = subject.inputs(5);
    const kept = this.claims.draw === "fixed"
      ? noGrad(() => this.site.plain(subject.model, x))
      : subject.output(x, { mode: "eval" });
    let size = 0;
    for (let step = 3; step < 3 + TRIES; step++) {
      recycling(() =>
        subject.output(x, { mode, step }).floats.forEach((value, i) => {
          if (Object.is(value, kept.floats[i])) return;
          const difference = Math.abs(value - kept.floats[i]);
          size += difference <= 1 ? Math.max(difference, Number.MIN_VALUE) : 1;
        })
      );
    }
    return size;
  }

  /** What the variant says that its draws share, by its claims, its options, or the mask that it returns. */
  sharing(): Sharing {
    let said: Mask | null = null;
    const subject = this.subject({ rate: 0.5, watch: (mask) => said = mask ?? said });
    subject.output(subject.inputs(1));
    return sharingOf(this.site, this.claims, this.options, said);
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
