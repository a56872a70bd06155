/**
 * What dropout's masks say together: a net of digits whose last hidden layer has 12 units, of which dropout leaves any of 4096
 * subsets. Monte Carlo passes tend to the exact mean of all of them; weight scaling, one pass, is their geometric mean, exactly,
 * since one linear layer and a softmax follow (figure 11 of Srivastava et al., 2014, with the ends that it tends to).
 *
 *                               Brier   wrong
 *     Monte Carlo, T = 1       0.9320  49.0 % ████████████████████████████████████████████████████████
 *     Monte Carlo, T = 2       0.6789  44.7 % █████████████████████████████████████████
 *     Monte Carlo, T = 3       0.6136  41.3 % █████████████████████████████████████
 *     Monte Carlo, T = 5       0.5301  35.3 % ████████████████████████████████
 *     Monte Carlo, T = 10      0.4860  29.7 % █████████████████████████████
 *     Monte Carlo, T = 20      0.4559  28.0 % ███████████████████████████
 *     Monte Carlo, T = 50      0.4367  26.7 % ██████████████████████████
 *     Monte Carlo, T = 100     0.4351  26.3 % ██████████████████████████
 *     Monte Carlo, T = 200     0.4316  26.0 % ██████████████████████████
 *     all 4096 masks           0.4299  23.0 % ██████████████████████████
 *     their geometric mean     0.4398  22.0 % ██████████████████████████
 *     weight scaling           0.4398  22.0 % ██████████████████████████
 *
 *     deno run --allow-read --allow-env --allow-ffi examples/average_nets.ts
 */
import {
  adam,
  dense,
  digits,
  dropout,
  exactAverage,
  fit,
  loadDataset,
  predict,
  relu,
  samplesOf,
} from "@thinned/dropout";
import { sequential, Tensor, tryOpenNative } from "@thinned/dropout";

await tryOpenNative();
const data = await loadDataset(digits({ train: 3000, test: 300 }));
const net = sequential([dense(32), relu(), dense(12), relu(), dropout({ rate: 0.5 }), dense(10)]);
const { model } = await fit(net, {
  data,
  optimizer: adam({ learningRate: 0.003 }),
  epochs: 20,
  batchSize: 50,
  seed: 1,
});

const { count, shape, labels } = data.test;
const x = Tensor.from(Float32Array.from(data.test.inputs), [count, ...shape]);

/** The Brier score, the mean squared distance from the right answer, and the share of wrong classes. */
function judge(probabilities: ArrayLike<number>): [score: number, error: number] {
  let [score, wrong] = [0, 0];
  for (let row = 0; row < count; row++) {
    const own = Array.from({ length: 10 }, (_, k) => probabilities[row * 10 + k]);
    own.forEach((p, k) => score += (p - Number(labels![row] === k)) ** 2 / count);
    if (own.indexOf(Math.max(...own)) !== labels![row]) wrong += 1 / count;
  }
  return [score, wrong];
}

function line(name: string, [score, error]: [number, number]): void {
  const bar = "█".repeat(Math.round(60 * score));
  console.log(`${name.padEnd(24)} ${score.toFixed(4)} ${(100 * error).toFixed(1).padStart(5)} % ${bar}`);
}

console.log("                          Brier   wrong");
const passes = samplesOf(model, x, { samples: 200, softmax: true }).floats;
const sum = new Float64Array(count * 10);
for (let pass = 0; pass < 200; pass++) {
  sum.forEach((_, i) => sum[i] += passes[pass * sum.length + i]);
  const t = pass + 1;
  if ([1, 2, 3, 5, 10, 20, 50, 100, 200].includes(t)) line(`Monte Carlo, T = ${t}`, judge(sum.map((p) => p / t)));
}
const { average, masks } = exactAverage(model, x);
line(`all ${masks} masks`, judge(average.floats));
line("their geometric mean", judge(exactAverage(model, x, { of: "geometric" }).average.floats));
line("weight scaling", judge(predict(model, x, { softmax: true }).mean.floats));
