/*
 * Matrix products: by OpenBLAS where one has been opened, else by an own blocked product after Goto and van de Geijn
 * ("Anatomy of High-Performance Matrix Multiplication", 2008): both operands are packed into panels, and a tile of C
 * that fits the registers is summed over the inner index. The slow twin is core/backend/reference/products.ts.
 */
#include "products.h"
#include "kernel.h"

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
    float *c = whole->c + (block->row + row + i) * whole->c_pitch + block->col + col;
    const float *s = (const float *)&sum[i][0];
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
  } else if (count == width) {
    for (int64_t p = 0; p < inners; p++) {
      for (int64_t i = 0; i < width; i++) out[p * width + i] = x[i * across + p * along];
    }
  } else {
    for (int64_t p = 0; p < inners; p++) {
      for (int64_t i = 0; i < width; i++) out[p * width + i] = i < count ? x[i * across + p * along] : 0;
    }
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

static int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/* The panels of the thread that asks for a product; they are kept for the next one. */
static _Thread_local float *panels;
static _Thread_local int64_t panels_size;

static int32_t own_product(const Product *p) {
  if (p->m == 0 || p->n == 0) return OK;
  if (p->k == 0) {
    scale_only(p);
    return OK;
  }
  const int64_t inner = min_i64(p->k, BLOCK_INNER);
  const int64_t a_size = round_up(round_up(min_i64(p->m, BLOCK_ROWS), TILE_ROWS) * inner, 16);
  const int64_t size = a_size + round_up(round_up(min_i64(p->n, BLOCK_COLS), TILE_COLS) * inner, 16);
  if (size > panels_size) {
    free(panels);
    panels = aligned_alloc(64, (size_t)size * sizeof(float));
    panels_size = panels == NULL ? 0 : size;
    if (panels == NULL) return OUT_OF_MEMORY;
  }
  Block block = {.whole = p, .a = panels, .b = panels + a_size};
  /* A product this small is computed before a helper would have woken up. */
  const int64_t alone = p->m * p->n * p->k < (int64_t)1 << 18;
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

/* Computes the part of a product that lies in `count` rows, or columns, of C from `first` on. */
static void blas_part(const Product *p, int32_t by_rows, int64_t first, int64_t count) {
  Product part = *p;
  if (by_rows) {
    part.m = count;
    part.a += first * (p->transpose_a ? 1 : p->a_pitch);
    part.c += first * p->c_pitch;
  } else {
    part.n = count;
    part.b += first * (p->transpose_b ? p->b_pitch : 1);
    part.c += first;
  }
  blas_product(&part);
}

static void blas_range(void *context, int64_t begin, int64_t end) {
  const Product *p = context;
  blas_part(p, p->m >= p->n, begin, end - begin);
}

/* Extents beyond an int are left to the own product. */
static int32_t fits_blas(const Product *p) {
  const int64_t most = INT32_MAX;
  return p->m <= most && p->n <= most && p->k <= most;
}

/* An OpenBLAS that is older than the processor gives it kernels for narrower registers than it has: the own product is
   then nearly twice as fast, except for C of few rows or columns. The choice depends on extents alone, so that a
   repeated product has the same bits. */
static int32_t own_is_wider(const Product *p) {
#if defined(__AVX512F__)
  return !blas_is_wide() && p->m >= 8 && p->n >= TILE_COLS;
#else
  (void)p;
  return 0;
#endif
}

static int32_t one_product(const Product *p, int32_t use_blas) {
  if (!use_blas || own_is_wider(p) || !fits_blas(p) || p->m == 0 || p->n == 0 || p->k == 0) return own_product(p);
  const int64_t extent = max_i64(p->m, p->n), threads = pool_threads();
  if (!blas_is_divisible() || threads == 1 || pool_inside() || p->m * p->n * p->k < (int64_t)1 << 17) {
    blas_product(p);
  } else {
    pool_run(extent, max_i64(32, round_up((extent + threads - 1) / threads, 16)), blas_range, (void *)p);
  }
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
  Batch batch = {.status = OK};
  Product *p = &batch.first;
  p->a = a, p->b = b, p->c = c;
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
