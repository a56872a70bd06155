/** The axis of features, or channels, in a tensor of a given rank. @module */

/** Axis 1 for `[batch, features]` and images `[batch, channels, ...]`; axis 2 for sequences `[batch, time, features]`. */
export function featureAxis(rank: number): number {
  return rank >= 4 ? 1 : rank - 1;
}
