/** Checks of losses: of the objective in training, and of the loss itself. @module */
import {
  type AnyFactory,
  buildModel,
  currentBackend,
  DataError,
  type FloatType,
  gradients,
  lossOf,
  type Model,
  noGrad,
  OptionError,
  type Plugin,
  reference,
  type Shape,
  ShapeError,
  Tensor,
  useBackend,
} from "../../core/mod.ts";
import { checkGradient } from "../gradient_check.ts";
import { fixed, noisyHost } from "../hosts.ts";
import { applies, ensure } from "../report.ts";
import type { Options } from "../rates.ts";
import { makePlugin, sameBits } from "../trial.ts";
import { countDraws } from "./modes.ts";

const [ROWS, INPUTS, OUTPUTS] = [6, 5, 4];

/** A kind of targets. */
export interface Targets {
  /** What messages call it. */
  readonly name: string;
  /** Shape of one example's target. */
  readonly shape: Shape;
  /** The targets of a batch. */
  make(dtype: FloatType): Tensor;
}

/** The kinds of targets that losses take. */
export const targetKinds: readonly Targets[] = [
  {
    name: "labels",
    shape: [],
    make: () => Tensor.from(Int32Array.from({ length: ROWS }, (_, i) => i % OUTPUTS), [ROWS]),
  },
  { name: "shares", shape: [OUTPUTS], make: (dtype) => fixed([ROWS, OUTPUTS], "targets", dtype).softmax() },
  { name: "half as many numbers", shape: [OUTPUTS / 2], make: (dtype) => fixed([ROWS, OUTPUTS / 2], "targets", dtype) },
];

/** A loss with options and the targets that it takes. */
export class LossTrial {
  readonly label: string;
  readonly loss: Plugin<"loss">;
  readonly seed: number;
  readonly #targets: Targets;

  constructor(factory: AnyFactory, options: Options, targets: Targets, seed: number) {
    this.loss = makePlugin(factory, options) as Plugin<"loss">;
    this.#targets = targets;
    this.seed = seed;
    const given = Object.keys(options).length === 0 ? "" : ` with ${JSON.stringify(options)}`;
    this.label = `loss for ${targets.name}${given}`;
  }

  /** Whether the loss takes these targets. */
  fits(): boolean {
    try {
      this.value(this.model(), "float64");
      return true;
    } catch (error) {
      if (error instanceof ShapeError || error instanceof OptionError || error instanceof DataError) return false;
      throw error;
    }
  }

  /** A small model whose passes drop inputs. */
  model(dtype: FloatType = "float64", seed: number = this.seed): Model {
    return buildModel(noisyHost({ units: OUTPUTS }), { inputShape: [INPUTS], seed, dtype });
  }

  /** The loss at evaluation. */
  value(model: Model, dtype: FloatType): Tensor {
    const outputs = model.forward(fixed([ROWS, INPUTS], "x", dtype));
    return lossOf(this.loss, outputs, this.#targets.make(dtype));
  }

  /** What training minimizes at a step, as the trainer computes it; `passes` receives the numbers of the passes run. */
  objective(
    model: Model,
    x: Tensor = fixed([ROWS, INPUTS], "x", model.dtype),
    step: number = 3,
    passes: number[] = [],
  ): Tensor {
    const targets = this.#targets.make(model.dtype);
    const forward = (pass: number) => {
      passes.push(pass);
      return model.forward(x, { mode: "train", step, pass });
    };
    const { definition, options } = this.loss;
    const { sum, weight } = definition.objective?.(forward, targets, options) ??
      definition.loss(forward(0), targets, options);
    ensure(sum.size === 1, `expected one number for the sum of the losses, found shape [${sum.shape.join(", ")}]`);
    ensure(weight === null || weight >= 0, `expected a weight of at least 0 for the sum, found ${weight}`);
    return weight === null || weight === 0 ? sum : sum.div(weight);
  }
}

/** One finite number, for evaluation and for training. */
export function oneNumber(trial: LossTrial): string {
  for (const dtype of ["float64", "float32"] as const) {
    const model = trial.model(dtype);
    const values = [trial.value(model, dtype), trial.objective(model)] as const;
    for (const [i, value] of values.entries()) {
      const what = i === 0 ? "the loss" : "the objective";
      ensure(value.size === 1, `expected one number from ${what}, found shape [${value.shape.join(", ")}]`);
      ensure(Number.isFinite(value.item()), `expected a finite number from ${what}, found ${value.item()}`);
      ensure(value.dtype === dtype, `expected ${dtype} from ${what}, found ${value.dtype}`);
    }
    const found = gradients(values[1], model.parameters().map(({ tensor }) => tensor));
    ensure(
      found.every((gradient) => gradient.floats.every((value) => Number.isFinite(value))),
      "expected finite gradients of the objective, found others",
    );
  }
  return "one finite number, with finite gradients";
}

/** Each pass is run once under a number of its own, the first being 0. */
export function passes(trial: LossTrial): string {
  applies(trial.loss.definition.objective !== undefined, "the loss has no objective of its own");
  const numbers: number[] = [];
  trial.objective(trial.model(), undefined, 3, numbers);
  const shown = `found passes ${numbers.join(", ")}`;
  ensure(numbers.includes(0), `expected the ordinary pass, 0, among those of the objective, ${shown}`);
  ensure(numbers.length > 1, `expected several passes, ${shown}`);
  ensure(new Set(numbers).size === numbers.length, `expected passes with numbers of their own, ${shown}`);
  return `${numbers.length} passes, each with masks of its own`;
}

/** The same step gives the same bits; another step or seed gives others. */
export function sameKey(trial: LossTrial): string {
  const model = trial.model();
  const first = trial.objective(model);
  ensure(sameBits(first, trial.objective(model)), "expected the same bits from the same step, found others");
  ensure(sameBits(first, trial.objective(trial.model())), "expected the same bits in a model built anew, found others");
  const steps = [4, 5, 6, 7].map((step) => trial.objective(model, undefined, step));
  ensure(steps.some((value) => !sameBits(value, first)), "expected another value at another step, found the same");
  const other = trial.objective(trial.model("float64", trial.seed + 1));
  ensure(!sameBits(first, other), "expected another value from another seed, found the same");
  return "the same bits from the same step, other bits from another step or seed";
}

/** Evaluation is deterministic and draws nothing. */
export function evaluation(trial: LossTrial): string {
  const value = (seed: number) => noGrad(() => trial.value(trial.model("float64", seed), "float64"));
  ensure(sameBits(value(1), value(1)), "expected the same loss from the same outputs, found another");
  ensure(sameBits(value(1), value(2)), "expected a loss that does not depend on the seed, found another");
  const drawn = countDraws(() => {
    const model = trial.model("float32");
    return () => noGrad(() => trial.value(model, "float32"));
  });
  ensure(drawn === 0, `expected no draw at evaluation, found ${drawn}`);
  return "the loss at evaluation is deterministic and draws nothing";
}

/** Gradients of the objective agree with central differences while the masks are held. */
export function numericGradient(trial: LossTrial): string {
  const model = trial.model();
  const parameters = model.parameters().map(({ tensor }) => tensor);
  for (const step of [3, 4]) {
    const x = fixed([ROWS, INPUTS], "x", "float64");
    checkGradient(([given]) => trial.objective(model, given, step), [x], { parameters, seed: step });
  }
  return "gradients agree with central differences to 1e-6, with the masks held";
}

/** The open backend gives what the reference does. */
export function sameOnBackends(trial: LossTrial): string {
  const backend = currentBackend();
  applies(backend !== reference, "only the reference backend is open");
  const model = trial.model("float32");
  const found = trial.objective(model).item();
  useBackend(reference);
  try {
    const expected = trial.objective(model).item();
    ensure(
      Math.abs(found - expected) <= 2e-5 * Math.max(1, Math.abs(expected)),
      `expected ${expected}, as on the reference, found ${found}`,
    );
  } finally {
    useBackend(backend);
  }
  return `${backend.info().name} gives the reference's objective to 2e-5`;
}
