/**
 * Panels: many draws of one variant, as it stands at several places of a model, laid out so that dependence of any kind can
 * be looked for. A draw is a window of consecutive steps; its columns are the entries of all places, examples and steps of
 * the window. Of what is said to share a draw, one column is taken.
 *
 * @module
 */
import {
  type FloatType,
  keepProbability,
  type Mask,
  type Mode,
  noGrad,
  type Progress,
  rateThreshold,
  recycling,
} from "../core/mod.ts";
import type { Picker } from "./chance.ts";
import { ensureFinite, type Trial } from "./trial.ts";
import type { AxisKind, Site } from "./sites.ts";
import { type Sharing, sharingOf } from "./sharing.ts";

/** What an axis of a panel is: those of the site, the steps of a window, and the places in the model. */
export type PanelAxis = AxisKind | "steps" | "layers";

/** What a panel is made of. */
export interface PanelRequest {
  readonly site: Site;
  readonly rate: number | undefined;
  readonly mode: Mode;
  readonly progress: Progress;
  readonly batch: number;
  readonly layers: number;
  /** Steps of a window. */
  readonly window: number;
  /** Number of windows. */
  readonly draws: number;
  readonly positive: boolean;
  readonly pick: Picker;
  /** First steps of the windows; at random if left out. */
  readonly bases?: readonly number[];
  /** Number of the first example. */
  readonly sample?: number;
  readonly dtype?: FloatType;
}

/** One entry of a panel. */
export interface Column {
  /** Where it stands along each of the panel's axes. */
  readonly at: readonly number[];
  /** The value without the variant. */
  readonly plain: number;
  /** The values of all draws. */
  readonly values: Float64Array;
}

/** Distinct first steps of windows that do not overlap, of all magnitudes. */
export function randomBases(pick: Picker, count: number, window: number): number[] {
  const taken = new Set<number>();
  const bases: number[] = [];
  while (bases.length < count) {
    const base = pick.whole(0, 2 ** pick.whole(10, 22));
    const steps = Array.from({ length: 2 * window - 1 }, (_, i) => base + i - window + 1);
    if (steps.some((step) => taken.has(step))) continue;
    taken.add(base);
    bases.push(base);
  }
  return bases;
}

/** Draws of one variant. */
export class Panel {
  readonly axes: readonly PanelAxis[];
  readonly columns: readonly Column[];
  readonly sharing: Sharing;
  readonly request: PanelRequest;
  /** What the variant's mask said last, null where it is a method. */
  readonly mask: Mask | null;
  /** Whether the variant is a mask, and said of all these draws that there is none, as one that acts only early or late. */
  readonly idle: boolean;
  #dropped: Uint8Array[] | null | undefined;

  constructor(trial: Trial, request: PanelRequest) {
    this.request = request;
    const { site, mode, batch, layers, window, draws, positive, pick } = request;
    const seen: { mask: Mask | null; idle: boolean } = { mask: null, idle: false };
    const subject = trial.subject({
      rate: request.rate,
      progress: request.progress,
      site,
      layers,
      dtype: request.dtype ?? "float64",
      watch: (mask) => {
        seen.idle = mask === null && (seen.idle || seen.mask === null);
        seen.mask = mask ?? seen.mask;
      },
    });
    // A model is built at the beginning of training, whatever the point at which it is run.
    [seen.mask, seen.idle] = [null, false];
    if (positive) {
      for (const { name, tensor } of subject.model.parameters()) {
        if (/(^|\.)(weight|table|gain)$/.test(name)) tensor.assign(noGrad(() => tensor.abs().add(0.0625)));
      }
    }
    const x = subject.inputs(batch, { draw: String(pick.whole(0, 1e6)), positive });
    const plain = noGrad(() => site.plain(subject.model, x));
    const sample = request.sample ?? pick.whole(0, 2 ** pick.whole(1, 20));
    // What follows a step in training is the next one; at inference, a further pass over the same examples.
    const run = (step: number, next = 0) =>
      subject.output(x, mode === "train" ? { mode, step: step + next, sample } : { mode, step, pass: next, sample });
    const bases = request.bases ?? randomBases(pick, draws, window);
    run(bases[0]); // so that the mask is known
    this.mask = seen.mask;
    this.sharing = sharingOf(site, trial.claims, trial.options, seen.mask);
    this.axes = ["steps", ...(layers > 1 ? ["layers" as const] : []), ...site.axes];
    const shape = [window, ...(layers > 1 ? [layers] : []), ...plain.shape];
    const chosen = shape.map((extent, axis) => this.#chosen(this.axes[axis], extent, pick, sample));
    const columns: { column: Column; step: number; index: number }[] = [];
    const words = site.axes.includes("words") ? x[0].ints : null;
    visit(shape, (at, flat) => {
      if (!at.every((coordinate, axis) => chosen[axis].has(coordinate))) return;
      const index = flat % (layers * plain.size);
      const value = plain.floats[index % plain.size];
      const column = { at: this.#located(at, words, x[0].shape), plain: value, values: new Float64Array(bases.length) };
      columns.push({ column, step: at[0], index });
    });
    this.columns = columns.map(({ column }) => column);
    const byStep = Array.from({ length: window }, (_, step) => columns.filter((one) => one.step === step));
    for (let draw = 0; draw < bases.length; draw++) {
      for (let step = 0; step < window; step++) {
        // Of an output its numbers are read, and its buffers are used again: there are thousands.
        recycling(() => {
          const y = run(bases[draw], step);
          ensureFinite(y, `the output in mode ${mode}`);
          const { floats } = y;
          for (const { column, index } of byStep[step]) column.values[draw] = floats[index];
        });
      }
    }
    this.idle = seen.idle;
  }

  /** Coordinates along an axis of which each has a draw of its own. */
  #chosen(axis: PanelAxis, extent: number, pick: Picker, sample: number): Set<number> {
    const all = Array.from({ length: extent }, (_, i) => i);
    const { axes, group, fixed } = this.sharing;
    if ((axes as ReadonlySet<PanelAxis>).has(axis) || (fixed && axis === "steps")) return new Set([pick.of(all)]);
    // What depends on its neighbours anyway tells little more than they do.
    if (typeof axis === "number" && this.request.site.mixes) return new Set(pick.shuffled(all).slice(0, 2));
    if (axis !== "examples" || group === 1) return new Set(all);
    const groups = Map.groupBy(all, (row) => Math.floor((sample + row) / group));
    return new Set([...groups.values()].map((rows) => pick.of(rows)));
  }

  /** Coordinates with words in the place of positions. */
  #located(at: readonly number[], words: ArrayLike<number> | null, [, time]: readonly number[]): number[] {
    if (words === null) return [...at];
    const [row, word] = [this.axes.indexOf("examples"), this.axes.indexOf("words")];
    return at.map((coordinate, axis) => axis === word ? words[at[row] * time + coordinate] : coordinate);
  }

  /** The probability of dropping that is asked for, as the draw rounds it. */
  get asked(): number | undefined {
    const { rate, site } = this.request;
    if (rate === undefined) return undefined;
    const drawn = 1 - keepProbability(rateThreshold(rate));
    if (!this.sharing.rows) return drawn;
    const extent = site.inputShapes[0][site.inputShapes[0].length - 1];
    return drawn - drawn ** extent;
  }

  /** Which values of each column are those of dropped entries, 1 or 0; null where that cannot be told. */
  get dropped(): readonly Uint8Array[] | null {
    if (this.#dropped === undefined) this.#dropped = this.#findDropped();
    return this.#dropped;
  }

  #findDropped(): Uint8Array[] | null {
    const { c = 0, a, b = 0 } = this.mask ?? {};
    if (typeof c === "number") {
      const near = (value: number) => value === c || Math.abs(value - c) <= 1e-9 * Math.abs(c);
      const found = this.columns.map(({ values, plain }) =>
        marks(values, (value) => near(value) && (plain !== 0 || c !== 0))
      );
      return this.mask !== null || found.some((column) => column.includes(1)) ? found : null;
    }
    if (typeof b !== "number" || (a !== undefined && typeof a !== "number")) return null;
    const scale = a ?? 1 / keepProbability(rateThreshold(this.mask!.rate));
    return this.columns.map(({ values, plain }) =>
      marks(values, (value) => !(Math.abs(value - scale * plain - b) <= 1e-9 * Math.max(1, Math.abs(plain))))
    );
  }
}

/** Calls back for each position of a shape, in order. */
function visit(shape: readonly number[], each: (at: readonly number[], flat: number) => void): void {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const at = shape.map(() => 0);
  for (let flat = 0; flat < size; flat++) {
    each(at, flat);
    for (let axis = shape.length - 1; axis >= 0 && ++at[axis] === shape[axis]; axis--) at[axis] = 0;
  }
}

/**
 * Cuts the values of a column in two, between the two distinct values that leave the halves as equal as can be: 1 for
 * those below, 0 for those above. Which of the draws are below says nothing of those of another column unless they depend
 * on each other. All 0 for a column of one value.
 */
export function halves({ values, plain }: Column): Uint8Array {
  const sign = plain < 0 ? -1 : 1;
  const sorted = values.map((value) => sign * value).sort();
  let [cut, best] = [NaN, 0];
  for (let i = 1; i < sorted.length; i++) {
    const gap = sorted[i] - sorted[i - 1];
    if (!(gap > 1e-9 * Math.max(Math.abs(sorted[i]), Math.abs(sorted[i - 1])))) continue;
    const balance = Math.min(i, sorted.length - i);
    if (balance > best) [cut, best] = [(sorted[i] + sorted[i - 1]) / 2, balance];
  }
  return marks(values, (value) => sign * value < cut);
}

/** 1 for each value of which something is true, 0 for the others. `Uint8Array.from` takes many times as long. */
function marks(values: Float64Array, is: (value: number) => boolean): Uint8Array {
  const found = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) if (is(values[i])) found[i] = 1;
  return found;
}
