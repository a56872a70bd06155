/** Cross-entropy with class probabilities as targets. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { gradients, lossOf as valueOf, OptionError, ShapeError, Tensor } from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import { crossEntropy, type CrossEntropyOptions } from "../../plugins/losses/cross_entropy.ts";
import { klDivergence } from "../../plugins/losses/kl_divergence.ts";
import { between, random } from "../core/_tensors.ts";

function lossOf(options: CrossEntropyOptions, outputs: Tensor, targets: Tensor): Tensor {
  return valueOf(crossEntropy(options), outputs, targets);
}

/** Probabilities over the last axis. */
const chances = (shape: readonly number[], seed: number) => random(shape, seed).softmax().detach();

/** 1 at the label, else 0. */
function oneHot(labels: Tensor, classes: number): Tensor {
  const out = new Float64Array(labels.size * classes);
  labels.ints.forEach((label, i) => out[i * classes + label] = 1);
  return Tensor.from(out, [...labels.shape, classes]);
}

Deno.test("crossEntropy() of probabilities that are 1 at a label is that of the label", () => {
  const labels = Tensor.of([2, 0, 3, 1, 1], "int32");
  const outputs = random([5, 4], 1);
  for (const options of [{}, { labelSmoothing: 0.2 }, { reduction: "sum" as const, classWeights: [1, 2, 0.5, 0] }]) {
    const soft = lossOf(options, outputs, oneHot(labels, 4)).item();
    assertAlmostEquals(soft, lossOf(options, outputs, labels).item(), 1e-12, JSON.stringify(options));
  }
});

Deno.test("crossEntropy() of mixed targets is the mixture of the losses, and the entropy more than the divergence", () => {
  const outputs = random([3, 4], 2);
  const [a, b] = [chances([3, 4], 3), chances([3, 4], 4)];
  const mixed = lossOf({}, outputs, a.mul(0.3).add(b.mul(0.7))).item();
  assertAlmostEquals(mixed, 0.3 * lossOf({}, outputs, a).item() + 0.7 * lossOf({}, outputs, b).item(), 1e-12);
  const kl = klDivergence();
  const entropy = a.mul(a.log()).sum().item() / -3;
  const divergence = valueOf(kl, outputs, a).item();
  assertAlmostEquals(lossOf({}, outputs, a).item(), divergence + entropy, 1e-12);
});

Deno.test("crossEntropy() of probabilities has the gradient that differences give", () => {
  for (const shape of [[1, 1], [3, 5], [2, 3, 4]]) {
    const classes = shape[shape.length - 1];
    const targets = chances(shape, 6);
    const weights = [...between(0.1, 2, [classes], 7).floats];
    for (const options of [{}, { labelSmoothing: 0.1, classWeights: weights }, { reduction: "sum" as const }]) {
      checkGradient(([outputs]) => lossOf(options, outputs, targets), [random(shape, 5)]);
    }
  }
});

Deno.test("crossEntropy() of probabilities at every position is the mean over the positions", () => {
  const outputs = random([2, 3, 4], 8);
  const targets = chances([2, 3, 4], 9);
  const flat = lossOf({}, outputs.reshape([6, 4]), targets.reshape([6, 4])).item();
  assertAlmostEquals(lossOf({}, outputs, targets).item(), flat, 1e-12);
});

Deno.test("crossEntropy() of an empty batch of probabilities is 0", () => {
  const outputs = Tensor.zeros([0, 3]).withGradient();
  const loss = lossOf({}, outputs, Tensor.zeros([0, 3]));
  assertEquals(loss.item() + 0, 0);
  assertEquals(gradients(loss, [outputs])[0].shape, [0, 3]);
});

Deno.test("crossEntropy() refuses probabilities of another shape, ignored labels among them, and other weights", () => {
  const outputs = random([2, 3], 1);
  assertThrows(() => lossOf({}, outputs, random([2, 4], 1)), ShapeError, "[2, 3], found [2, 4]");
  assertThrows(() => lossOf({ ignoreIndex: 0 }, outputs, random([2, 3], 1)), OptionError, "cross-entropy.ignoreIndex");
  const text = "cross-entropy: expected 3 class weights, found 2.";
  assertThrows(() => lossOf({ classWeights: [1, 1] }, outputs, random([2, 3], 1)), ShapeError, text);
});
