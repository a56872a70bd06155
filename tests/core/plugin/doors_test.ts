/** Doors of the contract, each with a plugin that needs it. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  applyMask,
  buildModel,
  definePlugin,
  type Factory,
  fit,
  gradients,
  keepProbability,
  Key,
  type LayerPlugin,
  type Model,
  OptimizerDriver,
  part,
  type Plugin,
  rateSchema,
  rateThreshold,
  type Scheduled,
  scheduled,
  type Shape,
  Tensor,
} from "../../../core/mod.ts";
import { conv1d, dense, digits, linear, lstm, relu, sequential, sgd, sigmoid } from "../../../plugins/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
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

// ---- mixout ----

/**
 * Mixout (Lee, Cho, Kang, ICLR 2020): dropped weights go back to those that fine-tuning began with, and the mean stays:
 * `w' = (kept w + (1 - kept) u - p u) / (1 - p)`.
 */
const mixout: Factory<"weight", { rate?: Scheduled }> = definePlugin({
  name: "mixout",
  options: z.object({ rate: scheduled(rateSchema).default(0.5) }),
  init: ({ weight }) => ({ state: { target: weight!.clone() } }),
  weight(weight, { mode, key, options: { rate }, progress, state: { target }, setState }) {
    if (mode === "eval") return weight;
    if (mode === "train" && progress.step === 0) {
      setState("target", weight);
      return weight; // it is its own target
    }
    if (rate === 1) return applyMask(weight, { key, rate, c: target });
    const keep = keepProbability(rateThreshold(rate));
    return applyMask(weight, { key, rate, b: target.mul(-(1 - keep) / keep), c: target });
  },
  claims: { eval: "identity" },
});

Deno.test("mixout goes back to the weights that training began with, keeps the mean, and has the gradient 1/q", () => {
  for (
    const host of [
      dense(5, { bias: false, weight: mixout({ rate: 0.3 }) }),
      conv1d(5, 2, { bias: false, weight: mixout({ rate: 0.3 }) }),
    ]
  ) {
    const shape = host.plugin === "dense" ? [4] : [4, 2];
    const model = built(host, shape);
    const weight = parameterOf(model, "weight");
    const begun = random(weight.shape, 5);
    weight.assign(begun); // as fine-tuning loads it, after the model was built
    const x = random([2, ...shape], 1);
    model.forward(x, { mode: "train", step: 0 });
    assertEquals(model.state().get("weight.target")!.toArray(), begun.toArray());
    const moved = begun.add(random(weight.shape, 6));
    weight.assign(moved);
    const keep = keepProbability(rateThreshold(0.3));
    const means = new Float64Array(weight.size);
    const steps = 3000;
    const variant = model.plugins().get("weight")!.definition as { weight: (...args: unknown[]) => Tensor };
    const options = model.plugins().get("weight")!.options;
    for (let step = 1; step <= steps; step++) {
      const key = Key.seed(1).at("train").at("weight").atStep(step).whole();
      const context = { mode: "train", key, options, progress: progress(step), state: { target: begun } };
      const leaf = moved.withGradient();
      const drawn = variant.weight(leaf, context);
      const [gradient] = gradients(drawn.sum(), [leaf]);
      drawn.floats.forEach((value, i) => {
        const [w, u] = [moved.floats[i], begun.floats[i]];
        const kept = (w - (1 - keep) * u) / keep;
        assert(Math.abs(value - kept) < 1e-12 || Math.abs(value - u) < 1e-12);
        if (step === 1) assertAlmostEquals(gradient.floats[i], Math.abs(value - kept) < 1e-12 ? 1 / keep : 0, 1e-12);
        means[i] += value / steps;
      });
    }
    means.forEach((value, i) => {
      const spread = Math.sqrt((1 - keep) / keep) * Math.abs(moved.floats[i] - begun.floats[i]);
      assertWithin(value, moved.floats[i], spread / Math.sqrt(steps), `entry ${i}`);
    });
    assertEquals(model.forward(x).toArray(), model.forward(x, { mode: "eval" }).toArray());
  }
  const all = built(dense(3, { weight: mixout({ rate: 1 }) }), [2]);
  const target = parameterOf(all, "weight").clone();
  parameterOf(all, "weight").assign(Tensor.ones([3, 2], "float64"));
  const x = random([4, 2], 3);
  assertEquals(all.forward(x, { mode: "train", step: 7 }).toArray(), x.matmul(target, { transposeB: true }).toArray());
});

Deno.test("mixout acts on a recurrent weight, drawn once for all steps", () => {
  const model = built(lstm(3, { weight: mixout({ rate: 0.4 }) }), [4, 2]);
  const parameters = model.parameters().map(({ tensor }) => tensor);
  parameterOf(model, "weight_hh_l0").assign(random([12, 3], 9));
  checkGradient(
    (given) => {
      given.forEach((value, i) => parameters[i].assign(value));
      return model.forward(random([2, 4, 2], 1), { mode: "train", step: 3 });
    },
    [],
    { parameters },
  );
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
