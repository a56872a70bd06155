/* What largest entries and means of windows share: a plane at a time. */
#ifndef THINNED_POOLING_H
#define THINNED_POOLING_H

#include "kernel.h"

typedef struct {
  int64_t planes, input[3], output[3], kernel[3], stride[3], padding[3];
  int64_t inputs, outputs; /* floats of a plane */
  int32_t count_padding, status;
  const float *x;
  float *y;
  int32_t *places;
} Pool;

/* `block`: planes, then five triples in the order of Pool. */
static inline int32_t read_pool(Pool *pool, const double *block) {
  int64_t *fields = (int64_t *)pool;
  if (!are_sizes(block[1], block[2], block[3]) || !are_sizes(block[4], block[5], block[6])) return 0;
  for (int i = 0; i < 16; i++) {
    if (!is_size(block[i])) return 0;
    fields[i] = (int64_t)block[i];
  }
  pool->inputs = pool->input[0] * pool->input[1] * pool->input[2];
  pool->outputs = pool->output[0] * pool->output[1] * pool->output[2];
  if (pool->inputs == 0) pool->planes = 0; /* then there is no output either */
  /* Every window reaches into the input. */
  for (int axis = 0; axis < 3; axis++) {
    const double last = (block[4 + axis] - 1) * block[10 + axis] - block[13 + axis];
    if (block[10 + axis] < 1 || block[7 + axis] > 0x1p31 || block[10 + axis] > 0x1p31) return 0;
    if (block[4 + axis] > 0 && !(block[1 + axis] > 0 && block[13 + axis] < block[7 + axis] && last < block[1 + axis])) return 0;
  }
  return are_sizes(block[1] * block[2], block[3], block[0]) && are_sizes(block[4] * block[5], block[6], block[0]) &&
      are_sizes(block[7], block[8], block[9]);
}

static inline int64_t pool_grain(const Pool *pool) {
  return max_i64(1, GRAIN / max_i64(1, pool->outputs * pool->kernel[0] * pool->kernel[1] * pool->kernel[2]));
}

/* The taps [*first, *last) of window w that lie inside the input along an axis; returns where tap 0 lies. */
static inline int64_t taps_inside(const Pool *pool, int axis, int64_t w, int64_t *first, int64_t *last) {
  const int64_t at = w * pool->stride[axis] - pool->padding[axis];
  *first = max_i64(0, -at);
  *last = min_i64(pool->kernel[axis], pool->input[axis] - at);
  return at;
}

/* Columns of a row that holds the input with its padding, and all that windows reach. */
static inline int64_t pool_span(const Pool *pool) {
  return max_i64((pool->output[2] - 1) * pool->stride[2] + pool->kernel[2], pool->padding[2] + pool->input[2]);
}

/* Whether such a row is mostly padding: then windows are better walked one by one. */
static inline int32_t is_mostly_padding(const Pool *pool) {
  return pool_span(pool) > 4 * (pool->input[2] + pool->output[2]) + 256;
}

#endif
