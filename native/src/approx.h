/*
 * Elementary functions without branches, so that loops over them vectorise. Errors are a few units in the last place;
 * infinities and NaN come out as the C library gives them.
 *
 * exp's polynomial is that of Cephes' expf (Moshier, 1989).
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

static inline float exp_f(float x) {
  x = x > 88.8f ? 88.8f : x; /* a NaN passes both comparisons */
  x = x < -104.0f ? -104.0f : x;
  const float shifted = x * LOG2_E + ROUNDER;
  const int32_t k = bits_of_float(shifted) - bits_of_float(ROUNDER);
  const float whole = shifted - ROUNDER;
  const float r = (x - whole * LN2_HIGH) - whole * LN2_LOW;
  const float y = r * r * exp_series(r) + r + 1.0f;
  /* 2^k in two factors, so that results near the largest and below the smallest normal number come out right. */
  const int32_t half = k >> 1;
  return y * float_of_bits((half + 127) << 23) * float_of_bits((k - half + 127) << 23);
}

/* e^(a - b) for a <= b, with the rounding error of the difference made good. */
static inline float exp_difference(float a, float b) {
  const float d = a - b;
  const float back = a - d;
  const float error = (a - (d + back)) + (back - b);
  const float e = exp_f(d);
  return e + (error == error ? e * error : 0.0f); /* the error of an infinite difference is NaN */
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
  const float half = float_of_bits((k - 1 + 127) << 23);
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

static inline float relu_f(float x) { return x <= 0 ? 0.0f : x; /* a NaN stays a NaN */ }

#endif
