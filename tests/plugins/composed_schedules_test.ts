/** Schedules of several parts: one cycle, and warm-up before another. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { OptionError, optionsAt, type Plugin, type Progress, Registry } from "../../core/mod.ts";
import { builtins } from "../../plugins/builtins.ts";
import { cosine } from "../../plugins/schedules/cosine.ts";
import { linear } from "../../plugins/schedules/linear.ts";
import { oneCycle } from "../../plugins/schedules/one_cycle.ts";
import { step } from "../../plugins/schedules/step.ts";
import { warmUp } from "../../plugins/schedules/warm_up.ts";
import { sgd } from "../../plugins/optimizers/sgd/sgd.ts";
import { valueAt } from "./_apply.ts";

/** 10 epochs of 20 steps. */
const progress = (step: number): Progress => ({ step, stepsPerEpoch: 20, totalSteps: 200 });

function follows(schedule: Plugin<"schedule">, values: Record<number, number>): void {
  for (const [step, value] of Object.entries(values)) {
    assertAlmostEquals(valueAt(schedule, progress(Number(step))), value, 1e-12, `step ${step}`);
  }
}

Deno.test("oneCycle() goes from peak / 25 up to the peak and down to almost nothing", () => {
  follows(oneCycle({ peak: 1 }), { 0: 0.04, 30: 0.52, 60: 1, 130: (1 + 4e-6) / 2, 200: 4e-6, 300: 4e-6 });
  follows(oneCycle({ peak: 1, from: 0, to: 0.5, rise: 0.5, curve: "linear" }), { 0: 0, 50: 0.5, 100: 1, 150: 0.75 });
});

Deno.test("oneCycle() with three phases comes back to where it began, and then goes down", () => {
  const cycle = oneCycle({ peak: 3, from: 1, to: 0, rise: 0.4, curve: "linear", phases: 3 });
  follows(cycle, { 0: 1, 40: 2, 80: 3, 120: 2, 160: 1, 180: 0.5, 200: 0, 201: 0 });
  follows(oneCycle({ peak: 3, from: 1, to: 0, rise: 0.5, curve: "linear", phases: 3 }), { 150: 2, 199: 1.02, 200: 0 });
});

Deno.test("oneCycle() of a momentum goes down and up again", () => {
  follows(oneCycle({ from: 0.95, peak: 0.85, to: 0.95, over: 5 }), { 0: 0.95, 30: 0.85, 65: 0.9, 100: 0.95 });
});

Deno.test("warmUp() rises straight to where the other schedule begins, whose time begins then", () => {
  follows(warmUp(0.4, { over: 2 }), { 0: 0, 10: 0.1, 39: 0.39, 40: 0.4, 200: 0.4 });
  follows(warmUp(cosine({ from: 2 }), { over: 2, from: 0.5 }), { 0: 1, 20: 1.5, 40: 2, 120: 1, 200: 0 });
  follows(warmUp(step({ from: 1, every: 3 }), { over: 10, unit: "step" }), { 5: 0.5, 10: 1, 69: 1, 70: 0.1 });
  follows(warmUp(warmUp(1, { over: 2, from: 0.5 }), { over: 1 }), { 0: 0, 10: 0.25, 20: 0.5, 40: 0.75, 60: 1 });
});

Deno.test("warmUp() works as an optimizer's learning rate and survives JSON", () => {
  const optimizer = sgd({ learningRate: warmUp(linear({ from: 1, to: 0 }), { over: 1 }) });
  assertEquals(optionsAt(optimizer, progress(10), "optimizer").learningRate, 0.5);
  assertEquals(optionsAt(optimizer, progress(110), "optimizer").learningRate, 0.5);
  const again = new Registry(builtins).create(JSON.parse(JSON.stringify(optimizer)), "optimizer");
  assertEquals(optionsAt(again, progress(110), "optimizer").learningRate, 0.5);
});

Deno.test("composed schedules refuse options outside their range", () => {
  assertThrows(() => oneCycle({ peak: 1, rise: 1 }), OptionError, "one-cycle.rise: expected a number in (0, 1)");
  assertThrows(() => oneCycle({ peak: 1, phases: 4 as 3 }), OptionError, "one-cycle.phases");
  assertThrows(() => warmUp(1, { over: 0 }), OptionError, "warm-up.over");
  assertThrows(() => warmUp("fast" as unknown as number), OptionError, "warm-up.then");
});
