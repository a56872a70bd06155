/** Elementwise ops, reductions, softmax and products: values by hand, gradients against central differences. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  affine,
  crossEntropyRows,
  DataError,
  gradients,
  OptionError,
  type Shape,
  ShapeError,
  Tensor,
} from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { apart, between, doubles, random } from "../_tensors.ts";

const shapes: Shape[] = [[], [1], [7], [0, 3], [2, 3], [1, 1, 1], [3, 1, 5]];

function close(found: Tensor, expected: readonly number[], tolerance = 1e-12): void {
  assertEquals(found.size, expected.length);
  expected.forEach((value, i) => {
    if (Number.isFinite(value)) assertAlmostEquals(found.storage.array[i], value, tolerance);
    else assertEquals(found.storage.array[i], value);
  });
}

/** Each function with its range of arguments. */
const functions: Record<string, [(x: Tensor) => Tensor, number, number]> = {
  "neg()": [(x) => x.neg(), -2, 2],
  "add(number)": [(x) => x.add(3), -2, 2],
  "sub(number)": [(x) => x.sub(3), -2, 2],
  "mul(number)": [(x) => x.mul(-3), -2, 2],
  "div(number)": [(x) => x.div(4), -2, 2],
  "pow(3)": [(x) => x.pow(3), -2, 2],
  "pow(-1.5)": [(x) => x.pow(-1.5), 0.5, 2],
  "exp()": [(x) => x.exp(), -2, 2],
  "log()": [(x) => x.log(), 0.2, 2],
  "log1p()": [(x) => x.log1p(), -0.8, 2],
  "sqrt()": [(x) => x.sqrt(), 0.2, 2],
  "square()": [(x) => x.square(), -2, 2],
  "reciprocal()": [(x) => x.reciprocal(), 0.3, 2],
  "sin()": [(x) => x.sin(), -4, 4],
  "cos()": [(x) => x.cos(), -4, 4],
  "erf()": [(x) => x.erf(), -3, 3],
  "gelu()": [(x) => x.gelu(), -3, 3],
  'gelu("tanh")': [(x) => x.gelu("tanh"), -3, 3],
  "silu()": [(x) => x.silu(), -3, 3],
  "sigmoid()": [(x) => x.sigmoid(), -3, 3],
  "tanh()": [(x) => x.tanh(), -3, 3],
  "softplus()": [(x) => x.softplus(), -3, 3],
};

/** Functions with kinks at 0 or at +-0.4: arguments keep away from them. */
const kinked: Record<string, (x: Tensor) => Tensor> = {
  "abs()": (x) => x.abs(),
  "relu()": (x) => x.relu(),
  "leakyRelu()": (x) => x.leakyRelu(0.2),
  "elu()": (x) => x.elu(1.5),
  "selu()": (x) => x.selu(),
  "clamp()": (x) => x.clamp(-0.4, 0.4),
  "maximum(number)": (x) => x.maximum(0.2),
  "minimum(number)": (x) => x.minimum(-0.2),
  "sign() plus x": (x) => x.sign().add(x),
};

for (const [name, [f, low, high]] of Object.entries(functions)) {
  Deno.test(`${name} has the gradient that central differences give`, () => {
    shapes.forEach((shape, i) => checkGradient(([x]) => f(x), [between(low, high, shape, i)], { seed: i }));
  });
}

for (const [name, f] of Object.entries(kinked)) {
  Deno.test(`${name} has the gradient that central differences give away from its kinks`, () => {
    shapes.forEach((shape, i) => checkGradient(([x]) => f(x), [apart(shape, i)], { seed: i }));
  });
}

const pairs: [Shape, Shape][] = [
  [[2, 3], [2, 3]],
  [[], [2, 3]],
  [[2, 3], []],
  [[3], [2, 3]],
  [[2, 1], [3]],
  [[4, 1, 3], [2, 1]],
  [[1, 5], [4, 1]],
  [[0, 3], [3]],
  [[1], [0]],
  [[2, 1, 3, 1], [4, 1, 2]],
];

const operators: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
  add: (a, b) => a.add(b),
  sub: (a, b) => a.sub(b),
  mul: (a, b) => a.mul(b),
  div: (a, b) => a.div(b),
  pow: (a, b) => a.pow(b),
  mask: (a, b) => a.mask(b),
};

for (const [name, f] of Object.entries(operators)) {
  Deno.test(`${name}() broadcasts either side, with the gradients that central differences give`, () => {
    pairs.forEach(([left, right], i) => {
      const inputs = [between(0.4, 2, left, i), between(0.5, 2, right, 100 + i)];
      checkGradient(([a, b]) => f(a, b), inputs, { seed: i });
    });
  });
}

Deno.test("maximum() and minimum() broadcast either side, with the gradients that central differences give", () => {
  pairs.forEach(([left, right], i) => {
    const inputs = [apart(left, i), apart(right, 100 + i).add(0.02)];
    checkGradient(([a, b]) => a.maximum(b), inputs, { seed: i });
    checkGradient(([a, b]) => a.minimum(b), inputs, { seed: i });
  });
});

Deno.test("equal operands of maximum() and minimum() share the gradient", () => {
  const a = doubles([1, 2, 3]).withGradient();
  const b = doubles([1, 5, 0]).withGradient();
  for (const [y, da] of [[a.maximum(b), [0.5, 0, 1]], [a.minimum(b), [0.5, 1, 0]]] as const) {
    const [left, right] = gradients(y.sum(), [a, b]);
    close(left, da);
    close(right, da.map((g) => 1 - g));
  }
});

Deno.test("pow() with tensors is flat at a zero exponent and at a zero base", () => {
  const a = doubles([0, 0, 2]).withGradient();
  const b = doubles([0, 2, 0]).withGradient();
  const [da, db] = gradients(a.pow(b).sum(), [a, b]);
  close(da, [0, 0, 0]);
  close(db, [0, 0, Math.log(2)]);
});

Deno.test("elementwise functions give hand-computed values", () => {
  const x = doubles([-2, 0, 0.5]);
  close(x.abs(), [2, 0, 0.5]);
  close(x.sign(), [-1, 0, 1]);
  close(x.exp(), [0.1353352832366127, 1, 1.6487212707001282]);
  close(x.square(), [4, 0, 0.25]);
  close(x.clamp(-1, 0.25), [-1, 0, 0.25]);
  close(x.relu(), [0, 0, 0.5]);
  close(x.leakyRelu(0.1), [-0.2, 0, 0.5]);
  close(x.elu(), [-0.8646647167633873, 0, 0.5]);
  close(x.selu(), [-1.5201664685956948, 0, 0.5253504936777402]);
  close(x.sigmoid(), [0.11920292202211755, 0.5, 0.6224593312018546]);
  close(x.tanh(), [-0.9640275800758169, 0, 0.46211715726000973]);
  close(x.softplus(), [0.1269280110429726, 0.6931471805599453, 0.9740769841801067]);
  close(x.gelu(), [-0.045500263896358414, 0, 0.34573123063700656]);
  close(x.silu(), [-0.2384058440442351, 0, 0.3112296656009273]);
  close(x.erf(), [-0.9953222650189527, 0, 0.5204998778130465]);
  close(doubles([4, 0.25]).sqrt(), [2, 0.5]);
  close(doubles([4, 0.25]).reciprocal(), [0.25, 4]);
  close(doubles([1, Math.E]).log(), [0, 1]);
  close(doubles([0, -0.5]).log1p(), [0, -0.6931471805599453]);
  close(x.pow(2), [4, 0, 0.25]);
  close(x.greater(0), [0, 0, 1]);
  close(x.greaterEqual(0), [0, 1, 1]);
  close(x.equal(0), [0, 1, 0]);
});

Deno.test("saturating functions stay finite at arguments of +-1000", () => {
  const x = doubles([-1000, 1000]);
  close(x.sigmoid(), [0, 1]);
  close(x.tanh(), [-1, 1]);
  close(x.softplus(), [0, 1000]);
  close(x.silu(), [0, 1000]);
  close(x.gelu(), [0, 1000]);
  close(x.elu(), [-1, 1000]);
  close(doubles([[-1000, 1000]]).logSoftmax(), [-2000, 0]);
});

Deno.test("a NaN stays a NaN through relu(), max() and sums", () => {
  const x = doubles([NaN, 1]);
  assert(Number.isNaN(x.relu().floats[0]));
  assert(Number.isNaN(x.max().item()));
  assert(Number.isNaN(x.sum().item()));
});

Deno.test("mask() gives exactly 0 for a dropped infinity or NaN, forward and backward", () => {
  const x = doubles([Infinity, NaN, -Infinity, 3]).withGradient();
  const y = x.mask(doubles([0, 0, 0, 2]));
  close(y, [0, 0, 0, 6]);
  close(gradients(y.sum(), [x])[0], [0, 0, 0, 2]);
});

const axesOf: [Shape, (number | number[] | undefined)[]][] = [
  [[], [undefined, []]],
  [[5], [undefined, 0, -1, []]],
  [[2, 3, 4], [undefined, 0, 1, 2, [0, 1], [0, 2], [1, 2], [2, 0], [-1, 0], []]],
  [[1, 3, 1, 2], [[0, 2], [1, 3], 3]],
];

Deno.test("sum(), mean(), max() and min() over any axes have the gradients that central differences give", () => {
  for (const [shape, all] of axesOf) {
    for (const axes of all) {
      for (const keep of [false, true]) {
        const x = [apart(shape, 3)];
        checkGradient(([x]) => x.sum(axes, keep).mul(1.5), x);
        checkGradient(([x]) => x.mean(axes, keep), x);
        checkGradient(([x]) => x.max(axes, keep), x);
        checkGradient(([x]) => x.min(axes, keep), x);
      }
    }
  }
  checkGradient(([x]) => x.sum(0), [random([0, 3], 1)]);
});

Deno.test("reductions give hand-computed values and shapes", () => {
  const x = doubles([[[1, 2], [3, 4]], [[5, 6], [7, 9]]]);
  assertEquals(x.sum().toArray(), 37);
  assertEquals(x.sum([0, 2]).toArray(), [14, 23]);
  assertEquals(x.sum(1, true).toArray(), [[[4, 6]], [[12, 15]]]);
  assertEquals(x.mean(-1).toArray(), [[1.5, 3.5], [5.5, 8]]);
  assertEquals(x.max([0, 1]).toArray(), [7, 9]);
  assertEquals(x.min([1, 2], true).shape, [2, 1, 1]);
  assertEquals(x.sum([]).toArray(), x.toArray());
  assertEquals(doubles([]).sum().item(), 0);
  assert(Number.isNaN(doubles([]).mean().item()));
  assertEquals(doubles([[1, 3, 3], [5, 2, 1]]).argmax().toArray(), [1, 0]);
});

Deno.test("equal largest entries share the gradient of max()", () => {
  const x = doubles([[2, 2, 1, 2]]).withGradient();
  close(gradients(x.max(1).mul(3).sum(), [x])[0], [1, 1, 0, 1]);
});

Deno.test("softmax() and logSoftmax() along any axis have the gradients that central differences give", () => {
  for (const [shape, axes] of [[[1], [0]], [[3, 4], [0, 1, -1]], [[2, 3, 2], [0, 1, 2]], [[0, 3], [1]]] as const) {
    for (const axis of axes) {
      checkGradient(([x]) => x.softmax(axis), [random(shape, 5)]);
      checkGradient(([x]) => x.logSoftmax(axis), [random(shape, 5)]);
    }
  }
});

Deno.test("softmax() along an axis gives hand-computed values", () => {
  const x = doubles([[0, Math.log(3)], [Math.log(4), Math.log(2)]]);
  close(x.softmax(), [0.25, 0.75, 2 / 3, 1 / 3]);
  close(x.softmax(0), [0.2, 0.6, 0.8, 0.4]);
  close(x.logSoftmax(), [0.25, 0.75, 2 / 3, 1 / 3].map(Math.log));
});

Deno.test("crossEntropyRows() gives hand-computed losses, with smoothing, weights and ignored rows", () => {
  const logits = doubles([[0, Math.log(3)], [Math.log(4), Math.log(1)]]);
  const labels = Tensor.of([1, 0], "int32");
  close(crossEntropyRows(logits, labels), [-Math.log(0.75), -Math.log(0.8)]);
  const weights = doubles([2, 10]);
  close(crossEntropyRows(logits, labels, { weights }), [-10 * Math.log(0.75), -2 * Math.log(0.8)]);
  close(crossEntropyRows(logits, labels, { labelSmoothing: 0.2 }), [
    -0.9 * Math.log(0.75) - 0.1 * Math.log(0.25),
    -0.9 * Math.log(0.8) - 0.1 * Math.log(0.2),
  ]);
  close(crossEntropyRows(logits, Tensor.of([-100, 0], "int32"), { ignoreIndex: -100 }), [0, -Math.log(0.8)]);
});

Deno.test("crossEntropyRows() has the gradient that central differences give", () => {
  const labels = Tensor.of([0, 3, 2, 3], "int32");
  const weights = doubles([0.5, 2, 1, 3]);
  for (const options of [{}, { labelSmoothing: 0.3 }, { weights }, { weights, labelSmoothing: 0.1, ignoreIndex: 2 }]) {
    checkGradient(([x]) => crossEntropyRows(x, labels, options), [random([4, 4], 8)]);
  }
  checkGradient(([x]) => crossEntropyRows(x, Tensor.from([], [0], "int32")), [random([0, 4], 8)]);
});

Deno.test("crossEntropyRows() names a label outside the classes and its row", () => {
  const logits = Tensor.zeros([2, 3]);
  assertThrows(() => crossEntropyRows(logits, Tensor.of([0, 3], "int32")), DataError, "[0, 3), found 3 at row 1");
  assertThrows(() => crossEntropyRows(logits, Tensor.of([-1, 0], "int32")), DataError, "found -1 at row 0");
  assertThrows(() => crossEntropyRows(logits, Tensor.of([0], "int32")), ShapeError, "[2, 3] and [1]");
});

Deno.test("affine() with every fused activation has the gradients that central differences give", () => {
  for (const shape of [[5], [4, 5], [0, 5], [1, 5], [2, 3, 5]]) {
    for (const epilogue of ["none", "relu", "sigmoid", "tanh"] as const) {
      const [x, w, b] = [random(shape, 1), random([3, 5], 2), random([3], 3)];
      checkGradient(([x, w, b]) => affine(x, w, b, epilogue), [x, w, b]);
      checkGradient(([x, w]) => affine(x, w, null, epilogue), [x, w]);
    }
  }
});

Deno.test("affine() is x W^T + b, for inputs with no features as well", () => {
  const x = doubles([[1, 2]]);
  assertEquals(affine(x, doubles([[3, 4], [5, 6], [0, -1]]), doubles([1, 0, 0]), "relu").toArray(), [[12, 17, 0]]);
  const none = affine(Tensor.zeros([2, 0], "float64"), Tensor.zeros([3, 0], "float64"), doubles([1, 2, 3]));
  assertEquals(none.toArray(), [[1, 2, 3], [1, 2, 3]]);
});

Deno.test("operands that do not fit are refused with both shapes in the message", () => {
  const [a, b] = [Tensor.zeros([2, 3]), Tensor.zeros([4, 3])];
  assertThrows(() => a.add(b), ShapeError, "[2, 3] and [4, 3] do not fit: extents 2 and 4 at axis -2");
  assertThrows(() => affine(a, Tensor.zeros([5, 4]), null), ShapeError, "[2, 3] does not fit a weight");
  assertThrows(() => affine(a, Tensor.zeros([5, 3]), Tensor.zeros([4])), ShapeError, "[5], found [4]");
  assertThrows(() => a.sum(2), ShapeError, "[-2, 2), found 2");
  assertThrows(() => a.softmax(-3), ShapeError, "found -3");
  assertThrows(() => Tensor.zeros([2, 0]).max(1), ShapeError, "[2, 0]");
});

Deno.test("operands of two element types are refused", () => {
  const [single, double] = [Tensor.zeros([2, 3]), Tensor.zeros([2, 3], "float64")];
  assertThrows(() => single.add(double), OptionError, "float32, found");
  assertThrows(() => single.matmul(double, { transposeB: true }), ShapeError, "float64");
  assertThrows(() => affine(single, double, null), OptionError, "float64");
  assertThrows(() => affine(single, single, Tensor.zeros([2], "float64")), OptionError, "float64");
  assertThrows(() => Tensor.concat([single, double]), OptionError, "float64");
  assertThrows(
    () => crossEntropyRows(single, Tensor.of([0, 1], "int32"), { weights: Tensor.ones([3], "float64") }),
    OptionError,
    "float64",
  );
  assertThrows(() => single.exp().add(Tensor.of([1, 2, 3], "int32")), OptionError, "int32");
});

Deno.test("operands without elements broadcast by NumPy's rule, and what was stretched gets a gradient of 0", () => {
  const cases: [Shape, Shape, Shape][] = [
    [[0], [1], [0]],
    [[], [0], [0]],
    [[2, 0], [2, 1], [2, 0]],
    [[0, 3], [3], [0, 3]],
    [[0, 1], [3], [0, 3]],
    [[2, 1, 0], [1, 3, 1], [2, 3, 0]],
  ];
  for (const op of ["add", "sub", "mul", "div", "pow", "maximum", "minimum", "mask"] as const) {
    for (const [left, right, shape] of cases) {
      const operands = [left, right].map((extents) => Tensor.full(extents, 2).withGradient());
      const y = operands[0][op](operands[1]);
      assertEquals(y.shape, shape, op);
      const slopes = gradients(y.sum(), operands);
      assertEquals(slopes.map(({ shape }) => shape), [left, right]);
      for (const { floats } of slopes) assert(floats.every((value) => value === 0), op);
    }
  }
});

Deno.test("reductions over empty axes give 0 for sums and NaN for means, and refuse a largest entry", () => {
  const cases: [Shape, number | number[] | undefined, Shape][] = [
    [[0], undefined, []],
    [[0, 3], 0, [3]],
    [[2, 0, 3], [0, 1], [3]],
    [[2, 0, 3], 1, [2, 3]],
  ];
  for (const [shape, axes, result] of cases) {
    const x = Tensor.zeros(shape).withGradient();
    const [sum, mean] = [x.sum(axes), x.mean(axes)];
    assertEquals([sum.shape, mean.shape], [result, result]);
    assert(sum.floats.every((value) => value === 0) && mean.floats.every((value) => Number.isNaN(value)));
    assertEquals(gradients(sum.sum().add(mean.sum()), [x])[0].shape, shape);
    assertThrows(() => x.max(axes), ShapeError, "has no maximum");
    assertThrows(() => x.min(axes), ShapeError, "has no minimum");
  }
  for (const axes of [1, [1, 2], 2]) assertEquals(Tensor.zeros([0, 2, 3]).max(axes).size, 0);
  for (const op of ["sum", "mean", "max", "min"] as const) {
    for (const axes of [undefined, []]) {
      const x = Tensor.of(7).withGradient();
      assertEquals(x[op](axes).item(), 7);
      assertEquals(gradients(x[op](axes), [x])[0].item(), 1);
    }
    const x = Tensor.of([[1, 2]]).withGradient();
    assertEquals(x[op]([]).toArray(), [[1, 2]]);
    assertEquals(gradients(x[op]([]).sum(), [x])[0].toArray(), [[1, 1]]);
  }
});

Deno.test("movements of tensors without elements and of scalars have the shapes and gradients that fit", () => {
  const index = Tensor.zeros([0], "int32");
  const moves: [Shape, (x: Tensor) => Tensor, Shape, number][] = [
    [[], (x) => x.transpose(), [], 1],
    [[], (x) => x.pad([], 3), [], 1],
    [[], (x) => x.slice([]), [], 1],
    [[], (x) => x.broadcastTo([3]), [3], 3],
    [[], (x) => x.broadcastTo([0]), [0], 0],
    [[], (x) => Tensor.stack([x, x]), [2], 2],
    [[0, 2], (x) => x.transpose(), [2, 0], 0],
    [[0, 2], (x) => x.pad([[1, 1], [0, 1]], 3), [2, 3], 0],
    [[2, 3], (x) => x.slice([2]), [0, 3], 0],
    [[3], (x) => x.broadcastTo([0, 3]), [0, 3], 0],
    [[2, 0], (x) => Tensor.concat([x, Tensor.zeros([2, 3]), x], 1), [2, 3], 0],
    [[2, 3], (x) => Tensor.concat([x, Tensor.zeros([2, 0])], 1), [2, 3], 1],
    [[0, 2], (x) => Tensor.stack([x, x], 1), [0, 2, 2], 0],
    [[3, 0], (x) => x.take(Tensor.of([2, 0], "int32")), [2, 0], 0],
    [[3, 2], (x) => x.take(index), [0, 2], 0],
    [[0, 2], (x) => x.take(index), [0, 2], 0],
    [[0, 2], (x) => x.gather(index), [0], 0],
    [[0, 3], (x) => x.matmul(Tensor.ones([3, 2])), [0, 2], 0],
    [[2, 0], (x) => x.matmul(Tensor.ones([0, 2])), [2, 2], 0],
    [[2, 3], (x) => x.matmul(Tensor.ones([3, 0])), [2, 0], 0],
    [[2, 0], (x) => x.softmax(), [2, 0], 0],
  ];
  for (const [shape, move, result, slope] of moves) {
    const x = Tensor.full(shape, 2).withGradient();
    const y = move(x);
    assertEquals(y.shape, result, String(move));
    const [dx] = gradients(y.sum(), [x]);
    assertEquals([dx.shape, [...dx.floats]], [shape, new Array(x.size).fill(slope)], String(move));
  }
  assertThrows(() => Tensor.of(1).take(index), ShapeError, "take: expected a table with rows, found a scalar");
});

Deno.test("division by a number too small for its reciprocal is still a division", () => {
  assertEquals(doubles([4e-310, 0, -1]).div(4e-310).toArray(), [1, 0, -Infinity]);
  assertEquals(doubles([1, 0, -1]).div(0).toArray(), [Infinity, NaN, -Infinity]);
  const tiny = Tensor.of([1e-39]);
  assertEquals(tiny.div(tiny.item()).toArray(), [1]);
});
