/** Matrix products alone: what steps are held against. @module */
import { currentBackend, defineKernel, kernels, Key, Tensor } from "../mod.ts";
import { median, timed } from "./measure.ts";
import { mlpBatch, mlpWidths } from "./nets.ts";

/** The native library's own product, whoever does the products otherwise; the twin on a backend that has none. */
const ownGemm = defineKernel({
  name: "ownGemm",
  parameters: kernels.gemm.parameters,
  twin: kernels.gemm.twin as (...args: unknown[]) => void,
}) as unknown as typeof kernels.gemm;

/** A product on buffers of its own: rows, columns, inner extent, and what is transposed. */
interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

let label = 0;
const buffer = (size: number) => Tensor.normal([size], Key.seed(2).at(`buffer ${label++}`)).floats;

/**
 * Products one after the other, each by the fastest there is: as the backend does it, or by the library's own kernels.
 *
 * @param products what is computed
 * @param times how often each is computed in a row
 */
function fastest(products: readonly Product[], times = 1): () => void {
  const contestants = currentBackend().info().name === "native" ? [kernels.gemm, ownGemm] : [kernels.gemm];
  const calls = products.map(({ m, n, k, transposeA = false, transposeB = false }) => {
    const [a, b, c] = [m * k, k * n, m * n].map(buffer);
    const plain = { alpha: 1, beta: 0, batch: 1, strideA: 0, strideB: 0, strideC: 0 };
    const shape = { m, n, k, transposeA, transposeB, ...plain };
    const runs = contestants.map((gemm) => () => gemm(a, b, c, shape));
    const found = runs.map((run) => ({ run, rounds: [] as number[] }));
    for (let round = 0; round < 15; round++) found.forEach(({ run, rounds }) => rounds.push(timed(run)));
    return found.reduce((x, y) => median(x.rounds) <= median(y.rounds) ? x : y).run;
  });
  return () => {
    for (const call of calls) for (let i = 0; i < times; i++) call();
  };
}

/** The eleven products of a step of 784-1024-1024-1024-10, in the step's order. */
export function mlpProducts(): () => void {
  const layers = mlpWidths.slice(1).map((units, i) => ({ units, inputs: mlpWidths[i] }));
  const forward = layers.map(({ units, inputs }) => ({ m: mlpBatch, n: units, k: inputs, transposeB: true }));
  const backward = layers.toReversed().flatMap(({ units, inputs }, i) => [
    // The first layer's input needs no gradient.
    ...(i < layers.length - 1 ? [{ m: mlpBatch, n: inputs, k: units }] : []),
    { m: units, n: inputs, k: mlpBatch, transposeA: true },
  ]);
  return fastest([...forward, ...backward]);
}

/** The six products of the causal half of attention, forward and backward, a head at a time in buffers that all share. */
export function attentionProducts(heads: number, steps: number, width: number): () => void {
  const half = steps / 2; // as many operations as the half below the diagonal has
  return fastest([
    { m: steps, n: half, k: width, transposeB: true }, // scores = Q K^T
    { m: steps, n: width, k: half }, // output = weights V
    { m: half, n: width, k: steps, transposeA: true }, // dV = weights^T dOutput
    { m: steps, n: half, k: width, transposeB: true }, // dWeights = dOutput V^T
    { m: steps, n: width, k: half }, // dQ = dScores K
    { m: half, n: width, k: steps, transposeA: true }, // dK = dScores^T Q
  ], heads);
}
