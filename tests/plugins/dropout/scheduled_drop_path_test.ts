/** What ScheduledDropPath promises: rates that rise with time, depth or both, and the scale that follows. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { gradients, keepProbability, OptionError, rateThreshold, Tensor } from "../../../core/mod.ts";
import { constant, dense, residual, scheduledDropPath, type ScheduledDropPathOptions } from "../../../plugins/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { assertWithin } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";
import { withoutDraws } from "../_without_draws.ts";
import { counter } from "./_counted.ts";

const run = { stepsPerEpoch: 100, totalSteps: 400 };

/** What the doubling branch adds to ones at a step: 0 where it is dropped. */
function added(options: ScheduledDropPathOptions, batch: number, step: number): { values: number[]; rows: number[] } {
  const { layer, rows } = counter();
  const model = built(residual(layer(), { branch: scheduledDropPath(options) }), [1], 2);
  rows.length = 0;
  const y = model.forward(Tensor.ones([batch, 1], "float64"), { mode: "train", progress: { ...run, step } });
  return { values: [...y.floats].map((value) => value - 1), rows };
}

/** The rate that the scale of what was kept tells, exactly; 0 where nothing is scaled. */
function rateOf(options: ScheduledDropPathOptions, step: number): number {
  const { values } = added(options, 200, step);
  const kept = values.filter((value) => value !== 0);
  assertEquals(new Set(kept).size, 1);
  return 1 - 2 / kept[0];
}

Deno.test("scheduledDropPath() drops nothing at the beginning, and with the whole rate in the last cell at the end", () => {
  const last = { rate: 0.6, cell: 3, cells: 4 };
  assertEquals(rateOf(last, 0), 0);
  assertAlmostEquals(rateOf(last, 400), 0.6, 2 ** -16);
  assertAlmostEquals(rateOf(last, 1000), 0.6, 2 ** -16, "and no more behind the end");
});

Deno.test("the rate of scheduledDropPath() is the product of the shares of time and depth, or one of them", () => {
  for (const step of [40, 100, 300]) {
    for (const cell of [0, 1, 3]) {
      const options = { rate: 0.4, cell, cells: 4 };
      const [time, depth] = [step / 400, (cell + 1) / 4];
      assertAlmostEquals(rateOf(options, step), 0.4 * time * depth, 2 ** -16);
      assertAlmostEquals(rateOf({ ...options, rises: "time" }, step), 0.4 * time, 2 ** -16);
      assertAlmostEquals(rateOf({ ...options, rises: "depth" }, step), 0.4 * depth, 2 ** -16);
    }
  }
});

Deno.test("scheduledDropPath() rises over the epochs that it is told", () => {
  assertAlmostEquals(rateOf({ rate: 0.5, over: 2 }, 50), 0.125, 2 ** -16);
  assertAlmostEquals(rateOf({ rate: 0.5, over: 2 }, 200), 0.5, 2 ** -16);
  assertAlmostEquals(rateOf({ rate: 0.5, over: 2 }, 300), 0.5, 2 ** -16);
});

Deno.test("scheduledDropPath() drops examples with the rate of the moment, each by its own draw, and computes the others", () => {
  for (const [step, rate] of [[100, 0.1], [400, 0.4]] as const) {
    const { values, rows } = added({}, 20000, step);
    const dropped = values.filter((value) => value === 0).length;
    // 4 standard errors: wrong for a right program once in 16,000 seeds.
    assertWithin(dropped / 20000, rate, Math.sqrt(rate * (1 - rate) / 20000), `step ${step}`);
    assertEquals(rows, [20000 - dropped], "only the surviving rows are computed");
    const scale = 1 / keepProbability(rateThreshold(rate));
    assert(values.every((value) => value === 0 || Math.abs(value - 2 * scale) < 1e-12));
  }
});

Deno.test("scheduledDropPath() at a rate of 1 leaves nothing at the end, with zero gradients", () => {
  const model = built(residual(dense(2), { branch: scheduledDropPath({ rate: 1 }) }), [2]);
  const x = random([3, 2], 1).withGradient();
  const y = model.forward(x, { mode: "train", progress: { ...run, step: 400 } });
  assertEquals(y.toArray(), x.toArray());
  for (const gradient of gradients(y.sum(), model.parameters().map(({ tensor }) => tensor))) {
    assertEquals(new Set(gradient.floats), new Set([0]));
  }
});

Deno.test("scheduledDropPath() has right gradients, the draws held", () => {
  const model = built(residual(dense(3), { branch: scheduledDropPath({ rate: 0.5 }) }), [3]);
  for (const step of [100, 300]) {
    checkGradient(([x]) => model.forward(x, { mode: "train", progress: { ...run, step } }), [random([5, 3], 1)]);
  }
});

Deno.test("evaluation keeps every path of scheduledDropPath() as it is, and draws nothing", () => {
  const model = built(residual(counter().layer(), { branch: scheduledDropPath({ rises: "depth" }) }), [1]);
  withoutDraws(() => assertEquals(model.forward(Tensor.ones([2, 1])).toArray(), [[3], [3]]));
});

Deno.test("the rate of scheduledDropPath() may be a schedule, whose value rises on top", () => {
  const rate = constant({ value: 0.5 });
  assertAlmostEquals(rateOf({ rate, cells: 2 }, 200), 0.125, 2 ** -16);
});

Deno.test("scheduledDropPath() refuses a cell that is none of the cells", () => {
  assertThrows(
    () => scheduledDropPath({ cell: 4, cells: 4 }),
    OptionError,
    "scheduled-drop-path.cell: expected a whole number below cells, which is 4, found 4",
  );
  assertThrows(() => scheduledDropPath({ cells: 0 }), OptionError, "cells: expected a whole number of at least 1");
  assertThrows(() => scheduledDropPath({ over: 0 }), OptionError, "over: expected a number above 0, found 0");
  assertThrows(() => scheduledDropPath({ rate: 1.5 }), OptionError, "rate: expected a number in [0, 1]");
});
