/** Doors of the contract, each with a plugin that needs it. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  fit,
  gradients,
  type LayerPlugin,
  type Model,
  OptimizerDriver,
  part,
  type Plugin,
  rateSchema,
  type Scheduled,
  scheduled,
  type Shape,
  Tensor,
} from "../../../core/mod.ts";
import { conv1d, dense, digits, linear, mixout, relu, sequential, sgd, sigmoid } from "../../../plugins/mod.ts";
import { assertWithin, mean } from "../_statistics.ts";
import { random } from "../_tensors.ts";

const built = (layer: LayerPlugin, inputShape: Shape) => buildModel(layer, { inputShape, seed: 1, dtype: "float64" });
const parameterOf = (model: Model, name: string) => model.parameters().find((p) => p.name === name)!.tensor;
const progress = (step: number, totalSteps = 100) => ({ step, stepsPerEpoch: 10, totalSteps });

// ---- a gated variant with a learned net of its own ----

const gates = new WeakMap<object, LayerPlugin>();

/** Keeps a unit with the probability that a small net, learned with the rest, gives it from the same input. */
const gatedDropout: Factory<"activation", { scale?: number }> = definePlugin({
  name: "gated-dropout",
  options: z.object({ scale: z.number().positive().default(1) }),
  activation(x, { mode, key, options, run }) {
    const units = x.shape[x.rank - 1];
    let gate = gates.get(options);
    if (gate === undefined) {
      gates.set(options, gate = sequential([dense(units, { initializerGain: options.scale }), sigmoid()]));
    }
    const keep = run(gate, x, "gate");
    if (mode === "eval") return x.mul(keep);
    // The draw decides; the gradient is that of the expectation, which reaches the gate.
    const drawn = Tensor.uniform(x.shape, key, x.floatType).sub(keep.detach()).mul(-1).greater(0);
    return x.mul(drawn.add(keep).sub(keep.detach()));
  },
  claims: { gradient: "surrogate" },
});

Deno.test("a variant runs a net of its own, whose parameters are the model's and learn", async () => {
  const net = sequential([dense(12), relu(), gatedDropout(), dense(10)]);
  const run = await fit(net, {
    data: digits({ train: 200, test: 50 }),
    optimizer: sgd({ learningRate: 0.1 }),
    epochs: 2,
    batchSize: 20,
    seed: 1,
  });
  const names = run.model.parameters().map(({ name }) => name);
  assert(names.includes("2.gate.0.weight") && names.includes("2.gate.0.bias"), String(names));
  assertEquals(run.model.summary().map(({ path }) => path).slice(3, 6), ["2", "2.gate", "2.gate.0"]);
  assert(parameterOf(run.model, "2.gate.0.bias").floats.some((value) => value !== 0));
});

Deno.test("a gated variant drops by the probabilities of its gate, and evaluates with them", () => {
  const model = built(gatedDropout({ scale: 3 }), [40]);
  const x = random([1, 40], 2);
  const keep = [...model.forward(x).div(x).floats];
  const passes = 2000;
  const kept = new Float64Array(40);
  for (let step = 0; step < passes; step++) {
    model.forward(x, { mode: "train", step }).floats.forEach((value, i) => kept[i] += value === 0 ? 0 : 1);
  }
  kept.forEach((count, i) =>
    assertWithin(count / passes, keep[i], Math.sqrt(keep[i] * (1 - keep[i]) / passes), `unit ${i}`)
  );
});

// ---- weight pruning with a saved mask ----

/** Cuts the smallest weights at given steps and never lets them back: which are cut is saved with the model. */
const prunedWeight: Factory<"weight", { share?: Scheduled }> = definePlugin({
  name: "pruned-weight",
  options: z.object({ share: scheduled(rateSchema).default(0.5) }),
  init: ({ inputShape, dtype }) => ({ state: { kept: Tensor.ones(inputShape, dtype) } }),
  weight(weight, { mode, options: { share }, state, setState }) {
    if (mode === "train") {
      const sizes = [...weight.abs().floats].sort((a, b) => a - b);
      const cut = sizes[Math.floor(share * sizes.length) - 1] ?? -1;
      setState("kept", state.kept.mul(weight.detach().abs().greater(cut)));
    }
    return weight.mask(state.kept);
  },
});

Deno.test("a variant prunes weights by a mask that training changes and that is saved", () => {
  const layer = dense(4, { weight: prunedWeight({ share: linear({ from: 0, to: 1 }) }) });
  const model = built(layer, [6]);
  const x = random([3, 6], 1);
  model.forward(x, { mode: "train", progress: progress(50) });
  const kept = model.state().get("weight.kept")!;
  assertEquals(kept.sum().item(), 12);
  model.forward(x, { mode: "sample", step: 0, progress: progress(100) });
  assertEquals(kept.sum().item(), 12); // inference changes nothing
  const saved = new Map([
    ...model.parameters().map(({ name, tensor }) => [`model/${name}`, tensor] as const),
    ...[...model.state()].map(([name, tensor]) => [`state/${name}`, tensor] as const),
  ]);
  const other = built(layer, [6]);
  assertNotEquals(other.forward(x).toArray(), model.forward(x).toArray());
  other.load(saved);
  assertEquals(other.forward(x).toArray(), model.forward(x).toArray());
  // What was cut stays cut, whatever it becomes.
  parameterOf(model, "weight").assign(Tensor.full([4, 6], 5, "float64"));
  assertEquals(model.forward(x).toArray(), x.matmul(kept.mul(5), { transposeB: true }).toArray());
});

// ---- mixout: state that begins as the weight ----

Deno.test("a variant's state begins as the weight that it stands at, and is set to what training begins with", () => {
  for (const host of [dense(5, { weight: mixout() }), conv1d(5, 2, { weight: mixout() })]) {
    const shape = host.plugin === "dense" ? [4] : [4, 2];
    const model = built(host, shape);
    const [weight, target] = [parameterOf(model, "weight"), model.state().get("weight.target")!];
    assertEquals(target.toArray(), weight.toArray());
    const begun = random(weight.shape, 5);
    weight.assign(begun); // as fine-tuning loads it, after the model was built
    model.forward(random([2, ...shape], 1), { mode: "train", step: 0 });
    assertEquals(target.toArray(), begun.toArray());
  }
});

// ---- the stochastic delta rule: an optimizer that draws, remembers and wraps another ----

/**
 * The stochastic delta rule (Hanson 1990; Frazier-Logue and Hanson 2018): each weight is drawn anew at each step from a normal
 * distribution whose mean another optimizer updates and whose deviation follows the gradient:
 * `deviation <- zeta (beta |gradient| + deviation)`.
 */
const deltaRule: Factory<"optimizer", { inner?: Plugin<"optimizer">; beta?: number; zeta?: number }> = definePlugin({
  name: "delta-rule",
  options: z.object({
    inner: part("optimizer").default(sgd({ learningRate: 0.1 })),
    beta: z.number().min(0).default(0.1),
    zeta: z.number().min(0).lt(1).default(0.9),
  }),
  slots: () => ["mean", "deviation"],
  wraps: ({ inner }) => [inner],
  update(
    { parameter, gradient, slots: { mean, deviation }, options: { inner: wrapped, beta, zeta }, key, iteration, inner },
  ) {
    if (iteration > 1) parameter.assign(mean);
    inner(wrapped);
    mean.assign(parameter);
    deviation.assign(gradient.abs().mul(beta).add(deviation).mul(zeta));
    parameter.assign(mean.add(Tensor.normal(parameter.shape, key, parameter.floatType).mul(deviation)));
  },
});

/** A model of one parameter, without a layer around it. */
function only(weight: Tensor): Model {
  return {
    parameters: () => [{ name: "w", tensor: weight, constraint: undefined }],
    schedules: undefined,
  } as unknown as Model;
}

Deno.test("the stochastic delta rule without noise is the optimizer that it wraps, bit for bit", () => {
  const start = random([3, 4], 1);
  const run = (optimizer: Plugin<"optimizer">) => {
    const weight = start.clone().withGradient();
    const driver = new OptimizerDriver(optimizer, only(weight));
    for (let step = 0; step < 5; step++) {
      driver.update(gradients(weight.square().sum(), [weight]), progress(step));
    }
    return { weight, driver };
  };
  const inner = sgd({ learningRate: 0.1, momentum: 0.9 });
  const { weight, driver } = run(deltaRule({ inner, beta: 0 }));
  assertEquals(weight.toArray(), run(inner).weight.toArray());
  assertEquals([...driver.slots().keys()], ["mean/w", "deviation/w", "0/velocity/w"]);
});

Deno.test("the stochastic delta rule draws by address around a mean that the wrapped optimizer moves", () => {
  const start = Tensor.ones([1, 4000], "float64");
  const run = (seed: number) => {
    const weight = start.clone().withGradient();
    const driver = new OptimizerDriver(deltaRule({ beta: 2, zeta: 0.5 }), only(weight), [], seed);
    driver.update([Tensor.full([1, 4000], 0.3, "float64")], progress(0));
    return { weight: weight.floats, slots: driver.slots() };
  };
  const { weight, slots } = run(3);
  assert(slots.get("mean/w")!.floats.every((value) => Math.abs(value - 0.97) < 1e-12));
  assert(slots.get("deviation/w")!.floats.every((value) => Math.abs(value - 0.3) < 1e-12));
  assertWithin(mean(weight), 0.97, 0.3 / Math.sqrt(4000), "mean of the draws");
  assertEquals([...run(3).weight], [...weight]);
  assertNotEquals([...run(4).weight], [...weight]);
});

Deno.test("an optimizer can only run what it wraps", () => {
  const stranger: Factory<"optimizer", Record<never, never>> = definePlugin({
    name: "stranger",
    options: z.object({}),
    update: ({ inner }) => inner(sgd()),
  });
  const weight = Tensor.ones([1], "float64").withGradient();
  const driver = new OptimizerDriver(stranger(), only(weight));
  assertThrows(() => driver.update([Tensor.ones([1], "float64")], progress(0)), Error, "does not wrap sgd");
});
