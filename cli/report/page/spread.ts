/** Means of numbers, and how far they lie apart. @module */
import type { Maybe } from "../report_data.ts";

/** The mean of the numbers that there are; null for none. */
export function meanOf(values: readonly (Maybe | undefined)[]): Maybe {
  const known = values.filter((value) => typeof value === "number");
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** The standard deviation of the numbers that there are, of a sample; null for fewer than two. */
export function deviationOf(values: readonly (Maybe | undefined)[]): Maybe {
  const known = values.filter((value) => typeof value === "number");
  if (known.length < 2) return null;
  const mean = meanOf(known)!;
  return Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (known.length - 1));
}
