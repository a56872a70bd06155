/*
 * Sums in double over fixed lanes: as accurate as the reference, vectorised on every instruction set, and the same bits
 * wherever the array lies.
 */
#ifndef THINNED_SUMS_H
#define THINNED_SUMS_H

#include <stdint.h>
#include <string.h>

/* Plain arrays of lanes: compilers keep them in vector registers. */
#define LANES 16

static inline double fold_lanes(const double s[LANES]) {
  double sum[4];
  for (int l = 0; l < 4; l++) sum[l] = (s[l] + s[l + 8]) + (s[l + 4] + s[l + 12]);
  return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

static inline double sum_of(const float *x, int64_t n) {
  double lane[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    for (int l = 0; l < LANES; l++) lane[l] += x[i + l];
  }
  double sum = fold_lanes(lane);
  for (; i < n; i++) sum += x[i];
  return sum;
}

static inline double dot_of(const float *x, const float *y, int64_t n) {
  double lane[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    for (int l = 0; l < LANES; l++) lane[l] += (double)x[i + l] * y[i + l];
  }
  double sum = fold_lanes(lane);
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
