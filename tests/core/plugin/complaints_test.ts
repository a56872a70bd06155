/** What goes wrong in plugins is told once, in one sentence, with the innermost plugin's place. */
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  type CommonDefinition,
  definePlugin,
  type Factory,
  type LayerPlugin,
  type Mask,
  OptionError,
  type Plugin,
  PluginError,
  Registry,
  ShapeError,
  Tensor,
  ThinnedError,
} from "../../../core/mod.ts";
import {
  conv2d,
  dense,
  dropout,
  embedding,
  linear,
  lstm,
  multiHeadAttention,
  relu,
  residual,
  sequential,
} from "../../../plugins/mod.ts";

type None = Record<never, never>;
const none = z.object({});
// deno-lint-ignore no-explicit-any
const untyped = <T>(value: T): any => value;

/** A layer that does something, deep in a model. */
function layer(body: (x: Tensor) => unknown): LayerPlugin {
  const faulty: Factory<"layer", None> = definePlugin({ name: "faulty", options: none, forward: untyped(body) });
  return faulty();
}

/** The whole message that building a model with a layer at `model.block.1` gives. */
function messageOf(bad: LayerPlugin, shape: readonly number[] = [2]): string {
  const root = residual(sequential([relu(), bad]));
  const error = assertThrows(() => buildModel(root, { inputShape: shape }), ThinnedError);
  return error.message;
}

function thrower(error: unknown): LayerPlugin {
  return layer(() => {
    throw error;
  });
}

Deno.test("what a layer throws is told once with its place", () => {
  const at = "model.block.1 (faulty)";
  assertEquals(messageOf(thrower(new ThinnedError("expected a, found b."))), `${at}: expected a, found b.`);
  assertEquals(messageOf(thrower(new ShapeError("expected [2], found [3]."))), `${at}: expected [2], found [3].`);
  assertEquals(messageOf(thrower(new OptionError("rate", "c", 3))), `${at}.rate: expected c, found 3.`);
  assertEquals(
    messageOf(thrower(new TypeError("x is not a function"))),
    `${at}: failed with TypeError: x is not a function`,
  );
  assertEquals(messageOf(thrower("a text")), `${at}: threw a text, which is no error.`);
  assertEquals(messageOf(thrower(undefined)), `${at}: threw undefined, which is no error.`);
  const frozen = Object.freeze(new PluginError("expected a, found b."));
  assertEquals(messageOf(thrower(frozen)), `${at}: expected a, found b.`);
});

Deno.test("an error keeps its kind, its cause and, for options, the path with the place", () => {
  const root = (error: Error) => () => buildModel(sequential([thrower(error)]), { inputShape: [2] });
  const wrong = new OptionError("rate", "c", 3);
  const option = assertThrows(root(wrong), OptionError);
  assertEquals(option.path, "model.0 (faulty).rate");
  const cause = new TypeError("no");
  assertEquals(assertThrows(root(cause), PluginError).cause, cause);
  assertInstanceOf(assertThrows(root(new ShapeError("a."))), ShapeError);
});

Deno.test("what is no tensor is refused where a tensor belongs", () => {
  const at = "model.block.1 (faulty): expected a tensor from its method for layer, found";
  assertEquals(messageOf(layer(() => undefined)), `${at} undefined.`);
  assertEquals(messageOf(layer(() => null)), `${at} null.`);
  assertEquals(messageOf(layer(() => [1])), `${at} [1].`);
});

Deno.test("a variant's faults are told with the variant's place, not the host's", () => {
  const weight: Factory<"weight", None> = definePlugin({
    name: "faulty",
    options: none,
    weight: untyped(() => undefined),
  });
  assertEquals(
    messageOf(dense(2, { weight: weight() })),
    "model.block.1.weight (faulty): expected a tensor from its method for weight, found undefined.",
  );
  const branch: Factory<"branch", None> = definePlugin({
    name: "faulty",
    options: none,
    branch: untyped(() => undefined),
  });
  assertEquals(
    messageOf(residual(relu(), { branch: branch() })),
    "model.block.1.branch (faulty): expected a tensor from its method for branch, found undefined.",
  );
});

Deno.test("a plugin in a role that it does not serve is refused by its place", () => {
  const hosting: Factory<"layer", None> = definePlugin({
    name: "hosting",
    options: none,
    forward: (x, { serve }) => serve("weight", untyped(dropout()), [x], "site"),
  });
  assertEquals(messageOf(hosting()), "model.block.1.site (dropout): serves activation, not weight.");
  const running: Factory<"layer", None> = definePlugin({
    name: "running",
    options: none,
    forward: (x, { run }) => run(untyped(linear({ from: 0, to: 1 })), x, "child"),
  });
  assertEquals(messageOf(running()), "model.block.1.child (linear): serves schedule, not activation.");
});

/** A variant that draws a mask, and says something wrong. */
function masking(change: Record<string, unknown> | null | undefined | "text", shape: readonly number[] = [2]): string {
  const faulty: Factory<"activation", None> = definePlugin({
    name: "faulty",
    options: none,
    activation: {
      mask: ({ key }) =>
        typeof change === "object" && change !== null ? { key, rate: 0.5, ...change } as Mask : untyped(change),
    },
  });
  return messageOf(faulty(), shape);
}

Deno.test("a wrong mask is refused with the variant's place and what is wrong", () => {
  const at = "model.block.1 (faulty)";
  const expected = `${at}: expected { key, rate, ... } or null from its method mask, found`;
  assertEquals(masking(undefined), `${expected} undefined.`);
  assertEquals(masking("text"), `${expected} "text".`);
  assert(masking({ key: 3 }).startsWith(expected));
  assert(masking({ rate: "0.5" }).startsWith(expected));
  for (const rate of [-0.1, 1.1, NaN]) {
    assertEquals(masking({ rate }), `${at}.rate: expected a number in [0, 1], found ${rate}.`);
  }
  assertEquals(
    masking({ shared: [0] }).slice(0, 66),
    `${at}.mask.shared: expected one of the options key,`.slice(0, 66),
  );
  assert(
    masking({ share: [2] }).startsWith(`${at}`) && masking({ share: [2] }).includes("share"),
    masking({ share: [2] }),
  );
  assert(masking({ share: [-3] }).includes("share"));
  assertEquals(masking({ group: 0 }), `${at}.group: expected a whole number of at least 1, found 0.`);
  assertEquals(masking({ eval: "average" }), `${at}.eval: expected identity or mean, found "average".`);
  assertEquals(masking({ empty: "full" }), `${at}.empty: expected lost or kept, found "full".`);
  assert(masking({ empty: "kept", eval: "mean" }).startsWith(`${at}.eval: expected identity`));
});

Deno.test("a part of a mask that does not stretch to what it is applied to is refused by the variant's place", () => {
  for (const part of ["a", "b", "c"]) {
    const faulty: Factory<"activation", None> = definePlugin({
      name: "faulty",
      options: none,
      activation: { mask: ({ key }) => ({ key, rate: 0.5, [part]: Tensor.ones([3]) }) },
    });
    const model = buildModel(sequential([faulty()]), { inputShape: [2] });
    const error = assertThrows(() => model.forward(Tensor.ones([1, 2]), { mode: "train", step: 0 }), ShapeError);
    assert(error.message.startsWith("model.0 (faulty)"), error.message);
  }
});

Deno.test("an empty row is kept nowhere that has no rows of its own", () => {
  const kept = { rate: 0.5, empty: "kept" } as const;
  const branch: Factory<"branch", None> = definePlugin({
    name: "faulty",
    options: none,
    branch: { mask: ({ key }) => ({ key, ...kept }) },
  });
  assert(
    messageOf(residual(relu(), { branch: branch() })).startsWith("model.block.1.branch (faulty).empty: expected lost"),
  );
  const table: Factory<"embedding", None> = definePlugin({
    name: "faulty",
    options: none,
    embedding: { mask: ({ key }) => ({ key, ...kept }) },
  });
  const build = () =>
    buildModel(sequential([embedding(5, 2, { embedding: table() })]), { inputShape: [3], inputType: "int32" });
  assertThrows(build, OptionError, "model.0.embedding (faulty).empty: expected lost");
});

type Common = Partial<CommonDefinition<None, None>>;

Deno.test("faults in init, penalty and moments are told once with the place", () => {
  const having = (parts: Common & { moments?: () => unknown }): LayerPlugin => {
    const faulty: Factory<"layer", None> = definePlugin(
      untyped({ name: "faulty", options: none, forward: (x: Tensor) => x, ...parts }),
    );
    return faulty();
  };
  const at = "model.block.1 (faulty)";
  const fault = () => {
    throw new PluginError("expected a, found b.");
  };
  assertEquals(messageOf(having({ init: fault })), `${at}: expected a, found b.`);
  assertEquals(
    messageOf(having({ init: () => untyped({ params: { w: undefined } }) })),
    `${at}: expected a tensor for the parameter "w" from its method init, found undefined.`,
  );
  assertEquals(
    messageOf(having({ init: () => untyped({ params: { w: { constraint: undefined } } }) })),
    `${at}: expected a tensor for the parameter "w" from its method init, found {}.`,
  );
  assertEquals(
    messageOf(having({ init: () => untyped({ state: { mean: 0 } }) })),
    `${at}: expected a tensor for the state "mean" from its method init, found 0.`,
  );
  const run = (bad: LayerPlugin, call: (model: ReturnType<typeof buildModel>, x: Tensor) => unknown) => {
    const model = buildModel(sequential([bad]), { inputShape: [2] });
    return assertThrows(() => call(model, Tensor.ones([1, 2])), ThinnedError).message;
  };
  for (
    const [penalty, text] of [
      [fault, "expected a, found b."],
      [() => undefined, "expected a tensor with one number from its method penalty, found undefined."],
      [() => Tensor.ones([2]), "expected a tensor with one number from its method penalty, found one of shape [2]."],
    ] as const
  ) {
    const found = run(having({ penalty: untyped(penalty) }), (model, x) => model.forwardWithPenalty(x));
    assertEquals(found, `model.0 (faulty): ${text}`);
  }
  for (
    const [moments, text] of [
      [fault, "expected a, found b."],
      [() => undefined, "expected a mean and a variance, found undefined."],
      [() => ({ mean: Tensor.ones([1]) }), "expected a mean and a variance, found undefined."],
      [
        () => ({ mean: Tensor.ones([1]), variance: Tensor.ones([2]) }),
        "expected a variance of the mean's shape [1], found [2].",
      ],
    ] as const
  ) {
    assertEquals(run(having({ moments }), (model, x) => model.moments(x)), `model.0 (faulty): ${text}`);
  }
});

Deno.test("faults in places and stages are told once with the variant's place", () => {
  const fault = () => {
    throw new TypeError("no");
  };
  const kinds = [
    ["recurrent", "places", (variant: Plugin) => lstm(2, { recurrent: untyped(variant) }), [3, 2], "recurrent_l0"],
    [
      "attention",
      "stages",
      (variant: Plugin) => multiHeadAttention(1, { attention: untyped(variant) }),
      [3, 2],
      "attention",
    ],
  ] as const;
  for (const [role, method, host, shape, site] of kinds) {
    const message = (found: () => unknown) => {
      const faulty: Factory<"activation", None> = definePlugin(
        untyped({ name: "faulty", options: none, [role]: (x: Tensor) => x, [method]: found }),
      );
      return messageOf(host(untyped(faulty())), shape);
    };
    const at = `model.block.1.${site} (faulty)`;
    assertEquals(message(fault), `${at}: failed with TypeError: no`);
    for (const [wrong, text] of [[["middle"], '["middle"]'], ["weights", '"weights"'], [null, "null"]] as const) {
      const found = message(() => wrong);
      assert(found.startsWith(`${at}: expected some of `), found);
      assert(found.endsWith(`from its method ${method}, found ${text}.`), found);
    }
  }
});

Deno.test("a schedule that leaves its option's range is told with the place once, at every kind of place", () => {
  const rate = linear({ from: 0, to: 4 });
  const progress = { step: 1, stepsPerEpoch: 1, totalSteps: 2 };
  const model = buildModel(sequential([dropout({ rate, name: "drop" })]), { inputShape: [2] });
  const error = assertThrows(() => model.forward(Tensor.ones([1, 2]), { mode: "train", progress }), OptionError);
  assertEquals(error.message, "model.drop (dropout).rate: expected a number in [0, 1] or a schedule, found 2.");
});

Deno.test("no built-in layer tells its place twice", () => {
  const inputs = [[dense(2), []], [conv2d(2, 3), [4]], [multiHeadAttention(3), [3, 4]], [lstm(2), [
    3,
  ]]] as const;
  for (const [bad, shape] of inputs) {
    const error = assertThrows(() => buildModel(sequential([bad]), { inputShape: shape }), ThinnedError);
    assertEquals(error.message.match(/model/g)?.length, 1, error.message);
    assert(error.message.startsWith(`model.0 (${bad.plugin})`), error.message);
    assertEquals(error.message.split(bad.plugin).length, 2, error.message);
  }
});

Deno.test("definePlugin() refuses options called name or plugin, and options by position that it does not have", () => {
  for (const key of ["name", "plugin"]) {
    assertThrows(
      () => definePlugin(untyped({ name: "own", options: z.object({ [key]: z.string() }), forward: (x: Tensor) => x })),
      PluginError,
      `Plugin "own": an option cannot be called "${key}", which every plugin has.`,
    );
  }
  assertThrows(
    () => definePlugin(untyped({ name: "own", options: none, positional: ["units"], forward: (x: Tensor) => x })),
    PluginError,
    'the positional option "units" is not among its options',
  );
});

Deno.test("definePlugin() refuses parts of the wrong kind, and parts without those that they need", () => {
  const method = () => {};
  const wrong: [Record<string, unknown>, string][] = [
    [{ attention: method, stages: ["weights"] }, "expected stages to be a method, found"],
    [{ loss: method, targets: "labels" }, "expected targets to be classes or numbers, found"],
    [{ forward: method, fuses: "yes" }, "expected fuses to be true or false"],
    [{ forward: method, mixesRows: "yes" }, "expected mixesRows to be true, false or a method"],
    [{ forward: method, epilogue: "swish" }, "expected epilogue to be one of none"],
    [{ forward: method, init: {} }, "expected init to be a method"],
    [{ forward: method, penalty: 1 }, "expected penalty to be a method"],
    [{ forward: 3 }, "expected forward to be a method, found 3"],
    [{ activation: { mask: 3 } }, "expected activation to be a method or { mask }, found"],
    [{ value: method, epoch: method }, 'expected "initial" beside "epoch"'],
    [{ value: method, initial: method }, 'expected "epoch" beside "initial"'],
    [{ weights: method, slots: method }, 'expected "track" beside "weights"'],
    [{ weights: method, track: method }, 'expected "slots" beside "weights"'],
    [{ forward: method, forwrd: method }, 'has no part "forwrd".'],
  ];
  for (const [parts, text] of wrong) {
    assertThrows(() => definePlugin(untyped({ name: "own", options: none, ...parts })), PluginError, text);
  }
});

Deno.test("a model nested 3,000 deep ends in one sentence, also on its way through JSON", () => {
  let nested: LayerPlugin = relu();
  let json: unknown = { plugin: "relu" };
  for (let depth = 0; depth < 3000; depth++) {
    nested = sequential([nested]);
    json = { plugin: "sequential", layers: [json] };
  }
  const text = /^model: expected (layers|plugins) nested less deeply: the call stack is full\.$/;
  const build = (root: () => LayerPlugin) => {
    const error = assertThrows(() => buildModel(root(), { inputShape: [2] }), PluginError);
    assert(text.test(error.message), error.message.slice(-200));
    assertInstanceOf(error.cause, Error);
  };
  build(() => nested);
  const registry = new Registry([relu, sequential]);
  build(() => registry.create(json, "model") as LayerPlugin);
  let deeper = json;
  for (let depth = 0; depth < 20000; depth++) deeper = { plugin: "sequential", layers: [deeper] };
  build(() => registry.create(deeper, "model") as LayerPlugin);
});
