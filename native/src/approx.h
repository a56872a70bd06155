/*
 * Elementary functions without branches, so that loops over them vectorise. Errors are a few units in the last place;
 * infinities and NaN come out as the C library gives them.
 *
 * The polynomials of exp and log are those of Cephes' expf and logf (Moshier, 1989); those of the error function were
 * fitted for this file.
 */
#ifndef THINNED_APPROX_H
#define THINNED_APPROX_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float float_of_bits(int32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline int32_t bits_of_float(float value) {
  int32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* Adding this rounds to a whole number, which is then found in the low bits. */
#define ROUNDER 12582912.0f
#define LOG2_E 1.44269504088896341f
#define LN2_HIGH 0.693359375f
#define LN2_LOW -2.12194440e-4f

/* (e^r - 1 - r) / r^2 on [-ln 2 / 2, ln 2 / 2]. */
static inline float exp_series(float r) {
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  return p * r + 5.0000001201e-1f;
}

/* 2^k for k in [-126, 127]; any number for others, which only a NaN gives. */
static inline float power_of_two(int32_t k) { return float_of_bits((int32_t)((uint32_t)(k + 127) << 23)); }

/* e^(x + low), where `low` is a small correction. */
static inline float exp_of_sum(float x, float low) {
  x = x > 88.8f ? 88.8f : x; /* a NaN passes both comparisons */
  x = x < -104.0f ? -104.0f : x;
  const float shifted = x * LOG2_E + ROUNDER;
  const int32_t k = bits_of_float(shifted) - bits_of_float(ROUNDER);
  const float whole = shifted - ROUNDER;
  const float r = (x - whole * LN2_HIGH) - whole * LN2_LOW + low;
  const float y = r * r * exp_series(r) + r + 1.0f;
  /* 2^k in two factors, so that results near the largest and below the smallest normal number come out right. */
  const int32_t half = k >> 1;
  return y * power_of_two(half) * power_of_two(k - half);
}

static inline float exp_f(float x) { return exp_of_sum(x, 0.0f); }

/* e^(a - b) for a <= b, with the rounding error of the difference made good. */
static inline float exp_difference(float a, float b) {
  const float d = a - b, back = a - d;
  const float error = (a - (d + back)) + (back - b);
  return exp_of_sum(d, error == error ? error : 0.0f); /* the error of an infinite difference is NaN */
}

/* e^(-x^2 / 2): the square is taken in two parts, the first of which is exact. */
static inline float exp_half_square(float x) {
  const float z = fabsf(x) > 20.0f ? 20.0f : x;
  const float high = float_of_bits(bits_of_float(z) & (int32_t)0xfffff000);
  return exp_of_sum(-0.5f * high * high, -0.5f * (z - high) * (z + high));
}

static inline float expm1_f(float x) {
  x = x > 88.8f ? 88.8f : x;
  x = x < -30.0f ? -30.0f : x; /* the result is -1 from -17 on */
  const float shifted = x * LOG2_E + ROUNDER;
  const int32_t k = bits_of_float(shifted) - bits_of_float(ROUNDER);
  const float whole = shifted - ROUNDER;
  const float r = (x - whole * LN2_HIGH) - whole * LN2_LOW;
  const float m = r * r * exp_series(r) + r; /* e^r - 1 */
  /* 2^k m + (2^k - 1); k = 128 would overflow in 2^k, so half of it is doubled at the end. */
  const float half = power_of_two(k - 1);
  return 2.0f * (half * m + (half - 0.5f));
}

static inline float sigmoid_f(float x) {
  const float e = exp_f(-fabsf(x));
  const float numerator = x >= 0 ? 1.0f : e;
  return numerator / (1.0f + e);
}

static inline float tanh_f(float x) {
  const float m = expm1_f(-2.0f * fabsf(x));
  return copysignf(m / (m + 2.0f), x);
}

static inline float log_f(float x) {
  const int32_t tiny = x < 1.17549435e-38f; /* below the smallest normal number */
  /* The sum of a NaN's bits wraps around. */
  const int32_t bits =
      (int32_t)((uint32_t)bits_of_float(tiny ? x * 8388608.0f : x) + (0x3f800000u - 0x3f3504f3u));
  const float k = (float)((bits >> 23) - (tiny ? 150 : 127));
  const float f = float_of_bits((bits & 0x7fffff) + 0x3f3504f3) - 1.0f; /* in [sqrt(1/2), sqrt(2)) - 1 */
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  const float z = f * f;
  const float y = (f + ((p * f * z + k * LN2_LOW) - 0.5f * z)) + k * LN2_HIGH;
  const float special = x == 0 ? -INFINITY : x > 0 ? x : NAN;
  return x > 0 && x < INFINITY ? y : special;
}

/* The logarithm of the rounded sum, and a first-order term for what the rounding lost. */
static inline float log1p_f(float x) {
  const float u = 1.0f + x;
  const float lost = (x - (u - 1.0f)) / u;
  return log_f(u) + (lost == lost ? lost : 0.0f);
}

/* max(x, 0) + log(1 + e^-|x|). */
static inline float softplus_f(float x) { return (x > 0 ? x : 0.0f) + log1p_f(exp_f(-fabsf(x))); }

/* The normal distribution function at -|x|. */
static inline float normal_tail_f(float x) {
  const float z = fabsf(x) > 20.0f ? 20.0f : fabsf(x);
  const float t = 1.0f / (1.0f + 0.28284271f * z); /* 1 / (1 + 0.4 |x| / sqrt 2) */
  float p = 0.0210595403f;
  p = p * t - 0.0722770674f;
  p = p * t + 0.0463941659f;
  p = p * t + 0.0389194508f;
  p = p * t + 0.0433947945f;
  p = p * t + 0.0951909818f;
  p = p * t + 0.101330719f;
  p = p * t + 0.113167131f;
  p = p * t + 0.112820317f;
  return p * t * exp_half_square(z);
}

static inline float normal_distribution_f(float x) {
  const float tail = normal_tail_f(x);
  return x > 0 ? 1.0f - tail : tail;
}

static inline float erf_f(float x) {
  const float s = x * x;
  float p = -0.000585696238f;
  p = p * s + 0.00496633664f;
  p = p * s - 0.0267479246f;
  p = p * s + 0.112812897f;
  p = p * s - 0.376124423f;
  p = p * s + 1.12837914f;
  const float far = copysignf(1.0f - 2.0f * normal_tail_f(1.41421356f * x), x);
  return fabsf(x) < 0.95f ? x * p : far;
}

static inline float relu_f(float x) { return x <= 0 ? 0.0f : x; /* a NaN stays a NaN */ }

#endif
