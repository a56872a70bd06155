/** The smallest numbers of each row. @module */
import { type Floats, Tensor } from "../../core/mod.ts";

/** Hoare's selection: the number that stands at `rank` once all are sorted. It reorders the numbers, none of them NaN. */
function select(numbers: Floats, rank: number): number {
  let [low, high] = [0, numbers.length - 1];
  while (low < high) {
    const pivot = numbers[(low + high) >> 1];
    let [i, j] = [low, high];
    while (i <= j) {
      while (numbers[i] < pivot) i++;
      while (numbers[j] > pivot) j--;
      if (i > j) break;
      const swapped = numbers[i];
      numbers[i++] = numbers[j];
      numbers[j--] = swapped;
    }
    if (rank <= j) high = j;
    else if (rank >= i) low = i;
    else break;
  }
  return numbers[rank];
}

/**
 * Which entries are among the `count` smallest of their row: 1 or 0, in the values' shape. Exactly `count` of each row are;
 * of equal ones, those that stand first. NaN counts as infinity.
 *
 * @param values a tensor whose rows lie along its first axis
 * @param count whole number in [0, entries of a row]
 */
export function smallestOfRows(values: Tensor, count: number): Tensor {
  const rows = values.shape[0] ?? 1;
  const width = values.size / Math.max(rows, 1);
  if (count === 0) return Tensor.zeros(values.shape, values.dtype);
  if (count === width) return Tensor.ones(values.shape, values.dtype);
  const found = Tensor.zeros(values.shape, values.dtype);
  const out = found.floats;
  const given = values.floats.map((value) => Number.isNaN(value) ? Infinity : value);
  const scratch = given.slice(0, width);
  for (let start = 0; start < out.length; start += width) {
    for (let i = 0; i < width; i++) scratch[i] = given[start + i];
    const last = select(scratch, count - 1);
    let ties = count; // of the entries that equal the last, so many are still among them
    for (let i = 0; i < width; i++) if (scratch[i] < last) ties--;
    for (let i = start; i < start + width; i++) {
      if (given[i] < last || (given[i] === last && ties-- > 0)) out[i] = 1;
    }
  }
  return found;
}
