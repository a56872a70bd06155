/** What TensorBoard is told, as plain objects. @module */

/** One event: values of a step, or what stands at the beginning of a file. */
export interface TensorBoardEvent {
  /** Seconds since 1970. */
  readonly time: number;
  /** Steps done. */
  readonly step: number;
  /** Whether it says the version of the file, which its first event does. */
  readonly version?: boolean;
  /** Whether a run begins or goes on here. */
  readonly starts?: boolean;
  /** What it says. */
  readonly values?: readonly Value[];
}

/** A value under its name. */
export type Value =
  & { readonly tag: string }
  & (
    | { readonly kind: "scalar"; readonly value: number }
    | { readonly kind: "histogram"; readonly histogram: Histogram }
    | { readonly kind: "image"; readonly picture: Picture }
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "parameters"; readonly parameters: PlainSettings; readonly time: number }
    | { readonly kind: "end"; readonly interrupted: boolean; readonly time: number }
  );

/** Settings of a run, by their paths. */
export type PlainSettings = Readonly<Record<string, number | string | boolean>>;

/** Counts of numbers between limits. */
export interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly sum: number;
  readonly squares: number;
  /** The upper end of each bucket. */
  readonly limits: readonly number[];
  readonly counts: readonly number[];
}

/** An image of bytes, row by row, the channels of a pixel side by side. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 1 for grey, 3 for colours. */
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** Buckets of a histogram. */
const BUCKETS = 30;

/** How numbers are spread, in buckets of one width between the smallest and the largest. */
export function histogramOf(values: ArrayLike<number>): Histogram {
  let [min, max, sum, squares] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    squares += value * value;
  }
  if (values.length === 0) [min, max] = [0, 0];
  const width = max > min ? (max - min) / BUCKETS : 1;
  const counts = Array.from({ length: max > min ? BUCKETS : 1 }, () => 0);
  for (let i = 0; i < values.length; i++) counts[Math.min(counts.length - 1, Math.floor((values[i] - min) / width))]++;
  const limits = counts.map((_, i) => i === counts.length - 1 ? max : min + (i + 1) * width);
  return { min, max, count: values.length, sum, squares, limits, counts };
}

/** Numbers, texts and truth values of nested settings under their paths, such as `model.2.rate`. */
export function plainSettings(settings: unknown, path = ""): PlainSettings {
  if (typeof settings === "object" && settings !== null) {
    const parts = Object.entries(settings).map(([name, value]) =>
      plainSettings(value, path === "" ? name : `${path}.${name}`)
    );
    return Object.assign({}, ...parts);
  }
  const kept = typeof settings === "boolean" || typeof settings === "string" || Number.isFinite(settings);
  return kept ? { [path]: settings as number } : {};
}
