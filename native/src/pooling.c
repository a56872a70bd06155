/* Largest entries of windows; their means are in average_pooling.c. The slow twin is core/backend/reference/pooling.ts. */
#include "pooling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The rule of `maxPool`: the larger wins, a NaN wins over all numbers, and among equals the first. */
#define WINS(v, place, best, old) \
  (((v) > (best)) | (((v) != (v)) & ((best) == (best))) | \
      ((((v) == (best)) | (((v) != (v)) & ((best) != (best)))) & ((place) < (old))))

/* Sorts columns by their remainder modulo the stride, so that all windows' taps lie side by side. */
#define SORT_COLUMNS(name, type) \
  static void name(const type *restrict x, type *restrict out, int64_t phase, int64_t stride) { \
    if (stride == 2) { \
      for (int64_t c = 0; c < phase; c++) { \
        const type even = x[2 * c], odd = x[2 * c + 1]; \
        out[c] = even, out[phase + c] = odd; \
      } \
    } else { \
      for (int64_t c = 0; c < phase; c++) { \
        for (int64_t p = 0; p < stride; p++) out[p * phase + c] = x[c * stride + p]; \
      } \
    } \
  }
SORT_COLUMNS(sort_values, float)
SORT_COLUMNS(sort_places, int32_t)

/* The winners of a row of windows, from those of the sorted columns that they span. */
static void max_columns(
    const float *restrict x, const int32_t *restrict from, float *restrict y, int32_t *restrict places,
    int64_t width, int64_t taps, int64_t phase, int64_t stride) {
  for (int64_t w = 0; w < width; w++) y[w] = x[w], places[w] = from[w];
  for (int64_t k = 1; k < taps; k++) {
    const float *values = x + k % stride * phase + k / stride;
    const int32_t *origins = from + k % stride * phase + k / stride;
    for (int64_t w = 0; w < width; w++) {
      const float value = values[w], best = y[w];
      const int32_t place = origins[w], old = places[w];
      const int32_t take = WINS(value, place, best, old);
      y[w] = take ? value : best;
      places[w] = take ? place : old;
    }
  }
}

/* The same from columns that are neither sorted nor padded, window by window. */
static void max_windows(const Pool *pool, const float *x, const int32_t *from, float *y, int32_t *places) {
  for (int64_t w = 0; w < pool->output[2]; w++) {
    int64_t first, last;
    const int64_t at = taps_inside(pool, 2, w, &first, &last);
    y[w] = x[at + first], places[w] = from[at + first];
    for (int64_t c = at + first + 1; c < at + last; c++) {
      if (WINS(x[c], from[c], y[w], places[w])) y[w] = x[c], places[w] = from[c];
    }
  }
}

/* The winners of each column of the input over the rows of a window. */
static void max_rows(const Pool *pool, const float *x, int64_t row, float *restrict best, int32_t *restrict from) {
  const int64_t width = pool->input[2];
  int64_t d0, d1, h0, h1, begun = 0;
  const int64_t z = taps_inside(pool, 0, row / pool->output[1], &d0, &d1);
  const int64_t v = taps_inside(pool, 1, row % pool->output[1], &h0, &h1);
  for (int64_t i = d0; i < d1; i++) {
    for (int64_t j = h0; j < h1; j++) {
      const int64_t at = ((z + i) * pool->input[1] + v + j) * width;
      const float *values = x + at;
      if (begun++ == 0) {
        for (int64_t c = 0; c < width; c++) best[c] = values[c], from[c] = (int32_t)(at + c);
        continue;
      }
      /* Rows come in order, so an equal value never wins. */
      for (int64_t c = 0; c < width; c++) {
        const int32_t take = (values[c] > best[c]) | ((values[c] != values[c]) & (best[c] == best[c]));
        best[c] = take ? values[c] : best[c];
        from[c] = take ? (int32_t)(at + c) : from[c];
      }
    }
  }
}

/* Windows of a row are computed so many at a time, in whole vectors, also where they are fewer. */
#define TOGETHER 16

static void max_range(void *context, int64_t begin, int64_t end) {
  Pool *pool = context;
  const int64_t rows = pool->output[0] * pool->output[1], width = pool->output[2];
  /* Columns of the padding surround those of the input: they hold what anything wins over. */
  const int32_t bare = is_mostly_padding(pool);
  const int64_t padding = bare ? 0 : pool->padding[2], stride = bare ? 1 : pool->stride[2], taps = pool->kernel[2];
  const int64_t phase = ((bare ? pool->input[2] : pool_span(pool)) + stride - 1) / stride, span = phase * stride + TOGETHER;
  const int64_t wide = (width + TOGETHER - 1) / TOGETHER * TOGETHER;
  float *memory = malloc((size_t)(4 * span + 2 * wide) * sizeof(float));
  if (memory == NULL) {
    __atomic_store_n(&pool->status, OUT_OF_MEMORY, __ATOMIC_RELAXED);
    return;
  }
  float *best = memory, *values = stride == 1 ? best : memory + 2 * span, *y = memory + 4 * span;
  int32_t *from = (int32_t *)(best + span), *origins = (int32_t *)(values + span), *places = (int32_t *)(y + wide);
  for (int64_t c = 0; c < span; c++) best[c] = values[c] = -INFINITY, from[c] = origins[c] = INT32_MAX;
  for (int64_t plane = begin; plane < end; plane++) {
    for (int64_t row = 0; row < rows; row++) {
      const int64_t at = plane * pool->outputs + row * width;
      max_rows(pool, pool->x + plane * pool->inputs, row, best + padding, from + padding);
      if (stride != 1) {
        sort_values(best, values, phase, stride);
        sort_places(from, origins, phase, stride);
      }
      if (bare) max_windows(pool, best, from, y, places);
      else max_columns(values, origins, y, places, wide, taps, phase, stride);
      memcpy(pool->y + at, y, (size_t)width * sizeof(float));
      memcpy(pool->places + at, places, (size_t)width * sizeof(int32_t));
    }
  }
  free(memory);
}

KERNEL(max_pool)(const float *x, float *y, int32_t *places, const double *block) {
  Pool pool = {.planes = 0};
  if (!read_pool(&pool, block) || pool.inputs > INT32_MAX) return BAD_ARGUMENT;
  pool.x = x, pool.y = y, pool.places = places;
  if (pool.outputs > 0) pool_run(pool.planes, pool_grain(&pool), max_range, &pool);
  return pool.status;
}

static void max_gradient_range(void *context, int64_t begin, int64_t end) {
  Pool *pool = context;
  for (int64_t plane = begin; plane < end; plane++) {
    const float *dy = pool->x + plane * pool->outputs;
    const int32_t *places = pool->places + plane * pool->outputs;
    float *dx = pool->y + plane * pool->inputs;
    memset(dx, 0, (size_t)pool->inputs * sizeof(float));
    for (int64_t i = 0; i < pool->outputs; i++) {
      const int64_t place = __atomic_load_n(places + i, __ATOMIC_RELAXED);
      if (place >= 0 && place < pool->inputs) dx[place] += dy[i];
      else __atomic_store_n(&pool->status, BAD_INDEX, __ATOMIC_RELAXED);
    }
  }
}

KERNEL(max_pool_gradient)(const float *dy, const int32_t *places, float *dx, const double *block) {
  Pool pool = {.planes = 0};
  if (!read_pool(&pool, block)) return BAD_ARGUMENT;
  pool.x = dy, pool.y = dx, pool.places = (int32_t *)places;
  pool_run(pool.planes, max_i64(1, GRAIN / max_i64(1, pool.inputs)), max_gradient_range, &pool);
  return pool.status;
}
