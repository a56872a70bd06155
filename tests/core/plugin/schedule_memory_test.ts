/** What schedules remember: from epoch to epoch, saved and restored. */
import { assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  OptionError,
  optionsAt,
  PluginError,
  type Scheduled,
  ScheduleMemory,
  Tensor,
} from "../../../core/mod.ts";
import { dropout, linear, warmUp } from "../../../plugins/mod.ts";

type None = Record<never, never>;
const none = z.object({});
// deno-lint-ignore no-explicit-any
const untyped = <T>(value: T): any => value;

/** A schedule that remembers the lowest loss, and halves its value each epoch without a lower one. */
const plateau: Factory<"schedule", { from: number; inner?: Scheduled }> = definePlugin({
  name: "plateau",
  options: z.object({ from: z.number(), inner: z.custom<Scheduled>().optional() }),
  value: (_progress, { from }, { factor }) => from * factor,
  initial: () => ({ best: Infinity, factor: 1 }),
  epoch: ({ state, metrics }) =>
    metrics.trainLoss < state.best ? { ...state, best: metrics.trainLoss } : { ...state, factor: state.factor / 2 },
});

const metricsOf = (trainLoss: number) => untyped({ trainLoss });
const beginning = { step: 0, stepsPerEpoch: 1, totalSteps: 9 };

Deno.test("a schedule remembers from epoch to epoch, at each place by itself", () => {
  const memory = new ScheduleMemory();
  const plugin = dropout({ rate: plateau({ from: 0.8 }) });
  const other = dropout({ rate: plateau({ from: 0.4 }) });
  const rates = () => [optionsAt(plugin, beginning, "1", memory).rate, optionsAt(other, beginning, "3", memory).rate];
  assertEquals(rates(), [0.8, 0.4]);
  memory.epoch(metricsOf(2));
  assertEquals(rates(), [0.8, 0.4]);
  memory.epoch(metricsOf(3));
  assertEquals(rates(), [0.4, 0.2]);
  assertEquals(memory.toJSON(), { "1.rate": { best: 2, factor: 0.5 }, "3.rate": { best: 2, factor: 0.5 } });
});

Deno.test("what schedules remember is saved and restored, also of those that are not asked again", () => {
  const [first, second] = [new ScheduleMemory(), new ScheduleMemory()];
  const rate = (memory: ScheduleMemory) =>
    optionsAt(dropout({ rate: plateau({ from: 0.8 }) }), beginning, "1", memory).rate;
  rate(first);
  first.epoch(metricsOf(2));
  first.epoch(metricsOf(2));
  second.restore(first.toJSON());
  assertEquals(second.toJSON(), first.toJSON());
  assertEquals(rate(second), 0.4);
  second.epoch(metricsOf(1));
  assertEquals(second.toJSON(), { "1.rate": { best: 1, factor: 0.5 } });
});

Deno.test("a schedule in the place of another of its kind goes on; one of another kind begins anew", () => {
  const memory = new ScheduleMemory();
  const model = buildModel(dropout({ rate: plateau({ from: 0.8 }) }), { inputShape: [1000] });
  for (const loss of [1, 1]) model.schedules.epoch(metricsOf(loss));
  assertEquals(model.schedules.toJSON(), { rate: { best: 1, factor: 0.5 } });
  model.configure("", { rate: plateau({ from: 0.4 }) });
  model.forward(Tensor.ones([1, 1000]), { mode: "train", step: 0 });
  assertEquals(model.schedules.toJSON(), { rate: { best: 1, factor: 0.5 } });
  const stairs: Factory<"schedule", None> = definePlugin({
    name: "stairs",
    options: none,
    value: (_progress, _options, { height }) => height,
    initial: () => ({ height: 0.25 }),
    epoch: ({ state }) => ({ height: state.height / 2 }),
  });
  model.configure("", { rate: stairs() });
  model.forward(Tensor.ones([1, 1000]), { mode: "train", step: 0 });
  assertEquals(model.schedules.toJSON(), { rate: { height: 0.25 } });
  assertEquals(memory.toJSON(), {});
});

Deno.test("a schedule that remembers is refused where nothing is kept, and what is no numbers is refused", () => {
  const plugin = dropout({ rate: plateau({ from: 0.8 }) });
  assertThrows(
    () => optionsAt(plugin, beginning, "p"),
    OptionError,
    "p.rate: expected a number or a schedule that remembers nothing",
  );
  const inside = buildModel(dropout({ rate: linear({ from: 0, to: 1 }) }), { inputShape: [2] });
  inside.configure("", { rate: warmUp(plateau({ from: 0.8 })) });
  inside.forward(Tensor.ones([1, 2]));
  assertEquals(inside.schedules.toJSON(), { "rate.then": { best: Infinity, factor: 1 } });
  assertThrows(
    () => optionsAt(dropout({ rate: warmUp(plateau({ from: 0.8 })) }), beginning, "p"),
    OptionError,
    "p.rate.then: expected a number or a schedule that remembers nothing",
  );
  const bad = (initial: unknown, epoch: unknown): Factory<"schedule", None> =>
    definePlugin({
      name: "bad",
      options: none,
      value: () => 0.5,
      initial: untyped(() => initial),
      epoch: untyped(() => epoch),
    });
  const at = (factory: Factory<"schedule", None>) => () => {
    const memory = new ScheduleMemory();
    optionsAt(dropout({ rate: factory() }), beginning, "p", memory);
    memory.epoch(metricsOf(1));
  };
  assertThrows(
    at(bad(undefined, {})),
    PluginError,
    "bad: expected numbers by name from its method initial, found undefined.",
  );
  assertThrows(at(bad({ a: "1" }, {})), PluginError, "from its method initial");
  assertThrows(
    at(bad({}, undefined)),
    PluginError,
    "bad: expected numbers by name from its method epoch, found undefined.",
  );
});

Deno.test("schedules inside arrays and objects of options are numbers for the plugin's methods", () => {
  const seen: unknown[] = [];
  const many: Factory<"activation", { rates: readonly Scheduled[]; by: Readonly<Record<string, Scheduled>> }> =
    definePlugin({
      name: "many",
      options: z.object({
        rates: z.array(z.custom<Scheduled>()).readonly(),
        by: z.record(z.string(), z.custom<Scheduled>()).readonly(),
      }),
      activation(x, { options }) {
        seen.push(options);
        return x;
      },
    });
  const ramp = linear({ from: 0, to: 1 });
  const model = buildModel(many({ rates: [0.5, ramp], by: { a: ramp, b: plateau({ from: 4 }) } }), { inputShape: [1] });
  model.forward(Tensor.ones([1, 1]), { progress: { step: 1, stepsPerEpoch: 1, totalSteps: 4 } });
  assertEquals(seen.at(-1), { rates: [0.5, 0.25], by: { a: 0.25, b: 4 } });
  assertEquals(Object.keys(model.schedules.toJSON()), ["by.b"]);
});
