/* Means of windows: the slow twin is core/backend/reference/pooling.ts. */
#include "pooling.h"
#include "transpose.h"

#include <stdlib.h>
#include <string.h>

/* What the sums of a row of windows are divided by: the same for all that lie inside along the innermost axis. */
typedef struct {
  int64_t first, last; /* those windows */
  int64_t across;      /* taps of the outer axes that count */
} Shares;

static Shares shares_of(const Pool *pool, int64_t row) {
  const int64_t stride = pool->stride[2], room = pool->input[2] - pool->kernel[2] + pool->padding[2];
  Shares shares = {0, pool->output[2], pool->kernel[0] * pool->kernel[1]};
  if (pool->count_padding) return shares;
  int64_t d0, d1, h0, h1;
  taps_inside(pool, 0, row / pool->output[1], &d0, &d1);
  taps_inside(pool, 1, row % pool->output[1], &h0, &h1);
  shares.across = (d1 - d0) * (h1 - h0);
  shares.first = min_i64(pool->output[2], (pool->padding[2] + stride - 1) / stride);
  shares.last = max_i64(shares.first, room < 0 ? 0 : min_i64(pool->output[2], room / stride + 1));
  return shares;
}

/* That of a window at an end of its row. */
static float share_at_end(const Pool *pool, const Shares *shares, int64_t w) {
  int64_t first, last;
  taps_inside(pool, 2, w, &first, &last);
  return 1.0f / (float)(shares->across * (last - first));
}

/* y = share x, for a row of windows. */
static inline void scale_row(const Pool *pool, int64_t row, const float *x, float *y) {
  const Shares shares = shares_of(pool, row);
  const float inside = 1.0f / (float)(shares.across * pool->kernel[2]);
  for (int64_t w = 0; w < shares.first; w++) y[w] = x[w] * share_at_end(pool, &shares, w);
  INDEPENDENT for (int64_t w = shares.first; w < shares.last; w++) y[w] = x[w] * inside;
  for (int64_t w = shares.last; w < pool->output[2]; w++) y[w] = x[w] * share_at_end(pool, &shares, w);
}

/* Memory for a row of the input, padded with zeros unless it would be mostly padding, and for a row of windows behind. */
static float *rows_of(Pool *pool, int64_t *span) {
  *span = is_mostly_padding(pool) ? pool->input[2] : pool_span(pool);
  float *found = calloc((size_t)(*span + pool->output[2]), sizeof(float));
  if (found == NULL) __atomic_store_n(&pool->status, OUT_OF_MEMORY, __ATOMIC_RELAXED);
  return found;
}

/* For each row of the input that a row of windows sees: `ROW(its place in the plane)`. */
#define EACH_INPUT_ROW(pool, row, ROW) \
  int64_t d0, d1, h0, h1; \
  const int64_t z = taps_inside(pool, 0, (row) / (pool)->output[1], &d0, &d1); \
  const int64_t v = taps_inside(pool, 1, (row) % (pool)->output[1], &h0, &h1); \
  for (int64_t i = d0; i < d1; i++) { \
    for (int64_t j = h0; j < h1; j++) ROW((((z + i) * (pool)->input[1] + v + j) * (pool)->input[2])); \
  }

/* Sums of each window's columns. */
static inline void sum_columns(
    const float *restrict columns, float *restrict y, int64_t width, int64_t taps, const int64_t stride) {
  if (stride == 2 && taps == 2) {
    for (int64_t w = 0; w < width; w++) y[w] = columns[2 * w] + columns[2 * w + 1];
    return;
  }
  for (int64_t w = 0; w < width; w++) y[w] = columns[w * stride];
  for (int64_t k = 1; k < taps; k++) {
    for (int64_t w = 0; w < width; w++) y[w] += columns[w * stride + k];
  }
}

/* The same from columns without padding, window by window. */
static void sum_windows(const Pool *pool, const float *columns, float *y) {
  for (int64_t w = 0; w < pool->output[2]; w++) {
    int64_t first, last;
    const int64_t at = taps_inside(pool, 2, w, &first, &last);
    y[w] = 0.0f;
    for (int64_t k = first; k < last; k++) y[w] += columns[at + k];
  }
}

static void average_range(void *context, int64_t begin, int64_t end) {
  Pool *pool = context;
  const int64_t rows = pool->output[0] * pool->output[1], width = pool->output[2], extent = pool->input[2];
  int64_t span;
  float *memory = rows_of(pool, &span);
  if (memory == NULL) return;
  const int32_t bare = is_mostly_padding(pool);
  float *restrict columns = bare ? memory : memory + pool->padding[2], *sums = memory + span;
  for (int64_t plane = begin; plane < end; plane++) {
    const float *x = pool->x + plane * pool->inputs;
    for (int64_t row = 0; row < rows; row++) {
      int32_t begun = 0;
#define SUM_ROW(at) \
  { \
    const float *from = x + (at); \
    if (begun++) { \
      for (int64_t c = 0; c < extent; c++) columns[c] += from[c]; \
    } else { \
      memcpy(columns, from, (size_t)extent * sizeof(float)); \
    } \
  }
      EACH_INPUT_ROW(pool, row, SUM_ROW)
      if (bare) sum_windows(pool, memory, sums);
      else sum_columns(memory, sums, width, pool->kernel[2], pool->stride[2]);
      scale_row(pool, row, sums, pool->y + plane * pool->outputs + row * width);
    }
  }
  free(memory);
}

/* Whether windows are 2 x 2 and lie side by side: the usual case, worth a loop of its own. */
static int32_t are_halves(const Pool *pool) {
  return pool->kernel[0] == 1 && pool->stride[0] == 1 && pool->kernel[1] == 2 && pool->stride[1] == 2 &&
      pool->kernel[2] == 2 && pool->stride[2] == 2 && pool->padding[0] == 0 && pool->padding[1] == 0 &&
      pool->padding[2] == 0;
}

/* The rows of windows of a plane one after the other: `ROW(first of its two input rows, its outputs)`. */
#define EACH_HALF(pool, x, y, ROW) \
  for (int64_t d = 0; d < (pool)->output[0]; d++) { \
    for (int64_t h = 0; h < (pool)->output[1]; h++, y += (pool)->output[2]) { \
      ROW((x) + (d * (pool)->input[1] + 2 * h) * (pool)->input[2], y); \
    } \
  }

/* Four windows at a time; the last four may be some of those before, once more. */
static inline void average_halves(const float *restrict x, int64_t extent, float *restrict y, int64_t width) {
  const float *below = x + extent;
  if (width < 4) {
    for (int64_t w = 0; w < width; w++) y[w] = 0.25f * ((x[2 * w] + below[2 * w]) + (x[2 * w + 1] + below[2 * w + 1]));
    return;
  }
  for (int64_t w = 0; w < width; w += 4) {
    const int64_t at = min_i64(w, width - 4);
    const quad a = load_quad(x + 2 * at) + load_quad(below + 2 * at);
    const quad b = load_quad(x + 2 * at + 4) + load_quad(below + 2 * at + 4);
    const quad mean = 0.25f * (SHUFFLE(a, b, 0, 2, 4, 6) + SHUFFLE(a, b, 1, 3, 5, 7));
    memcpy(y + at, &mean, sizeof mean);
  }
}

static inline void spread_halves(const float *restrict dy, int64_t width, float *restrict dx, int64_t extent) {
  float *below = dx + extent;
  if (width < 4) {
    for (int64_t w = 0; w < width; w++) {
      dx[2 * w] = dx[2 * w + 1] = below[2 * w] = below[2 * w + 1] = 0.25f * dy[w];
    }
    return;
  }
  for (int64_t w = 0; w < width; w += 4) {
    const int64_t at = min_i64(w, width - 4);
    const quad share = 0.25f * load_quad(dy + at);
    const quad pairs[2] = {SHUFFLE(share, share, 0, 0, 1, 1), SHUFFLE(share, share, 2, 2, 3, 3)};
    memcpy(dx + 2 * at, pairs, sizeof pairs);
    memcpy(below + 2 * at, pairs, sizeof pairs);
  }
}

static void halves_range(void *context, int64_t begin, int64_t end) {
  const Pool *pool = context;
  float *y = pool->y + begin * pool->outputs;
  for (int64_t plane = begin; plane < end; plane++) {
    const float *x = pool->x + plane * pool->inputs;
#define AVERAGE(from, to) average_halves(from, pool->input[2], to, pool->output[2])
    EACH_HALF(pool, x, y, AVERAGE)
  }
}

static void halves_gradient_range(void *context, int64_t begin, int64_t end) {
  const Pool *pool = context;
  const float *dy = pool->x + begin * pool->outputs;
  /* The last row or column of an odd extent is in no window. */
  const int32_t odd = (pool->input[1] | pool->input[2]) & 1;
  for (int64_t plane = begin; plane < end; plane++) {
    float *dx = pool->y + plane * pool->inputs;
    if (odd) memset(dx, 0, (size_t)pool->inputs * sizeof(float));
#define SPREAD(to, from) spread_halves(from, pool->output[2], to, pool->input[2])
    EACH_HALF(pool, dx, dy, SPREAD)
  }
}

KERNEL(average_pool)(const float *x, float *y, int32_t count_padding, const double *block) {
  Pool pool = {.planes = 0};
  if (!read_pool(&pool, block)) return BAD_ARGUMENT;
  pool.x = x, pool.y = y, pool.count_padding = count_padding;
  const pool_task task = are_halves(&pool) ? halves_range : average_range;
  if (pool.outputs > 0) pool_run(pool.planes, pool_grain(&pool), task, &pool);
  return pool.status;
}

/* What each column of a row of windows gets from those that see it. */
static inline void spread_columns(
    const float *restrict shares, float *restrict columns, int64_t span, int64_t width, int64_t taps,
    const int64_t stride) {
  if (stride == 2 && taps == 2) {
    for (int64_t w = 0; w < width; w++) columns[2 * w] = columns[2 * w + 1] = shares[w];
    return;
  }
  memset(columns, 0, (size_t)span * sizeof(float));
  for (int64_t k = 0; k < taps; k++) {
    INDEPENDENT for (int64_t w = 0; w < width; w++) columns[w * stride + k] += shares[w];
  }
}

static void spread_windows(const Pool *pool, const float *shares, float *columns) {
  memset(columns, 0, (size_t)pool->input[2] * sizeof(float));
  for (int64_t w = 0; w < pool->output[2]; w++) {
    int64_t first, last;
    const int64_t at = taps_inside(pool, 2, w, &first, &last);
    for (int64_t k = first; k < last; k++) columns[at + k] += shares[w];
  }
}

static void average_gradient_range(void *context, int64_t begin, int64_t end) {
  Pool *pool = context;
  const int64_t rows = pool->output[0] * pool->output[1], width = pool->output[2], extent = pool->input[2];
  int64_t span;
  float *memory = rows_of(pool, &span);
  if (memory == NULL) return;
  const int32_t bare = is_mostly_padding(pool);
  const float *restrict columns = bare ? memory : memory + pool->padding[2];
  float *shares = memory + span;
  for (int64_t plane = begin; plane < end; plane++) {
    float *dx = pool->y + plane * pool->inputs;
    memset(dx, 0, (size_t)pool->inputs * sizeof(float));
    for (int64_t row = 0; row < rows; row++) {
      scale_row(pool, row, pool->x + plane * pool->outputs + row * width, shares);
      if (bare) spread_windows(pool, shares, memory);
      else spread_columns(shares, memory, span, width, pool->kernel[2], pool->stride[2]);
#define SPREAD_ROW(at) \
  { \
    float *restrict to = dx + (at); \
    for (int64_t c = 0; c < extent; c++) to[c] += columns[c]; \
  }
      EACH_INPUT_ROW(pool, row, SPREAD_ROW)
    }
  }
  free(memory);
}

KERNEL(average_pool_gradient)(const float *dy, float *dx, int32_t count_padding, const double *block) {
  Pool pool = {.planes = 0};
  if (!read_pool(&pool, block)) return BAD_ARGUMENT;
  pool.x = dy, pool.y = dx, pool.count_padding = count_padding;
  if (pool.outputs == 0) {
    memset(dx, 0, (size_t)(pool.planes * pool.inputs) * sizeof(float));
    return OK;
  }
  const pool_task task = are_halves(&pool) ? halves_gradient_range : average_gradient_range;
  pool_run(pool.planes, pool_grain(&pool), task, &pool);
  return pool.status;
}
