/** From JSON to plugins and back. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  OptionError,
  PluginError,
  Registry,
  Tensor,
} from "../../../core/mod.ts";
import { maxNorm } from "../../../plugins/constraints/max_norm/max_norm.ts";
import { dropout } from "../../../plugins/dropout/dropout.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { maxout } from "../../../plugins/layers/maxout.ts";
import { relu } from "../../../plugins/layers/relu.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { sgd } from "../../../plugins/optimizers/sgd/sgd.ts";
import { linear } from "../../../plugins/schedules/linear.ts";
import { momentumRamp } from "../../../plugins/schedules/momentum_ramp.ts";

const registry = new Registry([maxNorm, dropout, dense, maxout, relu, sequential, sgd, linear, momentumRamp]);

function refused(json: unknown, path: string, ...texts: string[]): void {
  const error = assertThrows(() => registry.create(json, "model"), Error);
  assert(error instanceof OptionError || error instanceof PluginError, String(error));
  if (error instanceof OptionError) assertEquals(error.path, path, error.message);
  for (const text of [path, ...texts]) assert(error.message.includes(text), `${text} in: ${error.message}`);
}

Deno.test("plugins survive the way through JSON and a registry", () => {
  const model = sequential([
    dropout({ rate: linear({ from: 0, to: 0.5, unit: "step" }), share: ["batch"] }),
    dense(6, { name: "hidden", constraint: maxNorm({ max: 2 }), initializer: "zeros" }),
    relu(),
    maxout(2, { pieces: 3 }),
    sequential([dense(2, { bias: false })], { name: "tail" }),
  ]);
  const text = JSON.stringify(model);
  const again = registry.create(JSON.parse(text), "model");
  assertEquals(JSON.stringify(again), text);
  const shape = (root: typeof model) => buildModel(root, { inputShape: [4], seed: 1 });
  const x = Tensor.ones([2, 4]);
  const progress = { step: 3, stepsPerEpoch: 2, totalSteps: 6 };
  const run = (root: typeof model) => shape(root).forward(x, { mode: "train", progress }).toArray();
  assertEquals(run(again as typeof model), run(model));
});

Deno.test("an optimizer with schedules survives the way through JSON", () => {
  const optimizer = sgd({ learningRate: linear({ from: 1, to: 0 }), momentum: momentumRamp({ over: 20 }) });
  const text = JSON.stringify(optimizer);
  assertEquals(JSON.stringify(registry.create(JSON.parse(text), "optimizer")), text);
});

Deno.test("an unknown plugin is refused with its path and the nearest known names", () => {
  refused({ plugin: "dens", units: 3 }, "model.plugin", 'unknown plugin "dens"', 'did you mean "dense"');
  refused(
    { plugin: "sequential", layers: [{ plugin: "relu" }, { plugin: "drop-out" }] },
    "model.layers.1.plugin",
    '"dropout"',
  );
  refused({ plugin: "transmogrify" }, "model.plugin", "lists those that are known");
});

Deno.test("a bad value inside nested plugins is refused with its whole path", () => {
  refused({ plugin: "sequential", layers: [{ plugin: "dropout", rate: 2 }] }, "model.layers.0.rate", "found 2");
  refused(
    { plugin: "sequential", layers: [{ plugin: "dense", units: 2, constraint: { plugin: "max-norm", max: -1 } }] },
    "model.layers.0.constraint.max",
    "found -1",
  );
  refused({ plugin: "dropout", rate: { plugin: "linear", from: 0, to: "x" } }, "model.rate.to", 'found "x"');
  refused({ plugin: "dropout", rat: 2 }, "model.rat", "one of the options rate");
  refused({ plugin: "sequential", layers: [{ plugin: "sgd" }] }, "model.layers.0", "sgd serves optimizer");
  refused({ plugin: "dropout", rate: { plugin: "relu" } }, "model.rate", "or a schedule");
});

Deno.test("what is not a description is refused", () => {
  for (const json of [null, 3, "dense", [], [{ plugin: "relu" }]]) refused(json, "model", "an object such as");
  refused({ units: 3 }, "model.plugin", "the name of a plugin", "found undefined");
});

Deno.test("two plugins of one name are refused, the same one again is not", () => {
  const other: Factory<"activation", Record<never, never>> = definePlugin({
    name: "relu",
    options: z.object({}),
    activation: (x) => x,
  });
  const own = new Registry([relu, relu]);
  assertThrows(() => own.add(other), PluginError, 'two plugins are named "relu"');
  // deno-lint-ignore no-explicit-any
  assertThrows(() => own.add((() => {}) as any), PluginError, "what definePlugin returns");
});

Deno.test("list() gives the plugins of a role by name, and get() one of them", () => {
  assertEquals(registry.list("schedule").map((factory) => factory.definition.name), ["linear", "momentum-ramp"]);
  assertEquals(registry.list().length, 9);
  assertEquals(registry.get("dense"), dense);
  assertEquals(registry.get("nothing"), undefined);
});
