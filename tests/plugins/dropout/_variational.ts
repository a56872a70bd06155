/** What the tests of learned posteriors over weights share. */
import type { Model, Tensor } from "../../../core/mod.ts";
import type { Examples } from "../../../plugins/datasets/_examples.ts";
import { mean } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";

/** Overwrites parameters of a model by name. */
export function assign(model: Model, values: Readonly<Record<string, Tensor>>): void {
  for (const [name, value] of Object.entries(values)) {
    parameter(model, name).assign(value);
  }
}

/** A parameter's tensor. */
export function parameter(model: Model, name: string): Tensor {
  const found = model.parameters().find((parameter) => parameter.name === name)?.tensor;
  if (found !== undefined) return found;
  throw new Error(`No parameter ${name} among ${model.parameters().map((parameter) => parameter.name).join(", ")}.`);
}

/** The covariance of two columns of `[rows, columns]`, with its standard error where they are normal. */
export function covariance(table: Tensor, a: number, b: number): { value: number; standardError: number } {
  const [rows, columns] = table.shape;
  const column = (at: number) => Float64Array.from({ length: rows }, (_, row) => table.floats[row * columns + at]);
  const [x, y] = [column(a), column(b)];
  const [mx, my] = [mean(x), mean(y)];
  const products = x.map((value, i) => (value - mx) * (y[i] - my));
  const value = mean(products);
  const spread = mean(products.map((product) => (product - value) ** 2));
  return { value, standardError: Math.sqrt(spread / rows) };
}

/** The digamma function of x > 0. */
function digamma(x: number): number {
  let shift = 0;
  for (; x < 20; x++) shift -= 1 / x;
  const y = 1 / (x * x);
  return shift + Math.log(x) - 0.5 / x - y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y / 240)));
}

/**
 * The divergence of `N(w, alpha w^2)` from the log-uniform prior, exactly: `0.5 (E psi(0.5 + J) - psi(0.5))` with J of a
 * Poisson distribution of mean `1 / (2 alpha)`.
 */
export function exactDivergence(logAlpha: number): number {
  const rate = 0.5 * Math.exp(-logAlpha);
  const first = Math.max(0, Math.floor(rate - 12 * Math.sqrt(rate) - 30));
  const last = Math.ceil(rate + 12 * Math.sqrt(rate) + 30);
  // The logarithm of the first probability, then each from the one before.
  let logFactorial = 0;
  for (let j = 2; j <= first; j++) logFactorial += Math.log(j);
  let logProbability = first * Math.log(rate) - rate - logFactorial;
  let total = 0;
  for (let j = first; j <= last; j++) {
    total += Math.exp(logProbability) * (digamma(0.5 + j) - digamma(0.5));
    logProbability += Math.log(rate) - Math.log(j + 1);
  }
  return 0.5 * total;
}

/** Values of the exact divergence by `log alpha`, to six places. */
export const exactValues: Readonly<Record<string, number>> = {
  "-8": 4.635014,
  "-4": 2.625755,
  "-2": 1.544155,
  "-1": 0.914531,
  "0": 0.426686,
  "1": 0.173194,
  "2": 0.066168,
  "3": 0.024688,
  "4": 0.009130,
};

/** The outputs for many rows that are all the same. */
export function drawn(model: Model, row: Tensor, rows: number, step = 0, mode: "train" | "sample" = "train"): Tensor {
  return model.forward(row.broadcastTo([rows, ...row.shape.slice(1)]), { mode, step });
}

/** 256 examples of y = 2 x_0 - x_1 among twenty inputs, with a little noise. */
export function needle(): Examples {
  const inputs = random([256, 20], 11);
  const column = (at: number) => inputs.slice([0, at], [256, at + 1]).reshape([256]);
  const targets = column(0).mul(2).sub(column(1)).add(random([256], 12).mul(0.1));
  return [inputs.toArray() as number[][], targets.toArray() as number[]];
}
