/** Children of variants and layers: gates at every step of a sequence, shared layers, names, state, and what is handed out. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  gradients,
  type LayerPlugin,
  OptionError,
  PluginError,
  ShapeError,
  Tensor,
} from "../../../core/mod.ts";
import {
  batchNorm,
  dense,
  dropout,
  gru,
  lstm,
  relu,
  repeat,
  residual,
  rnn,
  sequential,
  stochasticDepth,
} from "../../../plugins/mod.ts";
import { random } from "../_tensors.ts";

type None = Record<never, never>;
const none = z.object({});

/** A gate with a net of its own, made anew at every call. */
const gated: Factory<"recurrent", { rate?: number }> = definePlugin({
  name: "gated",
  options: z.object({ rate: z.number().default(0) }),
  places: () => ["hidden"],
  recurrent(value, _step, { run, options }) {
    const gate = run(dense(value.shape[1]), value, "gate");
    return value.mul(run(dropout(options), gate, "drop").sigmoid());
  },
});

Deno.test("a recurrent variant runs a dense layer as its gate at every step, for sequences of any length", () => {
  for (const layer of [rnn, gru, lstm]) {
    const outputs: unknown[] = [];
    for (const time of [-1, 1, 3]) {
      const model = buildModel(layer(4, { recurrent: gated() }), { inputShape: [time, 2], seed: 1 });
      assert(model.parameters().some(({ name }) => name === "recurrent_l0.gate.weight"), `${time}`);
      const x = random([5, time === -1 ? 3 : time, 2], 1).cast("float32");
      const y = model.forward(x, { mode: "train", step: 0 });
      assertEquals(y.shape, [5, time === 1 ? 1 : 3, 4]);
      if (time !== 1) outputs.push(y.toArray());
      const parameters = model.parameters().filter(({ name }) => name.includes("gate")).map(({ tensor }) => tensor);
      for (const gradient of gradients(y.square().sum(), parameters)) {
        assert(gradient.abs().max().item() > 0);
      }
    }
    assertEquals(outputs[0], outputs[1]);
  }
});

Deno.test("two children with one name in one call are refused, also of one description, and in a variant", () => {
  const twice = (children: () => [LayerPlugin, LayerPlugin]): Factory<"activation", None> =>
    definePlugin({
      name: "twice",
      options: none,
      activation(x, { run }) {
        const [a, b] = children();
        return run(a, x, "child").add(run(b, x, "child"));
      },
    });
  const shared = relu();
  for (const children of [() => [relu(), relu()], () => [shared, shared], () => [relu(), dense(2)]] as const) {
    const error = assertThrows(
      () => buildModel(sequential([twice(children as () => [LayerPlugin, LayerPlugin])()]), { inputShape: [2] }),
      PluginError,
      "two plugins have this place; give one another name.",
    );
    assert(error.message.startsWith("model.0.child ("), error.message);
  }
});

Deno.test("a child's name stands in a path of its own, and a child is a plugin that is given tensors", () => {
  const hosting = (body: (run: (child: never, x: never, name: never, how?: never) => Tensor, x: Tensor) => Tensor) => {
    const host: Factory<"layer", None> = definePlugin({
      name: "host",
      options: none,
      forward: (x, { run }) => body(run as never, x),
    });
    return () => buildModel(sequential([host()]), { inputShape: [2] });
  };
  const refused = (body: Parameters<typeof hosting>[0], text: string) => {
    const error = assertThrows(hosting(body), Error);
    assertEquals(error.message.slice(0, text.length), text);
  };
  for (const name of ["a.b", "a/b", "", 3, undefined]) {
    refused(
      (run, x) => run(relu() as never, x as never, name as never),
      "model.0 (host): expected a name for its child",
    );
  }
  refused(
    (run, x) => run(undefined as never, x as never, "a" as never),
    'model.0 (host): expected a plugin as its child "a", found undefined',
  );
  refused(
    (run) => run(relu() as never, undefined as never, "a" as never),
    'model.0 (host): expected a tensor, or several, as the input of its child "a", found undefined',
  );
  refused(
    (run, x) => run(relu() as never, x as never, "a" as never, { use: -1 } as never),
    "model.0 (host).use: expected a whole number of at least 0, found -1",
  );
});

Deno.test("repeat(share) has one set of parameters, draws of its own at each use, and the gradients of all uses", () => {
  const model = buildModel(repeat(sequential([dense(3, { bias: false }), dropout()]), 2, { share: true }), {
    inputShape: [3],
    seed: 1,
    dtype: "float64",
  });
  assertEquals(model.parameters().map(({ name }) => name), ["0.0.weight"]);
  const weight = model.parameters()[0].tensor;
  const x = random([4, 3], 1);
  const run = () => model.forward(x, { mode: "train", step: 2 });
  const [gradient] = gradients(run().sum(), [weight]);
  const [numbers, at] = [weight.floats, 4];
  const moved = (by: number) => {
    numbers[at] += by;
    const sum = run().sum().item();
    numbers[at] -= by;
    return sum;
  };
  assertAlmostEquals(gradient.floats[at], (moved(1e-5) - moved(-1e-5)) / 2e-5, 1e-6);
  // With the identity as weight, what both uses keep is four times the input; equal masks would leave no entry at 0 or 4 alone.
  weight.assign(Tensor.from(Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), [3, 3]));
  const wide = model.forward(Tensor.ones([200, 3], "float64"), { mode: "train", step: 0 }).floats;
  const kept = wide.filter((value) => value === 4).length / wide.length;
  assert(Math.abs(kept - 0.25) < 0.1, `both uses keep a share of ${kept}`);
});

/** Counts its calls in its running state. */
const counter: Factory<"layer", None> = definePlugin({
  name: "counter",
  options: none,
  init: () => ({ state: { count: Tensor.of(0) } }),
  forward(x, { state, setState, emit }) {
    setState("count", state.count.add(1));
    emit("count", state.count);
    return x.add(0);
  },
});

Deno.test("the uses of a shared layer see each other's running state, whether it is collected or changed at once", () => {
  const model = buildModel(repeat(counter(), 3, { share: true }), { inputShape: [1] });
  const count = model.state().get("0.count")!;
  const x = Tensor.ones([1, 1]);
  model.forward(x, { mode: "train", step: 0 });
  assertEquals(count.item(), 3);
  const stateUpdates = new Map<Tensor, Tensor>();
  model.forward(x, { mode: "train", step: 1, stateUpdates });
  assertEquals([count.item(), stateUpdates.get(count)!.item()], [3, 6]);
  // Another pass begins where the first began, and one with a number changes nothing.
  model.forward(x, { mode: "train", step: 1, stateUpdates });
  assertEquals([count.item(), stateUpdates.get(count)!.item()], [3, 6]);
  model.forward(x, { mode: "train", step: 1, pass: 1 });
  assertEquals(count.item(), 3);
});

Deno.test("batch norm's statistics move for every use alike, collected or not", () => {
  const statistics = (collect: boolean) => {
    const model = buildModel(repeat(batchNorm(), 2, { share: true }), { inputShape: [2], seed: 1 });
    const stateUpdates = collect ? new Map<Tensor, Tensor>() : undefined;
    model.forward(random([6, 2], 3).cast("float32"), { mode: "train", step: 0, stateUpdates });
    return [...model.state().values()].map((tensor) => (stateUpdates?.get(tensor) ?? tensor).toArray());
  };
  assertEquals(statistics(true), statistics(false));
});

Deno.test("running state of another shape, or none, is refused by the layer's place", () => {
  const bad = (value: unknown): Factory<"layer", None> =>
    definePlugin({
      name: "bad",
      options: none,
      init: () => ({ state: { mean: Tensor.zeros([2]) } }),
      forward(x, { setState }) {
        setState("mean", value as Tensor);
        return x;
      },
    });
  for (const [value, text] of [[Tensor.zeros([3]), "found [3]"], [undefined, "found undefined"]] as const) {
    const model = buildModel(sequential([bad(value)()]), { inputShape: [2] });
    for (const stateUpdates of [undefined, new Map<Tensor, Tensor>()]) {
      const run = () => model.forward(Tensor.ones([1, 2]), { mode: "train", step: 0, stateUpdates });
      assertThrows(run, ShapeError, `model.0 (bad): expected the state "mean" of shape [2], ${text}`);
    }
  }
});

Deno.test("each use of a shared layer hands out what it has under a name of its own", () => {
  const model = buildModel(sequential([repeat(counter(), 2, { share: true })]), { inputShape: [1] });
  const { emitted } = model.forwardAll(Tensor.ones([1, 1]));
  assertEquals([...emitted.keys()], ["0.0.count", "0.0.count (use 0:1)"]);
});

Deno.test("what a branch hands out, and its penalties, have all rows of the batch, though its masks leave rows out", () => {
  const giving: Factory<"layer", None> = definePlugin({
    name: "giving",
    options: none,
    forward(x, { emit }) {
      emit("seen", x);
      return x;
    },
  });
  const costing: Factory<"layer", None> = definePlugin({
    name: "costing",
    options: none,
    forward: (x) => x,
    penalty: (_context, { input }) => input!.square().sum(),
  });
  const x = random([12, 3], 1).cast("float32");
  const branch = stochasticDepth({ rate: 0.5 });
  const handing = buildModel(residual(giving(), { branch }), { inputShape: [3], seed: 1 });
  const paying = buildModel(residual(costing(), { branch }), { inputShape: [3], seed: 1 });
  for (let step = 0; step < 4; step++) {
    const { output, emitted } = handing.forwardAll(x, { mode: "train", step });
    assertEquals(emitted.get("block.seen")!.toArray(), x.toArray());
    assertEquals(output.toArray(), handing.forward(x, { mode: "train", step }).toArray());
    const [, penalty] = paying.forwardWithPenalty(x, { mode: "train", step });
    assertAlmostEquals(penalty!.item(), x.square().sum().item(), 1e-4);
  }
});

Deno.test("a state that is carried goes on from call to call, also when a branch around it is dropped for every example", () => {
  const model = buildModel(residual(gru(3), { branch: stochasticDepth({ rate: 1 }) }), {
    inputShape: [-1, 3],
    seed: 1,
  });
  const carry = new Map<string, Tensor>();
  model.forward(random([2, 4, 3], 1).cast("float32"), { mode: "train", step: 0, carry });
  const [first] = carry.values();
  assertEquals(first.shape, [2, 3]);
  const before = first.toArray();
  model.forward(random([2, 4, 3], 2).cast("float32"), { mode: "train", step: 1, carry });
  assertNotEquals([...carry.values()][0].toArray(), before);
});

Deno.test("a use is a whole number", () => {
  const host: Factory<"layer", None> = definePlugin({
    name: "host",
    options: none,
    forward: (x, { run }) => run(relu(), x, "a", { use: 0.5 }),
  });
  assertThrows(() => buildModel(host(), { inputShape: [1] }), OptionError, "model (host).use");
});

Deno.test("a host hears what its child hands out, tells it more than it acts on, and nothing is computed for nobody", () => {
  let computed = 0;
  const telling: Factory<"layer", None> = definePlugin({
    name: "telling",
    options: none,
    forward(x, { emit, run }) {
      emit("double", () => {
        computed++;
        return x.mul(2);
      });
      emit("plain", x);
      return run(inner(), x, "inner");
    },
  });
  const inner: Factory<"layer", None> = definePlugin({
    name: "inner",
    options: none,
    forward(x, { emit }) {
      emit("deep", x);
      return x;
    },
  });
  const taught: Factory<"activation", None> = definePlugin({
    name: "taught",
    options: none,
    activation: (x, { inputs }) => x.add(inputs.slice(1).reduce((sum, more) => sum.add(more), x.mul(0))),
  });
  const host = (listens: boolean): Factory<"layer", None> =>
    definePlugin({
      name: "host",
      options: none,
      forward(x, { run }) {
        const heard = new Map<string, Tensor>();
        const y = run(telling(), x, "child", listens ? { listen: (name, value) => heard.set(name, value) } : {});
        assertEquals([...heard.keys()], listens ? ["double", "plain"] : []);
        return run(taught(), [y, ...heard.values()], "taught");
      },
    });
  const [deaf, hearing] = [false, true].map((listens) => buildModel(host(listens)(), { inputShape: [2] }));
  computed = 0;
  assertEquals(deaf.forward(Tensor.of([[1, 2]])).toArray(), [[1, 2]]);
  assertEquals(computed, 0);
  assertEquals(hearing.forward(Tensor.of([[1, 2]])).toArray(), [[4, 8]]);
  assertEquals(computed, 1);
  const { emitted } = deaf.forwardAll(Tensor.of([[1, 2]]));
  assertEquals([...emitted.keys()], ["child.double", "child.plain", "child.inner.deep"]);
  assertEquals(emitted.get("child.double")!.toArray(), [[2, 4]]);
});
