/**
 * Three variants of one's own: examined as the built-in ones are, and trained with.
 *
 *     deno run --allow-read --allow-env --allow-ffi examples/variants/main.ts
 *
 * One alone, with every check it passes: `deno task plugin check examples/variants/sign_flip.ts`.
 */
import { dense, digits, fit, relu, sequential, sgd, tryOpenNative } from "@thinned/dropout";
import { assertPasses } from "@thinned/dropout/testing";
import { batchDropout } from "./batch_dropout.ts";
import { signFlip } from "./sign_flip.ts";
import { weightNoise } from "./weight_noise.ts";

await tryOpenNative();
for (const variant of [batchDropout, signFlip, weightNoise]) {
  await assertPasses(variant);
  console.log(`${variant.definition.name} passes the exam`);
}

const data = digits({ train: 500, test: 1000 });
const nets = {
  "plain": sequential([dense(256), relu(), dense(10)]),
  "batch-dropout": sequential([dense(256), relu(), batchDropout({ rate: 0.2 }), dense(10)]),
  "sign-flip": sequential([dense(256), relu(), signFlip(), dense(10)]),
  "weight-noise": sequential([dense(256, { weight: weightNoise() }), relu(), dense(10)]),
};
for (const [name, net] of Object.entries(nets)) {
  const optimizer = sgd({ learningRate: 0.05, momentum: 0.9 });
  const run = await fit(net, { data, optimizer, epochs: 20, batchSize: 50, seed: 1 });
  console.log(`${name}: test error ${(100 * run.testError).toFixed(1)} %`);
}
