/** Comparing a statistic with its expectation. @module */
import { assert } from "@std/assert";

/** Throws unless a statistic lies within 5 standard errors of its expectation: by chance once in 1.7 million tests. */
export function assertNear(found: number, expected: number, standardError: number, what: string): void {
  const errors = Math.abs(found - expected) / standardError;
  assert(
    errors <= 5,
    `${what}: found ${found}, expected ${expected}, ${errors.toFixed(2)} standard errors of ${standardError} away`,
  );
}
