/**
 * Whether the columns of a panel depend on each other. All tests are conditional on how often each column is 1 (its margin):
 * if it is independent of the others, which draws these are is then any choice as likely as another, whatever the
 * probability behind it. So nothing needs to be known of the variant but that steps are alike.
 *
 * @module
 */
import { LEVEL, logBernstein, logTail } from "./chance.ts";
import { halves, type Panel, type PanelAxis } from "./panel.ts";

/** Along what two columns differ, the outermost axis first. */
export type Along = "layers" | "steps" | "examples" | "entries";

/** All of them. */
export const alongs: readonly Along[] = ["layers", "steps", "examples", "entries"];

/** Dependence that was found. */
export interface Dependence {
  readonly along: Along;
  /** What was found, as a part of a sentence. */
  readonly found: string;
}

/** What was looked at. */
export interface Findings {
  readonly found: readonly Dependence[];
  /** Number of pairs that were compared, by what they differ along. */
  readonly compared: Readonly<Record<Along, number>>;
}

/** A column that takes both values. */
interface Bits {
  readonly at: readonly number[];
  readonly bits: Uint8Array;
  readonly words: Uint32Array;
  readonly ones: number;
}

/** Number of bits that are set. */
function popcount(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Bits as words. */
export function pack(bits: Uint8Array): Uint32Array {
  const words = new Uint32Array(Math.ceil(bits.length / 32));
  for (let i = 0; i < bits.length; i++) words[i >> 5] |= bits[i] << (i & 31);
  return words;
}

/** One bit for each draw of each column: whether the entry was dropped, or lies in the lower half of what it takes. */
export function bitsOf(panel: Panel): Uint8Array[] {
  const { dropped, columns } = panel;
  const all = columns.map((column, i) => {
    const bits = dropped?.[i];
    return bits !== undefined && bits.includes(1) && bits.includes(0) ? bits : halves(column);
  });
  let ones = 0;
  for (const bits of all) for (const bit of bits) ones += bit;
  // What is rare tells more: all columns are turned alike.
  const total = all.reduce((sum, bits) => sum + bits.length, 0);
  return 2 * ones > total ? all.map((bits) => bits.map((bit) => 1 - bit)) : all;
}

function outermost(axes: readonly PanelAxis[], a: readonly number[], b: readonly number[]): Along {
  let along: Along = "entries";
  for (let i = 0; i < axes.length; i++) {
    if (a[i] === b[i]) continue;
    if (axes[i] === "layers") return "layers";
    if (axes[i] === "steps") along = "steps";
    else if (axes[i] === "examples" && along === "entries") along = "examples";
  }
  return along;
}

/** Looks for dependence of any kind that was not declared. */
export function dependences(panel: Panel): Findings {
  const { axes, columns } = panel;
  const draws = panel.request.bases?.length ?? panel.request.draws;
  const varying: Bits[] = [];
  bitsOf(panel).forEach((bits, i) => {
    const ones = bits.reduce((sum, bit) => sum + bit, 0);
    if (ones > 0 && ones < draws) varying.push({ at: columns[i].at, bits, words: pack(bits), ones });
  });
  const found: Dependence[] = [];
  const compared = { layers: 0, steps: 0, examples: 0, entries: 0 };
  if (varying.length > 1) {
    pairs(panel, varying, draws, compared, found);
    for (const along of alongs) counts(panel, varying, draws, along, found);
  }
  return { found, compared };

  /** The place of a column, for messages. */
  function name(at: readonly number[]): string {
    return axes.map((axis, i) => `${typeof axis === "number" ? `axis ${axis}` : axis} ${at[i]}`).join(", ");
  }

  /**
   * Of columns that are said to depend on each other, one for each place, step and example: sums over many pairs are held
   * to bounds for pairs that do not.
   */
  function onesThatStandAlone(all: readonly Bits[]): Set<Bits> {
    const { entries, examples, rows } = panel.sharing;
    const [chosen] = all;
    const fits = ({ at }: Bits) =>
      axes.every((axis, i) => {
        const inner = typeof axis === "number" || axis === "words";
        const bound = (entries && inner) || (rows && i === axes.length - 1) || (examples && axis === "examples");
        return !bound || at[i] === chosen.at[i];
      });
    return new Set(all.filter(fits));
  }

  /** Every pair by itself, and all pairs with one lag along one axis together. */
  function pairs(
    { sharing }: Panel,
    all: readonly Bits[],
    draws: number,
    compared: Record<Along, number>,
    found: Dependence[],
  ): void {
    const [examples, time, last] = [axes.indexOf("examples"), axes.indexOf("time"), axes.length - 1];
    const places = axes.indexOf("places");
    const alone = onesThatStandAlone(all);
    const lags = new Map<string, { axis: number; lag: number; sum: number; variance: number; along: Along }>();
    const count = all.length * (all.length - 1) / 2;
    for (let i = 0; i < all.length; i++) {
      const a = all[i];
      for (let j = i + 1; j < all.length; j++) {
        const b = all[j];
        let [differ, axis] = [0, 0];
        for (let k = 0; k < axes.length; k++) if (a.at[k] !== b.at[k]) [differ, axis] = [differ + 1, k];
        const along = outermost(axes, a.at, b.at);
        if (along === "entries") {
          const elsewhere = (time >= 0 && a.at[time] !== b.at[time]) || (places >= 0 && a.at[places] !== b.at[places]);
          if (sharing.entries && !elsewhere) continue;
          if (sharing.rows && differ === 1 && axis === last) continue;
        }
        if (along === "examples" && sharing.examples && a.at[examples] !== b.at[examples]) continue;
        compared[along]++;
        let both = 0;
        for (let k = 0; k < a.words.length; k++) both += popcount(a.words[k] & b.words[k]);
        const expected = a.ones * b.ones / draws;
        const spread = expected * (1 - a.ones / draws) * (1 - b.ones / draws);
        if ((both - expected) ** 2 > 16 * spread && chance(a.ones, b.ones, both, draws) < Math.log(LEVEL / count)) {
          found.push({
            along,
            found:
              `${name(a.at)} and ${name(b.at)} together in ${both} of ${draws} draws, where ${expected.toFixed(1)} ` +
              `are expected of ${a.ones} and ${b.ones}`,
          });
          if (found.length > 20) return;
        }
        if (differ !== 1 || !alone.has(a) || !alone.has(b)) continue;
        const lag = b.at[axis] - a.at[axis];
        const key = `${axis} ${lag}`;
        const sums = lags.get(key) ?? { axis, lag, sum: 0, variance: 0, along };
        sums.sum += both - expected;
        sums.variance += Math.max(expected * (1 - a.ones / draws), expected * (1 - b.ones / draws));
        lags.set(key, sums);
      }
    }
    for (const { axis, lag, sum, variance, along } of lags.values()) {
      if (logBernstein(sum, variance, 1) >= Math.log(LEVEL / lags.size)) continue;
      const where = typeof axes[axis] === "number" ? `axis ${axes[axis]}` : axes[axis];
      found.push({
        along,
        found: `entries ${lag} apart along ${where} together ${Math.abs(sum).toFixed(0)} times ` +
          `${sum > 0 ? "more" : "less"} often than expected, with a standard error of ${
            Math.sqrt(variance).toFixed(0)
          }`,
      });
    }
  }

  /** How the number of ones varies from draw to draw, among columns that differ along one kind of axis. */
  function counts({ sharing }: Panel, all: readonly Bits[], draws: number, along: Along, found: Dependence[]): void {
    if (along === "entries" && sharing.entries) return;
    if (along === "examples" && sharing.examples) return;
    const inner = (axis: PanelAxis) => axis !== "layers" && axis !== "steps" && axis !== "examples";
    const runs = (axis: PanelAxis, i: number) =>
      along === "entries" ? inner(axis) && !(sharing.rows && i === axes.length - 1) : axis === along;
    const alone = onesThatStandAlone(all);
    const groups = Map.groupBy(alone, ({ at }) => at.filter((_, i) => !runs(axes[i], i)).join());
    let [sum, variance, most] = [0, 0, 0];
    for (const members of groups.values()) {
      if (members.length < 2) continue;
      const before = new Float64Array(draws);
      let total = 0;
      for (const [i, { bits, ones }] of members.entries()) {
        if (i > 0) {
          const mean = total / draws;
          let [covariance, squares] = [0, 0];
          for (let k = 0; k < draws; k++) {
            const off = before[k] - mean;
            if (bits[k] === 1) covariance += off;
            squares += off * off;
          }
          sum += covariance;
          variance += ones * squares / draws;
        }
        for (let k = 0; k < draws; k++) before[k] += bits[k];
        total += ones;
      }
      most = Math.max(most, members.length);
    }
    // The variance is itself drawn: the bound holds for any, in a grid of steps of 1.2.
    const chance = Math.log(200) + logBernstein(sum, 1.2 * variance, most);
    if (variance === 0 || chance >= Math.log(LEVEL / 4)) return;
    found.push({
      along,
      found:
        `counts over ${along} that vary ${
          sum > 0 ? "more" : "less"
        } than those of independent draws: a covariance of ` +
        `${sum.toFixed(0)}, with a standard error of ${Math.sqrt(variance).toFixed(0)}`,
    });
  }
}

/** Logarithm of a bound of the probability of so many draws in which two columns are 1, or further from what is expected. */
function chance(a: number, b: number, both: number, draws: number): number {
  // Turned so that ones are rare, which gives the same event the sharpest bound.
  if (2 * a > draws) [a, both] = [draws - a, b - both];
  if (2 * b > draws) [b, both] = [draws - b, a - both];
  const [few, many] = a < b ? [a, b] : [b, a];
  return logTail(both, few, many / draws);
}
