/** First values of weights, drawn from keys so that a model is a function of its seed. @module */
import { z } from "zod";
import { type FloatType, kernels, type Key, type Shape, sizeOf, Tensor } from "../../core/mod.ts";

/**
 * How a weight begins. With fan-in n and fan-out m: `he-normal` N(0, 2/n), `he-uniform` U(+-sqrt(6/n)),
 * `glorot-normal` N(0, 2/(n+m)), `glorot-uniform` U(+-sqrt(6/(n+m))), `lecun-normal` N(0, 1/n), `lecun-uniform`
 * U(+-sqrt(3/n)), `truncated-normal` N(0, 0.02^2) without what lies beyond two standard deviations, `orthogonal` rows (or
 * columns, if there are fewer) of length 1 at right angles, `pytorch` U(+-1/sqrt(n)) for the weight and for the bias, which
 * is what PyTorch's Linear and Conv layers begin with, `zeros`. With all others biases begin at 0.
 */
export type Initializer =
  | "he-normal"
  | "he-uniform"
  | "glorot-normal"
  | "glorot-uniform"
  | "lecun-normal"
  | "lecun-uniform"
  | "truncated-normal"
  | "orthogonal"
  | "pytorch"
  | "zeros";

/** Validates an {@linkcode Initializer}. */
export const initializerSchema: z.ZodType<Initializer, Initializer> = z.enum([
  "he-normal",
  "he-uniform",
  "glorot-normal",
  "glorot-uniform",
  "lecun-normal",
  "lecun-uniform",
  "truncated-normal",
  "orthogonal",
  "pytorch",
  "zeros",
]);

/** Standard deviation before truncation, as BERT and the vision transformers begin. */
const TRUNCATED_DEVIATION = 0.02;

/**
 * A weight's first values. He: He et al., ICCV 2015; Glorot: Glorot and Bengio, AISTATS 2010; LeCun: "Efficient
 * BackProp", 1998; orthogonal: Saxe, McClelland, Ganguli, ICLR 2014.
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
  if (kind === "truncated-normal") return affine(truncatedNormal(shape, key, dtype), TRUNCATED_DEVIATION, 0);
  if (kind === "orthogonal") return orthogonal(shape, key, dtype);
  if (kind === "pytorch") return between(1 / Math.sqrt(fanIn), shape, key, dtype);
  const variance = kind.startsWith("he") ? 2 / fanIn : kind.startsWith("lecun") ? 1 / fanIn : 2 / (fanIn + fanOut);
  if (kind.endsWith("uniform")) {
    return between(Math.sqrt(3 * variance), shape, key, dtype);
  }
  return affine(Tensor.normal(shape, key, dtype), Math.sqrt(variance), 0);
}

/** `a x + b` in the place of x, which is new: a copy would lie beside each weight until the garbage collector comes. */
function affine(x: Tensor, a: number, b: number): Tensor {
  kernels.unary("affine", x.floats, x.floats, a, b);
  return x;
}

/** Uniform numbers in (-bound, bound). */
function between(bound: number, shape: Shape, key: Key, dtype: FloatType): Tensor {
  return affine(affine(Tensor.uniform(shape, key, dtype), 2 * bound, 0), 1, -bound);
}

/**
 * A bias's first values: zeros, but for the rule `pytorch`, which draws them as it draws weights.
 *
 * @param kind how the weight begins
 * @param size number of units or channels
 * @param fanIn number of inputs of a unit
 */
export function initialBias(kind: Initializer, size: number, fanIn: number, key: Key, dtype: FloatType): Tensor {
  return kind === "pytorch" ? between(1 / Math.sqrt(fanIn), [size], key, dtype) : Tensor.zeros([size], dtype);
}

/** Standard normal numbers in [-2, 2]: those outside are drawn again. */
function truncatedNormal(shape: Shape, key: Key, dtype: FloatType): Tensor {
  const out = Tensor.normal(shape, key, dtype);
  let outside = [...out.floats.keys()].filter((i) => Math.abs(out.floats[i]) > 2);
  for (let round = 1; outside.length > 0; round++) {
    const fresh = Tensor.normal([outside.length], key.at(`again ${round}`), dtype).floats;
    outside.forEach((at, i) => out.floats[at] = fresh[i]);
    outside = outside.filter((at) => Math.abs(out.floats[at]) > 2);
  }
  return out;
}

/**
 * A matrix `[shape[0], rest]` whose rows, or columns if there are fewer, are orthonormal, evenly spread over all such:
 * normal numbers, made orthogonal by the modified Gram-Schmidt process in double precision.
 */
function orthogonal(shape: Shape, key: Key, dtype: FloatType): Tensor {
  const rows = shape[0] ?? 1;
  const cols = sizeOf(shape) / Math.max(rows, 1);
  const [count, length] = rows <= cols ? [rows, cols] : [cols, rows];
  const vectors = Tensor.normal([count, length], key, "float64").floats;
  for (let i = 0; i < count; i++) {
    const at = i * length;
    for (let j = 0; j < i; j++) {
      const other = j * length;
      let dot = 0;
      for (let k = 0; k < length; k++) dot += vectors[at + k] * vectors[other + k];
      for (let k = 0; k < length; k++) vectors[at + k] -= dot * vectors[other + k];
    }
    let square = 0;
    for (let k = 0; k < length; k++) square += vectors[at + k] ** 2;
    const norm = Math.sqrt(square);
    for (let k = 0; k < length; k++) vectors[at + k] /= norm;
  }
  const basis = Tensor.from(vectors, [count, length]);
  return (rows <= cols ? basis : basis.transpose()).reshape(shape).cast(dtype);
}
