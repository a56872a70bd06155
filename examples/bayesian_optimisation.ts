/**
 * Bayesian optimisation: which rates of dropout and which learning rate to try next, as a dropout net says that has seen
 * the tries so far. Each try is a net trained on a few drawn digits.
 *
 *     deno run --allow-read --allow-env --allow-ffi examples/bayesian_optimisation.ts [tries [runs]]
 *
 * It takes 32 s of a core and prints (mean ± standard error; both begin each run with the same six tries):
 *
 *     tries | random search   | dropout net     | lowest loss so far, 8 runs
 *         6 | 1.2049 ± 0.0257 | 1.2049 ± 0.0257 |
 *         9 | 1.1924 ± 0.0238 | 1.1879 ± 0.0274 |
 *        12 | 1.1910 ± 0.0239 | 1.1682 ± 0.0256 |
 *        15 | 1.1777 ± 0.0128 | 1.1448 ± 0.0117 |
 *        18 | 1.1777 ± 0.0128 | 1.1274 ± 0.0036 |
 *        21 | 1.1728 ± 0.0122 | 1.1257 ± 0.0035 |
 *        24 | 1.1662 ± 0.0099 | 1.1208 ± 0.0059 |
 *
 * The net needs 15 tries to do better than random search does in 24. The settings it ends with differ between runs: many
 * are about as good.
 *
 * The expected improvement is its mean over the surrogate's passes, each of them a function that the tries might come from:
 * Gal and Ghahramani 2016; a net as the surrogate: Snoek et al., "Scalable Bayesian Optimization Using Deep Neural
 * Networks", ICML 2015.
 */
import { adam, arrays, dense, digits, dropout, fit, Key, loadDataset, relu, samplesOf } from "@thinned/dropout";
import { sequential, Tensor, tryOpenNative } from "@thinned/dropout";

const [tries = 24, runs = 8] = Deno.args.map(Number);
const FIRST = 6; // tries at random before the surrogate is asked
const CANDIDATES = 1000;

await tryOpenNative();
const data = await loadDataset(digits({ train: 300, test: 500, seed: 7 }));

/** A point of the unit cube as rates of dropout of inputs and of hidden units, 0 to 0.9, and a learning rate, 0.0001 to 1. */
const settings = ([x, y, z]: readonly number[]) => ({
  inputs: 0.9 * x,
  hidden: 0.9 * y,
  learningRate: 10 ** (4 * z - 4),
});

/** What a point is worth: the loss on new digits of a net that was trained with its settings; lower is better. */
async function lossAt(point: readonly number[]): Promise<number> {
  const { inputs, hidden, learningRate } = settings(point);
  const net = sequential([dropout({ rate: inputs }), dense(128), relu(), dropout({ rate: hidden }), dense(10)]);
  const run = await fit(net, { data, optimizer: adam({ learningRate }), epochs: 20, batchSize: 30, seed: 1 });
  return Math.min(run.testLoss, 5); // what has diverged is bad enough
}

/** Points drawn at random. */
const randomPoints = (count: number, key: Key) => Tensor.uniform([count, 3], key).toArray() as number[][];

/** The candidate from which the surrogate expects the largest improvement on the lowest loss so far. */
async function mostPromising(points: number[][], losses: number[], candidates: number[][], seed: number) {
  const logs = losses.map(Math.log); // differences between good ones count, those between bad ones less
  const middle = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const deviation = Math.sqrt(logs.reduce((sum, log) => sum + (log - middle) ** 2, 0) / logs.length);
  const standard = logs.map((log) => (log - middle) / deviation);
  const inputs = (points: number[][]) => points.map((point) => point.map((value) => 4 * value - 2));
  const examples: [number[][], number[]] = [inputs(points), standard];
  const hidden = () => [dense(64), relu(), dropout({ rate: 0.1 })];
  const { model } = await fit(sequential([...hidden(), ...hidden(), dense(1)]), {
    data: arrays({ train: examples, test: examples, classes: false }),
    optimizer: adam({ learningRate: 0.01 }),
    epochs: 200,
    batchSize: points.length,
    seed,
  });
  const passes = samplesOf(model, Tensor.of(inputs(candidates)), { samples: 50, seed }); // [50, candidates, 1]
  const improvement = passes.mul(-1).add(Math.min(...standard)).relu().mean([0, 2]); // of each candidate
  return candidates[improvement.argmax().ints[0]];
}

const lowest: Record<"random" | "bayesian", number[][]> = { random: [], bayesian: [] }; // run, then try
for (let run = 1; run <= runs; run++) {
  const key = Key.seed(run);
  const drawn = randomPoints(tries, key.at("points"));
  const random: number[] = [];
  for (const point of drawn) random.push(await lossAt(point));
  const points = drawn.slice(0, FIRST), losses = random.slice(0, FIRST);
  while (points.length < tries) {
    const candidates = randomPoints(CANDIDATES, key.at("candidates").atStep(points.length));
    const point = await mostPromising(points, losses, candidates, points.length);
    points.push(point);
    losses.push(await lossAt(point));
  }
  const best = settings(points[losses.indexOf(Math.min(...losses))]);
  const { inputs, hidden, learningRate } = best;
  console.log(
    `run ${run}: rates ${inputs.toFixed(2)}, ${hidden.toFixed(2)}, learning rate ${learningRate.toPrecision(2)}`,
  );
  const soFar = (values: number[]) => values.map((_, i) => Math.min(...values.slice(0, i + 1)));
  lowest.random.push(soFar(random));
  lowest.bayesian.push(soFar(losses));
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const standardError = (values: readonly number[]) =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)) / Math.max(1, values.length - 1));
console.log(`tries | random search   | dropout net     | lowest loss so far, ${runs} runs`);
for (let i = FIRST; i <= tries; i += 3) {
  const cells = Object.values(lowest).map((found) => {
    const at = found.map((losses) => losses[i - 1]);
    return `${mean(at).toFixed(4)} ± ${standardError(at).toFixed(4)}`;
  });
  console.log([String(i).padStart(5), ...cells].join(" | "), "|");
}
