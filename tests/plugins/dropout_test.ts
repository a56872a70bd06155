/** Dropout: what the paper promises, both conventions, sharing, and the edges of the rate. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { gradients, keepProbability, rateThreshold, ShapeError, Tensor } from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import { dropout, type DropoutOptions } from "../../plugins/dropout/dropout.ts";
import { assertWithin, mean, variance } from "../core/_statistics.ts";
import { random } from "../core/_tensors.ts";
import { built } from "./_apply.ts";

const conventions = ["inverted", "classic"] as const;

/** The output in mode train of one input, under `count` independent masks: `[count, ...shape]`. */
function draws(options: DropoutOptions, x: Tensor, count: number): Tensor {
  const many = x.broadcastTo([count, ...x.shape]);
  return built(dropout(options), x.shape, 7).forward(many, { mode: "train", step: 0 });
}

for (const convention of conventions) {
  Deno.test(`dropout() with the ${convention} convention: the mean over masks is the output at evaluation`, () => {
    const x = random([20], 1);
    const count = 20000;
    for (const rate of [0.1, 0.5, 0.8]) {
      const means = draws({ rate, convention }, x, count).mean(0).floats;
      const evaluated = built(dropout({ rate, convention }), [20]).forward(x.expandAxis(0)).floats;
      const scale = convention === "inverted" ? 1 / (1 - rate) : 1;
      means.forEach((value, i) => {
        const error = Math.abs(x.floats[i]) * scale * Math.sqrt(rate * (1 - rate) / count);
        assertWithin(value, evaluated[i], error, `unit ${i} at rate ${rate}`);
      });
    }
  });
}

Deno.test("dropout() gives each unit the variance x^2 rate / (1 - rate)", () => {
  const count = 100000;
  for (const rate of [0.2, 0.7]) {
    const y = draws({ rate }, Tensor.of([3], "float64"), count).floats;
    const expected = 9 * rate / (1 - rate);
    // Of a Bernoulli variable b scaled by c: Var(s^2) is about (mu4 - sigma^4) / n.
    const [p, c] = [1 - rate, 3 / (1 - rate)];
    const fourth = c ** 4 * p * (1 - p) * ((1 - p) ** 3 + p ** 3);
    assertWithin(variance(y), expected, Math.sqrt((fourth - expected ** 2) / count), `variance at rate ${rate}`);
  }
});

Deno.test("dropout() in front of a linear unit costs what ridge regression does (JMLR 15, section 9)", () => {
  // E ||y - (R * X) w||^2 = ||y - p X w||^2 + p (1 - p) ||G w||^2, G = diag(X^T X)^(1/2), keep probability p.
  const [rows, features, count] = [12, 5, 20000];
  const [x, y, w] = [random([rows, features], 1), random([rows], 2), random([features], 3)];
  for (const rate of [0.2, 0.5, 0.7]) {
    const keep = 1 - rate;
    const gram = x.square().sum(0).mul(w.square()).sum().item();
    const expected = y.sub(x.matmul(w).mul(keep)).square().sum().item() + keep * (1 - keep) * gram;
    const masked = draws({ rate, convention: "classic" }, x, count);
    const costs = masked.matmul(w).sub(y).square().sum(1).floats;
    assertWithin(mean(costs), expected, Math.sqrt(variance(costs) / count), `cost at rate ${rate}`);
    // The inverted convention with w / p in place of w is the same model.
    const scaled = draws({ rate }, x, count).matmul(w.mul(keep)).sub(y).square().sum(1).floats;
    assertWithin(mean(scaled), expected, Math.sqrt(variance(scaled) / count), `inverted cost at rate ${rate}`);
  }
});

Deno.test("dropout() gives exactly 0 or the scaled input, and classic dropout exactly 0 or the input", () => {
  const x = random([500], 4);
  for (const [convention, scale] of [["inverted", 1 / 0.75], ["classic", 1]] as const) {
    const y = draws({ rate: 0.25, convention }, x, 4);
    y.floats.forEach((value, i) => assert(value === 0 || value === x.floats[i % 500] * scale));
  }
});

Deno.test("dropout() at evaluation is the tensor itself; classic dropout multiplies by the keep rate", () => {
  const x = random([3, 4], 5);
  assertStrictEquals(built(dropout({ rate: 0.9 }), [4]).forward(x), x);
  const classic = built(dropout({ rate: 0.9, convention: "classic" }), [4]).forward(x);
  assertEquals(classic.toArray(), x.mul(keepProbability(rateThreshold(0.9))).toArray());
});

Deno.test("dropout() in mode sample draws as in training, by another address", () => {
  const model = built(dropout({ rate: 0.5 }), [100]);
  const x = Tensor.ones([2, 100], "float64");
  const passes = [0, 1].map((step) => model.forward(x, { mode: "sample", step }));
  assert(passes.every((y) => new Set(y.floats).size === 2));
  assert(String(passes[0].toArray()) !== String(passes[1].toArray()));
});

for (const convention of conventions) {
  Deno.test(`dropout() at rates 0 and 1, ${convention}: the identity, and zeros with zero gradients`, () => {
    const x = Tensor.of([[1, Infinity, NaN, -2]], "float64").withGradient();
    for (const mode of ["train", "sample", "eval"] as const) {
      const none = built(dropout({ rate: 0, convention }), [4]).forward(x, { mode, step: 0 });
      assertEquals(none.toArray(), [[1, Infinity, NaN, -2]]);
      if (mode === "eval" && convention === "inverted") continue; // the identity at any rate
      const all = built(dropout({ rate: 1, convention }), [4]).forward(x, { mode, step: 0 });
      assertEquals(all.toArray(), [[0, 0, 0, 0]]);
      const [dx] = gradients(all, [x], Tensor.of([[1, NaN, Infinity, 1]], "float64"));
      assertEquals(dx.toArray(), [[0, 0, 0, 0]]);
    }
  });
}

/** For each case: shape, shared axes by name, and as numbers. */
const shares: [number[], NonNullable<DropoutOptions["share"]>, number[]][] = [
  [[6, 40], ["batch"], [0]],
  [[6, 40], ["features"], [1]],
  [[4, 5, 30], ["time"], [1]],
  [[4, 30, 5], ["length"], [2]],
  [[4, 5, 30], ["batch", "time"], [0, 1]],
  [[8, 20, 3, 3], ["height", "width"], [2, 3]],
  [[4, 20, 3, 3], ["batch", "height", "width"], [0, 2, 3]],
  [[4, 1, 6, 6], ["channels"], [1]],
  [[8, 20, 2, 2, 2], ["depth", "height", "width"], [2, 3, 4]],
  [[4, 5, 30], [-2], [1]],
];

for (const [shape, share, axes] of shares) {
  Deno.test(`dropout() of [${shape}] sharing ${share} draws once along them and anew along the others`, () => {
    const model = built(dropout({ rate: 0.5, share }), shape.slice(1));
    const y = model.forward(Tensor.ones(shape, "float64"), { mode: "train", step: 0 });
    const one = y.slice(shape.map(() => 0), shape.map((extent, axis) => axes.includes(axis) ? 1 : extent));
    assertEquals(one.broadcastTo(shape).toArray(), y.toArray(), "slices along shared axes are equal");
    for (let axis = 0; axis < shape.length; axis++) {
      if (axes.includes(axis) || shape[axis] === 1) continue;
      const parts = Array.from(
        { length: shape[axis] },
        (_, i) =>
          y.slice(shape.map((_, a) => a === axis ? i : 0), shape.map((extent, a) => a === axis ? i + 1 : extent)),
      );
      assert(new Set(parts.map((part) => String(part.toArray()))).size > 1, `slices along axis ${axis} are equal`);
    }
    const values = new Set(one.floats);
    assertEquals(values, new Set([0, 2]));
  });
}

Deno.test("dropout() that shares nothing has the mask of dropout() that shares an axis of extent 1", () => {
  const x = Tensor.ones([5, 1, 7], "float64");
  const [plain, shared] = [[], ["time"] as const].map((share) =>
    built(dropout({ share: [...share] }), [1, 7]).forward(x, { mode: "train", step: 0 }).toArray()
  );
  assertEquals(plain, shared);
});

Deno.test("dropout() refuses to share an axis that its input has not, when the model is built", () => {
  assertThrows(() => built(dropout({ share: ["width"] }), [10]), ShapeError, 'has no axis named "width"');
  assertThrows(() => built(dropout({ share: [2] }), [10]), ShapeError, "[-2, 2), found 2");
});

Deno.test("dropout() has the gradient that central differences give with the mask held", () => {
  for (const convention of conventions) {
    for (const share of [[], ["batch"], ["features"]] as const) {
      const model = built(dropout({ rate: 0.4, convention, share: [...share] }), [5]);
      checkGradient(([x]) => model.forward(x.sin(), { mode: "train", step: 3 }), [random([4, 5], 6)]);
      checkGradient(([x]) => model.forward(x.sin()), [random([4, 5], 6)]);
    }
  }
});

Deno.test("dropout() after dropout() keeps units independently: the keep rates multiply", () => {
  const count = 200000;
  const first = draws({ rate: 0.3 }, Tensor.ones([1], "float64"), count);
  const y = built(dropout({ rate: 0.5 }), [1], 8).forward(first, { mode: "train", step: 1 }).floats;
  const kept = mean(Float64Array.from(y, (value) => value === 0 ? 0 : 1));
  assertWithin(kept, 0.7 * 0.5, Math.sqrt(0.35 * 0.65 / count), "keep rate");
});
