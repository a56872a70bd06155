import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { buildModel, gradients, OptionError, ShapeError, Tensor } from "../../core/mod.ts";
import { dropout } from "../../plugins/dropout/dropout.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { reshape } from "../../plugins/layers/reshape.ts";
import { sequential } from "../../plugins/layers/sequential.ts";

Deno.test("reshape() keeps the numbers and their order, and -1 stands for what is left", () => {
  const x = Tensor.of([[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]]);
  const through = (shape: number[]) => buildModel(reshape(shape), { inputShape: [6] }).forward(x).toArray();
  assertEquals(through([2, 3]), [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]]);
  assertEquals(through([-1, 2]), [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]]);
  assertEquals(through([1, -1, 6]), [[[[1, 2, 3, 4, 5, 6]]], [[[7, 8, 9, 10, 11, 12]]]]);
});

Deno.test("reshape() takes an empty batch, also with -1", () => {
  const model = buildModel(reshape([-1, 2]), { inputShape: [6] });
  assertEquals(model.forward(Tensor.zeros([0, 6])).shape, [0, 3, 2]);
});

Deno.test("gradients and moments go through reshape()", () => {
  const model = buildModel(sequential([dense(6), reshape([2, 3]), dropout({ rate: 0.5 }), dense(1)]), {
    inputShape: [4],
    seed: 1,
  });
  const x = Tensor.ones([2, 4]);
  const [weight] = model.parameters().map(({ tensor }) => tensor);
  assertEquals(gradients(model.forward(x).sum(), [weight])[0].shape, [6, 4]);
  const { mean, variance } = model.moments(x, { mode: "sample", step: 0 });
  assertEquals([mean.shape, variance.shape], [[2, 2, 1], [2, 2, 1]]);
  assertAlmostEquals(mean.sum().item(), model.forward(x).sum().item(), 1e-4);
});

Deno.test("reshape() refuses shapes that the numbers do not fill, and shapes that are none", () => {
  const build = (shape: number[]) => buildModel(reshape(shape), { inputShape: [6] });
  assertThrows(() => build([4]), ShapeError, "fill [4], found 6 numbers of shape [6]");
  assertThrows(() => build([4, -1]), ShapeError, "fill [4, -1], found 6 numbers");
  assertThrows(() => build([-1, -1]), OptionError, "reshape.shape: expected -1 for at most one extent");
  assertThrows(() => build([0, 6]), OptionError, "expected a whole number of at least 1, or -1");
  assertThrows(() => build([1.5]), OptionError, "expected a whole number");
});
