/** Disout: DropBlock at strength 0, the size of the distortion, gradients of what is kept, the edges of the rate. */
import { assert, assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { gradients, OptionError, ShapeError, Tensor } from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { disout, type DisoutOptions } from "../../../plugins/dropout/disout.ts";
import { dropBlock } from "../../../plugins/dropout/drop_block/drop_block.ts";
import { linear } from "../../../plugins/schedules/linear.ts";
import { mean, variance } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";
import { assertNear } from "./_near.ts";

const train = { mode: "train", step: 0 } as const;
const shape = [3, 6, 5];

Deno.test("disout() of strength 0 is dropBlock() that counts, bit for bit, on every kind of block", () => {
  const x = random([8, ...shape], 1);
  const kinds = [{}, { border: "inside" }, { channels: "shared" }, { block: 1 }, { block: 6 }, {
    block: [3, 1],
  }] as const;
  for (const kind of kinds) {
    for (const rate of [0.1, 0.5, 0.9]) {
      const common = { rate, block: 2, ...kind };
      const run = (variant: Parameters<typeof built>[0]) => built(variant, shape, 4).forward(x, train).toArray();
      const expected = run(dropBlock({ ...common, scale: "count" }));
      assertEquals(run(disout({ ...common, alpha: 0 })), expected);
      assertEquals(run(disout({ ...common, weight: 0 })), expected);
    }
  }
});

/** Output, and which cells dropBlock() of the same seed drops, for one example of equal spread. */
function distortion(options: DisoutOptions, x: Tensor): { y: Tensor; dropped: Tensor } {
  const { alpha: _alpha, weight: _weight, ...blocks } = options;
  const seed = 4;
  const y = built(disout(options), x.shape.slice(1), seed).forward(x, train);
  const ones = Tensor.ones(x.shape, "float64");
  const drop = built(dropBlock({ ...blocks, scale: "count" }), x.shape.slice(1), seed).forward(ones, train);
  return { y, dropped: drop.equal(0) };
}

Deno.test("disout() replaces dropBlock()'s blocks by noise of the deviation alpha w std(x), and divides all by mean(m)", () => {
  const x = random([2, 40, 20, 20], 3).mul(Tensor.of([[[[2]]], [[[7]]]], "float64")).add(5);
  const options = { rate: 0.3, block: 3, alpha: 3, weight: 0.1 };
  const { y, dropped } = distortion(options, x);
  for (const row of [0, 1]) {
    const part = (t: Tensor) => t.slice([row], [row + 1]).floats;
    const [input, output, lost] = [part(x), part(y), part(dropped)];
    const share = 1 - mean(lost);
    const noise: number[] = [];
    output.forEach((value, i) => {
      if (lost[i] === 0) assertAlmostEquals(value, input[i] / share, 1e-9);
      else noise.push(value * share);
    });
    const expected = (3 * 0.1) ** 2 * variance(input);
    assertNear(mean(noise), 0, Math.sqrt(expected / noise.length), `mean of the distortion of example ${row}`);
    assertNear(variance(noise), expected, expected * Math.sqrt(2 / noise.length), `its variance, example ${row}`);
  }
});

Deno.test("disout() distorts each channel apart, also where they share blocks", () => {
  const { y, dropped } = distortion({ rate: 0.5, block: 2, channels: "shared" }, random([1, 4, 6, 6], 3));
  const [noise, lost] = [y.reshape([4, 36]).toArray() as number[][], dropped.reshape([4, 36]).toArray() as number[][]];
  assertEquals(lost[0], lost[1]);
  const cell = lost[0].indexOf(1);
  assertEquals(new Set(noise.map((channel) => channel[cell])).size, 4);
});

Deno.test("disout() has the gradient g m / mean(m): that of what is kept, and none through the distortion", () => {
  const x = random([3, ...shape], 3).withGradient();
  const { y, dropped } = distortion({ rate: 0.4, block: 2 }, x);
  const upstream = random([3, ...shape], 9);
  const kept = dropped.neg().add(1);
  const expected = upstream.mul(kept).div(kept.mean([1, 2, 3], true));
  assert(gradients(y, [x], upstream)[0].sub(expected).abs().max().item() < 1e-12);
  const exact = built(disout({ rate: 0.4, block: 2, alpha: 0 }), shape, 3);
  for (const batch of [0, 1, 3]) checkGradient(([x]) => exact.forward(x, train), [random([batch, ...shape], 2)]);
});

Deno.test("disout() draws an example's noise by its number alone", () => {
  const model = built(disout({ rate: 0.4, block: 2 }), shape);
  const x = random([6, ...shape], 3);
  const whole = model.forward(x, train);
  assertEquals(whole.slice([2]).toArray(), model.forward(x.slice([2]), { ...train, sample: 2 }).toArray());
});

Deno.test("disout() is the identity at a rate of 0 and at evaluation, zero at 1, and where nothing is kept", () => {
  const x = random([4, ...shape], 1).withGradient();
  const at = (rate: number) => built(disout({ rate, block: 2 }), shape);
  assertStrictEquals(at(0).forward(x, train), x);
  assertStrictEquals(at(0.5).forward(x), x);
  const gone = at(1).forward(x, train);
  assertEquals(new Set([...gone.floats, ...gradients(gone.sum(), [x])[0].floats]), new Set([0]));
  // One block of one channel: half of the examples keep nothing.
  const all = built(disout({ rate: 0.5, block: 9 }), [1, 4]);
  const input = Tensor.from([...random([20, 1, 4], 1).floats], [20, 1, 4], "float64");
  const rows = all.forward(input, train).toArray() as number[][][];
  const lost = rows.findIndex(([row]) => row.every((value) => value === 0));
  assert(lost >= 0 && rows.some(([row]) => row.every((value) => value !== 0)));
  input.floats[4 * lost] = Infinity;
  assertEquals((all.forward(input, train).toArray() as number[][][])[lost], [[0, 0, 0, 0]]);
});

Deno.test("disout() follows a schedule of its rate, as the authors raise it, and refuses what it has no use for", () => {
  const model = built(disout({ rate: linear({ from: 0, to: 0.5 }), block: 2, alpha: 0 }), [50, 8, 8]);
  const at = (step: number) =>
    model.forward(Tensor.ones([20, 50, 8, 8], "float64"), {
      mode: "train",
      progress: { step, stepsPerEpoch: 10, totalSteps: 10 },
    });
  assertEquals(new Set(at(0).floats), new Set([1]));
  const dropped = at(10).equal(0).mean([2, 3]).floats;
  assertNear(mean(dropped), 0.5, Math.sqrt(variance(dropped) / dropped.length), "share at the end");
  for (const options of [{ rate: 2 }, { alpha: -1 }, { weight: -1 }, { block: 0 }]) {
    assertThrows(() => disout(options), OptionError);
  }
  assertThrows(() => built(disout(), [8]), ShapeError, "one to three spatial axes");
});
