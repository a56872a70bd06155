/**
 * The reference backend: every kernel in plain TypeScript, slow and obvious. It is the oracle that other backends are
 * tested against, the one that computes float64, and what runs where nothing native can.
 *
 * @module
 */
import type { Backend } from "../backend.ts";
import { convolution, convolutionInputGradient, convolutionWeightGradient } from "./convolution.ts";
import { binary, unary, unaryGradient } from "./elementwise.ts";
import { dropConnect, dropConnectInputGradient, dropConnectWeightGradient } from "./drop_connect.ts";
import { biasActivation, biasActivationGradient, crossEntropy, softmax, softmaxGradient } from "./fused.ts";
import { gemm } from "./gemm.ts";
import { addStrided, argmax, copyStrided, gatherRows, reduce, scatterAddRows } from "./movement.ts";
import { normalize, normalizeGradient } from "./normalization.ts";
import { adam, maxNorm, sgd } from "./optimize.ts";
import { averagePool, averagePoolGradient, maxPool, maxPoolGradient } from "./pooling.ts";
import { gruCell, gruCellGradient, lstmCell, lstmCellGradient } from "./recurrent.ts";
import { bernoulli, dropout, normal, uniform } from "./random_stream.ts";

/** The reference backend: plain TypeScript, float32 and float64. */
export const reference: Backend = {
  info: () => ({
    name: "reference",
    blas: "none (plain TypeScript)",
    threads: 1,
    instructions: "javascript",
    reason: "the native backend has not been opened",
  }),
  implement: () => undefined,
  gemm,
  fill: (out, value) => void out.fill(value),
  unary,
  unaryGradient,
  binary,
  accumulate: (x, y, alpha) => {
    for (let i = 0; i < y.length; i++) y[i] += alpha * x[i];
  },
  reduce,
  argmax,
  copyStrided,
  addStrided,
  gatherRows,
  scatterAddRows,
  biasActivation,
  biasActivationGradient,
  softmax,
  softmaxGradient,
  crossEntropy,
  lstmCell,
  lstmCellGradient,
  gruCell,
  gruCellGradient,
  dropout,
  bernoulli,
  uniform,
  normal,
  dropConnect,
  dropConnectInputGradient,
  dropConnectWeightGradient,
  sgd,
  adam,
  maxNorm,
  convolution,
  convolutionInputGradient,
  convolutionWeightGradient,
  maxPool,
  maxPoolGradient,
  averagePool,
  averagePoolGradient,
  normalize,
  normalizeGradient,
};
