/** From a configuration to the parts of a run. */
import { assertEquals, assertThrows } from "@std/assert";
import { builtins, isPlugin, OptionError, PluginError, Registry } from "../../../mod.ts";
import { parseConfig } from "../../../cli/configuration/config.ts";
import { configuredRun } from "../../../cli/configuration/configured_run.ts";
import { small } from "../_run.ts";

const make = (changes: Record<string, unknown>) =>
  configuredRun(parseConfig({ ...small, ...changes }), "run", new Registry(builtins));

Deno.test("a configuration without loss, average, learning and validation leaves them to fit()", () => {
  const { loss, average, learning, validation } = make({});
  assertEquals([loss, average, learning, validation], [undefined, undefined, undefined, undefined]);
});

Deno.test("a configuration names its loss, its average of the weights and its validation part", () => {
  const run = make({ loss: "cross-entropy", average: { plugin: "swa", from: 2 }, validation: 0.25 });
  assertEquals([run.loss?.plugin, run.average?.plugin, run.average?.options.from], ["cross-entropy", "swa", 2]);
  assertEquals(run.validation, 0.25);
  assertThrows(() => make({ average: "sgd" }), PluginError, "average: expected a plugin that serves as average");
  assertThrows(() => make({ learning: "sgd" }), PluginError, "learning: expected a plugin that serves as learning");
  assertThrows(() => make({ validation: 1 }), OptionError, "validation: expected a number between 0 and 1");
});

Deno.test("parameter groups of a configuration take schedules", () => {
  const set = { learningRate: { plugin: "cosine", from: 0.1 }, momentum: 0.5 };
  const { parameterGroups: [group] } = make({ parameterGroups: [{ match: "bias$", set }] });
  assertEquals([isPlugin(group.set.learningRate, "schedule"), group.set.momentum], [true, 0.5]);
  const wrong = { parameterGroups: [{ match: "bias$", set: { learningRate: { plugin: "cosines" } } }] };
  assertThrows(() => make(wrong), PluginError, "parameterGroups.0.set.learningRate.plugin: unknown plugin");
});
