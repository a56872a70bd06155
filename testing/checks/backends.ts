/** The check that the open backend computes what the reference does. @module */
import { currentBackend, reference, useBackend } from "../../core/mod.ts";
import { applies, ensure } from "../report.ts";
import type { Trial } from "../trial.ts";

/** Largest difference between float32 results, of the largest entry. */
const TOLERANCE = 2e-5;

/** The open backend gives what the reference does: the same zeros, and the same numbers but for rounding. */
export function sameOnBackends(trial: Trial): string {
  const backend = currentBackend();
  applies(backend !== reference, "only the reference backend is open");
  trial.findMoment();
  const subject = trial.subject({ rate: 0.5, dtype: "float32" });
  const x = subject.inputs(9);
  for (const mode of ["train", "eval", "sample"] as const) {
    for (let step = 0; step < 3; step++) {
      const run = () => subject.output(x, { mode, step, sample: 7 }).floats;
      const found = run();
      useBackend(reference);
      let expected: typeof found;
      try {
        expected = run();
      } finally {
        useBackend(backend);
      }
      const size = [...expected].reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-6);
      expected.forEach((value, i) => {
        const close = Math.abs(found[i] - value) <= TOLERANCE * size && (found[i] === 0) === (value === 0);
        ensure(
          close || Object.is(found[i], value),
          () => `expected ${value} at entry ${i} in mode ${mode}, as on the reference, found ${found[i]}`,
        );
      });
    }
  }
  return `${backend.info().name} gives the reference's masks, and its numbers to ${TOLERANCE} of the largest`;
}
