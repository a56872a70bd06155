/** Training steps beside PyTorch's, in turns in one run. @module */
import { currentBackend } from "../mod.ts";
import { type Figure, median, type Result } from "./measure.ts";
import { nets, stepOf } from "./nets.ts";
import { startTorch } from "./peer.ts";

/** Steps that make a turn, so that a turn takes about a quarter of a second. */
const TURN_MS = 250;
const ROUNDS = 9;

/** Runs the workload. */
export async function peers(): Promise<Result> {
  const peer = await startTorch(currentBackend().info().threads);
  const figures: Figure[] = [];
  for (const [name, make] of Object.entries(nets)) {
    const step = stepOf(make());
    const run = (steps: number) => {
      const start = performance.now();
      for (let i = 0; i < steps; i++) step();
      return (performance.now() - start) / steps;
    };
    run(2);
    const steps = Math.max(1, Math.round(TURN_MS / run(2)));
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = -1; round < ROUNDS; round++) {
      const mine = run(steps);
      const other = typeof peer === "string" ? NaN : await peer.time(name, steps);
      if (round < 0) continue; // a turn to warm up
      ours.push(mine);
      theirs.push(other);
    }
    figures.push({ name, value: median(ours), unit: "ms" });
    if (typeof peer !== "string") {
      figures.push(
        { name: `${name}, ${peer.name}`, value: median(theirs), unit: "ms" },
        {
          name: `${name}: ours / theirs`,
          value: median(ours.map((time, i) => time / theirs[i])),
          unit: "x",
          goal: "at most 1",
        },
      );
    }
  }
  if (typeof peer !== "string") await peer.close();
  return {
    name: "peers",
    what: typeof peer === "string" ? `training steps. ${peer}` : `training steps beside ${peer.name}, in turns`,
    figures,
  };
}
