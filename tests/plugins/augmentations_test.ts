/** Augmentations: what each does to a batch, that it follows from step and example, and runs with them. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type AugmentBatch,
  type Dataset,
  fit,
  type FitOptions,
  Key,
  loadDataset,
  OptionError,
  type Plugin,
  PluginError,
  Registry,
  ShapeError,
  shuffledOrder,
  sizeOf,
  type Snapshot,
  Trainer,
} from "../../core/mod.ts";
import { parseConfig } from "../../cli/configuration/config.ts";
import { configuredRun } from "../../cli/configuration/configured_run.ts";
import { crop } from "../../plugins/augmentations/crop.ts";
import { cutout } from "../../plugins/augmentations/cutout.ts";
import { flip } from "../../plugins/augmentations/flip.ts";
import { mixup } from "../../plugins/augmentations/mixup.ts";
import { shift } from "../../plugins/augmentations/shift.ts";
import { builtins } from "../../plugins/builtins.ts";
import { text } from "../../plugins/datasets/text.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { embedding } from "../../plugins/layers/embedding.ts";
import { flatten } from "../../plugins/layers/flatten.ts";
import { sequential } from "../../plugins/layers/sequential.ts";
import { crossEntropy } from "../../plugins/losses/cross_entropy.ts";
import { meanSquaredError } from "../../plugins/losses/mean_squared_error.ts";
import { sgd } from "../../plugins/optimizers/sgd/sgd.ts";
import { copy, corners, line, numbers, options } from "../core/_runs.ts";
import { assertWithin, mean, variance } from "../core/_statistics.ts";

const key = Key.seed(7).at("augment").atStep(3);

/** A batch of images in which each number tells where it stood: 1, 2, 3, ... in each example. */
function images(count: number, shape: readonly number[], classes = 0): AugmentBatch {
  const size = sizeOf(shape);
  const inputs = Float32Array.from({ length: count * size }, (_, i) => i % size + 1);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  if (classes === 0) return { count, shape, inputs, labels, targets: null, width: 0 };
  const targets = new Float32Array(count * classes);
  labels.forEach((label, i) => targets[i * classes + label] = 1);
  return { count, shape, inputs, labels: null, targets, width: classes };
}

function apply(plugin: Plugin<"augmentation">, batch: AugmentBatch, at: Key = key): AugmentBatch {
  plugin.definition.augment!(batch, { options: plugin.options as never, key: at });
  return batch;
}

/** The rows of one channel of one example. */
function plane({ inputs, shape }: AugmentBatch, example: number, channel: number): number[][] {
  const [height, width] = shape.slice(-2);
  const start = example * sizeOf(shape) + channel * height * width;
  return Array.from({ length: height }, (_, y) => [...inputs.subarray(start + y * width, start + (y + 1) * width)]);
}

const plugins: Record<string, Plugin<"augmentation">> = {
  shift: shift({ rows: 1, columns: 2 }),
  crop: crop({ padding: 2 }),
  flip: flip(),
  cutout: cutout({ size: 2 }),
  mixup: mixup({ alpha: 1 }),
};

for (const [name, plugin] of Object.entries(plugins)) {
  const width = plugin.definition.mixesTargets ? 3 : 0;
  Deno.test(`${name}() is the same for the same key, and another for another step`, () => {
    const once = apply(plugin, images(20, [2, 4, 5], width));
    assertEquals(apply(plugin, images(20, [2, 4, 5], width)), once);
    assertNotEquals(once, images(20, [2, 4, 5], width));
    assertNotEquals(apply(plugin, images(20, [2, 4, 5], width), key.atStep(4)), once);
    assertEquals(apply(plugin, images(0, [2, 4, 5], width)).inputs.length, 0);
    apply(plugin, images(1, [1, 1, 1], width));
  });
  if (width > 0) continue;
  Deno.test(`${name}() of an example follows from its place in the step, however the batch is split`, () => {
    const whole = apply(plugin, images(9, [2, 4, 5])).inputs;
    const rest = apply(plugin, images(5, [2, 4, 5]), key.sample(4)).inputs;
    assertEquals(rest, whole.slice(4 * 40));
  });
  Deno.test(`${name}() takes flat examples when told their layout, and refuses them otherwise`, () => {
    const flat = apply(plugin.with({ image: [2, 4, 5] }) as Plugin<"augmentation">, images(4, [40]));
    assertEquals(flat.inputs, apply(plugin, images(4, [2, 4, 5])).inputs);
    assertEquals(apply(plugin, images(4, [4, 5])).inputs, apply(plugin, images(4, [1, 4, 5])).inputs);
    const text = `${name}: expected examples of shape [channels, height, width], or the option image, found [40].`;
    assertThrows(() => apply(plugin, images(4, [40])), ShapeError, text);
    const wrong = plugin.with({ image: [1, 4, 5] }) as Plugin<"augmentation">;
    assertThrows(() => apply(wrong, images(4, [40])), OptionError, `${name}.image: expected an image of 40 numbers`);
  });
}

/** Where an image was moved, found by comparing with all possibilities. */
function moves(
  after: number[][],
  before: number[][],
  most: number,
  outside: (y: number, x: number) => number,
): string[] {
  const found: string[] = [];
  for (let dy = -most; dy <= most; dy++) {
    for (let dx = -most; dx <= most; dx++) {
      const same = after.every((row, y) =>
        row.every((value, x) => value === (before[y + dy]?.[x + dx] ?? outside(y + dy, x + dx)))
      );
      if (same) found.push(`${dy},${dx}`);
    }
  }
  return found;
}

Deno.test("shift() moves all channels of an image alike, each place equally often", () => {
  const count = 3000;
  const before = images(1, [2, 5, 6]);
  const after = apply(shift({ rows: 1, columns: 2, fill: -1 }), images(count, [2, 5, 6]));
  const places = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const found = [0, 1].map((channel) => moves(plane(after, i, channel), plane(before, 0, channel), 2, () => -1));
    assertEquals(found[0].length, 1);
    assertEquals(found[1], found[0]);
    places.set(found[0][0], (places.get(found[0][0]) ?? 0) + 1);
  }
  assertEquals(places.size, 15);
  for (const [place, times] of places) {
    const [dy, dx] = place.split(",").map(Number);
    assert(Math.abs(dy) <= 1 && Math.abs(dx) <= 2);
    assertWithin(times, count / 15, Math.sqrt(count / 15 * 14 / 15), `times of ${place}`);
  }
});

Deno.test("shift() by more than the image leaves what comes from outside", () => {
  const { inputs } = apply(shift({ rows: 9, columns: 9, fill: 4 }), images(50, [1, 2, 2]));
  assert(inputs.every((value) => [1, 2, 3, 4].includes(value)));
  assert(inputs.filter((value) => value === 4).length > 150);
});

Deno.test("crop() pads by one value, the border or the mirror image", () => {
  const before = plane(images(1, [1, 4, 5]), 0, 0);
  const clamp = (i: number, n: number) => Math.min(Math.max(i, 0), n - 1);
  const mirror = (i: number, n: number) => i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
  const outside = {
    constant: () => 0,
    edge: (y: number, x: number) => before[clamp(y, 4)][clamp(x, 5)],
    reflect: (y: number, x: number) => before[mirror(y, 4)][mirror(x, 5)],
  };
  for (const mode of ["constant", "edge", "reflect"] as const) {
    const after = apply(crop({ padding: 3, mode }), images(300, [1, 4, 5]));
    const places = new Set<string>();
    for (let i = 0; i < 300; i++) {
      const found = moves(plane(after, i, 0), before, 3, outside[mode]);
      assert(found.length >= 1, `${mode}, image ${i}: ${plane(after, i, 0)}`);
      places.add(found[0]);
    }
    assert(places.size > 40, `${mode}: ${places.size} of 49 places`);
  }
  const far = () => apply(crop({ padding: 4, mode: "reflect" }), images(1, [1, 4, 5]));
  assertThrows(far, OptionError, "crop.padding: expected a whole number below 4, the image's extent");
});

Deno.test("flip() turns rows or columns round, with its probability", () => {
  const horizontal = apply(flip({ probability: 1 }), images(2, [2, 2, 3]));
  assertEquals(plane(horizontal, 1, 1), [[9, 8, 7], [12, 11, 10]]);
  const vertical = apply(flip({ probability: 1, axis: "vertical" }), images(2, [2, 3, 2]));
  assertEquals(plane(vertical, 1, 1), [[11, 12], [9, 10], [7, 8]]);
  assertEquals(apply(flip({ probability: 0 }), images(5, [1, 2, 3])).inputs, images(5, [1, 2, 3]).inputs);
  const count = 4000;
  const { inputs } = apply(flip({ probability: 0.3 }), images(count, [1, 1, 2]));
  const flipped = inputs.filter((value, i) => i % 2 === 0 && value === 2).length;
  assertWithin(flipped / count, 0.3, Math.sqrt(0.3 * 0.7 / count), "part of the images that are flipped");
});

Deno.test("cutout() blots out one square about each pixel equally often, cut off at the border", () => {
  const count = 3000;
  const [height, width] = [4, 5];
  const after = apply(cutout({ size: 3, fill: 0 }), images(count, [2, height, width]));
  const centres = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const [first, second] = [plane(after, i, 0), plane(after, i, 1)];
    const blots: string[] = [];
    for (let cy = 0; cy < height; cy++) {
      for (let cx = 0; cx < width; cx++) {
        const inside = (y: number, x: number) => Math.abs(y - cy) <= 1 && Math.abs(x - cx) <= 1;
        const fits = (rows: number[][]) =>
          rows.every((row, y) => row.every((value, x) => (value === 0) === inside(y, x)));
        if (fits(first) && fits(second)) blots.push(`${cy},${cx}`);
      }
    }
    assertEquals(blots.length, 1);
    centres.set(blots[0], (centres.get(blots[0]) ?? 0) + 1);
  }
  for (const times of centres.values()) {
    assertWithin(times, count / 20, Math.sqrt(count / 20 * 0.95), "times of a centre");
  }
  const untouched = apply(cutout({ size: 3, probability: 0 }), images(5, [1, 4, 5])).inputs;
  assertEquals(untouched, images(5, [1, 4, 5]).inputs);
  assertEquals(apply(cutout({ size: 0 }), images(5, [1, 4, 5])).inputs, images(5, [1, 4, 5]).inputs);
  assert(apply(cutout({ size: 99, fill: 6 }), images(5, [1, 4, 5])).inputs.every((value) => value === 6));
});

Deno.test("mixup() mixes inputs and targets in one proportion, of distribution Beta(alpha, alpha)", () => {
  const count = 4000;
  for (const alpha of [0.05, 0.2, 1, 4]) {
    // One-hot inputs and targets, so that what is left of each example can be read off.
    const unit = () => Float32Array.from({ length: count * 4 }, (_, i) => i % 4 === Math.floor(i / 4) % 4 ? 1 : 0);
    const batch: AugmentBatch = { count, shape: [4], inputs: unit(), labels: null, targets: unit(), width: 4 };
    apply(mixup({ alpha }), batch);
    assertEquals(batch.inputs, batch.targets!);
    const partners = shuffledOrder(count, key.at("partner").sample(0));
    const shares: number[] = [];
    for (let i = 0; i < count; i++) {
      const row = batch.inputs.subarray(4 * i, 4 * i + 4);
      const [mine, other] = [i % 4, partners[i] % 4];
      assertAlmostEquals(row[mine] + (mine === other ? 0 : row[other]), 1, 1e-6);
      if (mine !== other) shares.push(row[mine]);
    }
    const spread = 1 / (4 * (2 * alpha + 1));
    assertWithin(mean(shares), 0.5, Math.sqrt(spread / shares.length), `mean share, alpha ${alpha}`);
    const squares = shares.map((share) => (share - 0.5) ** 2);
    const error = Math.sqrt(variance(squares) / shares.length);
    assertWithin(mean(squares), spread, error, `variance of the shares, alpha ${alpha}`);
  }
});

Deno.test("mixup() uses each example of the batch as a partner once", () => {
  const count = 50;
  const inputs = Float32Array.from({ length: count }, (_, i) => 2 ** (i % 20) + i);
  const sum = inputs.reduce((a, b) => a + b);
  // With shares of exactly one half, which a large alpha comes near to, the sum of all inputs is kept.
  const batch = { count, shape: [1], inputs, labels: null, targets: inputs.slice(), width: 1 };
  apply(mixup({ alpha: 1e12 }), batch);
  assertAlmostEquals(batch.inputs.reduce((a, b) => a + b) / sum, 1, 1e-4);
});

/** Small images of which one half is bright. */
function halves(count = 40): Dataset {
  const part = (seed: number) => {
    const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
    const bytes = Array.from({ length: count * 36 }, (_, i) => {
      const [example, x] = [Math.floor(i / 36), i % 6];
      return (labels[example] === Math.floor(x / 2) ? 200 : 30) + (i * 37 * seed) % 40;
    });
    return { count, shape: [1, 6, 6], inputs: Uint8Array.from(bytes), scale: 1 / 255, labels };
  };
  return { name: "halves", classes: 3, outputs: 0, train: part(1), test: part(2) };
}

const network = () => sequential([flatten(), dense(3)]);
const all =
  () => [shift({ rows: 1, columns: 0 }), flip({ axis: "vertical" }), cutout({ size: 2 }), mixup({ alpha: 1 })];

/** Weights and metrics at the end of a run. */
async function run(changes: Partial<FitOptions>): Promise<[Record<string, number[]>, number[][]]> {
  const trainer = await Trainer.create(network(), options({ data: halves(), augment: all(), ...changes }));
  while (!trainer.done) await trainer.runEpoch();
  const weights = numbers(copy(trainer.snapshot()));
  const { history } = await trainer.end();
  return [weights, history.map((m) => [m.trainLoss, m.testLoss, m.runningLoss, m.trainError, m.runningError])];
}

Deno.test("a run with augmentations is the same again, other than without them, and learns", async () => {
  const augmented = await run({});
  assertEquals(await run({}), augmented);
  assertNotEquals(await run({ augment: [] }), augmented);
  assertNotEquals(await run({ augment: all().slice(0, 3) }), augmented);
  const result = await fit(network(), options({ data: halves(), augment: all(), epochs: 20 }));
  assert(result.testError < 0.2, `test error ${result.testError}; guessing gives 0.67`);
});

Deno.test("a run with augmentations that is resumed after an epoch ends with the bits of one that was not", async () => {
  const whole = await run({});
  const trainer = await Trainer.create(network(), options({ data: halves(), augment: all() }));
  await trainer.runEpoch();
  const resume: Snapshot = copy(trainer.snapshot());
  await trainer.end();
  assertEquals(await run({ resume }), whole);
});

Deno.test("augmentations of a batch that is split to save memory are those of the whole", async () => {
  const [weights, metrics] = await run({});
  const [split, metricsSplit] = await run({ accumulate: 3 });
  for (const name in weights) weights[name].forEach((w, i) => assertAlmostEquals(split[name][i], w, 1e-4, name));
  metrics.flat().forEach((value, i) => assertAlmostEquals(metricsSplit.flat()[i], value, 1e-4));
});

Deno.test("augmentations touch training batches only: measuring sees the examples as they are", async () => {
  const blank = cutout({ size: 20 });
  const result = await fit(network(), options({ data: halves(), augment: [blank], epochs: 1 }));
  // The training batches were all zeros, so nothing was learned of the images, and the biases alone were.
  const plain = await fit(network(), options({ data: halves(), epochs: 1, optimizer: sgd({ learningRate: 1e-30 }) }));
  assertNotEquals(result.trainLoss, result.runningLoss);
  assertAlmostEquals(result.runningLoss, Math.log(3), 0.05);
  assert(Math.abs(result.testLoss - plain.testLoss) < 0.3);
});

Deno.test("mixup() of a regression mixes its numbers", async () => {
  const settings = { loss: meanSquaredError(), optimizer: sgd({ learningRate: 0.2 }), epochs: 30, batchSize: 10 };
  const result = await fit(dense(1), { data: line(), ...settings, augment: [mixup({ alpha: 1 })] });
  assert(result.testError < 0.1, String(result.testError));
});

Deno.test("augmentations that do not fit are refused before a run begins", async () => {
  const refuse = async (
    augment: Plugin<"augmentation">[],
    Type: typeof OptionError | typeof ShapeError,
    text: string,
  ) => {
    const error = await assertRejects(() => Trainer.create(dense(3), options({ data: corners(), augment })));
    assert(error instanceof Type && error.message.includes(text), String(error));
  };
  await refuse([mixup(), flip()], ShapeError, "flip: expected examples of shape");
  await refuse([flip({ image: [1, 2, 2] })], OptionError, "flip.image: expected an image of 6 numbers");
  await refuse([sgd() as unknown as Plugin<"augmentation">], OptionError, "augment.0: expected an augmentation plugin");
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "abc".repeat(100));
  const data = await loadDataset(text({ path, length: 5 }));
  await Deno.remove(path);
  const mixed = () =>
    Trainer.create(
      sequential([embedding(4, 3), dense(4)]),
      options({ data, loss: crossEntropy(), augment: [mixup()] }),
    );
  await assertRejects(mixed, OptionError, "each example of");
});

Deno.test("a configuration names its augmentations, and whether batches are made ahead", () => {
  const registry = new Registry(builtins);
  const config = (augment: unknown[], prefetch: unknown = true) =>
    parseConfig({ dataset: "digits", model: ["flatten"], optimizer: "sgd", augment, prefetch });
  const made = configuredRun(config(["flip", { plugin: "mixup", alpha: 0.4 }]), "run", registry);
  assertEquals(made.augment.map((plugin) => plugin.plugin), ["flip", "mixup"]);
  assertEquals([made.augment[1].options.alpha, made.prefetch], [0.4, true]);
  const wrong = config(["flip", "relu"]);
  assertThrows(() => configuredRun(wrong, "run", registry), PluginError, "augment.1: expected a plugin that serves as");
  assertThrows(() => config([], 1), OptionError, "prefetch: expected true or false, found 1.");
  assertEquals(configuredRun(parseConfig({ ...config([]), augment: undefined }), "run", registry).augment, []);
});
