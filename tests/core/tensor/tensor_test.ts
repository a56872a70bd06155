/** Making, reading and moving tensors, and matrix products: values by hand, gradients against central differences. */
import { assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  DataError,
  Key,
  type Nested,
  OptionError,
  recycling,
  type Shape,
  ShapeError,
  sizeOf,
  Tensor,
  ThinnedError,
} from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { Dice, doubles, random, withSeed } from "../_tensors.ts";

Deno.test("Tensor.of() takes nested numbers to any depth and refuses ragged ones", () => {
  assertEquals(Tensor.of(3).shape, []);
  assertEquals(Tensor.of([]).shape, [0]);
  assertEquals(Tensor.of([[], []]).shape, [2, 0]);
  assertEquals(Tensor.of([[[1], [2]]]).toArray(), [[[1], [2]]]);
  for (const ragged of [[[1, 2], [3]], [1, [2]], [[1], 2], [[], [1]]]) {
    assertThrows(() => Tensor.of(ragged), ShapeError, "rows of one length");
  }
});

Deno.test("Tensor.of() refuses what is neither a number nor an array", () => {
  for (
    const wrong of ["a", [["a"]], [null], [[1], null], true, [1n], undefined, [{ length: 0 }], new Float32Array(2)]
  ) {
    const values = wrong as unknown as number;
    assertThrows(() => Tensor.of(values), Error, "Tensor.of: expected");
  }
});

Deno.test("numbers nested 20,000 deep are taken and given back", () => {
  let deep: Nested = [1, 2];
  for (let i = 0; i < 20_000; i++) deep = [deep];
  const x = Tensor.of(deep);
  assertEquals([x.rank, x.size], [20_001, 2]);
  let back = x.toArray();
  for (let i = 0; i < 20_000; i++) {
    assertEquals((back as Nested[]).length, 1);
    back = (back as Nested[])[0];
  }
  assertEquals(back, [1, 2]);
});

Deno.test("toArray() gives what Tensor.of() took, for all extents from 0 to 3", () => {
  for (const shape of [[], [0], [3], [2, 0, 3], [0, 2], [3, 1, 2], [2, 3, 0]]) {
    let next = 0;
    const build = (axis: number): Nested =>
      axis === shape.length ? next++ : Array.from({ length: shape[axis] }, () => build(axis + 1));
    const nested = build(0);
    const x = Tensor.from(Array.from({ length: sizeOf(shape) }, (_, i) => i), shape);
    assertEquals(x.toArray(), nested);
  }
});

Deno.test("whole numbers are asked for where labels and indices are made", () => {
  for (const wrong of [0.5, NaN, Infinity, 2 ** 31]) {
    assertThrows(() => Tensor.of([0, wrong], "int32"), OptionError, `for int32, found ${wrong}`);
    assertThrows(() => Tensor.from(Float64Array.of(wrong), [1], "int32"), OptionError, "Tensor.from");
    assertThrows(() => Tensor.full([2], wrong, "int32"), OptionError, "Tensor.full");
    if (wrong !== 0.5) assertThrows(() => doubles([wrong]).cast("int32"), OptionError, `cast: expected whole`);
  }
  assertEquals(Tensor.from([-(2 ** 31), 2 ** 31 - 1, -0], [3], "int32").toArray(), [-(2 ** 31), 2 ** 31 - 1, 0]);
  assertEquals(doubles([1.7, -1.7]).cast("int32").toArray(), [1, -1]);
  assertEquals(Tensor.full([1], 0.5, "float64").item(), 0.5);
});

Deno.test("Tensor.from() keeps an array of its type and copies any other", () => {
  const kept = Float32Array.of(1, 2);
  assertStrictEquals(Tensor.from(kept, [2]).floats, kept);
  const copied = Tensor.from(kept, [2], "float64");
  kept[0] = 9;
  assertEquals(copied.toArray(), [1, 2]);
});

Deno.test("a tensor whose array has been transferred says so when it is read", () => {
  const array = Float32Array.of(1, 2, 3);
  const x = Tensor.from(array, [3]);
  const view = x.reshape([3, 1]).withGradient();
  structuredClone(array, { transfer: [array.buffer] });
  for (const read of [() => x.floats, () => x.toArray(), () => x.relu(), () => view.sum(), () => x.clone()]) {
    assertThrows(read, ThinnedError, "the array that it was made from has been transferred");
  }
  assertThrows(() => x.assign(Tensor.zeros([3])), ThinnedError, "has been transferred");
  assertEquals(String(x), "Tensor(float32 [3]: transferred)");
  assertThrows(() => Tensor.from(array, [0]), OptionError, "a transferred ArrayBuffer");
});

Deno.test("Tensor.from() keeps no array that may change under it: shared or resizable ones are refused", () => {
  const shared = new Float32Array(new SharedArrayBuffer(8)) as unknown as ArrayLike<number>;
  assertThrows(() => Tensor.from(shared, [2]), OptionError, 'such as a copy by slice(), found "a SharedArrayBuffer"');
  for (
    const array of [
      new Float64Array(new ArrayBuffer(16, { maxByteLength: 32 })),
      new Int32Array(new ArrayBuffer(8, { maxByteLength: 8 })),
    ]
  ) {
    assertThrows(() => Tensor.from(array, [2]), OptionError, "a resizable ArrayBuffer");
    assertEquals(Tensor.from(array.slice(), [2]).toArray(), [0, 0]);
    assertEquals(Tensor.from(array, [2], "float32").toArray(), [0, 0]);
  }
  assertEquals(Tensor.from(shared, [2], "float64").toArray(), [0, 0]);
});

Deno.test("a tensor's shape is its own: changing the array that gave it changes nothing", () => {
  const key = Key.seed(1).at("shape");
  const x = Tensor.zeros([6]);
  for (
    const make of [
      (shape: Shape) => Tensor.from(new Float32Array(6), shape),
      (shape: Shape) => Tensor.from([1, 2, 3, 4, 5, 6], shape),
      (shape: Shape) => Tensor.zeros(shape),
      (shape: Shape) => Tensor.uniform(shape, key),
      (shape: Shape) => Tensor.normal(shape, key),
      (shape: Shape) => Tensor.bernoulli(shape, key, 0.5),
      (shape: Shape) => x.reshape(shape),
      (shape: Shape) => Tensor.ones([3]).broadcastTo(shape),
    ]
  ) {
    const shape = [2, 3];
    const tensor = make(shape);
    shape[0] = 100;
    assertEquals([tensor.shape, tensor.size], [[2, 3], 6], String(make));
  }
});

Deno.test("Tensor.view() is as large as what it is a view of", () => {
  const x = Tensor.ones([4]);
  assertEquals(Tensor.view(x, [2, 2]).toArray(), [[1, 1], [1, 1]]);
  for (const shape of [[5], [3], []]) assertThrows(() => Tensor.view(x, shape), ShapeError, "a shape with 4 elements");
});

Deno.test("a tensor that no memory can hold is refused in one sentence", () => {
  assertThrows(() => Tensor.zeros([2 ** 20, 2 ** 20, 2 ** 10]), ThinnedError, "Allocating a buffer for");
  assertThrows(() => recycling(() => Tensor.zeros([1e300])), ThinnedError, "Allocating a buffer for");
});

Deno.test("Tensor.from() takes its element type from the array and refuses a count that does not fit", () => {
  assertEquals(Tensor.from(new Float64Array(2), [2]).dtype, "float64");
  assertEquals(Tensor.from(Int32Array.of(1), [1]).dtype, "int32");
  assertEquals(Tensor.from([1, 2], [2, 1]).dtype, "float32");
  assertThrows(() => Tensor.from([1, 2, 3], [2, 2]), ShapeError, "[2, 2] needs 4 numbers, found 3");
  assertThrows(() => Tensor.zeros([2, -1]), ShapeError, "[2, -1]");
  assertThrows(() => Tensor.zeros([1.5]), ShapeError, "[1.5]");
});

Deno.test("reading the wrong kind of tensor is refused", () => {
  const labels = Tensor.of([1, 2], "int32");
  assertThrows(() => labels.floats, OptionError, "float32 or float64, found");
  assertThrows(() => Tensor.of([1]).ints, OptionError, "int32");
  assertThrows(() => labels.withGradient(), OptionError, "int32");
  assertThrows(() => labels.floatType, DataError);
  assertThrows(() => Tensor.of([1, 2]).item(), ShapeError, "[2]");
});

Deno.test("a tensor shows its type, shape and first numbers", () => {
  assertEquals(String(Tensor.of([[1, 2], [3, 4]])), "Tensor(float32 [2, 2]: 1, 2, 3, 4)");
  assertEquals(String(Tensor.zeros([7])), "Tensor(float32 [7]: 0, 0, 0, 0, 0, 0, ...)");
});

Deno.test("assign() overwrites the numbers that views and leaves share, and refuses another shape", () => {
  const weight = Tensor.zeros([2]);
  const leaf = weight.withGradient();
  leaf.assign(Tensor.of([1, 2]));
  assertEquals(weight.toArray(), [1, 2]);
  assertEquals(leaf.clone().add(1).toArray(), [2, 3]);
  assertThrows(() => leaf.assign(Tensor.zeros([3])), ShapeError, "[2], found [3]");
  leaf.assign(leaf);
  leaf.assign(weight.detach());
  assertEquals(weight.toArray(), [1, 2]);
});

Deno.test("assign() rounds float64 to float32 and mixes no labels with numbers", () => {
  const weight = Tensor.zeros([1]);
  weight.assign(doubles([0.1]));
  assertEquals(weight.item(), Math.fround(0.1));
  const labels = Tensor.zeros([1], "int32");
  assertThrows(() => labels.assign(weight), OptionError, 'assign: expected int32, found "float32"');
  assertThrows(() => weight.assign(labels), OptionError, 'assign: expected float32, found "int32"');
});

Deno.test("movements give the numbers that NumPy gives", () => {
  const x = doubles([[1, 2, 3], [4, 5, 6]]);
  assertEquals(x.transpose().toArray(), [[1, 4], [2, 5], [3, 6]]);
  assertEquals(x.reshape([3, -1]).toArray(), [[1, 2], [3, 4], [5, 6]]);
  assertEquals(x.slice([0, 1]).toArray(), [[2, 3], [5, 6]]);
  assertEquals(x.slice([-1, 0], [2, -1]).toArray(), [[4, 5]]);
  assertEquals(x.slice([1, 3]).shape, [1, 0]);
  assertEquals(x.pad([[0, 1], [1, 0]], 9).toArray(), [[9, 1, 2, 3], [9, 4, 5, 6], [9, 9, 9, 9]]);
  assertEquals(Tensor.concat([x, doubles([[7], [8]])], 1).toArray(), [[1, 2, 3, 7], [4, 5, 6, 8]]);
  assertEquals(Tensor.stack([doubles([1, 2]), doubles([3, 4])], -1).toArray(), [[1, 3], [2, 4]]);
  assertEquals(doubles([[1], [2]]).broadcastTo([2, 2, 2]).toArray(), [[[1, 1], [2, 2]], [[1, 1], [2, 2]]]);
  assertEquals(x.take(Tensor.of([1, 0, 1], "int32")).toArray(), [[4, 5, 6], [1, 2, 3], [4, 5, 6]]);
  assertEquals(x.gather(Tensor.of([2, 0], "int32")).toArray(), [3, 4]);
  assertEquals(x.expandAxis(1).shape, [2, 1, 3]);
  assertEquals(x.expandAxis(-1).shape, [2, 3, 1]);
});

Deno.test("pad() with an infinity or a large number leaves the inside bit for bit", () => {
  for (const value of [-Infinity, Infinity, 1e30]) {
    const y = doubles([0.1, -0.3]).pad([[1, 1]], value);
    assertEquals(y.toArray(), [value, 0.1, -0.3, value]);
  }
});

Deno.test("concat() and pad() keep an infinity and a NaN", () => {
  const x = doubles([Infinity, NaN]);
  assertEquals(Tensor.concat([x, x]).toArray(), [Infinity, NaN, Infinity, NaN]);
  assertEquals(x.pad([[1, 0]]).toArray(), [0, Infinity, NaN]);
});

Deno.test("movements have the gradients that central differences give, chained", () => {
  const index = Tensor.of([[2, 0], [2, 2]], "int32");
  checkGradient(([x]) => x.reshape([3, 2]).transpose().slice([0, 1]), [random([2, 3], 1)]);
  checkGradient(([x]) => x.pad([[1, 2], [0, 1]], 3).slice([0, 1], [-1]).transpose([1, 0]), [random([2, 3], 2)]);
  checkGradient(([x]) => x.transpose([2, 0, 1]).reshape([4, -1]).square(), [random([2, 3, 4], 3)]);
  checkGradient(([x, y]) => Tensor.concat([x, y, x.neg()], 1).square(), [random([2, 3], 4), random([2, 1], 5)]);
  checkGradient(([x, y]) => Tensor.stack([x, y], 1).exp(), [random([2, 2], 6), random([2, 2], 7)]);
  checkGradient(([x]) => x.broadcastTo([2, 3, 2]).square(), [random([3, 1], 8)]);
  checkGradient(([x]) => x.broadcastTo([0, 2]), [random([2], 8)]);
  checkGradient(([x]) => x.take(index).square(), [random([3, 2], 9)]);
  checkGradient(([x]) => x.gather(index).square(), [random([2, 2, 3], 10)]);
  checkGradient(([x]) => x.slice([1], [1]).sum().add(x.sum()), [random([3], 11)]);
  checkGradient(([x]) => x.expandAxis(0).expandAxis(-1).square(), [random([1], 12)]);
});

Deno.test("take() adds up the gradients of repeated rows", () => {
  const table = doubles([[1, 2], [3, 4]]);
  checkGradient(([t]) => t.take(Tensor.of([1, 1, 1, 0], "int32")).square(), [table]);
});

Deno.test("indices and bounds outside of a tensor are refused by name", () => {
  const x = Tensor.zeros([2, 3]);
  assertThrows(() => x.take(Tensor.of([0, 2], "int32")), DataError, "[0, 2), found 2 at position 1");
  assertThrows(() => x.gather(Tensor.of([0, -1], "int32")), DataError, "found -1 at position 1");
  assertThrows(() => x.gather(Tensor.of([0], "int32")), ShapeError, "[2, 3], found shape [1]");
  assertThrows(() => x.slice([0, 2], [2, 1]), ShapeError, "axis 1 of shape [2, 3] has no range [2, 1)");
  assertThrows(() => x.reshape([4, -1]), ShapeError, "[2, 3] has 6 elements and cannot become [4, -1]");
  assertThrows(() => x.reshape([-1, -1]), ShapeError, "cannot become");
  assertThrows(() => x.transpose([0, 0]), ShapeError, "each axis of [2, 3] once");
  assertThrows(() => x.broadcastTo([2, 2]), ShapeError, "[2, 3] and [2, 2]");
  assertThrows(() => x.broadcastTo([3]), ShapeError, "[2, 3] cannot be stretched to [3]");
  assertThrows(() => x.pad([[1, 1]]), ShapeError, "each axis of [2, 3]");
  assertThrows(() => Tensor.concat([x, Tensor.zeros([3, 3])], 1), ShapeError, "[2, 3] and [3, 3]");
  assertThrows(() => Tensor.concat([]), ShapeError, "found none");
  assertThrows(() => x.expandAxis(4), ShapeError, "[-3, 3), found 4");
});

/** The product by its definition, over the last two axes, with leading axes already equal. */
function product(a: Tensor, b: Tensor): number[] {
  const [m, k] = a.shape.slice(-2);
  const n = b.shape[b.rank - 1];
  const batch = a.size / Math.max(1, m * k);
  const out: number[] = [];
  for (let g = 0; g < batch; g++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++) sum += a.floats[(g * m + i) * k + p] * b.floats[(g * k + p) * n + j];
        out.push(sum);
      }
    }
  }
  return out;
}

function swapLast(x: Tensor): Tensor {
  const order = x.shape.map((_, axis) => axis);
  [order[x.rank - 1], order[x.rank - 2]] = [order[x.rank - 2], order[x.rank - 1]];
  return x.transpose(order);
}

const leads: [Shape, Shape][] = [
  [[], []],
  [[3], []],
  [[], [3]],
  [[3], [3]],
  [[1], [3]],
  [[2, 1], [3]],
  [[3], [2, 1]],
  [[2, 3], [2, 3]],
  [[0], []],
];

for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    Deno.test(`matmul() with transposeA ${transposeA}, transposeB ${transposeB} is the product`, () => {
      leads.forEach(([left, right], i) => {
        const [m, k, n] = [2, 4, 3];
        const a = random([...left, ...(transposeA ? [k, m] : [m, k])], i);
        const b = random([...right, ...(transposeB ? [n, k] : [k, n])], 50 + i);
        const y = a.matmul(b, { transposeA, transposeB });
        const lead = y.shape.slice(0, -2);
        const plainA = (transposeA ? swapLast(a) : a).broadcastTo([...lead, m, k]);
        const plainB = (transposeB ? swapLast(b) : b).broadcastTo([...lead, k, n]);
        product(plainA, plainB).forEach((value, at) => assertAlmostEquals(y.floats[at], value, 1e-12));
        checkGradient(([a, b]) => a.matmul(b, { transposeA, transposeB }), [a, b], { seed: i });
      });
    });
  }
}

Deno.test("matmul() treats one axis as a row on the left and a column on the right", () => {
  const [x, y, m] = [doubles([1, 2]), doubles([3, 4]), doubles([[1, 2], [3, 4]])];
  assertEquals(x.matmul(y).toArray(), 11);
  assertEquals(x.matmul(m).toArray(), [7, 10]);
  assertEquals(m.matmul(x).toArray(), [5, 11]);
  checkGradient(([a, b]) => a.matmul(b), [x, y]);
  checkGradient(([a, b]) => a.matmul(b), [x, random([3, 2, 2], 1)]);
  checkGradient(([a, b]) => a.matmul(b), [random([3, 2, 2], 2), y]);
});

Deno.test("matmul() over an axis of extent 0 gives zeros", () => {
  assertEquals(Tensor.zeros([2, 0]).matmul(Tensor.zeros([0, 3])).toArray(), [[0, 0, 0], [0, 0, 0]]);
  assertEquals(Tensor.zeros([2, 2, 0]).matmul(Tensor.zeros([0, 1])).shape, [2, 2, 1]);
});

Deno.test("matmul() of shapes that do not fit is refused with both", () => {
  const [a, b] = [Tensor.zeros([2, 3]), Tensor.zeros([2, 3])];
  assertThrows(() => a.matmul(b), ShapeError, "[2, 3] (float32) and [2, 3] (float32) do not fit");
  assertThrows(() => a.matmul(b, { transposeA: true, transposeB: true }), ShapeError, "[2, 3] transposed");
  assertThrows(() => Tensor.zeros([2, 2, 3]).matmul(Tensor.zeros([3, 3, 4])), ShapeError, "[2] and [3]");
  assertThrows(() => a.matmul(Tensor.of(1)), ShapeError, "scalar");
});

Deno.test("random chains of movements have the gradients that central differences give", () => {
  withSeed((seed) => {
    const dice = new Dice(seed);
    for (let round = 0; round < 20; round++) {
      const shape = [1 + dice.below(3), 1 + dice.below(3), 1 + dice.below(3)];
      const steps = Array.from({ length: 4 }, () => [dice.below(5), dice.below(3), dice.below(2)]);
      const chain = ([x]: Tensor[]): Tensor =>
        steps.reduce((y, [kind, axis, more]) => {
          if (kind === 0) return y.transpose([axis, (axis + 1) % 3, (axis + 2) % 3]);
          if (kind === 1) {
            return y.pad(y.shape.map((_, i) => i === axis ? [more, 1] as const : [0, more] as const), more);
          }
          if (kind === 2) return y.slice(y.shape.map((extent, i) => i === axis && extent > 1 ? 1 : 0));
          if (kind === 3) return Tensor.concat([y, y.mul(2)], axis);
          return y.reshape([y.shape[0] * y.shape[1], 1, y.shape[2]]).square();
        }, x);
      checkGradient(chain, [random(shape, round)], { seed: round });
    }
  });
});

Deno.test("dropout() has the gradient that central differences give with the mask held", () => {
  for (const [shape, sharedAxes] of [[[5], []], [[4, 3], [1]], [[2, 3, 4], [0]], [[2, 3, 4], [1, 2]], [[0, 2], []]]) {
    const key = Key.seed(3).at("mask");
    checkGradient(([x]) => x.square().dropout(key, 0.4, { sharedAxes }), [random(shape, 1)]);
    checkGradient(([x]) => x.dropout(key, 0.4, { sharedAxes, scale: false }), [random(shape, 2)]);
  }
});
