/** Optimizers: the weight after each step on the mean squared error of `X w` and `Y`. */
import { type Plugin, Tensor } from "../../core/mod.ts";
import * as plugins from "../../plugins/mod.ts";
import { updates } from "../plugins/_apply.ts";
import { assertGolden, type GoldenCase, refuse, type Runner, tensorOf } from "./_golden.ts";

type Attributes = GoldenCase["attrs"];

const optimizer = (make: (attrs: Attributes) => Plugin<"optimizer">): Runner => (golden, dtype) => {
  refuse(golden, "amsgrad", "maximize");
  const [x, y, start] = ["X", "Y", "w0"].map((name) => tensorOf(golden.inputs[name], dtype));
  const expected = Object.entries(golden.outputs);
  const found = updates(make(golden.attrs), start, (w) => x.matmul(w).sub(y).square().mean(), expected.length);
  for (const [name, answer] of expected) {
    assertGolden(Tensor.from(found[Number(name.slice(1)) - 1], start.shape, dtype), answer, name);
  }
};

const sgd = optimizer(({ lr, momentum, dampening, nesterov, weight_decay }) =>
  plugins.sgd({ learningRate: lr, momentum, dampening, nesterov, weightDecay: weight_decay })
);

const adamOptions = ({ lr, betas, eps, weight_decay }: Attributes) => ({
  learningRate: lr,
  beta1: betas?.[0],
  beta2: betas?.[1],
  epsilon: eps,
  weightDecay: weight_decay,
});

const adagrad = optimizer(({ lr = 0.01, lr_decay = 0, initial_accumulator_value, eps, weight_decay }) =>
  plugins.adagrad({
    learningRate: lr_decay === 0 ? lr : plugins.inverseTime({ from: lr, every: 1 / lr_decay, unit: "step" }),
    initialAccumulator: initial_accumulator_value,
    epsilon: eps,
    weightDecay: weight_decay,
  })
);

const rmsprop = optimizer(({ lr, alpha, eps, momentum, centered, weight_decay }) =>
  plugins.rmsprop({ learningRate: lr, alpha, epsilon: eps, momentum, centered, weightDecay: weight_decay })
);

/** By the beginning of a case's name. */
export const optimizers: Record<string, Runner> = {
  optim_adagrad: adagrad,
  optim_adam: optimizer((attrs) => plugins.adam(adamOptions(attrs))),
  optim_adamw: optimizer((attrs) => plugins.adamw(adamOptions(attrs))),
  optim_momentum: sgd,
  optim_nesterov: sgd,
  optim_rmsprop: rmsprop,
  optim_sgd: sgd,
};
