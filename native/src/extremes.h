/* Largest and smallest numbers, and magnitudes; a NaN among them is the result. */
#ifndef THINNED_EXTREMES_H
#define THINNED_EXTREMES_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float larger(float a, float b) { return b > a || b != b ? b : a; }
static inline float smaller(float a, float b) { return b < a || b != b ? b : a; }

#define EXTREME_LANES 8
typedef float float_lanes __attribute__((vector_size(EXTREME_LANES * sizeof(float))));
typedef int32_t mask_lanes __attribute__((vector_size(EXTREME_LANES * sizeof(float))));

/* Picks b where the comparison holds or b is NaN; written with masks, which compilers turn into one blend. */
#define EXTREME_ROW(name, pick, compare, start) \
  static inline float name(const float *x, int64_t n) { \
    float_lanes best[2] = {start - (float_lanes){0}, start - (float_lanes){0}}, next; \
    int64_t i = 0; \
    for (; i + 2 * EXTREME_LANES <= n; i += 2 * EXTREME_LANES) { \
      for (int g = 0; g < 2; g++) { \
        memcpy(&next, x + i + g * EXTREME_LANES, sizeof next); \
        const mask_lanes mask = (next compare best[g]) | (next != next); \
        best[g] = (float_lanes)(((mask_lanes)next & mask) | ((mask_lanes)best[g] & ~mask)); \
      } \
    } \
    float result = start; \
    for (int l = 0; l < EXTREME_LANES; l++) result = pick(result, pick(best[0][l], best[1][l])); \
    for (; i < n; i++) result = pick(result, x[i]); \
    return result; \
  }
EXTREME_ROW(row_max, larger, >, -INFINITY)
EXTREME_ROW(row_min, smaller, <, INFINITY)

/* The largest magnitude. Without their sign, floats are ordered as their bits are, NaN above all. */
static inline float row_magnitude(const float *x, int64_t n) {
  mask_lanes best[2] = {{0}, {0}}, next;
  int64_t i = 0;
  for (; i + 2 * EXTREME_LANES <= n; i += 2 * EXTREME_LANES) {
    for (int g = 0; g < 2; g++) {
      memcpy(&next, x + i + g * EXTREME_LANES, sizeof next);
      next &= 0x7fffffff;
      const mask_lanes mask = next > best[g];
      best[g] = (next & mask) | (best[g] & ~mask);
    }
  }
  int32_t most = 0;
  for (int l = 0; l < EXTREME_LANES; l++) {
    most = best[0][l] > most ? best[0][l] : most;
    most = best[1][l] > most ? best[1][l] : most;
  }
  float result;
  memcpy(&result, &most, sizeof result);
  for (; i < n; i++) result = larger(result, fabsf(x[i]));
  return result;
}

#endif
