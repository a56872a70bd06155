/**
 * What the compiler refuses before a program runs, and what is refused at run time where there was no compiler. The lines
 * below `@ts-expect-error` are errors; without the error, checking the types of this file fails.
 */
import { assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  OptionError,
  type Plugin,
  PluginError,
  Rows,
  type Scheduled,
  Tensor,
} from "../../../core/mod.ts";
import {
  crossEntropy,
  dense,
  dropout,
  graph,
  multiHeadAttention,
  relu,
  sequential,
  sgd,
  warmUp,
} from "../../../plugins/mod.ts";

Deno.test("options that must be given are required, by position and by name", () => {
  // @ts-expect-error: units are missing
  assertThrows(() => dense(), OptionError, "dense.units");
  // @ts-expect-error: what follows is missing
  assertThrows(() => warmUp(), OptionError, "warm-up.then");
  // @ts-expect-error: nodes and outputs are missing
  assertThrows(() => graph({}), OptionError, "graph.nodes");
  // @ts-expect-error: the object is missing
  assertThrows(() => graph(), OptionError, "graph.nodes");
  // @ts-expect-error: heads are missing
  assertThrows(() => multiHeadAttention(), OptionError, "multi-head-attention.heads");
  // @ts-expect-error: layers are missing
  assertThrows(() => sequential(), OptionError, "sequential.layers");
  dropout();
  dense(3);
});

Deno.test("an option is given once, and no argument follows the options", () => {
  // @ts-expect-error: units have a position
  assertThrows(() => dense(10, { units: 20 }), OptionError, "dense.units: expected one value, 10 by its position");
  // @ts-expect-error: one argument too many
  assertThrows(() => dense(10, {}, {}), OptionError, "dense: expected at most 2 arguments, found 3");
  // @ts-expect-error: two arguments too many
  assertThrows(() => relu({}, {}, {}), OptionError, "relu: expected at most 1 arguments, found 3");
  // @ts-expect-error: dropout has no option of that name
  assertThrows(() => dropout({ rat: 0.5 }), OptionError, "dropout.rat");
  // @ts-expect-error: a rate is a number or a schedule
  assertThrows(() => dropout({ rate: "0.5" }), OptionError, "dropout.rate");
  // @ts-expect-error: a layer is no schedule
  assertThrows(() => dropout({ rate: relu() }), OptionError, "dropout.rate");
  // @ts-expect-error: an optimizer is no layer
  assertThrows(() => sequential([sgd()]), OptionError, "sequential.layers.0");
  // @ts-expect-error: a variant of activations is none of weights
  assertThrows(() => dense(3, { weight: dropout() }), OptionError, "dense.weight");
});

type None = Record<never, never>;
const options = z.object({});

Deno.test("a part of another role is refused", () => {
  assertThrows(
    () => {
      const bad: Factory<"loss", None> = definePlugin({
        name: "bad",
        options,
        loss: (outputs) => ({ sum: outputs.sum(), weight: 1 }),
        // @ts-expect-error: stages belong to attention
        stages: () => [],
      });
      return bad;
    },
    PluginError,
    'Plugin "bad" serves loss and has no part "stages"; it belongs to attention.',
  );
  assertThrows(
    () => {
      const bad: Factory<"activation", None> = definePlugin({
        name: "bad",
        options,
        activation: (x) => x,
        // @ts-expect-error: objectives belong to losses
        objective: (forward: (pass: number) => Tensor) => ({ sum: forward(0).sum(), weight: 1 }),
      });
      return bad;
    },
    PluginError,
    'has no part "objective"; it belongs to loss.',
  );
  assertThrows(
    () => {
      const bad: Factory<"layer", None> = definePlugin({
        name: "bad",
        options,
        forward: (x) => x,
        // @ts-expect-error: slots belong to optimizers, constraints and averages
        slots: () => ["momentum"],
      });
      return bad;
    },
    PluginError,
    'has no part "slots"; it belongs to optimizer or constraint or average.',
  );
  assertThrows(
    () => {
      const bad: Factory<"product", None> = definePlugin({
        name: "bad",
        options,
        // @ts-expect-error: a product cannot be given as a mask
        product: { mask: () => null },
      });
      return bad;
    },
    PluginError,
    "expected product to be a method, found",
  );
});

Deno.test("a definition has the method of each role that its factory's type names", () => {
  assertThrows(
    () => {
      // @ts-expect-error: there is no method for weights
      const bad: Factory<"weight", None> = definePlugin({ name: "bad", options });
      return bad;
    },
    PluginError,
    'Plugin "bad" serves nothing',
  );
  // @ts-expect-error: there is none for branches
  const half: Factory<"activation" | "branch", None> = definePlugin({ name: "half", options, activation: (x) => x });
  assertEquals(Object.keys(half().serves), ["activation"]);
});

Deno.test("a schema is held to the options' interface", () => {
  const activation = (x: Tensor) => x;
  const type: Factory<"activation", { rate?: number }> = definePlugin({
    name: "type",
    // @ts-expect-error: the interface says number, the schema text
    options: z.object({ rate: z.string().default("a") }),
    activation,
  });
  const missing: Factory<"activation", { rate?: number; scale?: number }> = definePlugin({
    name: "missing",
    // @ts-expect-error: the schema lacks a field
    options: z.object({ rate: z.number().default(1) }),
    activation,
  });
  const more: Factory<"activation", { rate?: number }> = definePlugin({
    name: "more",
    // @ts-expect-error: the interface lacks a field of the schema
    options: z.object({ rate: z.number().default(1), scale: z.number().default(1) }),
    activation,
  });
  const demanded: Factory<"activation", { rate?: number }> = definePlugin({
    name: "demanded",
    // @ts-expect-error: the interface lets the field be left out, the schema demands it
    options: z.object({ rate: z.number() }),
    activation,
  });
  const narrow: Factory<"activation", { rate?: Scheduled }> = definePlugin({
    name: "narrow",
    // @ts-expect-error: the schema takes a number only, the interface a schedule too
    options: z.object({ rate: z.number().default(0.5) }),
    activation,
  });
  assertEquals([type, missing, more, demanded, narrow].length, 5);
});

Deno.test("a factory whose type is not written out is refused with what to write", () => {
  // @ts-expect-error: Type '"bare"' is not assignable to type '"write the factory's type: const NAME: Factory<ROLE, ...'
  const bare = definePlugin({ name: "bare", options, activation: (x: Tensor) => x });
  assertEquals(bare.definition.name, "bare");
});

Deno.test("a plugin's definition and options are typed by its role and its factory", () => {
  const loss: Plugin<"loss"> = crossEntropy();
  const { weight } = loss.definition.loss(Tensor.zeros([2, 3]), Tensor.from(Int32Array.of(0, 1), [2]), loss.options);
  assertEquals(weight, 2);
  const rate: Scheduled | undefined = dropout({ rate: 0.3 }).options.rate;
  assertEquals(rate, 0.3);
  const units: number = dense(4).options.units;
  assertEquals(units, 4);
  // @ts-expect-error: no such option
  assertEquals(dense(4).options.unit, undefined);
  // @ts-expect-error: options do not change
  assertThrows(() => dense(4).options.units = 5, TypeError);
});

Deno.test("a pass that draws says its step", () => {
  const model = buildModel(dropout(), { inputShape: [2] });
  const x = Tensor.ones([2, 2]);
  // @ts-expect-error: the step is missing
  assertThrows(() => model.forward(x, { mode: "train" }), OptionError, "the number of the step in mode train");
  // @ts-expect-error: the step is missing
  assertThrows(() => model.forward(x, { mode: "sample" }), OptionError, "the number of the step in mode sample");
  // @ts-expect-error: there is no such mode
  const training = () => model.forward(x, { mode: "training", step: 0 });
  assertThrows(training, OptionError, "forward.mode: expected one of train");
  // @ts-expect-error: there is no such option
  assertThrows(() => model.forward(x, { mode: "train", step: 0, stpe: 1 }), OptionError, "forward.stpe");
  const progress = { step: 3, stepsPerEpoch: 1, totalSteps: 9 };
  const same = [
    model.forward(x, { mode: "train", step: 3 }),
    model.forward(x, { mode: "train", progress }),
    model.forward(x, { mode: "train", rows: Rows.range({ step: 3 }) }),
  ].map((y) => y.toArray());
  assertEquals(same, [same[0], same[0], same[0]]);
  assertThrows(
    () => model.forward(x, { mode: "train", rows: Rows.range(), step: 3 }),
    OptionError,
    "forward.step: expected rows to say it",
  );
});

Deno.test("a model is built from a shape and known options", () => {
  // @ts-expect-error: the shape is missing
  assertThrows(() => buildModel(relu(), {}), OptionError, "buildModel.inputShape: expected a shape");
  // @ts-expect-error: there is no such option
  assertThrows(() => buildModel(relu(), { inputShape: [2], sede: 1 }), OptionError, "buildModel.sede");
});
