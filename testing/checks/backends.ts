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
  const pick = trial.picker("backends");
  // Where values decide what is dropped, rounding may decide otherwise.
  let [others, compared, first] = [0, 0, ""];
  for (let part = 0; part < 4; part++) {
    const progress = trial.moment(pick, part, 4);
    const rate = trial.rates.length === 0 ? undefined : pick.real(0.05, 0.95);
    const subject = trial.subject({ rate, progress, dtype: "float32" });
    const x = subject.inputs([9, 1, 17, pick.whole(2, 20)][part]);
    for (const mode of ["train", "eval", "sample"] as const) {
      const step = pick.whole(0, 9999);
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
        compared++;
        const close = Math.abs(found[i] - value) <= TOLERANCE * size && (found[i] === 0) === (value === 0);
        if (close || Object.is(found[i], value)) return;
        if (others++ === 0) {
          first = `expected ${value} at entry ${i} in mode ${mode}, as on the reference, found ${found[i]}`;
        }
      });
    }
  }
  ensure(others <= (trial.claims.adaptive === true ? 0.03 : 0) * compared, first);
  return `${backend.info().name} gives the reference's masks, and its numbers to ${TOLERANCE} of the largest`;
}
