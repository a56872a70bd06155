/*
 * Sums in double over fixed lanes: as accurate as the reference, vectorised on every instruction set, and the same bits
 * wherever the array lies.
 */
#ifndef THINNED_SUMS_H
#define THINNED_SUMS_H

#include <stdint.h>
#include <string.h>

#define LANES 8
typedef float float_lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef double double_lanes __attribute__((vector_size(LANES * sizeof(double))));

static inline float_lanes load_lanes(const float *x) {
  float_lanes lanes;
  memcpy(&lanes, x, sizeof lanes);
  return lanes;
}

static inline double fold_lanes(double_lanes s) {
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static inline double sum_of(const float *x, int64_t n) {
  double_lanes even = {0}, odd = {0};
  int64_t i = 0;
  for (; i + 2 * LANES <= n; i += 2 * LANES) {
    even += __builtin_convertvector(load_lanes(x + i), double_lanes);
    odd += __builtin_convertvector(load_lanes(x + i + LANES), double_lanes);
  }
  double sum = fold_lanes(even + odd);
  for (; i < n; i++) sum += x[i];
  return sum;
}

static inline double dot_of(const float *x, const float *y, int64_t n) {
  double_lanes even = {0}, odd = {0};
  int64_t i = 0;
  for (; i + 2 * LANES <= n; i += 2 * LANES) {
    even += __builtin_convertvector(load_lanes(x + i), double_lanes) *
        __builtin_convertvector(load_lanes(y + i), double_lanes);
    odd += __builtin_convertvector(load_lanes(x + i + LANES), double_lanes) *
        __builtin_convertvector(load_lanes(y + i + LANES), double_lanes);
  }
  double sum = fold_lanes(even + odd);
  for (; i < n; i++) sum += (double)x[i] * y[i];
  return sum;
}

/* Columns that are summed at a time: a piece of the double sums stays in the first-level cache. */
#define COLUMN_BLOCK 256

/* Adds `rows` rows of `cols` <= COLUMN_BLOCK elements, `pitch` apart, into `sums`. */
static inline void add_rows(double *restrict sums, const float *restrict x, int64_t rows, int64_t cols, int64_t pitch) {
  int64_t r = 0;
  /* Four rows a pass: the sums are loaded and stored a quarter as often. */
  for (; r + 4 <= rows; r += 4, x += 4 * pitch) {
    const float *x1 = x + pitch, *x2 = x1 + pitch, *x3 = x2 + pitch;
    for (int64_t c = 0; c < cols; c++) sums[c] += ((double)x[c] + x1[c]) + ((double)x2[c] + x3[c]);
  }
  for (; r < rows; r++, x += pitch) {
    for (int64_t c = 0; c < cols; c++) sums[c] += x[c];
  }
}

#endif
