/** Resident memory over 2,000 training steps in steady state. @module */
import { poolStatistics } from "../mod.ts";
import type { Result } from "./measure.ts";
import { trainingStep } from "./step.ts";

/** Until the garbage collector has settled on the size of its heap. */
const WARM_UP = 2000;
const STEPS = 2000;

/** Runs the workload. */
export async function memory(): Promise<Result> {
  const step = trainingStep(true);
  // As in training, the event loop gets a turn now and then.
  const run = async (steps: number) => {
    for (let i = 0; i < steps; i++) {
      step();
      if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  await run(WARM_UP);
  const before = Deno.memoryUsage().rss;
  const allocated = poolStatistics().allocated;
  await run(STEPS);
  const after = Deno.memoryUsage().rss;
  return {
    name: "memory",
    what: `${STEPS} training steps after ${WARM_UP} to warm up`,
    figures: [
      { name: "resident before", value: before / 2 ** 20, unit: "MiB" },
      { name: "resident after", value: after / 2 ** 20, unit: "MiB" },
      { name: "growth", value: 100 * (after / before - 1), unit: "%", goal: "below 1" },
      { name: "buffers allocated", value: poolStatistics().allocated - allocated, unit: "", goal: "0" },
    ],
  };
}
