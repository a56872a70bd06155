/** A variant that is a method: it computes what it likes with numbers drawn at its key. */
import { definePlugin, type Factory, Tensor } from "@thinned/dropout";
import { z } from "zod";

/** Options of {@linkcode signFlip}. */
export interface SignFlipOptions {
  /** Probability of turning a unit's sign, in [0, 0.4]. Default 0.1. */
  flip?: number;
}

const range = "expected a number in [0, 0.4]";

/** Turns the signs of units at random in training; what comes out is scaled so that its mean stays. */
export const signFlip: Factory<"activation", SignFlipOptions> = definePlugin({
  name: "sign-flip",
  summary: "Turns the signs of units at random in training.",
  options: z.object({ flip: z.number(range).min(0, range).max(0.4, range).default(0.1) }),
  activation(x, { mode, key, options: { flip } }) {
    if (mode === "eval" || flip === 0) return x;
    const signs = Tensor.bernoulli(x.shape, key, flip, 2, x.floatType).sub(1);
    return x.mul(signs).div(1 - 2 * flip);
  },
  claims: { mean: "kept", eval: "identity" },
});
