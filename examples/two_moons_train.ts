/**
 * Two moons: data of one's own, from arrays to a model in a file, which `two_moons_predict.ts` reads.
 *
 *     deno run --allow-read --allow-write --allow-env --allow-ffi examples/two_moons_train.ts moons.safetensors
 */
import { adam, arrays, dense, dropout, fit, Key, relu, sequential, Tensor, tryOpenNative } from "@thinned/dropout";

/** Points on two half circles that reach into each other, in noise: `[x, y]`. */
function moons(count: number, seed: number): [x: number[][], y: string[]] {
  const noise = Tensor.normal([count, 2], Key.seed(seed).at("moons")).mul(0.1).toArray() as number[][];
  const x = noise.map(([right, up], i) => {
    const angle = Math.PI * i / count;
    return i % 2 === 0
      ? [Math.cos(angle) + right, Math.sin(angle) + up]
      : [1 - Math.cos(angle) + right, 0.5 - Math.sin(angle) + up];
  });
  return [x, x.map((_, i) => i % 2 === 0 ? "upper" : "lower")];
}

await tryOpenNative();
const net = sequential([dense(64), relu(), dropout({ rate: 0.1 }), dense(64), relu(), dense(2)]);
const run = await fit(net, {
  data: arrays({ train: moons(400, 1), test: moons(400, 2), standardize: true }),
  optimizer: adam({ learningRate: 0.01 }),
  validation: 0.1,
  epochs: 40,
  batchSize: 40,
  seed: 1,
});
await run.save(Deno.args[0] ?? "moons.safetensors");
console.log(
  `validation error ${(100 * run.validationError!).toFixed(1)} %, test error ${(100 * run.testError).toFixed(1)} %`,
);
