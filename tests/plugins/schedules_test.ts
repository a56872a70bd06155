/** Schedules against hand-computed values at the beginning, in between, at the end, and after it. */
import { assertAlmostEquals, assertThrows } from "@std/assert";
import { OptionError, type Plugin, type Progress } from "../../core/mod.ts";
import { constant } from "../../plugins/schedules/constant.ts";
import { cosine } from "../../plugins/schedules/cosine.ts";
import { exponential } from "../../plugins/schedules/exponential.ts";
import { inverseTime } from "../../plugins/schedules/inverse_time.ts";
import { linear } from "../../plugins/schedules/linear.ts";
import { momentumRamp } from "../../plugins/schedules/momentum_ramp.ts";
import { step } from "../../plugins/schedules/step.ts";
import { valueAt } from "./_apply.ts";

/** 10 epochs of 20 steps. */
const progress = (step: number): Progress => ({ step, stepsPerEpoch: 20, totalSteps: 200 });

function follows(schedule: Plugin<"schedule">, values: Record<number, number>): void {
  for (const [step, value] of Object.entries(values)) {
    assertAlmostEquals(valueAt(schedule, progress(Number(step))), value, 1e-12, `step ${step}`);
  }
}

Deno.test("constant() never changes", () => follows(constant({ value: 0.3 }), { 0: 0.3, 100: 0.3, 500: 0.3 }));

Deno.test("linear() goes straight from one number to the other, over the whole run or a time, and stays", () => {
  follows(linear({ from: 1, to: 0 }), { 0: 1, 50: 0.75, 200: 0, 300: 0 });
  follows(linear({ from: 0, to: 8, over: 4 }), { 0: 0, 10: 1, 20: 2, 80: 8, 81: 8 });
  follows(linear({ from: 0, to: 8, over: 4, unit: "step" }), { 1: 2, 4: 8, 5: 8 });
});

Deno.test("cosine() goes down along half a cosine and stays", () => {
  const quarter = (1 + Math.SQRT1_2) / 2;
  follows(cosine({ from: 2 }), { 0: 2, 50: 2 * quarter, 100: 1, 200: 0, 250: 0 });
  follows(cosine({ from: 3, to: 1, over: 2 }), { 0: 3, 20: 2, 40: 1, 60: 1 });
});

Deno.test("exponential() decays by a factor every unit of time, smoothly", () => {
  follows(exponential({ from: 8, decay: 0.5 }), { 0: 8, 10: 8 * Math.SQRT1_2, 20: 4, 60: 1 });
  follows(exponential({ from: 1, decay: 0.998, every: 3, unit: "step" }), { 3: 0.998, 30: 0.998 ** 10 });
});

Deno.test("inverseTime() halves in its time, and falls as one over time", () => {
  follows(inverseTime({ from: 1, every: 10000, unit: "step" }), { 0: 1, 10000: 0.5, 30000: 0.25 });
  follows(inverseTime({ from: 6, every: 5 }), { 100: 3, 200: 2 });
});

Deno.test("step() is multiplied by its factor every so often and is flat in between", () => {
  follows(step({ from: 1, every: 3 }), { 0: 1, 59: 1, 60: 0.1, 119: 0.1, 120: 0.01 });
  follows(step({ from: 2, every: 5, factor: 0.5, unit: "step" }), { 4: 2, 5: 1, 10: 0.5 });
});

Deno.test("momentumRamp() rises straight over its time and stays, or approaches", () => {
  follows(momentumRamp({ over: 5 }), { 0: 0.5, 50: 0.745, 100: 0.99, 180: 0.99 });
  follows(momentumRamp({ from: 0.5, to: 0.99, over: 2, curve: "exponential" }), {
    0: 0.5,
    40: 0.99 - 0.49 / Math.E,
    80: 0.99 - 0.49 / Math.E ** 2,
  });
});

Deno.test("schedules refuse options outside their range", () => {
  assertThrows(() => linear({ from: 0, to: 1, over: 0 }), OptionError, "linear.over: expected a number above 0");
  assertThrows(() => exponential({ from: 1, decay: 0 }), OptionError, "exponential.decay");
  assertThrows(() => inverseTime({ from: 1, every: -1 }), OptionError, "inverse-time.every");
  assertThrows(() => momentumRamp({ to: 1 }), OptionError, "momentum-ramp.to");
  assertThrows(() => constant({ value: NaN }), OptionError, "constant.value");
});
