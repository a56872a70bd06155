/** Dropout's bandwidth against a plain copy's. @module */
import { kernels } from "../mod.ts";
import { measure, ratio, type Result } from "./measure.ts";

/** Runs the workload: forward on 2^25 and on 2^17 floats, counting what is read and what is written. */
export function bandwidth(): Result {
  const draw = { header: new Uint32Array(3), table: new Uint32Array(3), offset: 0 };
  const figures = [];
  for (const power of [25, 17]) {
    const n = 2 ** power;
    const x = new Float32Array(n).fill(1);
    const out = new Float32Array(n).fill(1);
    // A small array is done many times a round, so that a round is long enough to be timed.
    const times = power === 25 ? 1 : 64;
    const repeat = (run: () => void) => () => {
      for (let i = 0; i < times; i++) run();
    };
    const timings = measure({
      dropout: repeat(() => kernels.mask(x, out, draw, 1, n, 2 ** 15, 16, 2, 0, 0)),
      memmove: repeat(() => out.set(x)),
      copy: repeat(() => kernels.unary("copy", x, out, 0, 0)),
    }, power === 25 ? 15 : 30);
    const rate = (ms: number) => 8 * n * times / ms / 1e6;
    const fastest = timings.memmove.median < timings.copy.median ? timings.memmove : timings.copy;
    figures.push(
      { name: `copy of 2^${power}, one thread`, value: rate(timings.memmove.median), unit: "GB/s" },
      { name: `copy of 2^${power}, all threads`, value: rate(timings.copy.median), unit: "GB/s" },
      {
        name: `dropout of 2^${power}`,
        value: rate(timings.dropout.median),
        unit: "GB/s",
        ...(power === 17 ? { goal: "at least 10" } : {}),
      },
      {
        name: `dropout / faster copy, 2^${power}`,
        value: ratio(fastest, timings.dropout),
        unit: "x",
        ...(power === 25 ? { goal: "at least 0.5" } : {}),
      },
    );
  }
  return { name: "bandwidth", what: "dropout forward, counting bytes read and written", figures };
}
