/** Where the time of a training step goes. @module */
import { table } from "../cli/_table.ts";
import { type Batch, batchesOf, type Dataset } from "../mod.ts";
import { median, timed } from "./measure.ts";
import { inputsOf, type Net, nets, stepOf } from "./nets.ts";
import { Profiler, type Share, shareOf } from "./profile.ts";

/** A profile, as text and as data. */
export interface Profile {
  readonly text: string;
  readonly json: unknown;
}

/** Batches as training takes them, gathered from a shuffled data set of eight batches; and the time that took. */
function batches(net: Net): { take: () => Batch; spent: () => number } {
  const count = 8 * net.batch;
  const one = inputsOf(net).floats;
  const inputs = new Float32Array(8 * one.length);
  for (let i = 0; i < 8; i++) inputs.set(one, i * one.length);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % Math.min(net.classes, 10));
  const split = { count, shape: net.shape, inputs, labels, scale: 1 };
  const dataset = { name: "profile", classes: net.classes, train: split, test: split } as unknown as Dataset;
  let [epoch, spent] = [0, 0];
  let from = batchesOf(dataset, { epoch, batchSize: net.batch })[Symbol.iterator]();
  return {
    take() {
      const start = performance.now();
      let next = from.next();
      if (next.done) {
        from = batchesOf(dataset, { epoch: ++epoch, batchSize: net.batch })[Symbol.iterator]();
        next = from.next();
      }
      spent += performance.now() - start;
      return next.value;
    },
    spent() {
      const before = spent;
      spent = 0;
      return before;
    },
  };
}

/** Profiles a training step of a net. */
export function stepShares(name: string): Profile {
  const net = nets[name]();
  // Of sequences the labels are one for each step, which these batches do not have.
  const source = net.labels === 1 && net.vocabulary === undefined ? batches(net) : undefined;
  const step = stepOf(net, source?.take);
  const profiler = new Profiler();
  timed(step, 5);
  const steps = Math.max(3, Math.min(500, Math.round(400 / timed(step, 3))));
  const kernels = new Map<string, { ms: number[]; calls: number }>();
  const rest: Record<"whole" | "data", number[]> = { whole: [], data: [] };
  for (let turn = 0; turn < 5; turn++) {
    timed(step, 3);
    source?.spent();
    rest.whole.push(timed(step, steps));
    rest.data.push((source?.spent() ?? 0) / steps);
    for (const [kernel, { ms, calls }] of profiler.run(step, steps)) {
      const entry = kernels.get(kernel) ?? { ms: [], calls };
      entry.ms.push(ms);
      kernels.set(kernel, entry);
    }
  }
  const whole = median(rest.whole);
  const shares: Record<Share, number> = {
    products: 0,
    masks: 0,
    elementwise: 0,
    optimizer: 0,
    data: median(rest.data),
    TypeScript: 0,
  };
  const single = [...kernels].map(([kernel, { ms, calls }]) => ({ kernel, calls, ms: median(ms) }))
    .sort((a, b) => b.ms - a.ms);
  for (const { kernel, ms } of single) shares[shareOf(kernel)] += ms;
  shares.TypeScript = Math.max(0, whole - Object.values(shares).reduce((sum, ms) => sum + ms, 0));
  const row = (name: string, ms: number) => [name, `${ms.toFixed(3)} ms`, `${(100 * ms / whole).toFixed(1)} %`];
  const rows = Object.entries(shares).map(([share, ms]) => row(share, ms));
  const kernelRows = single.map(({ kernel, calls, ms }) => [...row(kernel, ms), calls.toFixed(0)]);
  return {
    text: `${name}: ${net.what}; ${whole.toFixed(3)} ms a step\n` +
      `${table(rows, ["share", "a step", "of it"])}\n\n` +
      `${table(kernelRows, ["kernel", "a step", "of it", "calls"])}`,
    json: { name, step_ms: whole, shares, kernels: single },
  };
}
