/** The native products with dropped weights against their plain twins. */
import { assertEquals } from "@std/assert";
import type { Floats, Ints } from "../../core/backend/arrays.ts";
import type { Backend } from "../../core/backend/backend.ts";
import { reference, useBackend } from "../../core/backend/backend.ts";
import {
  dropConnectBits,
  dropConnectInputGradient,
  dropConnectProduct,
  dropConnectWeightGradient,
} from "../../plugins/dropout/drop_connect/_kernels.ts";
import { exampleProduct } from "../../plugins/dropout/drop_connect/_per_example.ts";
import { type DropConnectShape, wordsOf } from "../../plugins/dropout/drop_connect/_twins.ts";
import { gradients, Key, noGrad, Tensor } from "../../mod.ts";
import { assertClose, Draws, forSeeds, instructionSets, nativeTest, open } from "./_native.ts";

/** Room for a bit for each connection, full of rubbish. */
const roomFor = ({ batch, inputs, units }: DropConnectShape) =>
  new Int32Array(batch * wordsOf(units * inputs)).fill(0x5a5a5a5a);

/** All kernels on the same numbers: the product, both gradients, and the bits that they share. */
function run(
  backend: Backend,
  draws: Draws,
  shape: DropConnectShape,
  single = true,
): { floats: Floats[]; bits: Ints } {
  const { batch, rows, inputs, units } = shape;
  const convert = (values: Float32Array<ArrayBuffer>): Floats => single ? values : Float64Array.from(values);
  const [x, weight] = [draws.floats(batch * rows * inputs), draws.floats(units * inputs)].map(convert);
  const dy = convert(draws.floats(batch * rows * units));
  const word = () => draws.whole(0, 2 ** 32 - 1);
  const header = Uint32Array.from({ length: 3 }, word);
  const table = Uint32Array.from({ length: 3 * batch }, (_, i) => i % 3 === 0 ? draws.whole(0, 63) * 2 ** 26 : word());
  const draw = { header, table, offset: draws.whole(0, 9) };
  const junk = (n: number) => convert(new Float32Array(n).fill(7));
  const [out, dx, dWeight] = [junk(dy.length), junk(x.length), junk(weight.length)];
  const bits = roomFor(shape);
  const before = useBackend(backend);
  try {
    dropConnectBits(bits, draw, shape);
    dropConnectProduct(x, weight, out, bits, shape);
    dropConnectInputGradient(weight, dy, dx, bits, shape);
    dropConnectWeightGradient(x, dy, dWeight, bits, shape);
  } finally {
    useBackend(before);
  }
  return { floats: [out, dx, dWeight], bits };
}

/** A shape with any extents, 0, 1 and more than a piece of words included. */
function anyShape(draws: Draws): DropConnectShape {
  const rate = draws.pick([0.1, 0.5, 0.9]);
  const bits = draws.pick([16, 32] as const);
  return {
    batch: draws.pick([0, 1, 2, 5, 9]),
    rows: draws.pick([0, 1, 1, 3]),
    inputs: draws.pick([0, 1, 3, 17, 40, 300, 1025, 2100]),
    units: draws.pick([0, 1, 2, 9, 33]),
    threshold: Math.round(rate * 2 ** bits),
    bits,
    scale: 1 / (1 - rate),
    add: draws.pick([false, true]),
  };
}

for (const instructions of instructionSets) {
  nativeTest(`native products with dropped weights agree with the reference (${instructions})`, () => {
    const native = open(instructions);
    forSeeds(30, (draws) => {
      const shape = anyShape(draws);
      const seed = draws.whole(0, 1e9);
      const found = run(native, new Draws(seed), shape);
      const expected = run(reference, new Draws(seed), shape, false);
      assertEquals(found.bits, expected.bits);
      found.floats.forEach((values, i) => {
        const largest = [...expected.floats[i]].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        assertClose(
          values,
          expected.floats[i],
          0,
          2e-5 * largest,
          `${["product", "dx", "dWeight"][i]} of ${JSON.stringify(shape)}`,
        );
      });
    });
  });
}

nativeTest("products with dropped weights are the same bits for any number of threads", () => {
  const shape = {
    batch: 40,
    rows: 2,
    inputs: 1100,
    units: 30,
    threshold: 2 ** 15,
    bits: 16,
    scale: 2,
    add: false,
  } as const;
  const results = [1, 2, 3].map((threads) => {
    const backend = open("auto", { threads });
    return run(backend, new Draws(5), shape);
  });
  for (const other of results.slice(1)) assertEquals(other, results[0]);
  open("auto", { threads: 2 });
});

for (const instructions of instructionSets) {
  nativeTest(`a connection that is dropped counts for nothing, whatever comes in (${instructions})`, () => {
    const shape = {
      batch: 6,
      rows: 1,
      inputs: 200,
      units: 3,
      threshold: 2 ** 15,
      bits: 16,
      scale: 2,
      add: false,
    } as const;
    const table = Uint32Array.from({ length: 3 * shape.batch }, (_, i) => i % 3 === 1 ? i << 8 : 0);
    const draw = { header: Uint32Array.of(1, 2, 3), table, offset: 0 };
    const x = new Float32Array(shape.batch * shape.inputs).fill(1);
    x.forEach((_, i) => i % 40 === 7 && (x[i] = Infinity));
    const weight = new Float32Array(shape.units * shape.inputs).fill(1);
    const dy = new Float32Array(shape.batch * shape.units).fill(1);
    const [expected, found] = [reference, open(instructions)].map((backend) => {
      const before = useBackend(backend);
      const [out, dWeight] = [new Float32Array(dy.length), new Float32Array(weight.length)];
      try {
        const bits = roomFor(shape);
        dropConnectBits(bits, draw, shape);
        dropConnectProduct(x, weight, out, bits, shape);
        dropConnectWeightGradient(x, dy, dWeight, bits, shape);
      } finally {
        useBackend(before);
      }
      return [out, dWeight];
    });
    assertEquals(found, expected);
  });
}

nativeTest(
  "a product whose masks are too large to be kept has the numbers and gradients of one whose masks are",
  () => {
    const before = useBackend(open("auto"));
    try {
      // 269 million connections, a bit more than are kept; the halves' are.
      const [batch, units] = [420, 800];
      const key = Key.seed(3);
      const normal = (name: string, rows: number) => Tensor.normal([rows, units], key.at(name));
      const [x, dy, weight] = [normal("x", batch), normal("dy", batch), normal("weight", units).withGradient()];
      const run = (first: number, last: number) => {
        const part = x.slice([first], [last]).detach().withGradient();
        const y = exampleProduct(part, weight, key.at("mask").sample(first), 0.5, true);
        const [dx, dWeight] = gradients(y.mul(dy.slice([first], [last])).sum(), [part, weight]);
        return [y, dx, dWeight].map((tensor) => tensor.floats);
      };
      const [y, dx, dWeight] = run(0, batch);
      const halves = [run(0, batch / 2), run(batch / 2, batch)];
      [y, dx].forEach((whole, i) => {
        halves.forEach((half, part) =>
          assertEquals(whole.subarray(part * half[i].length).slice(0, half[i].length), half[i])
        );
      });
      assertClose(dWeight, halves[0][2].map((value, i) => value + halves[1][2][i]), 1e-4, 1e-3, "dWeight");
      assertEquals(noGrad(() => exampleProduct(x, weight, key.at("mask"), 0.5, true)).floats, y);
    } finally {
      useBackend(before);
    }
  },
);
