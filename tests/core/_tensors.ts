/** Small float64 tensors for the tests. */
import { Key, type Nested, type Shape, Tensor } from "../../core/mod.ts";

/** A float64 tensor from nested numbers. */
export function doubles(values: Nested): Tensor {
  return Tensor.of(values, "float64");
}

/** Standard normal float64 numbers of a seed. */
export function random(shape: Shape, seed: number): Tensor {
  return Tensor.normal(shape, Key.seed(seed).at("random"), "float64");
}

/** Uniform float64 numbers in (low, high) of a seed. */
export function between(low: number, high: number, shape: Shape, seed: number): Tensor {
  return Tensor.uniform(shape, Key.seed(seed).at("between"), "float64").mul(high - low).add(low);
}

/** Distinct numbers, at least 0.05 apart and away from 0, in random order: no ties, and no kinks nearby. */
export function apart(shape: Shape, seed: number): Tensor {
  const noise = random(shape, seed);
  const ranks = Array.from(noise.floats, (_, i) => i).sort((a, b) => noise.floats[a] - noise.floats[b]);
  const values = new Float64Array(noise.size);
  ranks.forEach((at, rank) => values[at] = 0.1 * (rank - (noise.size >> 1)) + 0.05);
  return Tensor.from(values, shape);
}

/** A generator of small random choices, for tests that print their seed. */
export class Dice {
  readonly #key: Key;
  #draws = 0;

  constructor(readonly seed: number) {
    this.#key = Key.seed(seed).at("dice");
  }

  /** A whole number in [0, count). */
  below(count: number): number {
    const u = Tensor.uniform([1], this.#key.atStep(this.#draws++), "float64").item();
    return Math.floor(u * count);
  }

  /** One of the values. */
  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)];
  }
}

/** A seed for a random test: from the clock, so that every run tries something new. */
export function freshSeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}

/** Runs a random test; a failure names the seed. */
export function withSeed(body: (seed: number) => void, seed: number = freshSeed()): void {
  try {
    body(seed);
  } catch (error) {
    throw new Error(`Failed with seed ${seed}: ${(error as Error).message}`, { cause: error });
  }
}
