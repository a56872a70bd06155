/** DropBlock: the rate exactly, what blocks are, special cases, scaling, gradients, schedules and bad options. */
import { assert, assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { buildModel, gradients, Key, OptionError, ShapeError, Tensor } from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import {
  blockAxes,
  type BlockBorder,
  type Blocks,
  drawBlocks,
  seedProbability,
  spread,
} from "../../../plugins/dropout/drop_block/_blocks.ts";
import { dropBlock, type DropBlockOptions } from "../../../plugins/dropout/drop_block/drop_block.ts";
import { dropout } from "../../../plugins/dropout/dropout.ts";
import { spatialDropout } from "../../../plugins/dropout/spatial_dropout.ts";
import { linear } from "../../../plugins/schedules/linear.ts";
import { mean } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";
import { assertNear } from "./_near.ts";

const train = { mode: "train", step: 0 } as const;
const borders: readonly BlockBorder[] = ["wrap", "inside"];

function blocks(rate: number, block: Blocks["block"], border: BlockBorder): Blocks {
  return { rate, block, border, channels: "independent" };
}

/** 1 where dropped in `count` independent maps: `[count, ...map]`. */
function droppedIn(options: DropBlockOptions, map: readonly number[], count: number): Tensor {
  const y = built(dropBlock(options), [count, ...map], 5).forward(Tensor.ones([1, count, ...map], "float64"), train);
  return y.equal(0).reshape([count, ...map]);
}

/** Mean of one number for each map, beside its expectation: maps are independent. */
function assertMean(values: ArrayLike<number>, expected: number, what: string): void {
  const found = mean(values);
  const spread = Math.sqrt(Array.from(values).reduce((sum, value) => sum + (value - found) ** 2, 0) / values.length);
  assertNear(found, expected, Math.max(spread, 1e-9) / Math.sqrt(values.length), what);
}

/** With which probability each cell is dropped: all places of seeds gone through. */
function enumerated(map: readonly number[], { rate, block, border }: Blocks): number[] {
  const axes = blockAxes([1, 1, ...map], { block, border });
  const gamma = seedProbability(rate, axes);
  const shape = axes.map(({ seeds }) => seeds);
  const places = shape.reduce((n, extent) => n * extent, 1);
  const cases = Array.from({ length: 2 ** places }, (_, c) => Array.from({ length: places }, (_, i) => c >> i & 1));
  const kept = spread(Tensor.from(cases.flat(), [cases.length, 1, ...shape], "float64"), axes, border);
  const dropped = kept.neg().add(1).reshape([cases.length, -1]);
  const weights = cases.map((seeds) => seeds.reduce((p, seed) => p * (seed ? gamma : 1 - gamma), 1));
  const total = Tensor.from(weights, [1, cases.length], "float64").matmul(dropped);
  return [...total.floats];
}

const small: readonly [map: readonly number[], block: Blocks["block"]][] = [
  [[6], 1],
  [[6], 2],
  [[6], 3],
  [[6], 5],
  [[6], 6],
  [[3, 3], 2],
  [[4, 3], [3, 2]],
  [[3, 4], [1, 4]],
  [[3, 3], 9],
  [[2, 2, 3], 2],
];

for (const border of borders) {
  Deno.test(`dropBlock() with border ${border} drops the rate exactly: all seeds of small maps gone through`, () => {
    for (const [map, block] of small) {
      for (const rate of [0.05, 0.3, 0.5, 0.95]) {
        const each = enumerated(map, blocks(rate, block, border));
        assertAlmostEquals(mean(each), rate, 1e-12, `${map} cells, block ${block}`);
        if (border === "wrap") { for (const cell of each) assertAlmostEquals(cell, rate, 1e-12); }
      }
    }
  });
}

Deno.test("dropBlock() with border inside: gamma of 11 cells with blocks of 3 is the exact one, and the paper's drops less", () => {
  const axes = blockAxes([1, 1, 11, 11], { block: 3, border: "inside" });
  const gamma = seedProbability(0.1, axes);
  // Equation (1) of the paper gives 0.0166, with which 0.0949 of the cells are dropped.
  const paper = 0.1 / 9 * 121 / 81;
  const realised = (gamma: number) => {
    const along = Array.from({ length: 11 }, (_, i) => Math.min(i, 8) - Math.max(i - 2, 0) + 1);
    return mean(along.flatMap((n) => along.map((m) => 1 - (1 - gamma) ** (n * m))));
  };
  assertAlmostEquals(realised(paper), 0.0949, 5e-5);
  assertAlmostEquals(realised(gamma), 0.1, 1e-14);
  assert(gamma > paper);
});

Deno.test("dropBlock() solves for gamma at all rates, also those next to 0 and 1", () => {
  for (const border of borders) {
    for (const [map, block] of [[[56, 56], 7], [[7, 7], 6], [[40], 39], [[9, 9, 9], 4]] as const) {
      const axes = blockAxes([1, 1, ...map], { block, border });
      let reached = [1];
      for (const { reach } of axes) reached = reached.flatMap((n) => reach.map((m) => n * m));
      for (const rate of [1e-7, 1e-4, 0.5, 0.999, 1 - 1e-9]) {
        const gamma = seedProbability(rate, axes);
        const kept = mean(reached.map((n) => (1 - gamma) ** n));
        assertAlmostEquals(kept / (1 - rate), 1, 1e-6, `${map}, block ${block}, rate ${rate}`);
        assertAlmostEquals((1 - kept) / rate, 1, 1e-6);
      }
    }
  }
});

const maps: readonly [map: readonly number[], block: Blocks["block"]][] = [
  [[20], 3],
  [[5], 4],
  [[7, 7], 2],
  [[7, 7], 7],
  [[8, 5], 3],
  [[9, 9], 6],
  [[6, 4], [3, 4]],
  [[4, 4, 4], 2],
  [[3, 5, 4], [2, 1, 3]],
];

for (const border of borders) {
  Deno.test(`dropBlock() with border ${border} drops the rate asked for, in one to three dimensions`, () => {
    for (const [map, block] of maps) {
      for (const rate of [0.05, 0.25, 0.6, 0.9]) {
        const dropped = droppedIn({ rate, block, border }, map, 4000);
        const fractions = dropped.reshape([4000, -1]).mean(1).floats;
        assertMean(fractions, rate, `${map}, block ${block}, rate ${rate}`);
        if (border === "inside") continue;
        // A cell's own rate, in each corner and in the middle.
        const cells = dropped.reshape([4000, -1]);
        const last = cells.shape[1] - 1;
        for (const cell of [0, Math.floor(last / 2), last]) {
          const hits = cells.slice([0, cell], [4000, cell + 1]).floats;
          assertNear(mean(hits), rate, Math.sqrt(rate * (1 - rate) / 4000), `cell ${cell} of ${map}, block ${block}`);
        }
      }
    }
  });
}

Deno.test("dropBlock() with border inside drops nothing but whole blocks, which lie inside of the map", () => {
  const [height, width, [tall, wide]] = [6, 7, [3, 2]];
  const maps = droppedIn({ rate: 0.3, block: [3, 2], border: "inside" }, [height, width], 300);
  for (const map of maps.toArray() as number[][][]) {
    const covered = map.map((row) => row.map(() => 0));
    for (let i = 0; i + tall <= height; i++) {
      for (let j = 0; j + wide <= width; j++) {
        const whole = map.slice(i, i + tall).every((row) => row.slice(j, j + wide).every((cell) => cell === 1));
        if (!whole) continue;
        for (let a = 0; a < tall; a++) for (let b = 0; b < wide; b++) covered[i + a][j + b] = 1;
      }
    }
    assertEquals(map, covered);
  }
  assert(maps.floats.includes(1) && maps.floats.includes(0));
});

Deno.test("dropBlock() with border wrap drops whole blocks of a ring, and two cells together as often as they share seeds", () => {
  const [cells, block, rate, count] = [10, 4, 0.3, 20000];
  const rings = droppedIn({ rate, block }, [cells], count);
  // The runs of dropped cells are at least as long as a block.
  for (const ring of (rings.toArray() as number[][]).slice(0, 500)) {
    const start = ring.indexOf(0);
    if (start < 0) continue;
    const turned = [...ring.slice(start), ...ring.slice(0, start)].join("");
    for (const run of turned.split("0")) assert(run === "" || run.length >= block, turned);
  }
  const q = (1 - rate) ** (1 / block);
  for (const distance of [1, 2, 3, 4, 5]) {
    // Cells at a distance d are reached by min(b + d, 2 b) seeds together; across the ring, too.
    const seeds = new Set([0, distance].flatMap((cell) =>
      Array.from({ length: block }, (_, i) => (cell - i + cells) % cells)
    )).size;
    const both = q ** seeds;
    const found = mean(
      (rings.toArray() as number[][]).map((ring) => (1 - ring[7]) * (1 - ring[(7 + distance) % cells])),
    );
    assertNear(found, both, Math.sqrt(both * (1 - both) / count), `both kept at distance ${distance}`);
  }
});

Deno.test("dropBlock() of block 1 is dropout, bit for bit, of whatever rank", () => {
  for (const map of [[6], [3, 4], [2, 3, 2]]) {
    const x = random([4, 3, ...map], 1);
    for (const border of borders) {
      for (const rate of [0.003, 0.3, 0.9]) {
        const run = (variant: Parameters<typeof built>[0]) =>
          built(variant, [3, ...map], 8).forward(x, train).toArray();
        assertEquals(run(dropBlock({ rate, block: 1, border })), run(dropout({ rate })));
      }
    }
    const shared = built(dropBlock({ rate: 0.3, block: 1, channels: "shared" }), [3, ...map], 8);
    const same = built(dropout({ rate: 0.3, share: [1] }), [3, ...map], 8);
    assertEquals(shared.forward(x, train).toArray(), same.forward(x, train).toArray());
  }
});

Deno.test("dropBlock() of a block as large as the map, or larger, is spatial dropout, bit for bit", () => {
  const x = random([5, 6, 4, 3], 1);
  const run = (variant: Parameters<typeof built>[0]) => built(variant, [6, 4, 3], 8).forward(x, train).toArray();
  for (const border of borders) {
    for (const block of [[4, 3], 4, 9] as const) {
      assertEquals(run(dropBlock({ rate: 0.4, block, border })), run(spatialDropout({ rate: 0.4 })));
    }
  }
});

Deno.test("dropBlock() keeps each cell's mean, in the middle and in the corners, with and without wrapping", () => {
  const count = 20000;
  for (const border of borders) {
    const y = built(dropBlock({ rate: 0.25, block: 3, border }), [count, 5, 4], 5)
      .forward(Tensor.full([1, count, 5, 4], -3, "float64"), train).reshape([count, 20]);
    for (let cell = 0; cell < 20; cell++) {
      assertMean(y.slice([0, cell], [count, cell + 1]).floats, -3, `cell ${cell}, border ${border}`);
    }
  }
});

Deno.test("dropBlock() with scale count keeps the sum of an example's equal cells, or loses all of them", () => {
  for (const border of borders) {
    for (const channels of ["independent", "shared"] as const) {
      const model = built(dropBlock({ rate: 0.5, block: 2, border, channels, scale: "count" }), [3, 4, 5], 2);
      const sums = model.forward(Tensor.ones([200, 3, 4, 5], "float64"), train).sum([1, 2, 3]).floats;
      for (const sum of sums) assert(sum === 0 || Math.abs(sum - 60) < 1e-9, `${sum}`);
    }
  }
  // What the paper writes: count(m) / sum(m).
  const y = built(dropBlock({ rate: 0.3, block: 2, scale: "count" }), [2, 4, 4]).forward(
    random([1, 2, 4, 4], 3),
    train,
  );
  const kept = y.floats.filter((value) => value !== 0).length;
  y.floats.forEach((value, i) => {
    if (value !== 0) assertAlmostEquals(value / random([1, 2, 4, 4], 3).floats[i], 32 / kept, 1e-12);
  });
});

Deno.test("dropBlock() with scale count gives a cell the mean x P(not all is lost)", () => {
  const [count, rate] = [40000, 0.6];
  const y = built(dropBlock({ rate, block: 2, scale: "count" }), [1, 4], 3)
    .forward(Tensor.ones([count, 1, 4], "float64"), train);
  // Four cells in a ring, reached by two of four seeds each: all are lost unless two neighbouring seeds are spared.
  const spared = Math.sqrt(1 - rate);
  const survives = 1 - [...Array(16).keys()].reduce((sum, c) => {
    const seeds = [0, 1, 2, 3].map((i) => c >> i & 1);
    const lost = seeds.every((seed, i) => seed === 1 || seeds[(i + 1) % 4] === 1);
    return sum + (lost ? seeds.reduce((p, seed) => p * (seed ? 1 - spared : spared), 1) : 0);
  }, 0);
  for (const cell of [0, 2]) assertMean(y.slice([0, 0, cell], [count, 1, cell + 1]).floats, survives, `cell ${cell}`);
});

Deno.test("dropBlock() draws channels apart, or all of an example alike, and examples apart", () => {
  const ones = Tensor.ones([30, 4, 6, 6], "float64");
  const independent = built(dropBlock({ rate: 0.5, block: 3 }), [4, 6, 6]).forward(ones, train);
  const shared = built(dropBlock({ rate: 0.5, block: 3, channels: "shared" }), [4, 6, 6]).forward(ones, train);
  assertEquals(shared.min(1).toArray(), shared.max(1).toArray());
  const distinct = (y: Tensor, rows: number) =>
    new Set((y.reshape([rows, 36]).toArray() as number[][]).map(String)).size;
  // Of so many masks no two are alike but by a chance below one in a million.
  assert(distinct(independent, 120) > 100, "channels");
  assert(distinct(shared.slice([0, 0], [30, 1]), 30) > 25, "examples");
});

Deno.test("dropBlock() has the gradients that differences give, and selects: what is dropped may be infinite", () => {
  for (const options of [{}, { border: "inside" }, { channels: "shared" }, { scale: "count" }] as DropBlockOptions[]) {
    const model = built(dropBlock({ rate: 0.4, block: 2, ...options }), [2, 3, 4], 3);
    for (const batch of [0, 1, 3]) checkGradient(([x]) => model.forward(x, train), [random([batch, 2, 3, 4], 2)]);
    const x = Tensor.full([20, 2, 3, 4], Infinity, "float64").withGradient();
    const y = model.forward(x, train);
    assertEquals(new Set(y.floats), new Set([0, Infinity]));
    const dx = gradients(y, [x], Tensor.full(y.shape, Infinity, "float64"))[0];
    assertEquals(dx.toArray(), y.toArray());
  }
});

Deno.test("dropBlock() is the identity at a rate of 0 and at evaluation, and zero at 1", () => {
  const x = random([2, 3, 4, 4], 1).withGradient();
  for (const scale of ["expected", "count"] as const) {
    for (const border of borders) {
      const at = (rate: number) => built(dropBlock({ rate, block: 2, scale, border }), [3, 4, 4]);
      assertStrictEquals(at(0).forward(x, train), x);
      assertStrictEquals(at(0.5).forward(x), x);
      const gone = at(1).forward(x, train);
      assertEquals(new Set([...gone.floats, ...gradients(gone.sum(), [x])[0].floats]), new Set([0]));
    }
  }
});

Deno.test("dropBlock() stays finite where cells in the middle of a volume are kept less often than float32 can say", () => {
  const variant = dropBlock({ rate: 0.999, block: 7, border: "inside" });
  const model = buildModel(variant, { inputShape: [1, 13, 13, 13], seed: 1 });
  const x = Tensor.ones([20, 1, 13, 13, 13]).withGradient();
  const y = model.forward(x, train);
  assert(y.floats.every(Number.isFinite) && y.max().item() > 1);
  assert(gradients(y.sum(), [x])[0].floats.every(Number.isFinite));
});

Deno.test("dropBlock() draws the same in float32, in mode sample anew, and for a batch in parts", () => {
  const model = built(dropBlock({ rate: 0.4, block: 3 }), [2, 6, 5]);
  const x = Tensor.ones([6, 2, 6, 5], "float64");
  const zeros = (y: Tensor) => y.equal(0).toArray();
  const whole = model.forward(x, train);
  assertEquals(whole.slice([2]).toArray(), model.forward(x.slice([2]), { ...train, sample: 2 }).toArray());
  assert(JSON.stringify(zeros(model.forward(x, { mode: "sample", step: 0 }))) !== JSON.stringify(zeros(whole)));
  const options = blocks(0.4, 3, "wrap");
  const drawn = (type: "float32" | "float64") => drawBlocks([6, 2, 6, 5], Key.seed(3).at("x"), options, type).kept;
  assertEquals(drawn("float32").toArray(), drawn("float64").toArray());
});

Deno.test("dropBlock() follows a schedule of its rate, as the paper raises it, with the scale that belongs to it", () => {
  const model = built(dropBlock({ rate: linear({ from: 0, to: 0.5 }), block: 2 }), [50, 8, 8]);
  const at = (step: number) =>
    model.forward(Tensor.ones([40, 50, 8, 8], "float64"), {
      mode: "train",
      progress: { step, stepsPerEpoch: 10, totalSteps: 10 },
    });
  assertEquals(new Set(at(0).floats), new Set([1]));
  for (const [step, rate] of [[4, 0.2], [10, 0.5]]) {
    assertMean(at(step).equal(0).mean([2, 3]).floats, rate, `rate at step ${step}`);
    assertAlmostEquals(at(step).max().item(), 1 / (1 - rate), 1e-6);
  }
});

Deno.test("dropBlock() refuses rates, blocks and inputs that it has no use for", () => {
  assertThrows(() => dropBlock({ rate: 1.2 }), OptionError, "[0, 1]");
  const extents = "expected a whole number of at least 1, or an array of one to three";
  for (const block of [0, 1.5, [], [1, 2, 3, 4], [0]]) assertThrows(() => dropBlock({ block }), OptionError, extents);
  assertThrows(() => dropBlock({ border: "clip" as "wrap" }), OptionError, "border");
  assertThrows(() => built(dropBlock(), [8]), ShapeError, "for [batch, features] use dropout");
  assertThrows(() => built(dropBlock(), [1, 2, 2, 2, 2]), ShapeError, "one to three spatial axes");
  assertThrows(() => built(dropBlock({ block: [2, 2] }), [1, 8]), ShapeError, "2 spatial axes");
});
