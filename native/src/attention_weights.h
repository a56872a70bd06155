/* A row of attention's scores as weights: their exponentials, and the sum of these. */
#ifndef THINNED_ATTENTION_WEIGHTS_H
#define THINNED_ATTENTION_WEIGHTS_H

#include "approx.h"
#include "sums.h"

/* Weights that are worked on side by side: rows are padded to whole ones. */
#define STEP 16

/* Half of a random word, read where words have been written. */
typedef uint16_t __attribute__((may_alias)) half_word;

/* Fills a row to a whole number of steps, and gives how many there are. */
static inline int64_t pad(float *row, int64_t n, float value) {
  for (; n % STEP != 0; n++) row[n] = value;
  return n / STEP;
}

/* e^x for x up to 88, as the difference of a score and what its row has at most: what is below the normal numbers is 0. */
static inline float exp_weight(float x) {
  const float z = x < -86.0f ? -86.0f : x; /* a NaN passes */
  const float shifted = z * LOG2_E + ROUNDER, whole = shifted - ROUNDER;
  const float r = (z - whole * LN2_HIGH) - whole * LN2_LOW;
  const float y = r * r * exp_series(r) + r + 1.0f;
  /* The low bits of the rounded number are the exponent's. */
  const float power = float_of_bits((int32_t)(((uint32_t)bits_of_float(shifted) << 23) + 0x3f800000u));
  return x < -86.0f ? 0.0f : y * power;
}

/* The largest score, NaN left aside: it comes out with the sum. */
static inline float largest_of(const float *x, int64_t steps, float largest) {
  float best[STEP];
  for (int l = 0; l < STEP; l++) best[l] = largest;
  for (int64_t s = 0; s < steps; s++, x += STEP) {
    for (int l = 0; l < STEP; l++) best[l] = x[l] > best[l] ? x[l] : best[l];
  }
  for (int l = 0; l < STEP; l++) largest = best[l] > largest ? best[l] : largest;
  return largest;
}

/* Scores become weights that are not yet divided by their sum, which is returned; those that are dropped count in it. */
#define WEIGHTS(name, number_type, kept) \
  static inline double name( \
      float *restrict x, int64_t steps, float shift, const number_type *number, number_type threshold) { \
    float sums[STEP] = {0}; \
    (void)number, (void)threshold; \
    for (int64_t j = 0; j < steps * STEP; j += STEP) { \
      for (int l = 0; l < STEP; l++) { \
        const float weight = exp_weight(x[j + l] - shift); \
        sums[l] += weight; \
        x[j + l] = (kept) ? weight : 0; \
      } \
    } \
    double sum = 0; \
    for (int l = 0; l < STEP; l++) sum += sums[l]; \
    return sum; \
  }

WEIGHTS(all_weights, half_word, 1)
WEIGHTS(weights_16, half_word, number[j + l] >= threshold)
WEIGHTS(weights_32, uint32_t, number[j + l] >= threshold)

#endif
