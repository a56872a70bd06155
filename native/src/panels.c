/*
 * Products with one matrix again and again, as a recurrent layer's steps are: it is packed once, and the few rows of each
 * product are multiplied with what lies there in the order in which it is read. The slow twin is
 * core/backend/reference/products.ts.
 */
#include "kernel.h"
#include "transpose.h"

#include <stdlib.h>
#include <string.h>

/* Columns of a panel, as in core/backend/products.ts: a whole number of tiles of any instruction set. */
#define PANEL 32
/* Inner indices that are summed at a time: as much of a panel stays in the first-level cache for all rows. */
#define BLOCK_INNER 256

/* Lanes of a register, registers in a row of a tile, rows of a tile at most; fewer rows have tiles of their own. */
#if defined(__AVX512F__)
#define LANES 16
#define WIDTH 2
#define MOST_ROWS 12
#define EACH_TILE(X) X(1) X(2) X(4) X(6) X(8) X(10) X(12)
#elif defined(__AVX2__)
#define LANES 8
#define WIDTH 2
#define MOST_ROWS 6
#define EACH_TILE(X) X(1) X(2) X(4) X(5) X(6)
#elif defined(__aarch64__)
#define LANES 4
#define WIDTH 4
#define MOST_ROWS 6
#define EACH_TILE(X) X(1) X(2) X(4) X(5) X(6)
#else
#define LANES 4
#define WIDTH 2
#define MOST_ROWS 4
#define EACH_TILE(X) X(1) X(2) X(4)
#endif
#define TILE_COLS (LANES * WIDTH)

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

typedef struct {
  const float *b;
  float *packed;
  int64_t n, k;
  int32_t transpose;
} Packing;

static void pack_range(void *context, int64_t begin, int64_t end) {
  const Packing *job = context;
  const int64_t k = job->k, even = k & ~(int64_t)3;
  for (int64_t panel = begin; panel < end; panel++) {
    float *out = job->packed + panel * PANEL * k;
    const int64_t first = panel * PANEL, count = min_i64(PANEL, job->n - first);
    if (job->transpose && count == PANEL) {
      const float *from = job->b + first * k;
      for (int64_t p = 0; p < even; p += 4) {
        for (int64_t i = 0; i < PANEL; i += 4) transpose_quads(out + p * PANEL + i, PANEL, from + i * k + p, k);
      }
      for (int64_t p = even; p < k; p++) {
        for (int64_t i = 0; i < PANEL; i++) out[p * PANEL + i] = from[i * k + p];
      }
      continue;
    }
    const int64_t across = job->transpose ? k : 1, along = job->transpose ? 1 : job->n;
    for (int64_t p = 0; p < k; p++, out += PANEL) {
      const float *from = job->b + first * across + p * along;
      if (across == 1) memcpy(out, from, (size_t)count * sizeof(float));
      else {
        for (int64_t i = 0; i < count; i++) out[i] = from[i * across];
      }
      for (int64_t i = count; i < PANEL; i++) out[i] = 0;
    }
  }
}

KERNEL(pack_panels)(const float *b, float *packed, int32_t transpose, double n, double k) {
  if (!are_sizes(n, k, 1)) return BAD_ARGUMENT;
  if (k == 0) return OK; /* however many columns of nothing there are */
  Packing job = {b, packed, (int64_t)n, (int64_t)k, transpose};
  pool_run((job.n + PANEL - 1) / PANEL, max_i64(1, GRAIN / max_i64(1, PANEL * job.k)), pack_range, &job);
  return OK;
}

typedef struct {
  const float *a; /* packed: [tile][inner][rows of a tile] */
  const float *packed;
  float *c;
  int64_t m, n, k;
  int64_t rows; /* of a tile */
  int32_t add;
} Product;

/* sums[i][j] = sum over p of a[p][i] b[p][j]. */
#define TILE(ROWS) \
  static void tile_##ROWS(const float *restrict a, const float *restrict b, int64_t inners, float *restrict sums) { \
    lanes s[ROWS][WIDTH]; \
    _Pragma("GCC unroll 16") for (int i = 0; i < ROWS; i++) { \
      _Pragma("GCC unroll 4") for (int j = 0; j < WIDTH; j++) s[i][j] = (lanes){0}; \
    } \
    for (int64_t p = 0; p < inners; p++, a += ROWS, b += PANEL) { \
      lanes row[WIDTH]; \
      _Pragma("GCC unroll 4") for (int j = 0; j < WIDTH; j++) memcpy(&row[j], b + j * LANES, sizeof row[j]); \
      _Pragma("GCC unroll 16") for (int i = 0; i < ROWS; i++) { \
        const lanes factor = a[i] - (lanes){0}; \
        _Pragma("GCC unroll 4") for (int j = 0; j < WIDTH; j++) s[i][j] += factor * row[j]; \
      } \
    } \
    memcpy(sums, s, sizeof s); \
  }
EACH_TILE(TILE)

static void tile(int64_t rows, const float *a, const float *b, int64_t inners, float *sums) {
  switch (rows) {
#define TILE_CASE(ROWS) \
  case ROWS: \
    tile_##ROWS(a, b, inners, sums); \
    break;
    EACH_TILE(TILE_CASE)
  }
}

/* Rows of a tile for a number of rows: all tiles are about as high. */
static int64_t tile_rows(int64_t m) {
  const int64_t tiles = (m + MOST_ROWS - 1) / MOST_ROWS, rows = (m + tiles - 1) / tiles;
#define TILE_FITS(ROWS) \
  if (rows <= ROWS) return ROWS;
  EACH_TILE(TILE_FITS)
  return MOST_ROWS;
}

static void panels_range(void *context, int64_t begin, int64_t end) {
  const Product *job = context;
  const int64_t k = job->k;
  float sums[MOST_ROWS * TILE_COLS] __attribute__((aligned(64)));
  for (int64_t panel = begin; panel < end; panel++) {
    for (int64_t inner = 0; inner < k; inner += BLOCK_INNER) {
      const int64_t inners = min_i64(BLOCK_INNER, k - inner);
      const int32_t add = job->add || inner > 0;
      for (int64_t left = 0; left < PANEL; left += TILE_COLS) {
        const float *b = job->packed + (panel * k + inner) * PANEL + left;
        const int64_t col = panel * PANEL + left, cols = min_i64(TILE_COLS, job->n - col);
        for (int64_t row = 0; row < job->m && cols > 0; row += job->rows) {
          tile(job->rows, job->a + row * k + inner * job->rows, b, inners, sums);
          for (int64_t i = 0; i < min_i64(job->rows, job->m - row); i++) {
            const float *s = sums + i * TILE_COLS;
            float *c = job->c + (row + i) * job->n + col;
            if (add) {
              for (int64_t j = 0; j < cols; j++) c[j] += s[j];
            } else {
              for (int64_t j = 0; j < cols; j++) c[j] = s[j];
            }
          }
        }
      }
    }
  }
}

/* The rows in tiles; they are kept for the next product. */
static _Thread_local float *rows;
static _Thread_local int64_t rows_size;

KERNEL(panel_product)(const float *a, const float *packed, float *c, int32_t add, double m, double n, double k) {
  if (!are_sizes(m, n, 1) || !are_sizes(m, k, 1) || !are_sizes(n, k, 1)) return BAD_ARGUMENT;
  Product job = {.packed = packed, .c = c, .m = (int64_t)m, .n = (int64_t)n, .k = (int64_t)k, .add = add};
  if (job.m == 0 || job.n == 0) return OK;
  if (job.k == 0) {
    if (!add) memset(c, 0, (size_t)(job.m * job.n) * sizeof(float));
    return OK;
  }
  job.rows = tile_rows(job.m);
  const int64_t tiles = (job.m + job.rows - 1) / job.rows, size = (tiles * job.rows * job.k + 15) / 16 * 16;
  if (size > rows_size) {
    free(rows);
    rows = aligned_alloc(64, (size_t)size * sizeof(float));
    rows_size = rows == NULL ? 0 : size;
    if (rows == NULL) return OUT_OF_MEMORY;
  }
  for (int64_t i = 0; i < tiles * job.rows; i++) {
    float *to = rows + i / job.rows * job.rows * job.k + i % job.rows;
    for (int64_t p = 0; p < job.k; p++) to[p * job.rows] = i < job.m ? a[i * job.k + p] : 0;
  }
  job.a = rows;
  const int64_t work = job.m * PANEL * job.k;
  pool_run((job.n + PANEL - 1) / PANEL, max_i64(1, ((int64_t)1 << 18) / work), panels_range, &job);
  return OK;
}
