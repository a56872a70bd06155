/*
 * The elementwise functions: X(NAME, value, slope), in the order of `unaryOps` and `binaryOps` in core/backend.ts.
 * Unary: `v` is the operand, `w` the result of the forward call, `p` and `q` the parameters. Binary: `u` and `v`.
 */
#ifndef THINNED_FUNCTIONS_H
#define THINNED_FUNCTIONS_H

#include "approx.h"

#define SELU_SCALE 1.0507009873554805f
#define SELU_ALPHA 1.6732632423543772f
#define ROOT_2_OVER_PI 0.7978845608028654f

static inline float gelu_slope(float x) {
  return normal_distribution_f(x) + 0.39894228f * x * exp_half_square(x);
}

/* 1 + tanh(z) = 2 sigmoid(2 z), which does not cancel. */
static inline float gelu_tanh_f(float x) {
  return x * sigmoid_f(2.0f * ROOT_2_OVER_PI * (x + 0.044715f * x * x * x));
}
static inline float gelu_tanh_slope(float x) {
  const float s = sigmoid_f(2.0f * ROOT_2_OVER_PI * (x + 0.044715f * x * x * x));
  return s + 2.0f * x * s * (1.0f - s) * ROOT_2_OVER_PI * (1.0f + 3.0f * 0.044715f * x * x);
}

static inline float silu_slope(float x) {
  const float s = sigmoid_f(x);
  return s * (1.0f + x * (1.0f - s));
}

/* The usual exponents, without the call; a power of 1/2 is no root for minus infinity and minus zero. */
static inline float power_f(float x, float p) {
  if (p == 2) return x * x;
  if (p == 0.5f) return x == -INFINITY ? INFINITY : sqrtf(x) + 0.0f;
  return p == -1 ? 1 / x : powf(x, p);
}

#define UNARY_FUNCTIONS(X) \
  X(COPY, v, 1.0f) \
  X(AFFINE, p * v + q, p) \
  X(ABS, fabsf(v), v > 0 ? 1.0f : v < 0 ? -1.0f : v) \
  X(EXP, exp_f(v), w) \
  X(LOG, log_f(v), 1.0f / v) \
  X(SQRT, sqrtf(v), 0.5f / w) \
  X(SQUARE, v * v, 2.0f * v) \
  X(RECIPROCAL, 1.0f / v, -w * w) \
  X(POWER, power_f(v, p), p == 0 ? 0.0f : p * power_f(v, p - 1)) \
  X(CLAMP, v < p ? p : v > q ? q : v, v < p || v > q ? 0.0f : 1.0f) \
  X(SIGN, v > 0 ? 1.0f : v < 0 ? -1.0f : v, 0.0f) \
  X(RELU, relu_f(v), w > 0 ? 1.0f : 0.0f) \
  X(LEAKY_RELU, v > 0 ? v : p * v, v > 0 ? 1.0f : p) \
  X(ELU, v > 0 ? v : p * expm1_f(v), v > 0 ? 1.0f : p * exp_f(v)) \
  X(SELU, SELU_SCALE * (v > 0 ? v : SELU_ALPHA * expm1_f(v)), SELU_SCALE * (v > 0 ? 1.0f : SELU_ALPHA * exp_f(v))) \
  X(GELU, v * normal_distribution_f(v), gelu_slope(v)) \
  X(GELU_TANH, gelu_tanh_f(v), gelu_tanh_slope(v)) \
  X(SILU, v * sigmoid_f(v), silu_slope(v)) \
  X(SIGMOID, sigmoid_f(v), w * (1.0f - w)) \
  X(TANH, tanh_f(v), 1.0f - w * w) \
  X(SOFTPLUS, softplus_f(v), sigmoid_f(v)) \
  X(SIN, sinf(v), cosf(v)) \
  X(COS, cosf(v), -sinf(v)) \
  X(ERF, erf_f(v), 1.1283791670955126f * exp_f(-v * v)) \
  X(LOG1P, log1p_f(v), 1.0f / (1.0f + v))

#define BINARY_FUNCTIONS(X) \
  X(ADD, u + v) \
  X(SUBTRACT, u - v) \
  X(MULTIPLY, u * v) \
  X(DIVIDE, u / v) \
  X(MAXIMUM, u > v || u != u ? u : v) \
  X(MINIMUM, u < v || u != u ? u : v) \
  X(POWER, powf(u, v)) \
  X(MASK, v == 0 ? 0.0f : u * v) \
  X(GREATER, u > v ? 1.0f : 0.0f) \
  X(GREATER_EQUAL, u >= v ? 1.0f : 0.0f) \
  X(EQUAL, u == v ? 1.0f : 0.0f)

#define UNARY_CODE(name, value, slope) UNARY_##name,
enum { UNARY_FUNCTIONS(UNARY_CODE) UNARY_COUNT };
#define BINARY_CODE(name, value) BINARY_##name,
enum { BINARY_FUNCTIONS(BINARY_CODE) BINARY_COUNT };

#endif
