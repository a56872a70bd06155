/** Training steps beside PyTorch's, in turns in one run. @module */
import { currentBackend } from "../mod.ts";
import { type Figure, median, type Result } from "./measure.ts";
import { nets, stepOf } from "./nets.ts";
import { startTorch } from "./peer.ts";

/** Steps that make a turn, so that a turn takes about a quarter of a second. */
const TURN_MS = 250;
const ROUNDS = 9;

/**
 * Runs the workload. PyTorch runs with one thread and with as many as we have, and its better median counts: with
 * OpenBLAS's threads beside OpenMP's, more of them can make it slower.
 */
export async function peers(): Promise<Result> {
  const threads = currentBackend().info().threads;
  const started = await Promise.all([...new Set([1, threads])].map(async (count) => ({
    count,
    peer: await startTorch(count),
  })));
  const why = started.map(({ peer }) => peer).find((peer) => typeof peer === "string");
  const rivals = started.flatMap(({ count, peer }) => typeof peer === "string" ? [] : [{ count, peer }]);
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
    const ours: number[] = [];
    const theirs = rivals.map(() => [] as number[]);
    for (let round = -1; round < ROUNDS; round++) {
      const mine = run(steps);
      const others: number[] = [];
      for (const { peer } of rivals) others.push(await peer.time(name, steps));
      if (round < 0) continue; // a turn to warm up
      ours.push(mine);
      others.forEach((time, i) => theirs[i].push(time));
    }
    figures.push({ name, value: median(ours), unit: "ms" });
    rivals.forEach(({ count, peer }, i) =>
      figures.push({ name: `${name}, ${peer.name}, threads: ${count}`, value: median(theirs[i]), unit: "ms" })
    );
    if (rivals.length > 0) {
      const best = theirs.reduce((a, b) => median(a) <= median(b) ? a : b);
      const ratio = median(ours.map((time, i) => time / best[i]));
      figures.push({ name: `${name}: ours / theirs`, value: ratio, unit: "x", goal: "at most 1" });
    }
  }
  for (const { peer } of rivals) await peer.close();
  return {
    name: "peers",
    what: why ?? `training steps beside ${rivals[0].peer.name}, in turns`,
    figures,
  };
}
