/** What dropout is asked to drop, and what it does drop, at each site of a model. @module */
import {
  denseMultiply,
  keptEntries,
  makeBatch,
  maskedScore,
  type Model,
  noGrad,
  optionsAt,
  type Plugin,
  type Progress,
  type RecurrentStep,
  recycling,
  type SiteArguments,
  type SiteCall,
  type SiteRole,
  type Split,
  Tensor,
} from "../../mod.ts";

/** A place of dropout. */
export interface SiteObservation {
  /** The variant's name. */
  readonly variant: string;
  /** What it acts on. */
  readonly role: SiteRole;
  /** The rate that it is asked for: given, scheduled or learned; null for a variant without one. */
  readonly asked: number | null;
  /** The share of entries that it dropped; null for a variant that drops none. */
  readonly realised: number | null;
}

/** Entries that were counted at a site, over all calls of a pass. */
class Count {
  asked: number | undefined;
  dropped = 0;
  entries = 0;
  /** What is left of entries that were not dropped, as factors: the least and the greatest. */
  least = Infinity;
  most = -Infinity;
  /** The factors, where none is 0: of masks that are soft. */
  factors: number[] = [];

  /** Takes up a mask that is known. */
  mask(rate: number, kept: () => Tensor): void {
    this.asked = rate;
    if (rate === 0 || rate === 1) {
      this.entries++;
      this.dropped += rate;
      return;
    }
    const { floats } = kept();
    let left = 0;
    for (let i = 0; i < floats.length; i++) left += floats[i];
    this.dropped += floats.length - left;
    this.entries += floats.length;
  }

  /** Takes up what a variant made of numbers, of which those that were 0 before say nothing. */
  compare(before: ArrayLike<number>, after: ArrayLike<number>): void {
    for (let i = 0; i < before.length; i++) {
      if (before[i] === 0) continue;
      this.entries++;
      if (after[i] === 0) {
        this.dropped++;
        continue;
      }
      const factor = after[i] / before[i];
      this.least = Math.min(this.least, factor);
      this.most = Math.max(this.most, factor);
      if (this.dropped === 0) this.factors.push(factor);
    }
  }

  /**
   * The share that was dropped. A soft mask, whose factors lie between 0 and what a kept entry gets, drops what it leaves
   * less than half of that: for concrete dropout these are as many as the rate says. Other factors are noise.
   */
  realised(asked: number | null): number | null {
    if (this.entries === 0) return asked === 0 ? 0 : null;
    if (this.dropped > 0) return this.dropped / this.entries;
    if (this.factors.length === 0 || this.most - this.least < 1e-6 * Math.abs(this.most)) return 0;
    const bound = asked === null || asked >= 1 ? Infinity : 1.001 / (1 - asked);
    if (bound === Infinity || this.least < 0 || this.most > bound) return null;
    return this.factors.filter((factor) => factor < this.most / 2).length / this.factors.length;
  }
}

/** Entries of a recurrent layer that keep what they were at the step before, as zoneout leaves them, or became 0. */
function recurrentChange(count: Count, before: Tensor, after: Tensor, { previous }: RecurrentStep): void {
  const [x, y, old] = [before.floats, after.floats, previous?.floats];
  if (old === undefined) return count.compare(x, y);
  for (let i = 0; i < x.length; i++) {
    if (x[i] === 0 || x[i] === old[i]) continue;
    count.entries++;
    if (y[i] === 0 || y[i] === old[i]) count.dropped++;
  }
}

/** The numbers of a tensor of any type. */
function numbers(tensor: Tensor): ArrayLike<number> {
  return tensor.storage.array;
}

/** Counts what a variant drops, and lets it act. */
function look(call: SiteCall, count: Count): Tensor | null {
  const { mask, role, args, act } = call;
  const [first] = args as [Tensor];
  if (mask === null) count.mask(0, () => first);
  else if (mask !== undefined) {
    count.mask(mask.rate, () => keptEntries(mask, role === "branch" ? [first.shape[0]] : first.shape));
  }
  const out = act(args);
  if (mask !== undefined || out === null) return out;
  if (role === "activation" || role === "weight") count.compare(numbers(first), numbers(out));
  else if (role === "recurrent") recurrentChange(count, first, out, args[1] as RecurrentStep);
  else if (role === "attention") {
    if (args[1] === "scores") {
      // What is hidden from a query has a score far below all others.
      const [x, y] = [first.floats, out.floats].map((scores) => scores.map((score) => score > maskedScore / 2 ? 1 : 0));
      count.compare(x, y);
    } else count.compare(numbers(first), numbers(out));
  } else if (role === "embedding") lookAtEmbedding(call, count);
  else if (role === "product") lookAtProduct(call, count);
  return out;
}

/**
 * What a variant of the whole product drops cannot be seen in sums: it is shown inputs of which one is 1 and all others are
 * 0, so that a sum is a single weight.
 */
function lookAtProduct({ args, act }: SiteCall, count: Count): void {
  const [x, weight, , multiply = denseMultiply] = args as SiteArguments<"product">;
  const rows = x.shape[0];
  const single = Tensor.zeros(x.shape, x.floatType);
  const size = x.size / rows;
  // A prime step, so that the ones go through all inputs.
  for (let row = 0; row < rows; row++) single.floats[row * size + (row * 7919) % size] = 1;
  const plain = multiply(single, weight, null);
  const out = act([single, weight, null, ...args.slice(3)], "none");
  if (out !== null) count.compare(numbers(plain), numbers(out));
}

/** Words that an example is shown to see which of them an embedding drops. */
const MOST_WORDS = 64;

/** What a variant drops of a table is seen in words that differ, not in those that happen to be frequent. */
function lookAtEmbedding({ args, act }: SiteCall, count: Count): void {
  const [table, indices] = args as SiteArguments<"embedding">;
  const [words, features] = table.shape;
  const batch = indices.shape[0];
  const each = Math.min(MOST_WORDS, Math.ceil(words / batch));
  const shown = Int32Array.from({ length: batch * each }, (_, i) => i % words);
  const out = act([table, Tensor.from(shown, [batch, each])]);
  if (out === null) return;
  const before = new Float64Array(out.size);
  shown.forEach((word, i) => {
    for (let k = 0; k < features; k++) before[i * features + k] = table.storage.array[word * features + k];
  });
  count.compare(before, numbers(out));
}

/** Whether a schema takes probabilities and no other numbers. */
function isConfined(schema: { safeParse(value: unknown): { success: boolean } } | undefined): boolean {
  const takes = (value: number) => schema?.safeParse(value).success ?? false;
  return takes(0.25) && !takes(-0.25) && !takes(1.25);
}

/**
 * The rate among a variant's options: the one of that name, or the mean of those above 0 that it claims for probabilities,
 * by default the numbers that are confined to [0, 1].
 */
function rateOf({ definition }: Plugin, options: Readonly<Record<string, unknown>>): number | null {
  if (typeof options.rate === "number") return options.rate;
  const { claims, options: schema } = definition;
  const shape = schema.shape as Readonly<Record<string, Parameters<typeof isConfined>[0]>>;
  const names = (typeof claims === "function" ? claims(options) : claims)?.rates ??
    Object.keys(options).filter((name) => typeof options[name] === "number" && isConfined(shape[name]));
  const rates = names.flatMap((name) => {
    const value = options[name];
    return typeof value === "number" ? [/keep|retain|survival/.test(name) ? 1 - value : value] : [];
  });
  const above = rates.filter((rate) => rate > 0);
  return rates.length === 0 ? null : above.length === 0 ? 0 : above.reduce((a, b) => a + b) / above.length;
}

/** The rate that a variant has learned and hands out, if it does: itself, as a keep probability, or as Gaussian noise. */
function learnedOf(path: string, emitted: ReadonlyMap<string, Tensor>): number | undefined {
  const mean = (name: string, rate: (value: number) => number) => {
    const values = emitted.get(`${path}.${name}`)?.floats;
    if (values === undefined || values.length === 0) return undefined;
    let sum = 0;
    for (const value of values) sum += rate(value);
    return sum / values.length;
  };
  // Gaussian noise of variance alpha stands for the rate p with alpha = p / (1 - p): Kingma, Salimans, Welling (2015).
  return mean("rate", (p) => p) ?? mean("keep", (p) => 1 - p) ?? mean("alpha", (alpha) => alpha / (1 + alpha));
}

/**
 * Asked and realised rates at each place of dropout, in the order in which they are run: one pass in mode `train` over the
 * first examples of a split, with the masks of the step that comes next. Nothing of the model changes.
 *
 * @param count how many examples
 * @returns by path
 */
export function observeSites(
  model: Model,
  split: Split,
  count: number,
  progress: Progress,
): Map<string, SiteObservation> {
  const places = model.summary().filter(({ site }) => site !== null);
  if (places.length === 0) return new Map();
  const counts = new Map<string, Count>(places.map(({ path }) => [path, new Count()]));
  const plugins = model.plugins();
  return recycling(() =>
    noGrad(() => {
      const { inputs } = makeBatch(split, 0, 0, count);
      const { emitted } = model.forwardAll(inputs, {
        mode: "train",
        progress,
        stateUpdates: new Map(),
        atSites: (call) => {
          const own = counts.get(call.path.replace(/ \(use .*$/, ""));
          return own === undefined ? call.act(call.args) : look(call, own);
        },
      });
      return new Map(places.map(({ path, plugin: variant, site }) => {
        const own = counts.get(path)!;
        const plugin = plugins.get(path)!;
        const options = optionsAt(plugin, progress, path, model.schedules, path);
        const asked = learnedOf(path, emitted) ?? own.asked ?? rateOf(plugin, options);
        return [path, { variant, role: site!, asked, realised: own.realised(asked) }];
      }));
    })
  );
}
