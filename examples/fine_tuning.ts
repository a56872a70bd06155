/**
 * Fine-tuning: a net that knows ten digits is to tell even digits from odd ones, with 100 examples to learn from. Its body
 * comes from a safetensors file, its head is new; parts are frozen, learn slower, and have dropout of their own.
 *
 *     deno run --allow-read --allow-write --allow-env --allow-ffi examples/fine_tuning.ts digits.safetensors
 */
import { adamw, batchNorm, type Dataset, decodeSafetensors, dense, digits, dropout, fit } from "@thinned/dropout";
import { loadDataset, loadWeights, relu, sequential, tryOpenNative } from "@thinned/dropout";

await tryOpenNative();
const file = Deno.args[0] ?? "digits.safetensors";

/** A body of named layers, so that patterns read well, and a head; each part has its own rate of dropout. */
function net(classes: number, rates: { body: number; head: number }) {
  return sequential([
    ...[dense(256, { name: "first" }), batchNorm({ name: "norm" }), relu(), dropout({ rate: rates.body })],
    ...[dense(128, { name: "second" }), relu(), dropout({ rate: rates.head })],
    dense(classes, { name: "head" }),
  ]);
}

// The base: ten digits, from many examples. Any safetensors file will do whose names and shapes fit.
const base = await fit(net(10, { body: 0.2, head: 0.5 }), {
  data: digits({ train: 4000, test: 1000 }),
  optimizer: adamw({ learningRate: 0.002 }),
  epochs: 6,
  batchSize: 50,
});
await base.save(file);
console.log(`base: test error ${(100 * base.testError).toFixed(1)} % among ten digits`);

/** The same kind of images under other labels: 0 for even digits, 1 for odd ones. */
async function parity(): Promise<Dataset> {
  const data = await loadDataset(digits({ train: 100, test: 1000, seed: 2 }));
  const [train, test] = [data.train, data.test].map((part) => ({ ...part, labels: part.labels!.map((d) => d % 2) }));
  return { ...data, name: "parity", classes: 2, classNames: ["even", "odd"], train, test };
}

const shared = { data: await parity(), epochs: 30, batchSize: 20, seed: 1 };
const { tensors } = decodeSafetensors(await Deno.readFile(file), file);
const optimizer = adamw({ learningRate: 0.002, weightDecay: 0.01 });

const scratch = await fit(net(2, { body: 0.2, head: 0.5 }), { ...shared, optimizer });

// A new head on a body that stays as it is, batch norm's statistics included: 258 of 234,626 numbers are trained.
const onTop = await fit(net(2, { body: 0, head: 0.5 }), {
  ...shared,
  optimizer,
  initialize(model) {
    const { left, unused } = loadWeights(model, tensors, { except: ["^head\\."] });
    console.log(`left as initialised: ${left.join(", ")}; not used of the file: ${unused.join(", ")}`);
  },
  freeze: ["^(first|norm|second)\\."],
});

// All but the lowest layer learns, the body twenty times slower than the head, from where the file left it.
const tuned = await fit(net(2, { body: 0, head: 0.3 }), {
  ...shared,
  optimizer,
  initialize: (model) => void loadWeights(model, tensors, { except: ["^head\\."] }),
  freeze: ["^(first|norm)\\."],
  parameterGroups: [{ match: "^second\\.", set: { learningRate: 0.0001 } }],
});

for (const [name, run] of [["from scratch", scratch], ["a head alone", onTop], ["fine-tuned", tuned]] as const) {
  const trained = run.parameters.toLocaleString("en").padStart(8);
  console.log(`${name.padEnd(13)} ${trained} numbers trained, test error ${(100 * run.testError).toFixed(1)} %`);
}
