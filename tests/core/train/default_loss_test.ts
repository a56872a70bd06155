/** Which loss belongs to which data. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  buildModel,
  type Dataset,
  defaultLoss,
  evaluate,
  fit,
  type FitOptions,
  OptionError,
  type Plugin,
  Trainer,
} from "../../../core/mod.ts";
import { mixup } from "../../../plugins/augmentations/mixup.ts";
import { dropout } from "../../../plugins/dropout/dropout.ts";
import { fastDropout } from "../../../plugins/dropout/fast_dropout.ts";
import { rDrop } from "../../../plugins/dropout/r_drop.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { embedding } from "../../../plugins/layers/embedding.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { binaryCrossEntropy } from "../../../plugins/losses/binary_cross_entropy.ts";
import { crossEntropy } from "../../../plugins/losses/cross_entropy.ts";
import { gaussianNll } from "../../../plugins/losses/gaussian_nll.ts";
import { huber } from "../../../plugins/losses/huber.ts";
import { klDivergence } from "../../../plugins/losses/kl_divergence.ts";
import { meanAbsoluteError } from "../../../plugins/losses/mean_absolute_error.ts";
import { meanSquaredError } from "../../../plugins/losses/mean_squared_error.ts";
import { copy, corners, line, network, numbers, options } from "../_runs.ts";

async function run(root: ReturnType<typeof network>, changes: Partial<FitOptions>) {
  const trainer = await Trainer.create(root, options(changes));
  while (!trainer.done) await trainer.runEpoch();
  const weights = numbers(copy(trainer.snapshot()));
  const { history } = await trainer.end();
  return [weights, history.map((m) => [m.trainLoss, m.testLoss, m.runningLoss, m.trainError])];
}

/** Numbers 0 to 4 in a row, each followed by the next. */
function cycle(): Dataset {
  const inputs = Uint8Array.from({ length: 40 }, (_, i) => i % 5);
  const labels = Int32Array.from({ length: 40 }, (_, i) => (i + 1) % 5);
  const part = { count: 10, shape: [4], inputs, scale: 1, labels, labelsPerExample: 4 };
  return { name: "cycle", classes: 5, outputs: 0, train: part, test: part };
}

const cases: Record<string, [ReturnType<typeof network>, Partial<FitOptions>, Plugin<"loss">]> = {
  "cross-entropy for classes": [network(), {}, crossEntropy()],
  "cross-entropy for classes that mixup mixes": [network(), { augment: [mixup()] }, crossEntropy()],
  "cross-entropy for each position of a sequence": [
    sequential([embedding(5, 3), dense(5)]),
    { data: cycle() },
    crossEntropy(),
  ],
  "mean squared error for numbers": [dense(1), { data: line() }, meanSquaredError()],
  "the expected cross-entropy for classes": [network(), { learning: fastDropout() }, crossEntropy()],
  "the expected cross-entropy for classes that mixup mixes": [
    network(),
    { learning: fastDropout(), augment: [mixup()] },
    crossEntropy(),
  ],
  "the expected squared error for numbers": [
    sequential([dropout(), dense(1)]),
    { data: line(), learning: fastDropout() },
    meanSquaredError(),
  ],
};

for (const [name, [root, changes, loss]] of Object.entries(cases)) {
  Deno.test(`without a loss, the default is ${name}, bit for bit`, async () => {
    assertEquals(await run(root, { ...changes, loss: undefined }), await run(root, { ...changes, loss }));
  });
}

Deno.test("a regression without a loss learns", async () => {
  const { optimizer } = options();
  const result = await fit(dense(1), { data: line(), optimizer, epochs: 60, batchSize: 10 });
  assert(result.testError < 0.1, String(result.testError));
});

Deno.test("evaluate() without a loss takes the default", () => {
  const model = buildModel(network(), { inputShape: [6], seed: 2 });
  assertEquals(evaluate(model, corners()), evaluate(model, corners(), crossEntropy()));
  assertEquals(defaultLoss(line()).definition.targets, "numbers");
});

Deno.test("a loss that cannot work with the data is refused with a sentence, before anything is run", async () => {
  const refuse = async (data: Dataset, loss: Plugin<"loss">, text: string) => {
    const error = await assertRejects(() => fit(dense(3), options({ data, loss })), OptionError);
    assertEquals([error.path, error.message], ["loss", text]);
  };
  const number = 'loss: expected one for numbers, such as "mean-squared-error", because line has numbers to predict, ';
  for (const loss of [crossEntropy(), rDrop()]) await refuse(line(), loss, `${number}found "${loss.plugin}".`);
  const label = 'loss: expected one for classes, such as "cross-entropy", because corners has 3 classes, ';
  const others = [
    meanSquaredError(),
    meanAbsoluteError(),
    huber(),
    gaussianNll(),
    binaryCrossEntropy(),
    klDivergence(),
  ];
  for (const loss of others) await refuse(corners(), loss, `${label}found "${loss.plugin}".`);
});
