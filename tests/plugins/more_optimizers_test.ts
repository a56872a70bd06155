/** AdamW, RMSprop and Adagrad against updates written out by hand. */
import { assert, assertAlmostEquals, assertThrows } from "@std/assert";
import { OptionError, type Plugin, Tensor } from "../../core/mod.ts";
import { adagrad } from "../../plugins/optimizers/adagrad.ts";
import { adam } from "../../plugins/optimizers/adam/adam.ts";
import { adamw } from "../../plugins/optimizers/adam/adamw.ts";
import { rmsprop, type RmspropOptions } from "../../plugins/optimizers/rmsprop.ts";
import { inverseTime } from "../../plugins/schedules/inverse_time.ts";
import { linear } from "../../plugins/schedules/linear.ts";
import { updates } from "./_apply.ts";

const start = Tensor.of([1, -2], "float64");

/** The gradient of this loss is [w0, 4 w1]. */
const bowl = (w: Tensor) => w.square().mul(Tensor.of([0.5, 2], "float64")).sum();

/** Weights after each of five updates of one number after the other, with its gradient given. */
function byHand(update: (w: number, gradient: number, step: number) => number): number[][] {
  const paths = [1, -2].map((w, i) =>
    Array.from({ length: 5 }, (_, step) => w = update(w, i === 0 ? w : 4 * w, step + 1))
  );
  return paths[0].map((_, step) => [paths[0][step], paths[1][step]]);
}

function close(optimizer: Plugin<"optimizer">, expected: number[][]): void {
  const found = updates(optimizer, start, bowl, 5).flat();
  found.forEach((value, i) => assertAlmostEquals(value, expected.flat()[i], 1e-12, `number ${i}`));
}

for (const centered of [false, true]) {
  for (const momentum of [0, 0.6]) {
    for (const weightDecay of [0, 0.3]) {
      const options: RmspropOptions = { learningRate: 0.1, alpha: 0.8, epsilon: 1e-3, centered, momentum, weightDecay };
      Deno.test(`rmsprop(${JSON.stringify(options)}) divides by the root of a running mean`, () => {
        let [square, mean, velocity] = [0, 0, 0];
        close(
          rmsprop(options),
          byHand((w, gradient, step) => {
            if (step === 1) [square, mean, velocity] = [0, 0, 0];
            const g = gradient + weightDecay * w;
            square = 0.8 * square + 0.2 * g * g;
            mean = 0.8 * mean + 0.2 * g;
            velocity = momentum * velocity + g / (Math.sqrt(square - (centered ? mean * mean : 0)) + 1e-3);
            return w - 0.1 * velocity;
          }),
        );
      });
    }
  }
}

Deno.test("rmsprop() centered stays finite when the variance of gradients is 0 but for rounding", () => {
  const constant = updates(rmsprop({ centered: true, alpha: 0 }), Tensor.of([1, 1e3]), (w) => w.mul(0.1).sum(), 5);
  assert(constant.flat().every(Number.isFinite), String(constant));
});

Deno.test("adagrad() divides by the root of the sum of squared gradients, which may begin above 0", () => {
  for (const initialAccumulator of [0, 2]) {
    for (const weightDecay of [0, 0.3]) {
      let sum = 0;
      close(
        adagrad({ learningRate: 0.5, epsilon: 1e-3, initialAccumulator, weightDecay }),
        byHand((w, gradient, step) => {
          const g = gradient + weightDecay * w;
          sum = (step === 1 ? initialAccumulator : sum) + g * g;
          return w - 0.5 * g / (Math.sqrt(sum) + 1e-3);
        }),
      );
    }
  }
});

Deno.test("adagrad() with inverseTime is PyTorch's lr_decay", () => {
  let sum = 0;
  const learningRate = inverseTime({ from: 0.5, every: 4, unit: "step" });
  close(
    adagrad({ learningRate, epsilon: 1e-3 }),
    byHand((w, g, step) => {
      sum = (step === 1 ? 0 : sum) + g * g;
      return w - 0.5 / (1 + (step - 1) * 0.25) * g / (Math.sqrt(sum) + 1e-3);
    }),
  );
});

Deno.test("adamw() shrinks the weight by learningRate times weightDecay, and then does as adam()", () => {
  let path = updates(adamw({ learningRate: 0.1, weightDecay: 0 }), start, bowl, 5).flat();
  const plain = updates(adam({ learningRate: 0.1 }), start, bowl, 5).flat();
  path.forEach((value, i) => assertAlmostEquals(value, plain[i], 1e-14));
  // Without gradients only the decay is left.
  path = updates(adamw({ learningRate: 0.1, weightDecay: 0.5 }), start, (w) => w.mul(0).sum(), 2).flat();
  [0.95, -1.9, 0.9025, -1.805].forEach((value, i) => assertAlmostEquals(path[i], value, 1e-12));
});

Deno.test("weight decay may follow a schedule", () => {
  const weightDecay = linear({ from: 0, to: 1, over: 1, unit: "step" });
  const path = updates(adamw({ learningRate: 0.1, weightDecay }), start, (w) => w.mul(0).sum(), 2).flat();
  [1, -2, 0.9, -1.8].forEach((value, i) => assertAlmostEquals(path[i], value, 1e-12));
});

for (
  const optimizer of [
    adamw({ learningRate: 0.1, weightDecay: 0 }),
    rmsprop({ learningRate: 0.01 }),
    adagrad({ learningRate: 0.5 }),
  ]
) {
  Deno.test(`${optimizer.plugin}() comes near the bottom of a bowl`, () => {
    const last = updates(optimizer, start, bowl, 600).at(-1)!;
    assert(last.every((value) => Math.abs(value) < 0.02), String(last));
  });
}

Deno.test("further optimizers refuse options outside their range", () => {
  assertThrows(() => rmsprop({ alpha: 1 }), OptionError, "rmsprop.alpha");
  assertThrows(() => rmsprop({ momentum: -0.1 }), OptionError, "rmsprop.momentum");
  assertThrows(() => adagrad({ initialAccumulator: -1 }), OptionError, "adagrad.initialAccumulator");
  assertThrows(() => adamw({ weightDecay: -1 }), OptionError, "adamw.weightDecay: expected a number of at least 0");
});
