/** First values of weights, drawn from keys so that a model is a function of its seed. @module */
import { z } from "zod";
import { type FloatType, type Key, type Shape, Tensor } from "../../core/mod.ts";

/**
 * How a weight begins. With fan-in n and fan-out m: `he-normal` N(0, 2/n), `he-uniform` U(+-sqrt(6/n)),
 * `glorot-normal` N(0, 2/(n+m)), `glorot-uniform` U(+-sqrt(6/(n+m))), `lecun-normal` N(0, 1/n), `zeros`.
 */
export type Initializer =
  | "he-normal"
  | "he-uniform"
  | "glorot-normal"
  | "glorot-uniform"
  | "lecun-normal"
  | "zeros";

/** Validates an {@linkcode Initializer}. */
export const initializerSchema: z.ZodType<Initializer, Initializer> = z.enum([
  "he-normal",
  "he-uniform",
  "glorot-normal",
  "glorot-uniform",
  "lecun-normal",
  "zeros",
]);

/**
 * A weight's first values. He: He et al., ICCV 2015; Glorot: Glorot and Bengio, AISTATS 2010; LeCun: "Efficient
 * BackProp", 1998.
 *
 * @param kind how it begins
 * @param shape shape of the weight
 * @param fanIn number of inputs of a unit
 * @param fanOut number of outputs that an input goes to
 */
export function initialWeight(
  kind: Initializer,
  shape: Shape,
  fanIn: number,
  fanOut: number,
  key: Key,
  dtype: FloatType,
): Tensor {
  if (kind === "zeros") return Tensor.zeros(shape, dtype);
  const variance = kind.startsWith("he") ? 2 / fanIn : kind.startsWith("lecun") ? 1 / fanIn : 2 / (fanIn + fanOut);
  if (kind.endsWith("uniform")) {
    const bound = Math.sqrt(3 * variance);
    return Tensor.uniform(shape, key, dtype).mul(2 * bound).sub(bound);
  }
  return Tensor.normal(shape, key, dtype).mul(Math.sqrt(variance));
}
