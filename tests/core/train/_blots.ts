/** Augmentations for the tests of prefetching, in a module of their own from which a worker can load them. */
import { z } from "zod";
import {
  DataError,
  definePlugin,
  type Factory,
  OptionError,
  type Scheduled,
  scheduled,
  Tensor,
} from "../../../core/mod.ts";

/** Options of {@linkcode noise}. */
export interface NoiseOptions {
  /** Standard deviation. */
  deviation?: Scheduled;
}

const options = z.object({ deviation: scheduled(z.number().min(0)).default(0.1) });

function addNoise(inputs: Float32Array, deviation: number, draws: ArrayLike<number>): void {
  for (let i = 0; i < inputs.length; i++) inputs[i] += deviation * draws[i];
}

/** Adds normal noise whose strength may follow a schedule. */
export const noise: Factory<"augmentation", NoiseOptions> = definePlugin({
  name: "noise",
  module: import.meta.url,
  options,
  augment: ({ inputs, count, shape }, { options, key }) =>
    addNoise(inputs, options.deviation, Tensor.normal([count, ...shape], key).floats),
});

/** The same, of which no worker knows where to find it. */
export const homeless: Factory<"augmentation", NoiseOptions> = definePlugin({
  name: "homeless",
  options,
  augment: ({ inputs, count, shape }, { options, key }) =>
    addNoise(inputs, options.deviation, Tensor.normal([count, ...shape], key).floats),
});

/** One that says it is in a module where it is not. */
export const lost: Factory<"augmentation", Record<never, never>> = definePlugin({
  name: "lost",
  module: new URL("../_runs.ts", import.meta.url).href,
  options: z.object({}),
  augment: () => {},
});

/** Options of {@linkcode failing}. */
export interface FailingOptions {
  /** Which step fails. */
  step?: number;
  /** How. */
  how?: "data" | "option" | "other";
}

/** Fails at a step. */
export const failing: Factory<"augmentation", FailingOptions> = definePlugin({
  name: "failing",
  module: import.meta.url,
  options: z.object({ step: z.int().default(0), how: z.enum(["data", "option", "other"]).default("data") }),
  augment: (_batch, { options: { step, how }, key }) => {
    if (key.step !== step) return;
    if (how === "data") throw new DataError(`step ${step}: no data.`);
    if (how === "option") throw new OptionError("failing.step", "another step", step);
    throw new RangeError(`step ${step} is out of range`);
  },
});
