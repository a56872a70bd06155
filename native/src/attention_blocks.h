/*
 * Blocks of attention's weights as products: of packed queries and keys, and of weights with what they are weights of. They
 * know nothing of masks.
 */
#ifndef THINNED_ATTENTION_BLOCKS_H
#define THINNED_ATTENTION_BLOCKS_H

#include "tile.h"
#include "transpose.h"

/* Queries and keys of a block: whole tiles, whatever the instruction set. */
#define QUERIES 48
#define KEYS 256
/* From one row of a block of weights to the next: room for whole tiles of keys, and no power of two. */
#define PITCH (KEYS + 16)

/* c[i][j] = sum over p of a[i row + p step] b[p][j], to which what c held is added. */
static inline __attribute__((always_inline)) void tile_strided(
    const float *restrict a, const int64_t row, const int64_t step, const float *restrict b, int64_t b_pitch, int64_t n,
    float *restrict c, int64_t c_pitch, const int32_t adds) {
  lanes s[TILE_ROWS][TILE_WIDTH];
  tile_clear(s);
  for (int64_t p = 0; p < n; p++, a += step, b += b_pitch) {
    lanes line[TILE_WIDTH];
#pragma GCC unroll 4
    for (int j = 0; j < TILE_WIDTH; j++) memcpy(&line[j], b + j * TILE_LANES, sizeof line[j]);
#pragma GCC unroll 16
    for (int i = 0; i < TILE_ROWS; i++) {
      const lanes factor = a[i * row] - (lanes){0};
#pragma GCC unroll 4
      for (int j = 0; j < TILE_WIDTH; j++) s[i][j] += factor * line[j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < TILE_ROWS; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < TILE_WIDTH; j++) {
      lanes before = {0};
      if (adds) memcpy(&before, c + i * c_pitch + j * TILE_LANES, sizeof before);
      before += s[i][j];
      memcpy(c + i * c_pitch + j * TILE_LANES, &before, sizeof before);
    }
  }
}

/* A tile of the weights from packed panels. */
static __attribute__((noinline)) void tile_of_panels(const float *a, const float *b, int64_t n, float *c) {
  tile_strided(a, 1, TILE_ROWS, b, TILE_COLS, n, c, PITCH, 0);
}

/* Adds rows of weights times `b`. */
static __attribute__((noinline)) void tile_of_rows(
    const float *weights, const float *b, int64_t b_pitch, int64_t n, float *c, int64_t c_pitch) {
  tile_strided(weights, PITCH, 1, b, b_pitch, n, c, c_pitch, 1);
}

/* Adds columns of weights times `b`. */
static __attribute__((noinline)) void tile_of_columns(
    const float *weights, const float *b, int64_t b_pitch, int64_t n, float *c, int64_t c_pitch) {
  tile_strided(weights, 1, PITCH, b, b_pitch, n, c, c_pitch, 1);
}

/* `rows` rows of n numbers, times a factor, in panels of `width` rows: out[p][i], padded with zeros. */
static inline __attribute__((always_inline)) void pack(
    float *restrict out, const float *restrict x, int64_t rows, int64_t n, float factor, const int64_t width) {
  float *panel = out;
  for (int64_t r = 0; r < rows; r += width, panel += width * n) {
    const int64_t count = min_i64(width, rows - r);
    /* What a vector transpose takes, four by four; the rest one by one. */
    const int64_t even = count & ~(int64_t)3, places = n & ~(int64_t)3;
    if (count < width) memset(panel, 0, (size_t)(width * n) * sizeof(float));
    for (int64_t i = 0; i < even; i += 4) {
      for (int64_t p = 0; p < places; p += 4) {
        transpose_quads(panel + p * width + i, width, x + (r + i) * n + p, n);
      }
    }
    for (int64_t i = 0; i < count; i++) {
      for (int64_t p = i < even ? places : 0; p < n; p++) panel[p * width + i] = x[(r + i) * n + p];
    }
  }
  if (factor == 1) return;
  for (float *entry = out; entry < panel; entry++) *entry *= factor;
}

/* The rows where they lie if they are whole tiles wide, else copied and padded with zeros. */
static const float *widened(float *room, const float *x, int64_t rows, int64_t n, int64_t wide) {
  if (n == wide) return x;
  for (int64_t r = 0; r < rows; r++) {
    memcpy(room + r * wide, x + r * n, (size_t)n * sizeof(float));
    memset(room + r * wide + n, 0, (size_t)(wide - n) * sizeof(float));
  }
  return room;
}

#endif
