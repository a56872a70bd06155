/** Comparing the native backends with the reference. */
import type { Floats } from "../../core/backend/arrays.ts";
import { type Backend, reference } from "../../core/backend/backend.ts";
import { assertClose, instructionSets, open } from "./_native.ts";

/** The library with each instruction set. */
export const backends: Backend[] = instructionSets.map((instructions) => open(instructions));

/** Lengths with no tail, a tail, less than a vector, and enough for several threads. */
export const lengths = [1, 3, 16, 37, 1000, 70_001];

/** Runs one kernel on the reference and on each native backend, and compares what it leaves in `outputs`. */
export function compare(
  what: string,
  outputs: readonly Floats[],
  run: (backend: Backend, outputs: Floats[]) => void,
  relative = 1e-6,
  absolute = 1e-6,
): void {
  const expected = outputs.map((array) => array.slice());
  run(reference, expected);
  for (const backend of backends) {
    const actual = outputs.map((array) => array.slice());
    run(backend, actual);
    actual.forEach((array, i) =>
      assertClose(array, expected[i], relative, absolute, `${what} (${backend.info().instructions}), output ${i}`)
    );
  }
}
