/** The first program of the README: `deno run -A examples/first_program.ts`. @module */
import { adam, batchNorm, conv2d, cosine, dense, digits, dropout, fit, flatten } from "@thinned/dropout";
import { maxPool2d, relu, sequential, tryOpenNative } from "@thinned/dropout";

await tryOpenNative(); // C and OpenBLAS where they can be had; without this line, plain TypeScript
const block = (channels: number) => [conv2d(channels, 3, { padding: "same" }), batchNorm(), relu(), maxPool2d(2)];
const model = sequential([...block(16), ...block(32), flatten(), dropout({ rate: 0.5 }), dense(10)]);
const run = await fit(model, {
  data: digits({ train: 4000, test: 1000, flatten: false }), // or mnist(), arrays({ … }), csv({ path: "table.csv", … })
  optimizer: adam({ learningRate: cosine({ from: 0.005 }) }),
  epochs: 4,
  batchSize: 50,
  seed: 1,
});
console.log(`test error ${(100 * run.testError).toFixed(1)} %`);
