/** What a call of a kernel costs beside its work: calls on four numbers. @module */
import { type Kernel, kernels } from "../mod.ts";
import { timed } from "./measure.ts";

const CALLS = 20_000;
const RUN = 50;

/** Kernels with different kinds of arguments, on little. */
function cases(): [kernel: Kernel, args: readonly unknown[]][] {
  const array = () => new Float32Array(64).fill(1);
  const [x, y, out] = [array(), array(), array()];
  const draw = { header: new Uint32Array(3), table: new Uint32Array(6), offset: 0 };
  const product = { m: 2, n: 2, k: 2, transposeA: false, transposeB: true, alpha: 1, beta: 0 };
  const batch = { batch: 1, strideA: 0, strideB: 0, strideC: 0 };
  return [
    [kernels.mask, [x, out, draw, 1, 4, 2 ** 15, 16, 2, 0, 0]],
    [kernels.binary, ["add", x, y, out, { dims: [4], a: [1], b: [1] }]],
    [kernels.unary, ["tanh", x.slice(0, 4), out.slice(0, 4), 0, 0]],
    [kernels.gemm, [x, y, out, { ...product, ...batch }]],
    [kernels.softmax, [x, out, 1, 4, false]],
    [kernels.argmax, [x, new Int32Array(1), 1, 4]],
  ] as unknown as [Kernel, readonly unknown[]][];
}

/** Many calls with the arguments by name, as programs call; in runs so short that the loop is compiled as a whole. */
function loop(run: (...args: unknown[]) => void, args: readonly unknown[]): () => void {
  const names = args.map((_, i) => `a${i}`);
  const text = `return () => { for (let i = 0; i < ${RUN}; i++) run(${names.join()}); }`;
  const short = new Function("run", ...names, text)(run, ...args);
  return () => {
    for (let i = 0; i < CALLS; i += RUN) short();
  };
}

/** Nanoseconds of a call by kernel, the fastest of forty rounds. */
export function calls(): Map<string, number> {
  return new Map(
    cases().map(([kernel, args]) => {
      const run = loop(kernel, args);
      const rounds = Array.from({ length: 40 }, () => timed(run));
      return [kernel.kernel, Math.min(...rounds) / CALLS * 1e6];
    }),
  );
}
