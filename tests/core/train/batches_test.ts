/** From a data set to batches: order, rows, and what is refused. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { checkDataset, DataError, type Dataset, Key, makeBatch, shuffledOrder } from "../../../core/mod.ts";
import { assertWithin } from "../_statistics.ts";
import { corners, line } from "../_runs.ts";

Deno.test("shuffledOrder() is a permutation that depends on the key alone", () => {
  const key = Key.seed(1).at("shuffle");
  for (const count of [1, 2, 3, 100]) {
    const order = shuffledOrder(count, key.atStep(3));
    assertEquals([...order].sort((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
    assertEquals(shuffledOrder(count, key.atStep(3)), order);
  }
  assertNotEquals(shuffledOrder(100, key.atStep(4)), shuffledOrder(100, key.atStep(3)));
});

Deno.test("shuffledOrder() gives all orders of four equally often", () => {
  const rounds = 24000;
  const counts = new Map<string, number>();
  for (let i = 0; i < rounds; i++) {
    const order = shuffledOrder(4, Key.seed(2).at("shuffle").atStep(i)).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assertEquals(counts.size, 24);
  const chi = [...counts.values()].reduce((sum, count) => sum + (count - rounds / 24) ** 2 / (rounds / 24), 0);
  assertWithin(chi, 23, Math.sqrt(46), "chi-squared with 23 degrees of freedom");
});

Deno.test("makeBatch() copies the rows of an order, with labels or targets", () => {
  const { train, outputs } = corners(5);
  const batch = makeBatch(train, outputs, 1, 3, Uint32Array.of(4, 0, 3, 1, 2));
  const row = (i: number) => [...train.inputs.subarray(6 * i, 6 * i + 6)];
  assertEquals(batch.inputs.toArray(), [row(0), row(3)]);
  assertEquals(batch.targets.toArray(), [train.labels![0], train.labels![3]]);
  const regression = line(4);
  const two = makeBatch(regression.train, 1, 2, 4);
  assertEquals(two.targets.toArray(), [[regression.train.targets![2]], [regression.train.targets![3]]]);
});

Deno.test("makeBatch() multiplies bytes by their scale and keeps the shape of an example", () => {
  const split = {
    count: 2,
    shape: [1, 2, 1],
    inputs: Uint8Array.of(0, 255, 51, 102),
    scale: 1 / 255,
    labels: Int32Array.of(0, 1),
  };
  const { inputs } = makeBatch(split, 0, 0, 2);
  assertEquals(inputs.shape, [2, 1, 2, 1]);
  assertEquals([...inputs.floats], [0, 1, 51 / 255, 102 / 255].map(Math.fround));
});

Deno.test("checkDataset() accepts good data sets and says which part and count of a bad one is wrong", () => {
  checkDataset(corners());
  checkDataset(line());
  const refuse = (good: Dataset, changes: Partial<Dataset["test"]>, text: string) => {
    const error = assertThrows(() => checkDataset({ ...good, test: { ...good.test, ...changes } }), DataError);
    assert(error.message.includes("test part") || error.message.includes("parts"), error.message);
    assert(error.message.includes(text), error.message);
  };
  refuse(corners(4), { count: 3 }, "3 examples of shape [6] need 18 numbers, found 24");
  refuse(corners(4), { labels: undefined }, "expected 4 labels, found none");
  refuse(corners(4), { labels: Int32Array.of(0, 1) }, "expected 4 labels, found 2");
  refuse(line(4), { targets: undefined }, "expected 4 target numbers, found none");
  refuse(corners(4), { shape: [8], count: 3, labels: Int32Array.of(0, 1, 2) }, "shapes [6] and [8]");
});
