/*
 * The innermost loops of a convolution: a tile of the output that fits the registers is summed over the inner index.
 * Its size follows from the registers of the instruction set that the file is compiled for;
 * TILE_FLAT asks for few rows.
 */
#ifndef THINNED_TILE_H
#define THINNED_TILE_H

#include "window.h"

#if defined(__AVX512F__) && defined(TILE_FLAT)
#define TILE_LANES 16
#define TILE_WIDTH 3
#define TILE_ROWS 8
#elif defined(__AVX512F__)
#define TILE_LANES 16
#define TILE_WIDTH 2
#define TILE_ROWS 12
#elif defined(__AVX2__)
#define TILE_LANES 8
#define TILE_WIDTH 2
#define TILE_ROWS 6
#elif defined(__aarch64__)
#define TILE_LANES 4
#define TILE_WIDTH 4
#define TILE_ROWS 6
#else
#define TILE_LANES 4
#define TILE_WIDTH 2
#define TILE_ROWS 4
#endif
#define TILE_COLS (TILE_LANES * TILE_WIDTH)

typedef float lanes __attribute__((vector_size(TILE_LANES * sizeof(float))));

static inline __attribute__((always_inline)) void tile_clear(lanes s[TILE_ROWS][TILE_WIDTH]) {
#pragma GCC unroll 16
  for (int i = 0; i < TILE_ROWS; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < TILE_WIDTH; j++) s[i][j] = (lanes){0};
  }
}

/* s[i][j] += sum over p of a[p][i] b[p][j], for `a` and `b` packed row after row. */
static inline __attribute__((always_inline)) void tile_add(
    lanes s[TILE_ROWS][TILE_WIDTH], const float *restrict a, const float *restrict b, const int64_t n) {
  for (int64_t p = 0; p < n; p++, a += TILE_ROWS, b += TILE_COLS) {
    lanes row[TILE_WIDTH];
#pragma GCC unroll 4
    for (int j = 0; j < TILE_WIDTH; j++) memcpy(&row[j], b + j * TILE_LANES, sizeof row[j]);
#pragma GCC unroll 16
    for (int i = 0; i < TILE_ROWS; i++) {
      const lanes factor = a[i] - (lanes){0};
#pragma GCC unroll 4
      for (int j = 0; j < TILE_WIDTH; j++) s[i][j] += factor * row[j];
    }
  }
}

/* Those sums alone, in memory. */
static __attribute__((unused)) void tile_packed(
    const float *restrict a, const float *restrict b, int64_t n, float *restrict sums) {
  lanes s[TILE_ROWS][TILE_WIDTH];
  tile_clear(s);
  tile_add(s, a, b, n);
  memcpy(sums, s, sizeof s);
}

/* The same with `a` read where it lies: a[p][i] = source[start of the run + offset[i] + place in the run]. */
static __attribute__((unused)) void tile_in_place(
    const float *restrict source, const int64_t *restrict offset, const Run *runs, int64_t count,
    const float *restrict b, float *restrict sums) {
  lanes s[TILE_ROWS][TILE_WIDTH];
  tile_clear(s);
  for (int64_t r = 0; r < count; r++) {
    const float *a = source + runs[r].source;
    for (const float *end = a + runs[r].n; a < end; a++, b += TILE_COLS) {
      lanes row[TILE_WIDTH];
#pragma GCC unroll 4
      for (int j = 0; j < TILE_WIDTH; j++) memcpy(&row[j], b + j * TILE_LANES, sizeof row[j]);
#pragma GCC unroll 16
      for (int i = 0; i < TILE_ROWS; i++) {
        const lanes factor = a[offset[i]] - (lanes){0};
#pragma GCC unroll 4
        for (int j = 0; j < TILE_WIDTH; j++) s[i][j] += factor * row[j];
      }
    }
  }
  memcpy(sums, s, sizeof s);
}

#endif
