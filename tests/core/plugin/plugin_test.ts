/** Defining plugins and refusing bad options, each with the path of the wrong value. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  definePlugin,
  isFactory,
  isPlugin,
  OptionError,
  optionsAt,
  part,
  PluginError,
  type Progress,
  rolesOf,
} from "../../../core/mod.ts";
import { maxNorm } from "../../../plugins/constraints/max_norm/max_norm.ts";
import { dropout } from "../../../plugins/dropout/dropout.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { relu } from "../../../plugins/layers/relu.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { adam } from "../../../plugins/optimizers/adam/adam.ts";
import { sgd } from "../../../plugins/optimizers/sgd/sgd.ts";
import { linear } from "../../../plugins/schedules/linear.ts";

/** A call whose types the compiler would refuse: what a program in JavaScript could do. */
// deno-lint-ignore no-explicit-any
const untyped = <T>(value: T): any => value;

function refused(body: () => unknown, path: string, ...texts: string[]): void {
  const error = assertThrows(body, OptionError);
  assertEquals(error.path, path, error.message);
  assertEquals(error.exitStatus, 2);
  for (const text of texts) assert(error.message.includes(text), `${text} in: ${error.message}`);
}

Deno.test("definePlugin() refuses a name that is not kebab-case, no method, and options not made by z.object()", () => {
  const options = z.object({});
  const activation = (x: unknown) => x;
  for (const name of ["Bad", "bad_name", "", "-x", 3]) {
    assertThrows(() => definePlugin(untyped({ name, options, activation })), PluginError, "kebab-case");
  }
  assertThrows(() => definePlugin(untyped({ name: "idle", options })), PluginError, 'Plugin "idle" serves nothing');
  assertThrows(
    () => definePlugin(untyped({ name: "loose", options: { rate: 1 }, activation })),
    PluginError,
    'Plugin "loose": expected options made by z.object()',
  );
});

Deno.test("options are validated, defaults filled in, and frozen", () => {
  const plugin = dropout({ rate: 0.25 });
  assertEquals(plugin.options.rate, 0.25);
  assertEquals(plugin.options.convention, "inverted");
  assert(Object.isFrozen(plugin) && Object.isFrozen(plugin.options));
  assertEquals(dense(3, { bias: false }).options.units, 3);
  assertEquals(rolesOf(plugin.definition), ["activation"]);
});

Deno.test("an option out of its range is refused with its path, the range and the value", () => {
  for (const rate of [-0.1, 1.5, NaN, Infinity]) {
    refused(() => dropout({ rate }), "dropout.rate", "a number in [0, 1]", `found ${rate}`);
  }
  refused(() => sgd({ momentum: 1 }), "sgd.momentum", "[0, 1)", "found 1");
  refused(() => sgd({ learningRate: -1 }), "sgd.learningRate", "at least 0");
  refused(() => dense(0), "dense.units", "a whole number of at least 1", "found 0");
  refused(() => adam({ epsilon: 0 }), "adam.epsilon", "found 0");
  refused(() => maxNorm({ max: 0 }), "max-norm.max", "above 0");
});

Deno.test("an option of the wrong type is refused with its path and the value", () => {
  refused(() => dropout(untyped({ rate: "0.5" })), "dropout.rate", 'found "0.5"');
  refused(() => dropout(untyped({ rate: null })), "dropout.rate", "found null");
  refused(() => dropout(untyped({ convention: "upside-down" })), "dropout.convention", "inverted", "upside-down");
  refused(() => dropout(untyped({ share: "batch" })), "dropout.share", "batch");
  refused(() => dropout(untyped({ share: ["rows"] })), "dropout.share.0", "axis", "rows");
  refused(() => dense(2.5), "dense.units", "found 2.5");
  refused(() => untyped(dense)(), "dense.units", "found undefined");
  refused(() => untyped(dense)({ units: 3 }), "dense.units");
  refused(() => dropout(untyped(0.5)), "dropout", "an object with options", "found 0.5");
});

Deno.test("an unknown option is refused with the options that are known", () => {
  refused(() => dropout(untyped({ rat: 0.5 })), "dropout.rat", "one of the options rate, convention, share");
  refused(() => relu(untyped({ slope: 1 })), "relu.slope", "no such option");
});

Deno.test("a plugin where another role is wanted is refused with both roles", () => {
  refused(
    () => dense(3, { constraint: untyped(relu()) }),
    "dense.constraint",
    "a constraint plugin",
    "relu serves layer",
  );
  refused(() => dense(3, { weight: untyped(dropout()) }), "dense.weight", "dropout serves activation");
  refused(() => sequential([untyped(sgd())]), "sequential.layers.0", "a layer or activation plugin", "sgd serves");
  refused(() => sgd({ learningRate: untyped(relu()) }), "sgd.learningRate", "or a schedule");
});

Deno.test("a name of its own takes letters, digits, _ and - only", () => {
  assertEquals(dense(3, { name: "hidden_1-a" }).name, "hidden_1-a");
  for (const name of ["a.b", "a/b", "", "a b", 3]) refused(() => dense(3, { name: untyped(name) }), "dense.name");
});

Deno.test("with() changes some options, keeps the others and the name, and validates again", () => {
  const plugin = dense(3, { name: "hidden", bias: false });
  const wider = plugin.with({ units: 5 });
  assertEquals([wider.options.units, wider.options.bias, wider.name], [5, false, "hidden"]);
  assertEquals(plugin.options.units, 3);
  refused(() => plugin.with({ units: 0 }), "dense.units");
});

Deno.test("isPlugin() and isFactory() tell plugins and factories from look-alikes", () => {
  assert(isPlugin(relu()) && isPlugin(relu(), "layer") && !isPlugin(relu(), "loss"));
  assert(isFactory(relu) && !isFactory(() => relu()) && !isPlugin({ plugin: "relu" }) && !isPlugin(null));
});

const at = (step: number): Progress => ({ step, stepsPerEpoch: 10, totalSteps: 100 });

Deno.test("optionsAt() replaces schedules by their value of the moment and leaves other options as they are", () => {
  const plugin = dropout({ rate: linear({ from: 0, to: 1 }) });
  assertEquals([0, 50, 100].map((step) => optionsAt(plugin, at(step), "p").rate), [0, 0.5, 1]);
  const fixed = dropout();
  assertStrictEquals(optionsAt(fixed, at(3), "p"), fixed.options);
});

Deno.test("a schedule that leaves its option's range is refused at that moment with the path", () => {
  const plugin = dropout({ rate: linear({ from: 0, to: 4 }) });
  refused(() => optionsAt(plugin, at(50), "model.2"), "model.2.rate", "a number in [0, 1]", "found 2");
});

Deno.test("part() takes plugins of any of its roles", () => {
  const schema = part("layer", "constraint");
  assert(schema.safeParse(relu()).success && schema.safeParse(maxNorm()).success);
  assert(!schema.safeParse(sgd()).success && !schema.safeParse({ plugin: "relu" }).success);
});
