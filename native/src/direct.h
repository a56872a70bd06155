/*
 * A product too small for packing to pay: only the operand with more lines is packed, once, and the other is read where it
 * lies. Sums run over the inner index in its order, as in the blocked product, so that both give the same bits. For
 * products.c, which defines LANES, WIDTH, TILE_ROWS, TILE_COLS, lanes and load.
 */
#ifndef THINNED_DIRECT_H
#define THINNED_DIRECT_H

/* An operand as lines of inner indices: `x[line * across + p * along]`. One of the two strides is 1. */
typedef struct {
  const float *x;
  int64_t lines, across, along;
} Lines;

/* What a tile is computed from: lines of the operand that is read where it lies, and the packed one. */
typedef struct {
  const float *x;
  int64_t across, along;
  const float *packed;
  int64_t inners;
} DirectTile;

/* sum[i][j] = sum over p of x[i * across + p * along] packed[p * TILE_COLS + j], for lines below `count`; of those from there
   on up to `rows` it is nothing that counts. */
static inline __attribute__((always_inline)) void direct_sum(
    const DirectTile *tile, int64_t count, lanes sum[TILE_ROWS][WIDTH], const int rows) {
  const int64_t along = tile->along, inners = tile->inners;
  const float *from[TILE_ROWS];
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++) from[i] = tile->x + (i < count ? i : 0) * tile->across;
  lanes s[TILE_ROWS][WIDTH] = {{{0}}};
  const float *packed = tile->packed;
  for (int64_t p = 0; p < inners; p++, packed += TILE_COLS) {
    lanes row[WIDTH];
#pragma GCC unroll 4
    for (int j = 0; j < WIDTH; j++) row[j] = load(packed + j * LANES);
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++) {
      const lanes factor = from[i][p * along] - (lanes){0};
#pragma GCC unroll 4
      for (int j = 0; j < WIDTH; j++) s[i][j] += factor * row[j];
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++) memcpy(sum[i], s[i], sizeof s[i]);
}

/* Lines of a tile: as many as a tile has, or fewer where few are left. */
static inline int64_t direct_rows(int64_t left) {
  if (left == 1) return 1;
  if (left <= TILE_ROWS / 2) return TILE_ROWS / 2;
  return TILE_ROWS;
}

static void direct_tile(const DirectTile *tile, int64_t count, lanes sum[TILE_ROWS][WIDTH]) {
  const int64_t rows = direct_rows(count);
  if (rows == 1) direct_sum(tile, count, sum, 1);
  else if (rows == TILE_ROWS / 2) direct_sum(tile, count, sum, TILE_ROWS / 2);
  else direct_sum(tile, count, sum, TILE_ROWS);
}

/* A panel: `out[p * TILE_COLS + i] = x[i * across + p * along]` for `count` lines, with zeros up to its width. */
static void direct_pack(float *restrict out, const float *restrict x, const Lines *from, int64_t count, int64_t inners) {
  const int64_t across = from->across, along = from->along;
  if (across == 1) {
    for (int64_t p = 0; p < inners; p++) {
      float *to = out + p * TILE_COLS;
      if (count == TILE_COLS) memcpy(to, x + p * along, TILE_COLS * sizeof(float));
      else {
        for (int64_t i = 0; i < count; i++) to[i] = x[p * along + i];
        for (int64_t i = count; i < TILE_COLS; i++) to[i] = 0;
      }
    }
    return;
  }
  const int64_t even = count & ~(int64_t)3, places = inners & ~(int64_t)3;
  for (int64_t i = 0; i < even; i += 4) {
    for (int64_t p = 0; p < places; p += 4) {
      transpose_quads(out + p * TILE_COLS + i, TILE_COLS, x + i * across + p, across);
    }
    for (int64_t p = places; p < inners; p++) {
      for (int64_t r = i; r < i + 4; r++) out[p * TILE_COLS + r] = x[r * across + p];
    }
  }
  for (int64_t p = 0; p < inners; p++) {
    float *to = out + p * TILE_COLS;
    for (int64_t i = even; i < count; i++) to[i] = x[i * across + p];
    for (int64_t i = count; i < TILE_COLS; i++) to[i] = 0;
  }
}

/* Writes a line of a tile into C, whose numbers lie `right` apart. With beta 0, C is not read. */
static inline __attribute__((always_inline)) void direct_store(
    float *restrict c, const int64_t right, const lanes *line, int64_t cols, float alpha, float beta) {
  const float *s = (const float *)line;
  if (right == 1 && cols == TILE_COLS && beta == 0) {
    for (int j = 0; j < WIDTH; j++) {
      const lanes value = alpha * line[j];
      memcpy(c + j * LANES, &value, sizeof value);
    }
  } else if (beta == 0) {
    for (int64_t j = 0; j < cols; j++) c[j * right] = alpha * s[j];
  } else {
    for (int64_t j = 0; j < cols; j++) c[j * right] = alpha * s[j] + beta * c[j * right];
  }
}

/* Numbers that the packed operand of a product takes: of one panel, which is used before the next is packed. */
static int64_t direct_size(const Product *p) { return TILE_COLS * p->k; }

/* The product; `packed` has room for direct_size numbers. */
static void direct_product(const Product *p, float *packed) {
  const Lines a = {p->a, p->m, p->transpose_a ? 1 : p->a_pitch, p->transpose_a ? p->a_pitch : 1};
  const Lines b = {p->b, p->n, p->transpose_b ? p->b_pitch : 1, p->transpose_b ? 1 : p->b_pitch};
  /* Lines of C are written along; across them only where they are so short that most of a tile would be empty. */
  const int32_t turned = p->m > p->n && p->n < LANES;
  const Lines *wide = turned ? &a : &b, *narrow = turned ? &b : &a;
  /* From one line to the next in C, of the narrow operand and of the wide one. */
  const int64_t down = turned ? 1 : p->c_pitch, right = turned ? p->c_pitch : 1;
  for (int64_t col = 0; col < wide->lines; col += TILE_COLS) {
    const int64_t cols = min_i64(TILE_COLS, wide->lines - col);
    direct_pack(packed, wide->x + col * wide->across, wide, cols, p->k);
    for (int64_t row = 0; row < narrow->lines; row += TILE_ROWS) {
      const int64_t rows = min_i64(TILE_ROWS, narrow->lines - row);
      const DirectTile tile = {narrow->x + row * narrow->across, narrow->across, narrow->along, packed, p->k};
      lanes sum[TILE_ROWS][WIDTH];
      direct_tile(&tile, rows, sum);
      for (int64_t i = 0; i < rows; i++) {
        float *c = p->c + (row + i) * down + col * right;
        if (right == 1) direct_store(c, 1, &sum[i][0], cols, p->alpha, p->beta);
        else direct_store(c, right, &sum[i][0], cols, p->alpha, p->beta);
      }
    }
  }
}

#endif
