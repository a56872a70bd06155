/** The native products with dropped weights against their plain twins. */
import { assertEquals } from "@std/assert";
import type { Floats } from "../../core/backend/arrays.ts";
import type { Backend } from "../../core/backend/backend.ts";
import type { DropConnectShape } from "../../core/backend/stream.ts";
import { Key } from "../../core/random/key.ts";
import { reference } from "../../core/backend/backend.ts";
import { assertClose, Draws, forSeeds, nativeTest, on, open } from "./_native.ts";

/** All three kernels on the same numbers: the product, and both gradients. */
function run(backend: Backend, draws: Draws, shape: DropConnectShape, single = true): Floats[] {
  const { batch, rows, inputs, units } = shape;
  const convert = (values: Float32Array<ArrayBuffer>): Floats => single ? values : Float64Array.from(values);
  const [x, weight] = [draws.floats(batch * rows * inputs), draws.floats(units * inputs)].map(convert);
  const dy = convert(draws.floats(batch * rows * units));
  const key = Key.seed(draws.whole(0, 1000)).at("mask").atStep(draws.whole(0, 9));
  const address = Uint32Array.of(key.seedLow, key.seedHigh, draws.whole(0, 1000), 0, key.step, key.site);
  const junk = (n: number) => convert(new Float32Array(n).fill(7));
  const [out, dx, dWeight] = [junk(dy.length), junk(x.length), junk(weight.length)];
  on(backend).dropConnect(x, weight, out, address, shape);
  on(backend).dropConnectInputGradient(weight, dy, dx, address, shape);
  on(backend).dropConnectWeightGradient(x, dy, dWeight, address, shape);
  return [out, dx, dWeight];
}

/** A shape with any extents, 0, 1 and more than a piece of words included. */
function anyShape(draws: Draws): DropConnectShape {
  const rate = draws.pick([0.1, 0.5, 0.9]);
  return {
    batch: draws.pick([0, 1, 2, 5]),
    rows: draws.pick([0, 1, 1, 3]),
    inputs: draws.pick([0, 1, 3, 17, 300, 1025, 2100]),
    units: draws.pick([0, 1, 2, 9]),
    threshold: Math.round(rate * 2 ** 32),
    scale: 1 / (1 - rate),
  };
}

for (const instructions of ["auto", "portable"] as const) {
  nativeTest(`native products with dropped weights agree with the reference (${instructions})`, () => {
    const native = open(instructions);
    forSeeds(30, (draws) => {
      const shape = anyShape(draws);
      const seed = draws.whole(0, 1e9);
      const found = run(native, new Draws(seed), shape);
      const expected = run(reference, new Draws(seed), shape, false);
      found.forEach((values, i) => {
        const largest = [...expected[i]].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        assertClose(
          values,
          expected[i],
          0,
          2e-5 * largest,
          `${["product", "dx", "dWeight"][i]} of ${JSON.stringify(shape)}`,
        );
      });
    });
  });
}

nativeTest("products with dropped weights are the same bits for any number of threads", () => {
  const shape = { batch: 40, rows: 2, inputs: 1100, units: 30, threshold: 2 ** 31, scale: 2 };
  const results = [1, 2, 3].map((threads) => {
    const backend = open("auto", { threads });
    return run(backend, new Draws(5), shape);
  });
  for (const other of results.slice(1)) assertEquals(other, results[0]);
  open("auto", { threads: 2 });
});
