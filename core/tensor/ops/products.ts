/** Matrix products and the dense layer's fused product, each with its gradient. @module */
import * as kernels from "../../backend/kernels.ts";
import type { Epilogue } from "../../backend/epilogue.ts";
import type { GemmShape } from "../../backend/products.ts";
import { record } from "../autograd.ts";
import { ShapeError, showShape } from "../../errors.ts";
import type { MaskAhead } from "../mask_ahead.ts";
import { broadcastShapes, sameShape, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import type { Foresee } from "../thinning.ts";
import { checkTypes, sumTo } from "./elementwise.ts";
import { gradientProduct } from "./gradient_product.ts";
import { broadcastTo, reshape } from "./movement.ts";
import { thinnedProduct } from "./thinned_products.ts";

/** Which operands of a product are read transposed (their last two axes swapped). */
export interface MatmulOptions {
  /** Read the left operand as `[..., k, m]`. */
  transposeA?: boolean;
  /** Read the right operand as `[..., n, k]`. */
  transposeB?: boolean;
}

/** One kernel call for operands that have been made to fit. */
function multiply(a: Tensor, b: Tensor, tA: boolean, tB: boolean): Tensor {
  const [aRows, aCols] = a.shape.slice(-2);
  const [bRows, bCols] = b.shape.slice(-2);
  const [m, k] = tA ? [aCols, aRows] : [aRows, aCols];
  const n = tB ? bRows : bCols;
  const lead = a.rank >= b.rank ? a.shape.slice(0, -2) : b.shape.slice(0, -2);
  const out = Tensor.empty([...lead, m, n], a.dtype);
  const batch = sizeOf(lead);
  const shape: GemmShape = {
    m,
    n,
    k,
    transposeA: tA,
    transposeB: tB,
    alpha: 1,
    beta: 0,
    batch,
    strideA: a.rank === 2 ? 0 : m * k,
    strideB: b.rank === 2 ? 0 : k * n,
    strideC: m * n,
  };
  if (k === 0) kernels.fill(out.floats, 0);
  else if (out.size > 0) kernels.gemm(a.floats, b.floats, out.floats, shape);
  return out;
}

/**
 * `op(a) op(b)` over the last two axes; axes before them broadcast. A one-dimensional operand is a row on the left and
 * a column on the right, and its axis vanishes from the result, as in NumPy.
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const tA = options.transposeA ?? false;
  const tB = options.transposeB ?? false;
  if (a.rank === 0 || b.rank === 0) throw new ShapeError("matmul: expected at least one axis, found a scalar.");
  if (a.rank === 1) {
    const product = matmul(reshape(a, tA ? [a.size, 1] : [1, a.size]), b, options);
    return reshape(product, b.rank === 1 ? [] : [...product.shape.slice(0, -2), ...product.shape.slice(-1)]);
  }
  if (b.rank === 1) {
    const product = matmul(a, reshape(b, tB ? [1, b.size] : [b.size, 1]), options);
    return reshape(product, product.shape.slice(0, -1));
  }
  const inner = a.shape[a.rank - (tA ? 2 : 1)];
  if (inner !== b.shape[b.rank - (tB ? 1 : 2)] || a.dtype !== b.dtype) {
    const side = (x: Tensor, t: boolean) => `${showShape(x.shape)}${t ? " transposed" : ""} (${x.dtype})`;
    throw new ShapeError(`matmul: shapes ${side(a, tA)} and ${side(b, tB)} do not fit.`);
  }
  // A plain matrix on the right folds the left's leading axes into its rows: one large product.
  if (b.rank === 2 && a.rank > 2 && !tA) {
    const product = matmul(reshape(a, [sizeOf(a.shape.slice(0, -1)), inner]), b, { transposeB: tB });
    return reshape(product, [...a.shape.slice(0, -1), product.shape[1]]);
  }
  const lead = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), "matmul");
  const wide = (x: Tensor) =>
    x.rank === 2 || sameShape(x.shape.slice(0, -2), lead) ? x : broadcastTo(x, [...lead, ...x.shape.slice(-2)]);
  const [x, y] = [wide(a), wide(b)];
  return record("matmul", [x, y], multiply(x, y, tA, tB), (dc, needs) => {
    const dx = !needs[0] ? null : tA ? multiply(y, dc, tB, true) : multiply(dc, y, false, !tB);
    let dy: Tensor | null = null;
    if (needs[1] && !tA && x.rank === 2 && y.rank === 2) {
      dy = tB ? gradientProduct(y, dc, x) : gradientProduct(y, x, dc);
    } else if (needs[1]) {
      dy = tB ? multiply(dc, x, true, tA) : multiply(x, dc, !tA, false);
    }
    return [dx && sumTo(dx, x.shape), dy && sumTo(dy, y.shape)];
  });
}

/**
 * `f(x W^T + b)`, the dense layer, with bias and activation fused behind the product.
 *
 * @param x `[..., inputs]`
 * @param weight `[outputs, inputs]`
 * @param bias `[outputs]`, or null for none
 * @param epilogue the activation f
 * @param foresee which outputs a later mask keeps; the others are not computed
 * @param ahead the mask that comes next: behind ReLU it is applied in the same pass
 */
export function affine(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  epilogue: Epilogue = "none",
  foresee?: Foresee,
  ahead?: MaskAhead,
): Tensor {
  const [units, inputs] = weight.shape;
  if (weight.rank !== 2 || x.rank === 0 || x.shape[x.rank - 1] !== inputs) {
    throw new ShapeError(
      `affine: an input of shape ${showShape(x.shape)} does not fit a weight [outputs, inputs] of ` +
        `${showShape(weight.shape)}.`,
    );
  }
  if (bias !== null && !sameShape(bias.shape, [units])) {
    throw new ShapeError(`affine: expected a bias of shape [${units}], found ${showShape(bias.shape)}.`);
  }
  checkTypes("affine", x, weight);
  if (bias !== null) checkTypes("affine", x, bias);
  const rows = sizeOf(x.shape.slice(0, -1));
  const flat = Tensor.view(x, [rows, inputs]);
  const outShape = [...x.shape.slice(0, -1), units];
  const found = epilogue === "relu" ? ahead?.plain(outShape) : undefined;
  // A row of the draw is an example; of a lone example without a batch it is one unit.
  const mask = found && found.cols % units === 0 ? found : null;
  const parts = thinnedProduct(x, weight, mask === null && foresee?.(outShape) || null);
  const flatOut = parts === null ? multiply(flat, weight, false, true) : parts.forward();
  const out = Tensor.view(flatOut, outShape);
  if (mask !== null) {
    const { rows, cols, address, threshold, bits, scale } = mask;
    const steps = cols / units;
    kernels.rectifyMask(out.floats, bias?.floats ?? null, address, rows, steps, units, threshold, bits, scale);
    ahead!.applied(out);
  } else if (bias !== null || epilogue !== "none") {
    kernels.biasActivation(out.floats, bias?.floats ?? null, epilogue, rows, units);
  }
  const operands = bias === null ? [x, weight] : [x, weight, bias];
  return record("affine", operands, out, (dy, needs) => {
    let before = Tensor.view(dy, [rows, units]);
    let dBias: Tensor | null = null;
    if (epilogue !== "none" || (bias !== null && needs[2])) {
      const target = epilogue === "none" ? before : Tensor.empty(before.shape, dy.dtype);
      if (bias !== null && needs[2]) dBias = Tensor.empty([units], dy.dtype);
      const [from, y, to, sums] = [dy.floats, out.floats, target.floats, dBias?.floats ?? null];
      if (mask === null) kernels.biasActivationGradient(from, y, to, sums, epilogue, rows, units);
      else kernels.rectifyMaskGradient(from, y, to, sums, mask.scale, rows, units);
      before = target;
    }
    if (parts !== null) {
      const dx = needs[0] ? Tensor.view(parts.inputGradient(before), x.shape) : null;
      return [dx, needs[1] ? parts.weightGradient(before) : null, dBias];
    }
    const dx = needs[0] ? Tensor.view(multiply(before, weight, false, false), x.shape) : null;
    const dWeight = needs[1] ? gradientProduct(weight, before, flat) : null;
    return [dx, dWeight, dBias];
  });
}
