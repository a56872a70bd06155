/**
 * Standout: what decides what is kept, where the mask stands, and what gradients see. Statistics lie within four standard
 * errors (error probability 6e-5 each), with fixed seeds.
 */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { gradients, type LayerPlugin, type Model, OptionError, Tensor } from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { conv2d, dense, linear, relu, sequential, sigmoid, silu, standout, tanh } from "../../../plugins/mod.ts";
import { assertWithin, mean } from "../../core/_statistics.ts";
import { doubles, random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** One unit of the weight (1, -2) without a bias. */
function unit(options: Parameters<typeof standout>[0], ...after: LayerPlugin[]): Model {
  const model = built(sequential([dense(1, { bias: false, weight: standout(options) }), ...after]), [2]);
  model.parameters()[0].tensor.assign(doubles([[1, -2]]));
  return model;
}

/** The number of units that are kept, of `count` equal examples. */
function kept(model: Model, x: number[], count: number, step = 0): number {
  const input = doubles([x]).broadcastTo([count, x.length]);
  return model.forward(input, { mode: "train", step }).floats.filter((value) => value !== 0).length;
}

Deno.test("standout() keeps a unit with probability sigmoid(alpha W v + beta), alpha before the product", () => {
  // W v = 0: the other reading, with weights alpha W + beta, would be sigmoid(0.75) = 0.679179.
  const model = unit({ alpha: 1, beta: 1 });
  const keep = model.forwardAll(doubles([[0.5, 0.25]])).emitted.get("0.weight.keep")!;
  assertAlmostEquals(keep.item(), 0.731059, 1e-6);
  const count = 40000;
  for (const [alpha, beta, x] of [[1, 1, [0.75, 0.25]], [2, -1, [0.5, -0.5]], [-1, 0, [1, 0]]] as const) {
    const expected = logistic(alpha * (x[0] - 2 * x[1]) + beta);
    const found = kept(unit({ alpha, beta }), [...x], count) / count;
    assertWithin(found, expected, Math.sqrt(expected * (1 - expected) / count), `alpha ${alpha}, beta ${beta}`);
  }
});

Deno.test("standout() with an alpha of 0 is dropout with the keep probability sigmoid(beta), unscaled, whatever the input", () => {
  const count = 40000;
  for (const x of [[1, 0], [-100, 3], [1e300, 1]]) {
    const q = logistic(0.5);
    assertWithin(kept(unit({ alpha: 0, beta: 0.5 }), x, count) / count, q, Math.sqrt(q * (1 - q) / count), `${x}`);
  }
});

Deno.test("standout() at evaluation is the mean of training, with ReLU, sigmoid and tanh before the mask", () => {
  const count = 100000;
  const x = random([3], 4);
  for (const [activation, f] of [[relu, "relu"], [sigmoid, "sigmoid"], [tanh, "tanh"]] as const) {
    const model = built(sequential([dense(4, { weight: standout({ alpha: 0.7, beta: 0.2 }) }), activation()]), [3]);
    const [weight, bias] = model.parameters().map(({ tensor }) => tensor);
    bias.assign(random([4], 5));
    const product = weight.matmul(x);
    const pi = product.mul(0.7).add(0.2).sigmoid();
    const units = product.add(bias)[f]();
    const evaluated = model.forward(x.reshape([1, 3])).floats;
    const y = model.forward(x.broadcastTo([count, 3]), { mode: "train", step: 0 });
    for (let i = 0; i < 4; i++) {
      const [p, u] = [pi.floats[i], units.floats[i]];
      assertAlmostEquals(evaluated[i], p * u, 1e-12);
      const values = y.slice([0, i], [count, i + 1]).floats;
      assertEquals(values.every((value) => value === 0 || Math.abs(value - u) < 1e-12), true, "0 or the unit itself");
      if (u !== 0) assertWithin(mean(values), p * u, Math.abs(u) * Math.sqrt(p * (1 - p) / count), `${f}, unit ${i}`);
    }
  }
});

Deno.test("standout() before an activation that does not fuse masks the pre-activation", () => {
  const model = unit({ alpha: 1, beta: 0 }, silu());
  const x = doubles([[1, -0.5]]); // W v = 2
  const silued = (value: number) => value * logistic(value);
  assertAlmostEquals(model.forward(x).item(), silued(2 * logistic(2)), 1e-12);
  const y = model.forward(x.broadcastTo([200, 2]), { mode: "sample", step: 3 }).floats;
  const values = [...new Set(Array.from(y, (value) => value.toFixed(12)))].sort();
  assertEquals(values, [(0).toFixed(12), silued(2).toFixed(12)]);
});

Deno.test("standout() draws for each unit, example and step, and a split of the batch draws alike", () => {
  const model = built(dense(5, { weight: standout() }), [3]);
  const x = random([1, 3], 1).broadcastTo([6, 3]);
  const zeros = (y: Tensor) => Array.from(y.floats, (value) => value === 0 ? 0 : 1).join("");
  const whole = model.forward(x, { mode: "train", step: 2 });
  assertEquals(model.forward(x, { mode: "train", step: 2 }).toArray(), whole.toArray());
  assert(zeros(model.forward(x, { mode: "train", step: 3 })) !== zeros(whole));
  assert(zeros(model.forward(x, { mode: "sample", step: 2 })) !== zeros(whole));
  const rows = Array.from({ length: 6 }, (_, row) => zeros(whole.slice([row], [row + 1])));
  assert(new Set(rows).size > 3);
  const part = model.forward(x.slice([0], [2]), { mode: "train", step: 2, sample: 4 });
  assertEquals(part.toArray(), whole.slice([4]).toArray());
});

Deno.test("standout() in a convolution keeps each place of each channel by the convolution there", () => {
  const model = built(sequential([conv2d(3, 2, { stride: 2, weight: standout({ alpha: 2 }) }), relu()]), [2, 4, 6]);
  const [weight, bias] = model.parameters().map(({ tensor }) => tensor);
  bias.assign(doubles([0.5, -0.25, 1]));
  const x = random([2, 2, 4, 6], 3);
  const plain = built(conv2d(3, 2, { stride: 2, bias: false }), [2, 4, 6]);
  plain.parameters()[0].tensor.assign(weight);
  const product = plain.forward(x);
  const expected = product.add(bias.reshape([3, 1, 1])).relu().mul(product.mul(2).sigmoid());
  assert(model.forward(x).sub(expected).abs().max().item() < 1e-12);
  const keep = model.forwardAll(x).emitted.get("0.weight.keep")!;
  assertEquals(keep.shape, [2, 3, 2, 3]);
});

Deno.test("a tied standout() sends no gradient through the mask in training, and through the probability at evaluation", () => {
  const model = unit({ alpha: 1, beta: 0 });
  const weight = model.parameters()[0].tensor;
  const x = doubles([[1, -0.5]]);
  for (let step = 0; step < 10; step++) {
    const y = model.forward(x, { mode: "train", step });
    const [found] = gradients(y.sum(), [weight]);
    assertEquals([...found.floats], y.item() === 0 ? [0, 0] : [1, -0.5]);
  }
  const [found] = gradients(model.forward(x).sum(), [weight]);
  // d/dz of z s(z) at z = 2.
  const slope = logistic(2) + 2 * logistic(2) * (1 - logistic(2));
  found.floats.forEach((value, i) => assertAlmostEquals(value, slope * x.floats[i], 1e-12));
  for (const mode of ["train", "eval"] as const) {
    const layer = built(sequential([dense(4, { weight: standout() }), tanh()]), [3]);
    const parameters = layer.parameters().map(({ tensor }) => tensor);
    checkGradient(([x]) => layer.forward(x, { mode, step: 1 }), [random([5, 3], 2)], { parameters });
  }
});

Deno.test("a free standout() begins as the tied one, and learns weights of its own", () => {
  const [tied, free] = (["tied", "free"] as const).map((gate) => built(dense(4, { weight: standout({ gate }) }), [3]));
  const x = random([5, 3], 2);
  for (const run of [{ mode: "eval" }, { mode: "train", step: 1 }] as const) {
    assertEquals(free.forward(x, run).toArray(), tied.forward(x, run).toArray());
  }
  const names = free.parameters().map(({ name }) => name);
  assertEquals(names, ["weight", "bias", "weight.gate", "weight.gateBias"]);
  const parameters = free.parameters().map(({ tensor }) => tensor);
  checkGradient(([x]) => free.forward(x), [x], { parameters });
  // Straight through: units times their probability.
  const [weight, bias, gate, gateBias] = parameters;
  const expected = gradients(
    x.matmul(weight.detach(), { transposeB: true }).add(bias.detach())
      .mul(x.matmul(gate, { transposeB: true }).add(gateBias).sigmoid()).sum(),
    [gate, gateBias],
  );
  const found = gradients(free.forward(x, { mode: "train", step: 1 }).sum(), [gate, gateBias]);
  found.forEach((tensor, i) => assert(tensor.sub(expected[i]).abs().max().item() < 1e-12));
  const y = free.forward(x, { mode: "train", step: 1 });
  const [towards] = gradients(y.sum(), [weight]);
  const kept = Tensor.from(y.floats.map((value) => value === 0 ? 0 : 1), y.shape);
  assert(kept.floats.includes(0) && kept.floats.includes(1));
  assert(
    towards.sub(kept.matmul(x, { transposeA: true })).abs().max().item() < 1e-12,
    "only kept units reach the weight",
  );
  gate.assign(Tensor.zeros(gate.shape, "float64"));
  gateBias.assign(Tensor.full(gateBias.shape, -100, "float64"));
  assertEquals(free.forward(x, { mode: "train", step: 0 }).abs().max().item(), 0);
});

Deno.test("what standout() drops is 0 even of an infinite unit", () => {
  const model = built(sequential([dense(1, { weight: standout({ alpha: 0, beta: -100 }) }), relu()]), [1]);
  model.parameters()[0].tensor.assign(doubles([[1]]));
  assertEquals(model.forward(doubles([[Infinity]]), { mode: "train", step: 0 }).item(), 0);
  // With an alpha of 0 an infinite input decides nothing.
  model.configure("0.weight", { beta: 100 });
  assertEquals(model.forward(doubles([[Infinity]]), { mode: "train", step: 0 }).item(), Infinity);
});

Deno.test("the numbers of standout() may be schedules, and anything but a number is refused", () => {
  const model = built(
    dense(1, { bias: false, weight: standout({ alpha: 0, beta: linear({ from: 100, to: -100 }) }) }),
    [1],
  );
  model.parameters()[0].tensor.assign(doubles([[1]]));
  const at = (step: number) =>
    model.forward(doubles([[1]]), { mode: "train", progress: { step, stepsPerEpoch: 101, totalSteps: 101 } }).item();
  assertEquals([at(0), at(100)], [1, 0]);
  assertThrows(() => standout({ alpha: Infinity }), OptionError, "alpha: expected a number");
  assertThrows(() => standout({ gate: "none" as "tied" }), OptionError, "gate");
});
