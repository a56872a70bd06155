/**
 * Active learning: which digits are worth a label? Those on which the passes of a dropout net disagree most.
 *
 *     THINNED_DATA=data deno run --allow-read --allow-env --allow-ffi examples/active_learning.ts [rounds [seeds [pool]]]
 *
 * On MNIST it takes 95 s of a core and prints (mean ± standard error over four runs, which begin with the same labels under
 * each strategy):
 *
 *     labels | at random             | by entropy            | by mutual information | test error in %, 4 runs
 *         20 | 40.8 ± 1.9            | 40.8 ± 1.9            | 40.8 ± 1.9            |
 *         40 | 29.8 ± 0.6            | 28.9 ± 1.9            | 27.9 ± 1.7            |
 *         60 | 23.8 ± 1.1            | 27.9 ± 3.7            | 21.4 ± 1.4            |
 *         80 | 20.7 ± 1.3            | 23.4 ± 1.6            | 18.0 ± 0.7            |
 *        100 | 18.9 ± 1.1            | 21.4 ± 0.9            | 15.8 ± 0.7            |
 *        120 | 16.8 ± 1.2            | 17.8 ± 0.8            | 15.4 ± 0.5            |
 *        140 | 15.3 ± 1.1            | 17.1 ± 0.6            | 12.8 ± 0.6            |
 *        160 | 13.9 ± 0.5            | 17.6 ± 2.7            | 12.9 ± 0.8            |
 *        180 | 13.9 ± 0.8            | 15.9 ± 1.7            | 11.2 ± 0.8            |
 *        200 | 13.1 ± 0.7            | 11.8 ± 0.8            | 10.8 ± 0.6            |
 *        220 | 12.9 ± 0.7            | 11.9 ± 1.7            | 12.1 ± 0.8            |
 *        240 | 12.1 ± 1.0            | 11.8 ± 1.1            | 10.9 ± 0.6            |
 *        260 | 12.2 ± 0.6            | 12.1 ± 2.3            | 10.5 ± 0.8            |
 *     12.2 % at random: 236 labels
 *     12.2 % by entropy: 198 labels
 *     12.2 % by mutual information: 168 labels
 *
 * Entropy also asks for images that are hard to read for anyone, whose labels teach little, and at first does worse than
 * chance.
 *
 * Gal, Islam, Ghahramani, "Deep Bayesian Active Learning with Image Data", ICML 2017, figure 1; Houlsby et al., "Bayesian
 * Active Learning for Classification and Preference Learning", arXiv:1112.5745, for mutual information as the choice (BALD).
 */
import { adam, conv2d, dense, digits, dropout, evaluate, fit, flatten, Key, loadDataset } from "@thinned/dropout";
import { makeBatch, maxPool2d, mnist, type Model, pickExamples, predict, relu, sequential } from "@thinned/dropout";
import { Tensor, tryOpenNative } from "@thinned/dropout";

const [rounds = 12, seeds = 4, pool = 4000] = Deno.args.map(Number);
const FIRST = 20; // labels at the beginning, two of each digit
const EACH = 20; // labels more in each round
const BATCH = 20;
const STEPS = 300; // of training, from the beginning in each round

await tryOpenNative();
const real = Deno.env.get("THINNED_DATA"); // drawn digits where there is no MNIST
const all = await loadDataset(
  real ? mnist({ flatten: false }) : digits({ train: 2 * pool, test: 1000, flatten: false }),
);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
const test = pickExamples(all.test, upTo(1000));

const block = (channels: number) => [conv2d(channels, 5), relu(), maxPool2d(2)];
const head = [flatten(), dropout({ rate: 0.25 }), dense(64), relu(), dropout({ rate: 0.5 }), dense(10)];
const net = sequential([...block(8), ...block(16), ...head]);

/** How much each image of a batch is worth: those with the largest numbers are labelled next. */
type Worth = (model: Model, images: Tensor, key: Key) => Tensor;
const passes = { samples: 30, softmax: true } as const;
const strategies: Record<string, Worth> = {
  "at random": (_, images, key) => Tensor.uniform([images.shape[0]], key),
  "by entropy": (model, images) => predict(model, images, passes).entropy,
  "by mutual information": (model, images) => predict(model, images, passes).mutualInformation,
};

/** The test error after each round in which one strategy has chosen what is labelled. */
async function learn(worth: Worth, seed: number): Promise<number[]> {
  const key = Key.seed(seed);
  const drawn = Tensor.uniform([all.train.count], key.at("pool")).floats;
  const order = upTo(all.train.count).sort((a, b) => drawn[a] - drawn[b]).slice(0, pool + FIRST);
  const labels = all.train.labels!;
  const labelled: number[] = [], unlabelled: number[] = [];
  for (const image of order) {
    const same = labelled.filter((other) => labels[other] === labels[image]).length;
    (same < FIRST / 10 ? labelled : unlabelled).push(image);
  }
  const errors: number[] = [];
  for (let round = 0;; round++) {
    const train = pickExamples(all.train, labelled);
    const { model } = await fit(net, {
      data: { ...all, train, test: train }, // the test images are measured once, below
      optimizer: adam({ learningRate: 0.001 }),
      epochs: Math.ceil(STEPS * BATCH / labelled.length),
      batchSize: BATCH,
      seed,
    });
    errors.push(100 * evaluate(model, { ...all, test }).error);
    if (round === rounds) return errors;
    const images = makeBatch(pickExamples(all.train, unlabelled), 0, 0, unlabelled.length).inputs;
    const worths = worth(model, images, key.at("choice").atStep(round)).floats;
    const best = upTo(unlabelled.length).sort((a, b) => worths[b] - worths[a]).slice(0, EACH);
    labelled.push(...best.map((at) => unlabelled[at]));
    for (const at of best.sort((a, b) => b - a)) unlabelled.splice(at, 1);
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const standardError = (values: readonly number[]) =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)) / Math.max(1, values.length - 1));

const curves = new Map<string, number[][]>(); // strategy, then seed, then round
for (const [name, worth] of Object.entries(strategies)) {
  const runs: number[][] = [];
  for (let seed = 1; seed <= seeds; seed++) runs.push(await learn(worth, seed));
  curves.set(name, runs);
}
console.log(
  `labels | ${[...curves.keys()].map((name) => name.padEnd(21)).join(" | ")} | test error in %, ${seeds} runs`,
);
for (let round = 0; round <= rounds; round++) {
  const cells = [...curves.values()].map((runs) => {
    const errors = runs.map((run) => run[round]);
    return `${mean(errors).toFixed(1).padStart(4)} ± ${standardError(errors).toFixed(1)}`.padEnd(21);
  });
  console.log([String(FIRST + EACH * round).padStart(6), ...cells].join(" | "), "|");
}

/** The number of labels at which a mean curve first comes down to an error, on straight lines between the rounds. */
function labelsFor(error: number, runs: readonly number[][]): number {
  const curve = runs[0].map((_, round) => mean(runs.map((run) => run[round])));
  const after = curve.findIndex((value) => value <= error);
  if (after <= 0) return after < 0 ? Infinity : FIRST;
  return FIRST + EACH * (after - (error - curve[after]) / (curve[after - 1] - curve[after]));
}
const reached = mean(curves.get("at random")!.map((run) => run[rounds]));
for (const [name, runs] of curves) {
  console.log(`${reached.toFixed(1)} % ${name}: ${labelsFor(reached, runs).toFixed(0)} labels`);
}
