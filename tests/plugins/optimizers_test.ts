/** Optimizers against updates written out by hand. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { type Plugin, Tensor } from "../../core/mod.ts";
import { adam } from "../../plugins/optimizers/adam/adam.ts";
import { sgd } from "../../plugins/optimizers/sgd/sgd.ts";
import { linear } from "../../plugins/schedules/linear.ts";
import { updates } from "./_apply.ts";

const start = Tensor.of([1, -2], "float64");

/** The gradient of this loss is [w0, 4 w1]. */
const bowl = (w: Tensor) => w.square().mul(Tensor.of([0.5, 2], "float64")).sum();

function close(found: number[][], expected: number[][], tolerance = 1e-12): void {
  assertEquals(found.length, expected.length);
  found.flat().forEach((value, i) => assertAlmostEquals(value, expected.flat()[i], tolerance));
}

Deno.test("sgd() steps along the gradient", () => {
  close(updates(sgd({ learningRate: 0.1 }), start, bowl, 2), [[0.9, -1.2], [0.81, -0.72]]);
});

Deno.test("sgd() with momentum adds up velocities: v = momentum v + g, w -= learningRate v", () => {
  // v: [1, -8] and [0.5 + 0.9, -4 - 4.8].
  close(updates(sgd({ learningRate: 0.1, momentum: 0.5 }), start, bowl, 2), [[0.9, -1.2], [0.76, -0.32]]);
});

Deno.test("sgd() with Nesterov's momentum looks ahead along the velocity", () => {
  // g + momentum v: [1.5, -12], then v = [0.5 + 0.85, -4 - 3.2] and [0.85 + 0.675, -3.2 - 3.6].
  close(updates(sgd({ learningRate: 0.1, momentum: 0.5, nesterov: true }), start, bowl, 2), [[0.85, -0.8], [
    0.6975,
    -0.12,
  ]]);
});

Deno.test("sgd() with dampening takes the first gradient whole and later ones in part", () => {
  // v: [1, -8], then 0.5 v + 0.75 g = [0.5 + 0.675, -4 - 3.6].
  const found = updates(sgd({ learningRate: 0.1, momentum: 0.5, dampening: 0.25 }), start, bowl, 2);
  close(found, [[0.9, -1.2], [0.7825, -0.44]]);
});

Deno.test("sgd() with weight decay adds it to the gradient, before the velocity", () => {
  // g + 0.5 w: [1.5, -9].
  close(updates(sgd({ learningRate: 0.1, weightDecay: 0.5, momentum: 0.9 }), start, bowl, 1), [[0.85, -1.1]]);
});

Deno.test("sgd() follows schedules of its options, and keeps a velocity for a momentum that begins at 0", () => {
  const ramp = sgd({ learningRate: linear({ from: 0.1, to: 0 }), momentum: linear({ from: 0, to: 1, over: 2 }) });
  // Step 0: rate 0.1, momentum 0. Step 1 of 2: rate 0.05, momentum 0.25: v = [0.25 + 0.9, -2 - 4.8].
  const progressAt = (step: number) => ({ step, stepsPerEpoch: 2, totalSteps: 2 });
  close(updates(ramp, start, bowl, 2, progressAt), [[0.9, -1.2], [0.9 - 0.05 * 1.15, -1.2 + 0.05 * 6.8]]);
});

Deno.test("adam() takes a first step of the learning rate against the sign of the gradient", () => {
  close(updates(adam({ learningRate: 0.1, epsilon: 1e-12 }), start, bowl, 1), [[0.9, -1.9]], 1e-10);
});

Deno.test("adam() divides corrected means of gradients by the root of those of their squares", () => {
  const [rate, beta1, beta2, epsilon] = [0.1, 0.8, 0.9, 1e-3];
  const found = updates(adam({ learningRate: rate, beta1, beta2, epsilon }), start, bowl, 4);
  const weight = [1, -2];
  const [m, v] = [[0, 0], [0, 0]];
  const expected = found.map((_, step) =>
    weight.map((w, i) => {
      const g = i === 0 ? w : 4 * w;
      m[i] = beta1 * m[i] + (1 - beta1) * g;
      v[i] = beta2 * v[i] + (1 - beta2) * g * g;
      const mean = m[i] / (1 - beta1 ** (step + 1));
      const square = v[i] / (1 - beta2 ** (step + 1));
      return weight[i] = w - rate * mean / (Math.sqrt(square) + epsilon);
    })
  );
  close(found, expected);
});

Deno.test("adam() with weight decay adds it to the gradient", () => {
  const decayed = updates(adam({ learningRate: 0.1, weightDecay: 2 }), start, bowl, 3);
  const penalized = updates(adam({ learningRate: 0.1 }), start, (w) => bowl(w).add(w.square().sum()), 3);
  close(decayed, penalized);
});

const all: Plugin<"optimizer">[] = [
  sgd({ learningRate: 0.1 }),
  sgd({ learningRate: 0.05, momentum: 0.8 }),
  sgd({ learningRate: 0.05, momentum: 0.8, nesterov: true }),
  adam({ learningRate: 0.1 }),
];
for (const optimizer of all) {
  const { plugin, options } = optimizer;
  Deno.test(`${plugin}(${JSON.stringify(options)}) finds the bottom of a bowl`, () => {
    const path = updates(optimizer, start, bowl, 300);
    const last = path[path.length - 1];
    assert(last.every((value) => Math.abs(value) < 1e-3), String(last));
  });
}

Deno.test("an optimizer updates float32 weights in place, whatever the backend", () => {
  const weight = Tensor.of([1, -2]);
  const found = updates(sgd({ learningRate: 0.5 }), weight, (w) => w.sum(), 2);
  assertEquals(found, [[0.5, -2.5], [0, -3]]);
});
