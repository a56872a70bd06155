/** The small parts around transformers and residual blocks: norms, factors, tokens, patches. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  classToken,
  dense,
  gradients,
  type LayerPlugin,
  layerScale,
  OptionError,
  patches,
  pickStep,
  rmsNorm,
  sequential,
  ShapeError,
  Tensor,
} from "../../mod.ts";

/** Compares the gradients of a model's parameters with central differences of the weighted sum of its outputs. */
function checkGradients(layer: LayerPlugin, inputShape: number[]) {
  const model = buildModel(sequential([layer]), { inputShape, dtype: "float64", seed: 3 });
  const size = inputShape.reduce((a, b) => a * b, 1);
  const x = Tensor.from(Array.from({ length: 2 * size }, (_, i) => Math.sin(1 + 2 * i)), [2, ...inputShape], "float64")
    .withGradient();
  const value = () => {
    const y = model.forward(x);
    return y.mul(Tensor.from(Array.from({ length: y.size }, (_, i) => Math.cos(i)), y.shape, "float64")).sum();
  };
  const checked = [x, ...model.parameters().map(({ tensor }) => tensor)];
  for (const [i, gradient] of gradients(value(), checked).entries()) {
    for (let at = 0; at < checked[i].size; at++) {
      const numbers = checked[i].floats;
      const kept = numbers[at];
      const step = 1e-5;
      const sides = [kept + step, kept - step].map((shifted) => {
        numbers[at] = shifted;
        return value().item();
      });
      numbers[at] = kept;
      assertAlmostEquals(gradient.floats[at], (sides[0] - sides[1]) / (2 * step), 1e-6);
    }
  }
}

Deno.test("rmsNorm() divides by the root mean square of the features, and keeps their mean", () => {
  const model = buildModel(rmsNorm({ epsilon: 0 }), { inputShape: [2, 2] });
  assertEquals(model.parameters().map(({ name, tensor }) => [name, tensor.shape]), [["weight", [2]]]);
  const y = model.forward(Tensor.of([[[3, 4], [-1, 1]]])).toArray() as number[][][];
  const root = Math.sqrt(12.5);
  [[3 / root, 4 / root], [-1, 1]].flat().forEach((value, i) => assertAlmostEquals(y.flat(2)[i], value, 1e-6));
  model.parameters()[0].tensor.assign(Tensor.of([2, 0]));
  assertAlmostEquals((model.forward(Tensor.of([[[3, 4], [1, 1]]])).toArray() as number[][][])[0][0][0], 6 / root, 1e-6);
  assertEquals(buildModel(rmsNorm({ affine: false }), { inputShape: [2] }).parameterCount(), 0);
  const small = buildModel(rmsNorm({ epsilon: 1 }), { inputShape: [2] }).forward(Tensor.of([[0, 0]]));
  assertEquals(small.toArray(), [[0, 0]]);
  checkGradients(rmsNorm(), [2, 3]);
  assertThrows(() => rmsNorm({ epsilon: -1 }), OptionError, "rms-norm.epsilon: expected a number of at least 0");
});

Deno.test("layerScale() has a factor for each feature, of the last axis or of the channels", () => {
  const model = buildModel(layerScale({ value: 0.5 }), { inputShape: [2, 3] });
  assertEquals(model.parameterCount(), 3);
  assertEquals(model.forward(Tensor.ones([1, 2, 3])).toArray(), [[[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]]);
  const maps = buildModel(layerScale({ features: "first" }), { inputShape: [2, 1, 2] });
  assertEquals(maps.parameterCount(), 2);
  maps.parameters()[0].tensor.assign(Tensor.of([2, 3]));
  assertEquals(maps.forward(Tensor.ones([1, 2, 1, 2])).toArray(), [[[[2, 2]], [[3, 3]]]]);
  checkGradients(layerScale({ value: 0.3 }), [2, 3]);
  checkGradients(layerScale({ value: 0.3, features: "first" }), [2, 2, 2]);
  assertThrows(() => layerScale({ features: "middle" as never }), OptionError, "layer-scale.features");
});

Deno.test("classToken() stands before the sequence, and pickStep() takes it, or another step", () => {
  const x = Tensor.of([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]);
  const model = buildModel(classToken({ deviation: 1 }), { inputShape: [2, 2], seed: 1 });
  const token = model.parameters()[0].tensor.reshape([2]).toArray();
  assertEquals(model.forward(x).toArray(), [[token, [1, 2], [3, 4]], [token, [5, 6], [7, 8]]]);
  const step = (at: number) => buildModel(pickStep({ step: at }), { inputShape: [2, 2] }).forward(x).toArray();
  assertEquals([step(0), step(1), step(-1), step(-2)], [[[1, 2], [5, 6]], [[3, 4], [7, 8]], [[3, 4], [7, 8]], [
    [1, 2],
    [5, 6],
  ]]);
  const open = buildModel(pickStep({ step: -2 }), { inputShape: [-1, 2] });
  assertEquals(open.forward(x).toArray(), [[1, 2], [5, 6]], "of sequences of any length");
  assertThrows(() => open.forward(Tensor.ones([1, 1, 2])), ShapeError, "with the step -2");
  checkGradients(classToken(), [2, 3]);
  checkGradients(pickStep({ step: 1 }), [2, 3]);
  assertThrows(() => step(2), ShapeError, "with the step 2, found [");
  assertThrows(() => step(-3), ShapeError, "with the step -3, found [");
  assertThrows(() => buildModel(classToken(), { inputShape: [4] }), ShapeError, "[batch, time, features]");
  assertThrows(() => buildModel(pickStep(), { inputShape: [4] }), ShapeError, "[batch, time, features]");
});

Deno.test("patches() cuts an image row by row, channel by channel", () => {
  const image = Tensor.from(Array.from({ length: 32 }, (_, i) => i), [1, 2, 4, 4]);
  const found = buildModel(patches(2), { inputShape: [2, 4, 4] }).forward(image).toArray() as number[][][];
  assertEquals(found[0].length, 4);
  assertEquals(found[0][0], [0, 1, 4, 5, 16, 17, 20, 21]);
  assertEquals(found[0][3], [10, 11, 14, 15, 26, 27, 30, 31]);
  checkGradients(sequential([patches(2), dense(2)]), [1, 4, 2]);
  const { mean, variance } = buildModel(patches(1), { inputShape: [1, 1, 2] }).moments(Tensor.ones([1, 1, 1, 2]));
  assertEquals([mean.shape, variance.shape], [[1, 2, 1], [1, 2, 1]]);
  assertThrows(() => buildModel(patches(3), { inputShape: [1, 4, 4] }), ShapeError, "multiples of 3, found [");
  assertThrows(() => buildModel(patches(2), { inputShape: [4, 4] }), ShapeError, "[batch, channels, height, width]");
  assertThrows(() => patches(0), OptionError, "patches.size: expected a whole number of at least 1");
});
