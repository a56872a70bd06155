/** Where the time of a training step goes. @module */
import { table } from "../cli/print/table.ts";
import { type Batch, batchesOf, type Dataset } from "../mod.ts";
import { timed } from "./measure.ts";
import { inputsOf, type Net, nets, stepOf } from "./nets.ts";
import { Profiler, type Share, shareOf } from "../cli/run/profiler.ts";

/** A profile, as text and as data. */
export interface Profile {
  /** Tables of the shares and of the kernels. */
  readonly text: string;
  /** The same as data. */
  readonly json: {
    /** The net's name. */
    readonly name: string;
    /** Milliseconds of a step. */
    readonly step_ms: number;
    /** Milliseconds of it by what they are spent on; together they are the step. */
    readonly shares: Readonly<Record<Share, number>>;
    /** Milliseconds and calls of a step by kernel, the longest first. */
    readonly kernels: readonly { readonly kernel: string; readonly calls: number; readonly ms: number }[];
  };
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
  timed(step, 2);
  const steps = Math.max(2, Math.min(500, Math.round(400 / timed(step, 2))));
  const turn = () => {
    source?.spent();
    const { whole, kernels } = profiler.profile(step, steps);
    // Data was also taken for the steps that did not count.
    return { whole, kernels, data: (source?.spent() ?? 0) / (steps + Math.min(steps, 20)) };
  };
  // All that is shown is of one turn, the one that was disturbed least, so that the parts are those of the whole.
  const { whole, kernels, data } = Array.from({ length: 5 }, turn)
    .reduce((best, other) => other.whole < best.whole ? other : best);
  const shares: Record<Share, number> = { products: 0, masks: 0, elementwise: 0, optimizer: 0, data, TypeScript: 0 };
  const single = [...kernels].map(([kernel, { ms, calls }]) => ({ kernel, calls, ms })).sort((a, b) => b.ms - a.ms);
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
