/** The learned scale and shift behind a normalisation. @module */
import { type FloatType, type Shape, Tensor } from "../../core/mod.ts";

/** `weight`, beginning at 1, and `bias`, beginning at 0; nothing unless `affine`. */
export function affineParams(affine: boolean, shape: Shape, dtype: FloatType): Record<string, Tensor> {
  return affine ? { weight: Tensor.ones(shape, dtype), bias: Tensor.zeros(shape, dtype) } : {};
}
