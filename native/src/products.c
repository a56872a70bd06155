/*
 * Matrix products: by OpenBLAS where one has been opened, else by an own blocked product after Goto and van de Geijn
 * ("Anatomy of High-Performance Matrix Multiplication", 2008): both operands are packed into panels, and a tile of C
 * that fits the registers is summed over the inner index. The slow twin is core/backend/reference/products.ts.
 */
#include "products.h"
#include "kernel.h"
#include "transpose.h"

#include <stdlib.h>
#include <string.h>

/* Lanes of a register, registers in a row of a tile, rows of a tile. */
#if defined(__AVX512F__)
#define LANES 16
#define WIDTH 2
#define TILE_ROWS 12
#elif defined(__AVX2__)
#define LANES 8
#define WIDTH 2
#define TILE_ROWS 6
#elif defined(__aarch64__)
#define LANES 4
#define WIDTH 4
#define TILE_ROWS 6
#else
#define LANES 4
#define WIDTH 2
#define TILE_ROWS 4
#endif
#define TILE_COLS (LANES * WIDTH)

/* Inner indices, rows and columns that are packed at a time: they fit into the second- and third-level caches. */
#define BLOCK_INNER 256
#define BLOCK_ROWS 768
#define BLOCK_COLS 2048
/* Rows and columns of C that one task computes from packed panels. */
#define TASK_ROWS 96
#define TASK_COLS 256

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

static inline lanes load(const float *x) {
  lanes value;
  memcpy(&value, x, sizeof value);
  return value;
}

#include "direct.h"

/* One block of the product, packed: `a` in panels of TILE_ROWS rows, `b` in panels of TILE_COLS columns. */
typedef struct {
  const Product *whole;
  float *a, *b;
  int64_t row, rows, col, cols, inner, inners;
  float beta;
} Block;

/* sum[i][j] = sum over p of a[p][i] b[p][j]. */
static inline __attribute__((always_inline)) void tile_sum(
    const float *restrict a, const float *restrict b, int64_t inners, lanes sum[TILE_ROWS][WIDTH]) {
  lanes s[TILE_ROWS][WIDTH] = {{{0}}};
  for (int64_t p = 0; p < inners; p++, a += TILE_ROWS, b += TILE_COLS) {
    lanes row[WIDTH];
#pragma GCC unroll 4
    for (int j = 0; j < WIDTH; j++) row[j] = load(b + j * LANES);
#pragma GCC unroll 12
    for (int i = 0; i < TILE_ROWS; i++) {
      const lanes factor = a[i] - (lanes){0};
#pragma GCC unroll 4
      for (int j = 0; j < WIDTH; j++) s[i][j] += factor * row[j];
    }
  }
  memcpy(sum, s, sizeof s);
}

/* Writes the valid part of a tile into C. With beta 0, C is not read. */
static void tile_store(const Block *block, const lanes sum[TILE_ROWS][WIDTH], int64_t row, int64_t col) {
  const Product *whole = block->whole;
  const int64_t rows = min_i64(TILE_ROWS, block->rows - row), cols = min_i64(TILE_COLS, block->cols - col);
  const float alpha = whole->alpha, beta = block->beta;
  for (int64_t i = 0; i < rows; i++) {
    const float *s = (const float *)&sum[i][0];
    float *c = whole->c + (block->row + row + i) * whole->c_pitch + block->col + col;
    if (beta == 0) {
      for (int64_t j = 0; j < cols; j++) c[j] = alpha * s[j];
    } else {
      for (int64_t j = 0; j < cols; j++) c[j] = alpha * s[j] + beta * c[j];
    }
  }
}

static void tiles_range(void *context, int64_t begin, int64_t end) {
  const Block *block = context;
  const int64_t across = (block->cols + TASK_COLS - 1) / TASK_COLS;
  for (int64_t unit = begin; unit < end; unit++) {
    const int64_t top = unit / across * TASK_ROWS, bottom = min_i64(top + TASK_ROWS, block->rows);
    const int64_t left = unit % across * TASK_COLS, right = min_i64(left + TASK_COLS, block->cols);
    for (int64_t col = left; col < right; col += TILE_COLS) {
      for (int64_t row = top; row < bottom; row += TILE_ROWS) {
        lanes sum[TILE_ROWS][WIDTH];
        tile_sum(block->a + row * block->inners, block->b + col * block->inners, block->inners, sum);
        tile_store(block, sum, row, col);
      }
    }
  }
}

/* Packs panel after panel: `out[p * width + i] = x[i * across + p * along]`, padded with zeros to the full width. */
static inline __attribute__((always_inline)) void pack_panel(
    float *restrict out, const float *restrict x, int64_t across, int64_t along, int64_t count, int64_t inners,
    const int64_t width) {
  if (count == width && across == 1) {
    for (int64_t p = 0; p < inners; p++) memcpy(out + p * width, x + p * along, (size_t)width * sizeof(float));
    return;
  }
  /* What a vector transpose takes, four by four; the rest one by one. */
  const int64_t even = along == 1 && count == width ? width & ~(int64_t)3 : 0;
  const int64_t places = even > 0 ? inners & ~(int64_t)3 : 0;
  for (int64_t p = 0; p < places; p += 4) {
    for (int64_t i = 0; i < even; i += 4) transpose_quads(out + p * width + i, width, x + i * across + p, across);
    for (int64_t r = p; r < p + 4; r++) {
      for (int64_t i = even; i < width; i++) out[r * width + i] = x[i * across + r * along];
    }
  }
  for (int64_t p = places; p < inners; p++) {
    for (int64_t i = 0; i < width; i++) out[p * width + i] = i < count ? x[i * across + p * along] : 0;
  }
}

static void pack_a_range(void *context, int64_t begin, int64_t end) {
  const Block *block = context;
  const Product *whole = block->whole;
  const int64_t across = whole->transpose_a ? 1 : whole->a_pitch, along = whole->transpose_a ? whole->a_pitch : 1;
  for (int64_t panel = begin; panel < end; panel++) {
    const int64_t row = panel * TILE_ROWS;
    const float *x = whole->a + (block->row + row) * across + block->inner * along;
    pack_panel(block->a + row * block->inners, x, across, along, min_i64(TILE_ROWS, block->rows - row), block->inners,
        TILE_ROWS);
  }
}

static void pack_b_range(void *context, int64_t begin, int64_t end) {
  const Block *block = context;
  const Product *whole = block->whole;
  const int64_t across = whole->transpose_b ? whole->b_pitch : 1, along = whole->transpose_b ? 1 : whole->b_pitch;
  for (int64_t panel = begin; panel < end; panel++) {
    const int64_t col = panel * TILE_COLS;
    const float *x = whole->b + (block->col + col) * across + block->inner * along;
    pack_panel(block->b + col * block->inners, x, across, along, min_i64(TILE_COLS, block->cols - col), block->inners,
        TILE_COLS);
  }
}

/* beta C alone, for an empty sum. */
static void scale_only(const Product *p) {
  for (int64_t i = 0; i < p->m; i++) {
    float *c = p->c + i * p->c_pitch;
    for (int64_t j = 0; j < p->n; j++) c[j] = p->beta == 0 ? 0 : p->beta * c[j];
  }
}

/* The panels of the thread that asks for a product; they are kept for the next one. */
static _Thread_local float *panels;
static _Thread_local int64_t panels_size;

/* Makes the panels of this thread at least so large. */
static int32_t need_panels(int64_t size) {
  if (size <= panels_size) return OK;
  free(panels);
  panels = aligned_alloc(64, (size_t)round_up(size, 16) * sizeof(float));
  panels_size = panels == NULL ? 0 : size;
  return panels == NULL ? OUT_OF_MEMORY : OK;
}

static int32_t own_product(const Product *p) {
  if (p->m == 0 || p->n == 0) return OK;
  if (p->k == 0) {
    scale_only(p);
    return OK;
  }
  /* A product this small is computed before a helper would have woken up. */
  const int64_t alone = p->m * p->n * p->k < (int64_t)1 << 18;
  if (alone && p->k <= BLOCK_INNER) {
    const int32_t status = need_panels(direct_size(p));
    if (status == OK) direct_product(p, panels);
    return status;
  }
  const int64_t inner = min_i64(p->k, BLOCK_INNER);
  const int64_t a_size = round_up(round_up(min_i64(p->m, BLOCK_ROWS), TILE_ROWS) * inner, 16);
  const int64_t size = a_size + round_up(round_up(min_i64(p->n, BLOCK_COLS), TILE_COLS) * inner, 16);
  const int32_t status = need_panels(size);
  if (status != OK) return status;
  Block block = {.whole = p, .a = panels, .b = panels + a_size};
  for (block.col = 0; block.col < p->n; block.col += BLOCK_COLS) {
    block.cols = min_i64(BLOCK_COLS, p->n - block.col);
    for (block.inner = 0; block.inner < p->k; block.inner += BLOCK_INNER) {
      block.inners = min_i64(BLOCK_INNER, p->k - block.inner);
      block.beta = block.inner == 0 ? p->beta : 1;
      const int64_t b_panels = (block.cols + TILE_COLS - 1) / TILE_COLS;
      pool_run(b_panels, alone ? b_panels : max_i64(1, GRAIN / (TILE_COLS * block.inners)), pack_b_range, &block);
      for (block.row = 0; block.row < p->m; block.row += BLOCK_ROWS) {
        block.rows = min_i64(BLOCK_ROWS, p->m - block.row);
        const int64_t a_panels = (block.rows + TILE_ROWS - 1) / TILE_ROWS;
        pool_run(a_panels, alone ? a_panels : max_i64(1, GRAIN / (TILE_ROWS * block.inners)), pack_a_range, &block);
        const int64_t across = (block.cols + TASK_COLS - 1) / TASK_COLS;
        const int64_t units = across * ((block.rows + TASK_ROWS - 1) / TASK_ROWS);
        pool_run(units, alone ? units : 1, tiles_range, &block);
      }
    }
  }
  return OK;
}

static void blas_range(void *context, int64_t begin, int64_t end) {
  const Pieces *pieces = context;
  const Product *p = pieces->whole;
  for (int64_t i = begin; i < end; i++) {
    const int64_t row = i / pieces->across * pieces->rows, col = i % pieces->across * pieces->cols;
    Product part = *p;
    part.m = min_i64(pieces->rows, p->m - row);
    part.n = min_i64(pieces->cols, p->n - col);
    part.a += row * (p->transpose_a ? 1 : p->a_pitch);
    part.b += col * (p->transpose_b ? p->b_pitch : 1);
    part.c += row * p->c_pitch + col;
    blas_product(&part);
  }
}

static int32_t one_product(const Product *p, int32_t use_blas) {
  if (!use_blas || !suits_blas(p)) return own_product(p);
  Pieces pieces = pieces_of(p);
  const int64_t count = count_of(&pieces);
  pool_run(count, blas_is_divisible() ? 1 : count, blas_range, &pieces);
  return OK;
}

typedef struct {
  Product first;
  int64_t a_stride, b_stride, c_stride;
  int32_t use_blas, status;
} Batch;

static int32_t nth_product(const Batch *batch, int64_t i) {
  Product p = batch->first;
  p.a += i * batch->a_stride;
  p.b += i * batch->b_stride;
  p.c += i * batch->c_stride;
  return one_product(&p, batch->use_blas);
}

static void batch_range(void *context, int64_t begin, int64_t end) {
  Batch *batch = context;
  for (int64_t i = begin; i < end; i++) {
    const int32_t status = nth_product(batch, i);
    if (status != OK) __atomic_store_n(&batch->status, status, __ATOMIC_RELAXED);
  }
}

/* `shape`: m, n, k, transpose A, transpose B, alpha, beta, batch, strides of A, B and C. */
static int32_t products(const float *a, const float *b, float *c, const double *shape, int32_t use_blas) {
  for (int i = 0; i < 11; i++) {
    if (i != 5 && i != 6 && !is_size(shape[i])) return BAD_ARGUMENT;
  }
  if (!are_sizes(shape[0], shape[1], shape[2]) || !are_sizes(shape[7], shape[8], 1)) return BAD_ARGUMENT;
  if (!are_sizes(shape[7], shape[9], 1) || !are_sizes(shape[7], shape[10], 1)) return BAD_ARGUMENT;
  if (shape[0] == 0 || shape[1] == 0 || shape[7] == 0) return OK;
  Batch batch = {.status = OK, .first = {.a = a, .b = b, .c = c}};
  Product *p = &batch.first;
  p->m = (int64_t)shape[0], p->n = (int64_t)shape[1], p->k = (int64_t)shape[2];
  p->transpose_a = shape[3] != 0, p->transpose_b = shape[4] != 0;
  p->a_pitch = p->transpose_a ? p->m : p->k;
  p->b_pitch = p->transpose_b ? p->k : p->n;
  p->c_pitch = p->n;
  p->alpha = (float)shape[5], p->beta = (float)shape[6];
  const int64_t count = (int64_t)shape[7];
  batch.a_stride = (int64_t)shape[8], batch.b_stride = (int64_t)shape[9], batch.c_stride = (int64_t)shape[10];
  batch.use_blas = use_blas && blas_opened();
  const int64_t work = p->m * p->n * p->k;
  /* Many small products are shared out whole; large ones are divided one after the other. */
  const int32_t whole = (!batch.use_blas || blas_is_divisible()) && count >= pool_threads() && work < (int64_t)1 << 24;
  const int64_t some = max_i64(1, ((int64_t)1 << 16) / max_i64(1, work));
  pool_run(count, whole && count > 1 ? some : max_i64(1, count), batch_range, &batch);
  return batch.status;
}

KERNEL(gemm)(const float *a, const float *b, float *c, const double *shape) { return products(a, b, c, shape, 1); }

/* The same without a BLAS. */
KERNEL(own_gemm)(const float *a, const float *b, float *c, const double *shape) { return products(a, b, c, shape, 0); }
