/** Changing options of a built model: names, hosts and parts. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  OptionError,
  part,
  type Plugin,
  rateSchema,
  type Scheduled,
  scheduled,
  Tensor,
} from "../../../core/mod.ts";
import {
  attentionDropout,
  cosine,
  dense,
  dropConnect,
  dropout,
  exponential,
  linear,
  lstm,
  maxNorm,
  multiHeadAttention,
  relu,
  residual,
  sequential,
  stochasticDepth,
  warmUp,
  zoneout,
} from "../../../plugins/mod.ts";
import { random } from "../_tensors.ts";

Deno.test("configure() keeps a plugin's name and its other options", () => {
  const model = buildModel(sequential([dense(3, { name: "in" }), dropout({ name: "drop", share: ["batch"] })]), {
    inputShape: [4],
  });
  model.configure("drop", { rate: 0.1 });
  const { name, options } = model.plugins().get("drop")!;
  assertEquals([name, options.rate, options.share], ["drop", 0.1, ["batch"]]);
  model.configure("drop", { rate: 0.2 });
  assertEquals(model.plugins().get("drop")!.name, "drop");
});

Deno.test("a rate that goes from 0 to 0.5 and back is what hosts and sites act on, at every site", () => {
  const sites = {
    activation: { layer: (rate: Scheduled) => sequential([dropout({ rate })]), path: "0", option: "rate", shape: [6] },
    weight: {
      layer: (rate: Scheduled) => dense(6, { weight: dropConnect({ rate }) }),
      path: "weight",
      option: "rate",
      shape: [6],
    },
    recurrent: {
      layer: (hidden: Scheduled) => lstm(6, { recurrent: zoneout({ cell: 0, hidden }) }),
      path: "recurrent_l0",
      option: "hidden",
      shape: [4, 6],
    },
    attention: {
      layer: (rate: Scheduled) => multiHeadAttention(2, { attention: attentionDropout({ rate }) }),
      path: "attention",
      option: "rate",
      shape: [4, 6],
    },
  };
  for (const [site, { layer, path, option, shape }] of Object.entries(sites)) {
    const model = buildModel(layer(0), { inputShape: shape, seed: 1 });
    const x = random([3, ...shape], 1).cast("float32");
    const run = () => model.forward(x, { mode: "train", step: 1 }).toArray();
    const plain = run();
    assertEquals(plain, model.forward(x).toArray(), site);
    model.configure(path, { [option]: 0.5 });
    const dropped = run();
    assertNotEquals(dropped, plain, site);
    model.configure(path, { [option]: 0 });
    assertEquals(run(), plain, site);
    model.configure(path, { [option]: linear({ from: 0.5, to: 0 }) });
    assertEquals(run(), dropped, site);
  }
});

Deno.test("a branch that begins at a rate of 1 is built, and lives when it is configured", () => {
  for (const convention of ["inverted", "classic"] as const) {
    const branch = stochasticDepth({ rate: 1, convention });
    const model = buildModel(residual(dense(3), { branch }), { inputShape: [3], seed: 1 });
    assertEquals(model.parameters().map(({ name }) => name), ["block.weight", "block.bias"], convention);
    const x = random([2, 3], 1).cast("float32");
    assertEquals(model.forward(x, { mode: "train", step: 0 }).toArray(), x.toArray());
    model.configure("branch", { rate: 0 });
    assertNotEquals(model.forward(x, { mode: "train", step: 0 }).toArray(), x.toArray());
  }
});

Deno.test("a layer that serves branches by itself builds them too, whatever the branch's mask says at the beginning", () => {
  const host: Factory<"layer", { branch: Plugin<"branch"> }> = definePlugin({
    name: "host",
    options: z.object({ branch: part("branch") }),
    forward: (x, { serve, run, options }) =>
      serve("branch", options.branch, [x, ([input]) => run(dense(3), input, "block"), []]) ?? x,
  });
  for (const convention of ["inverted", "classic"] as const) {
    const model = buildModel(host({ branch: stochasticDepth({ rate: 1, convention }) }), { inputShape: [3] });
    assertEquals(model.parameters().map(({ name }) => name), ["block.weight", "block.bias"], convention);
  }
});

Deno.test("what was fixed when the model was built is refused, not ignored", () => {
  const model = buildModel(
    sequential([dense(3, { weight: dropConnect(), constraint: maxNorm() }), relu(), residual(dense(3))]),
    { inputShape: [4] },
  );
  const refused = (path: string, changes: Record<string, unknown>, text: string) => {
    const before = model.plugins().get(path);
    const error = assertThrows(() => model.configure(path, changes), OptionError);
    assert(error.message.startsWith(text), error.message);
    assertStrictEquals(model.plugins().get(path), before);
  };
  refused("0", { weight: dropConnect({ rate: 0.1 }) }, "model.0 (dense).weight: expected options of its own");
  refused("0", { constraint: undefined }, "model.0 (dense).constraint: expected options of its own");
  refused("", { layers: [relu()] }, "model (sequential).layers: expected options of its own");
  refused("0", { name: "first" }, "model.0 (dense).name: expected no change of the name");
  refused("0", { unit: 3 }, "model.0 (dense).unit: expected one of the options");
  model.configure("0.weight", { rate: 0.1 });
  assertEquals(model.plugins().get("0.weight")!.options.rate, 0.1);
});

Deno.test("a variant that is configured to be a schedule, and back, keeps its parameters and state", () => {
  const counting: Factory<"activation", { scale?: Scheduled }> = definePlugin({
    name: "counting",
    options: z.object({
      scale: z.custom<Scheduled>().default(1) as unknown as z.ZodType<number, Scheduled | undefined>,
    }),
    init: () => ({ params: { gain: Tensor.of(2) }, state: { calls: Tensor.of(0) } }),
    activation(x, { params, state, setState, options }) {
      setState("calls", state.calls.add(1));
      return x.mul(params.gain).mul(options.scale);
    },
  });
  const model = buildModel(counting(), { inputShape: [1] });
  const run = (step: number) => {
    const progress = { step, stepsPerEpoch: 1, totalSteps: 10 };
    return model.forward(Tensor.ones([1, 1]), { mode: "train", progress }).item();
  };
  const values = [run(0)];
  model.configure("", { scale: linear({ from: 1, to: 11 }) });
  values.push(run(5));
  model.configure("", { scale: 3 });
  values.push(run(6));
  assertEquals(values, [2, 12, 6]);
  assertEquals(model.state().get("calls")!.item(), 3);
});

Deno.test("in a loop that does not say how long it is, every schedule stays at its beginning", () => {
  const schedules = [
    linear({ from: 0.25, to: 1 }),
    linear({ from: 0.25, to: 1, over: 3 }),
    linear({ from: 0.25, to: 1, unit: "step" }),
    cosine({ from: 0.25, to: 0 }),
    exponential({ from: 0.25, decay: 0.5 }),
    warmUp(0.5, { from: 0.5, over: 2 }),
  ];
  for (const rate of schedules) {
    const seen: number[] = [];
    const seeing: Factory<"activation", { rate: Scheduled }> = definePlugin({
      name: "seeing",
      options: z.object({ rate: scheduled(rateSchema) }),
      activation(x, { options }) {
        seen.push(options.rate);
        return x;
      },
    });
    const model = buildModel(seeing({ rate }), { inputShape: [1] });
    for (const step of [0, 1, 1000]) model.forward(Tensor.ones([1, 1]), { mode: "train", step });
    seen.slice(1).forEach((value) => assertAlmostEquals(value, 0.25, 1e-9, rate.plugin));
  }
});
