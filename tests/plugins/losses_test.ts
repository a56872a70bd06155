/** Losses against hand-computed values, and their gradients against central differences. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { DataError, OptionError, ShapeError, Tensor } from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import { crossEntropy } from "../../plugins/losses/cross_entropy.ts";
import { meanSquaredError } from "../../plugins/losses/mean_squared_error.ts";
import { random } from "../core/_tensors.ts";
import { lossOf } from "./_apply.ts";

const labels = Tensor.of([1, 0, 2], "int32");
const logits = Tensor.of([[0, Math.log(2), 0], [Math.log(3), 0, 0], [0, 0, Math.log(8)]], "float64");

Deno.test("crossEntropy() is the mean over the batch of -log softmax(outputs)[label]", () => {
  // Probabilities of the labels: 2/4, 3/5, 8/10.
  const expected = -(Math.log(0.5) + Math.log(0.6) + Math.log(0.8)) / 3;
  assertAlmostEquals(lossOf(crossEntropy(), logits, labels).item(), expected, 1e-12);
});

Deno.test("crossEntropy() with label smoothing mixes in the mean over the classes", () => {
  const plain = lossOf(crossEntropy(), logits, labels).item();
  const even = logits.logSoftmax().mean().neg().item();
  const smooth = lossOf(crossEntropy({ labelSmoothing: 0.3 }), logits, labels).item();
  assertAlmostEquals(smooth, 0.7 * plain + 0.3 * even, 1e-12);
});

Deno.test("crossEntropy() of extreme logits is finite and exact", () => {
  const extreme = Tensor.of([[1000, 0], [0, -1000]], "float64");
  assertEquals(lossOf(crossEntropy(), extreme, Tensor.of([0, 0], "int32")).item(), 0);
  assertEquals(lossOf(crossEntropy(), extreme, Tensor.of([1, 1], "int32")).item(), 1000);
});

Deno.test("meanSquaredError() is the mean over the batch and the outputs", () => {
  const [a, b] = [Tensor.of([[1, 2], [3, 4]], "float64"), Tensor.of([[1, 4], [0, 4]], "float64")];
  assertEquals(lossOf(meanSquaredError(), a, b).item(), (4 + 9) / 4);
});

Deno.test("losses have the gradients that central differences give", () => {
  for (const labelSmoothing of [0, 0.2, 1]) {
    checkGradient(([x]) => lossOf(crossEntropy({ labelSmoothing }), x, labels), [random([3, 4], 1)]);
  }
  checkGradient(([x]) => lossOf(meanSquaredError(), x, random([3, 2], 2)), [random([3, 2], 3)]);
});

Deno.test("targets that do not fit are refused with both shapes or the label", () => {
  assertThrows(() => lossOf(crossEntropy(), logits, Tensor.of([0, 1, 3], "int32")), DataError, "found 3 at row 2");
  assertThrows(() => lossOf(crossEntropy(), logits, Tensor.of([0, 1], "int32")), ShapeError, "[3, 3] and [2]");
  assertThrows(() => lossOf(crossEntropy(), logits, Tensor.of([0, 1, 2])), OptionError, "int32");
  const [a, b] = [Tensor.zeros([3, 2]), Tensor.zeros([3, 1])];
  assertThrows(() => lossOf(meanSquaredError(), a, b), ShapeError, "[3, 2], found [3, 1]");
});
