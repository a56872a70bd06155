/**
 * Turned digits: what a net is unsure of when a 1 is turned in steps, though its softmax may be near 1.
 *
 *     THINNED_DATA=data deno run --allow-read --allow-env --allow-ffi examples/rotated_digits.ts [images [epochs]]
 *
 * On MNIST it takes 12 s of a core and prints
 *
 *     test error 2.9 %
 *             | one 1: mean ± deviation of the likeliest       | 100 of them, in nats
 *     degrees | classes' softmax over 100 passes               | entropy | information
 *          0° | 1: 0.99 ± 0.02, 4: 0.00 ± 0.01, 7: 0.00 ± 0.00 |   0.173 |       0.049 ###
 *         15° | 1: 0.98 ± 0.04, 2: 0.01 ± 0.01, 7: 0.00 ± 0.01 |   0.239 |       0.067 #####
 *         30° | 1: 0.41 ± 0.22, 2: 0.33 ± 0.22, 8: 0.09 ± 0.11 |   0.579 |       0.154 ############
 *         45° | 2: 0.42 ± 0.28, 8: 0.16 ± 0.16, 5: 0.16 ± 0.19 |   1.259 |       0.332 #########################
 *         60° | 4: 0.57 ± 0.38, 2: 0.21 ± 0.29, 3: 0.12 ± 0.22 |   1.402 |       0.447 ############################
 *         75° | 4: 0.87 ± 0.23, 2: 0.05 ± 0.15, 3: 0.04 ± 0.11 |   0.998 |       0.420 ####################
 *         90° | 4: 0.76 ± 0.30, 2: 0.07 ± 0.16, 5: 0.06 ± 0.14 |   0.689 |       0.323 ##############
 *        105° | 4: 0.27 ± 0.28, 5: 0.21 ± 0.21, 8: 0.16 ± 0.18 |   1.013 |       0.385 ####################
 *        120° | 8: 0.38 ± 0.22, 5: 0.22 ± 0.18, 4: 0.18 ± 0.19 |   1.507 |       0.476 ##############################
 *        135° | 8: 0.28 ± 0.18, 4: 0.25 ± 0.22, 1: 0.22 ± 0.16 |   1.612 |       0.414 ################################
 *        150° | 1: 0.76 ± 0.20, 8: 0.11 ± 0.12, 4: 0.06 ± 0.10 |   1.395 |       0.321 ############################
 *        165° | 1: 0.95 ± 0.08, 6: 0.02 ± 0.05, 8: 0.01 ± 0.02 |   0.808 |       0.203 ################
 *        180° | 1: 0.93 ± 0.13, 6: 0.04 ± 0.10, 8: 0.01 ± 0.03 |   0.399 |       0.127 ########
 *
 * The net is unsure where the 1 turns into something else, and surest where it is a 1 again, upside down. A lying 1 is
 * unlike all digits, yet the net takes most of them for a 4 and is less unsure than at 60°: disagreement between passes is
 * a hint, no proof.
 *
 * Gal and Ghahramani, "Dropout as a Bayesian Approximation: Representing Model Uncertainty in Deep Learning", ICML 2016,
 * figure 4.
 */
import { adam, conv2d, dense, digits, dropout, fit, flatten, loadDataset, makeBatch } from "@thinned/dropout";
import { maxPool2d, mnist, pickExamples, predict, relu, sequential, Tensor, tryOpenNative } from "@thinned/dropout";

const [images = 8000, epochs = 4] = Deno.args.map(Number);
const DIGIT = 1;
const TURNED = 100; // images of it
const ANGLES = Array.from({ length: 13 }, (_, i) => 15 * i);
const SIDE = 28;

await tryOpenNative();
const real = Deno.env.get("THINNED_DATA"); // drawn digits where there is no MNIST
const all = await loadDataset(
  real ? mnist({ flatten: false }) : digits({ train: images, test: 1000, distortion: 0.5, clutter: 0, flatten: false }),
);
const data = { ...all, train: pickExamples(all.train, Array.from({ length: images }, (_, i) => i)) };
const block = (channels: number) => [conv2d(channels, 5, { padding: "same" }), relu(), maxPool2d(2)];
const head = [flatten(), dropout({ rate: 0.5 }), dense(128), relu(), dropout({ rate: 0.5 }), dense(10)];
const { model, testError } = await fit(sequential([...block(16), ...block(32), ...head]), {
  data,
  optimizer: adam({ learningRate: 0.001 }),
  epochs,
  batchSize: 64,
  seed: 1,
});
console.log(`test error ${(100 * testError).toFixed(1)} %`);

/** Images `[batch, 1, 28, 28]`, turned about their centre, clockwise; a pixel is read between four others. */
function turned(x: Tensor, degrees: number): Tensor {
  const [cosine, sine] = [Math.cos(degrees * Math.PI / 180), Math.sin(degrees * Math.PI / 180)];
  const middle = (SIDE - 1) / 2;
  const from = x.floats;
  const to = new Float32Array(from.length);
  for (let at = 0; at < to.length; at++) {
    const [across, down] = [at % SIDE - middle, Math.floor(at / SIDE) % SIDE - middle];
    const column = middle + cosine * across + sine * down, row = middle - sine * across + cosine * down;
    const image = at - at % (SIDE * SIDE);
    for (const r of [Math.floor(row), Math.floor(row) + 1]) {
      for (const c of [Math.floor(column), Math.floor(column) + 1]) {
        if (r < 0 || c < 0 || r >= SIDE || c >= SIDE) continue;
        to[at] += (1 - Math.abs(row - r)) * (1 - Math.abs(column - c)) * from[image + r * SIDE + c];
      }
    }
  }
  return Tensor.from(to, x.shape);
}

const ones = Array.from(data.test.labels!.keys()).filter((i) => data.test.labels![i] === DIGIT).slice(0, TURNED);
const { inputs } = makeBatch(pickExamples(data.test, ones), 0, 0, ones.length);
const mean = (x: Tensor) => x.mean().item();
console.log(`        | one ${DIGIT}: mean ± deviation of the likeliest       | ${ones.length} of them, in nats`);
console.log("degrees | classes' softmax over 100 passes               | entropy | information");
for (const degrees of ANGLES) {
  const passes = predict(model, turned(inputs, degrees), { samples: 100, softmax: true });
  const [p, variance] = [passes.mean.slice([0], [1]).floats, passes.variance.slice([0], [1]).floats];
  const likeliest = Array.from(p.keys()).sort((a, b) => p[b] - p[a]).slice(0, 3);
  const classes = likeliest.map((k) => `${k}: ${p[k].toFixed(2)} ± ${Math.sqrt(variance[k]).toFixed(2)}`).join(", ");
  const [entropy, information] = [mean(passes.entropy), mean(passes.mutualInformation)];
  const bar = "#".repeat(Math.round(20 * entropy));
  console.log(
    `${degrees}°`.padStart(7),
    `| ${classes} |   ${entropy.toFixed(3)} |       ${information.toFixed(3)} ${bar}`,
  );
}
