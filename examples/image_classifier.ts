/**
 * A convolutional network on drawn digits, `[1, 28, 28]` each.
 *
 *     deno run --allow-read --allow-env --allow-ffi examples/image_classifier.ts
 */
import { adam, conv2d, dense, digits, dropout, fit, flatten, maxPool2d, relu, sequential } from "@thinned/dropout";
import { spatialDropout, tryOpenNative } from "@thinned/dropout";

await tryOpenNative();
const net = sequential([
  conv2d(8, 3, { padding: 1 }),
  relu(),
  maxPool2d(2),
  spatialDropout({ rate: 0.1 }),
  conv2d(16, 3, { padding: 1 }),
  relu(),
  maxPool2d(2),
  flatten(),
  dropout({ rate: 0.3 }),
  dense(10),
]);
const run = await fit(net, {
  data: digits({ train: 1000, test: 500, flatten: false }),
  optimizer: adam({ learningRate: 0.003 }),
  epochs: 8,
  batchSize: 50,
  seed: 1,
});
console.log(`test error ${(100 * run.testError).toFixed(1)} %`);
