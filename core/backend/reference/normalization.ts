/** Normalisation and its gradient, plain. @module */
import type { Floats } from "../arrays.ts";
import type { NormalizationShape } from "../normalization.ts";

/**
 * Visits the elements of a set that shares its statistics: `at` is the element's place, `channel` the place of its
 * scale.
 */
function visit(shape: NormalizationShape, set: number, body: (at: number, channel: number) => void): void {
  const { batch, groups, channels, positions, acrossBatch } = shape;
  const group = set % groups;
  const first = acrossBatch ? 0 : (set - group) / groups;
  for (let example = first; example < (acrossBatch ? batch : first + 1); example++) {
    for (let c = 0; c < channels; c++) {
      const start = ((example * groups + group) * channels + c) * positions;
      for (let i = 0; i < positions; i++) body(start + i, group * channels + c);
    }
  }
}

/** Number of sets that share their statistics, and of elements in each. */
function sets({ batch, groups, channels, positions, acrossBatch }: NormalizationShape): [number, number] {
  return acrossBatch ? [groups, batch * channels * positions] : [batch * groups, channels * positions];
}

/** `y = (x - mean) / sqrt(variance + epsilon) * scale + shift`. */
export function normalize(
  x: Floats,
  scale: Floats | null,
  shift: Floats | null,
  y: Floats,
  statistics: Floats,
  shape: NormalizationShape,
): void {
  const [number, count] = sets(shape);
  for (let set = 0; set < number; set++) {
    let center = 0;
    let spread = 0;
    if (shape.frozen) [center, spread] = [statistics[set], statistics[number + set]];
    else {
      visit(shape, set, (at) => center += x[at] / count);
      visit(shape, set, (at) => spread += (x[at] - center) ** 2 / count);
      statistics[set] = center;
      statistics[number + set] = spread;
    }
    const factor = 1 / Math.sqrt(spread + shape.epsilon);
    visit(shape, set, (at, c) => {
      y[at] = (x[at] - center) * factor * (scale === null ? 1 : scale[c]) + (shift === null ? 0 : shift[c]);
    });
  }
}

/** Gradient of the above. */
export function normalizeGradient(
  x: Floats,
  scale: Floats | null,
  statistics: Floats,
  dy: Floats,
  dx: Floats,
  dAffine: Floats,
  shape: NormalizationShape,
): void {
  const [number, count] = sets(shape);
  const features = shape.groups * shape.channels;
  const sums = new Float64Array(2 * features);
  for (let set = 0; set < number; set++) {
    const factor = 1 / Math.sqrt(statistics[number + set] + shape.epsilon);
    const slope = (at: number, c: number) => dy[at] * (scale === null ? 1 : scale[c]);
    const normal = (at: number) => (x[at] - statistics[set]) * factor;
    let sum = 0;
    let product = 0;
    visit(shape, set, (at, c) => {
      sums[c] += dy[at] * normal(at);
      sums[features + c] += dy[at];
      sum += slope(at, c);
      product += slope(at, c) * normal(at);
    });
    // A given mean and variance are constants; else the gradient also flows through both.
    if (shape.frozen) sum = product = 0;
    visit(shape, set, (at, c) => {
      dx[at] = factor * (slope(at, c) - sum / count - normal(at) * product / count);
    });
  }
  dAffine.set(sums);
}
