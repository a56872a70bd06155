/**
 * Spotting foreign data: a net that has learnt digits is shown letters, digits whose pixels are mixed up, and noise.
 *
 *     THINNED_DATA=data deno run --allow-read --allow-env --allow-ffi examples/foreign_data.ts [images [epochs [seeds]]]
 *
 * On MNIST it takes 32 s of a core and prints areas under the receiver operating characteristic, the probability that a
 * foreign image has the more suspicious number of the two (mean ± standard error over three nets):
 *
 *     foreign         |           | probability   | entropy       | mutual information
 *     letters         | one pass  | 0.768 ± 0.015 | 0.770 ± 0.015 | 0.500 ± 0.000
 *     letters         | 50 passes | 0.844 ± 0.007 | 0.850 ± 0.006 | 0.902 ± 0.006
 *     mixed-up digits | one pass  | 0.991 ± 0.003 | 0.998 ± 0.001 | 0.500 ± 0.000
 *     mixed-up digits | 50 passes | 0.984 ± 0.005 | 0.997 ± 0.001 | 0.663 ± 0.013
 *     noise           | one pass  | 0.997 ± 0.001 | 1.000 ± 0.000 | 0.500 ± 0.000
 *     noise           | 50 passes | 0.994 ± 0.003 | 1.000 ± 0.000 | 0.744 ± 0.010
 *
 * Letters, which have much of a digit, make the passes disagree: mutual information tells them best. On noise every pass by
 * itself is unsure, and in the same way; entropy sees that, mutual information does not. So one number alone is not enough.
 *
 * Hendrycks and Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural Networks", ICLR
 * 2017; Gal, "Uncertainty in Deep Learning", PhD thesis, Cambridge 2016, section 3.3.
 */
import { adam, assessClassification, conv2d, dense, digits, dropout, fit, flatten, Key } from "@thinned/dropout";
import { loadDataset, maxPool2d, mnist, pickExamples, relu, sequential, shuffledInputs } from "@thinned/dropout";
import { type Split, Tensor, tryOpenNative } from "@thinned/dropout";

const [images = 8000, epochs = 4, seeds = 3] = Deno.args.map(Number);
const EXAMPLES = 1000;
const PIXELS = 28 * 28;

await tryOpenNative();
const real = Deno.env.get("THINNED_DATA"); // drawn digits where there is no MNIST
const all = await loadDataset(
  real
    ? mnist({ flatten: false })
    : digits({ train: images, test: EXAMPLES, distortion: 0.5, clutter: 0, flatten: false }),
);
const first = (split: Split, count: number) => pickExamples(split, Array.from({ length: count }, (_, i) => i));
const data = { ...all, train: first(all.train, images), test: first(all.test, EXAMPLES) };

/** Letters that look like no digit, as strokes between nine points: 1 2 3 above, 4 5 6 in the middle, 7 8 9 below. */
const LETTERS = [
  "72 29 46",
  "31 17 79 45",
  "31 17 45",
  "17 39 46",
  "17 34 49",
  "71 15 53 39",
  "71 19 93",
  "71 13 36 64",
]
  .concat("71 13 36 64 59", "13 28", "17 79 93", "18 83", "17 75 59 93", "19 37", "15 53 58");

/** Letters of random size, place and slant, drawn with a round pen. */
function letters(count: number): Split {
  const random = Tensor.uniform([count, 6], Key.seed(1).at("letters")).toArray() as number[][];
  const inputs = new Uint8Array(count * PIXELS);
  random.forEach(([which, width, height, slant, right, down], n) => {
    const place = (key: string): [number, number] => {
      const [x, y] = [(Number(key) - 1) % 3 - 1, Math.floor((Number(key) - 1) / 3) - 1];
      return [
        14 + 2 * (right - 0.5) + (5 + 2 * width) * x - 3 * (slant - 0.5) * y,
        13 + 2 * down + (8 + 2 * height) * y,
      ];
    };
    for (const [from, to] of LETTERS[Math.floor(which * LETTERS.length)].split(" ")) {
      const [[x, y], [endX, endY]] = [place(from), place(to)];
      const [dx, dy] = [endX - x, endY - y];
      for (let pixel = 0; pixel < PIXELS; pixel++) {
        const [px, py] = [pixel % 28 + 0.5 - x, Math.floor(pixel / 28) + 0.5 - y];
        const along = Math.min(1, Math.max(0, (px * dx + py * dy) / (dx * dx + dy * dy)));
        const ink = 255 * Math.min(1, Math.max(0, 2 - Math.hypot(px - along * dx, py - along * dy)));
        inputs[n * PIXELS + pixel] = Math.max(inputs[n * PIXELS + pixel], ink);
      }
    }
  });
  return { count, shape: data.test.shape, inputs, scale: 1 / 255 };
}

const white = Tensor.uniform([EXAMPLES * PIXELS], Key.seed(2).at("noise")).floats;
const foreign: Record<string, Split> = {
  letters: letters(EXAMPLES),
  "mixed-up digits": shuffledInputs(data.test, 1),
  noise: { ...data.test, inputs: Uint8Array.from(white, (number) => 256 * number) },
};

const block = (channels: number) => [conv2d(channels, 5, { padding: "same" }), relu(), maxPool2d(2)];
const head = [flatten(), dropout({ rate: 0.5 }), dense(128), relu(), dropout({ rate: 0.5 }), dense(10)];
const measures = ["maxProbability", "entropy", "mutualInformation"] as const;
const found = new Map<string, number[][]>(); // kind and passes, then net, then measure
for (let seed = 1; seed <= seeds; seed++) {
  const net = sequential([...block(16), ...block(32), ...head]);
  const run = await fit(net, { data, optimizer: adam({ learningRate: 0.001 }), epochs, batchSize: 64, seed });
  console.log(`net ${seed}: test error ${(100 * run.testError).toFixed(1)} %`);
  for (const [kind, split] of Object.entries(foreign)) {
    for (const samples of [0, 50]) {
      const scores = assessClassification(run.model, data, { samples, foreign: split }).foreign!;
      const row = `${kind.padEnd(15)} | ${samples === 0 ? "one pass " : "50 passes"}`;
      found.set(row, [...found.get(row) ?? [], measures.map((measure) => scores[measure])]);
    }
  }
}

/** The mean over the nets, and its standard error. */
function meanOf(values: readonly number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const error = Math.sqrt(squares / Math.max(1, values.length - 1) / values.length);
  return `${mean.toFixed(3)} ± ${error.toFixed(3)}`;
}
console.log(`foreign         |           | probability   | entropy       | mutual information`);
for (const [row, nets] of found) {
  console.log([row, ...measures.map((_, column) => meanOf(nets.map((net) => net[column])))].join(" | "));
}
