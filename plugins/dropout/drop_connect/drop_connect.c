/*
 * Products whose weights are dropped for each example anew: the slow twins are in _twins.ts. A mask is
 * made a row at a time, used while it lies in the cache, and never stored.
 */
#include "kernel.h"
#include "draw.h"
#include "sums.h"

#include <stdlib.h>

/* Half of a random word, read where words have been written. */
typedef uint16_t __attribute__((may_alias)) half_word;

typedef struct {
  Draw draw;
  const float *x, *weight, *dy;
  float *out;
  int64_t batch, rows, inputs, units;
  uint32_t threshold;
  float scale;
  int32_t failed;
} Products;

/* row[i] = kept ? source[i] * scale : 0 for the connections from all inputs to one unit, in one example. */
static void masked_row(const Products *job, int64_t example, int64_t unit, const float *source, float *row) {
  DrawRoom room;
  const uint32_t threshold = job->threshold;
  const float scale = job->scale;
  for (int64_t at = 0; at < job->inputs;) {
    const void *numbers;
    const int64_t n = draw_run(&job->draw, example, unit * job->inputs + at, job->inputs - at, &room, &numbers);
    const float *from = source + at;
    float *to = row + at;
    if (job->draw.per_block == 8) {
      const half_word *number = numbers;
      INDEPENDENT for (int64_t i = 0; i < n; i++) {
        const float kept = from[i] * scale;
        to[i] = number[i] >= threshold ? kept : 0.0f;
      }
    } else {
      const uint32_t *number = numbers;
      INDEPENDENT for (int64_t i = 0; i < n; i++) {
        const float kept = from[i] * scale;
        to[i] = number[i] >= threshold ? kept : 0.0f;
      }
    }
    at += n;
  }
}

/* y += a x */
static inline void add_scaled(float *restrict y, const float *restrict x, float a, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] += a * x[i];
}

/* A row of scratch for one task; a task without memory is reported when all have ended. */
static float *scratch_row(Products *job) {
  float *row = malloc((size_t)job->inputs * sizeof(float));
  if (row == NULL) __atomic_store_n(&job->failed, OUT_OF_MEMORY, __ATOMIC_RELAXED);
  return row;
}

/* One unit of work is one output column of one example. */
static void forward_range(void *context, int64_t begin, int64_t end) {
  Products *job = context;
  float *row = scratch_row(job);
  if (row == NULL) return;
  for (int64_t item = begin; item < end; item++) {
    const int64_t example = item / job->units, unit = item % job->units;
    masked_row(job, example, unit, job->weight + unit * job->inputs, row);
    for (int64_t r = example * job->rows; r < (example + 1) * job->rows; r++) {
      job->out[r * job->units + unit] = (float)dot_of(row, job->x + r * job->inputs, job->inputs);
    }
  }
  free(row);
}

/* One unit of work is one example. */
static void input_gradient_range(void *context, int64_t begin, int64_t end) {
  Products *job = context;
  float *row = scratch_row(job);
  if (row == NULL) return;
  memset(job->out + begin * job->rows * job->inputs, 0, (size_t)((end - begin) * job->rows * job->inputs) * 4);
  for (int64_t example = begin; example < end; example++) {
    for (int64_t unit = 0; unit < job->units; unit++) {
      masked_row(job, example, unit, job->weight + unit * job->inputs, row);
      for (int64_t r = example * job->rows; r < (example + 1) * job->rows; r++) {
        add_scaled(job->out + r * job->inputs, row, job->dy[r * job->units + unit], job->inputs);
      }
    }
  }
  free(row);
}

/* One unit of work is one row of the weight, whose sums are made in the order of the examples. */
static void weight_gradient_range(void *context, int64_t begin, int64_t end) {
  Products *job = context;
  float *row = scratch_row(job);
  if (row == NULL) return;
  for (int64_t unit = begin; unit < end; unit++) {
    float *total = job->out + unit * job->inputs;
    memset(total, 0, (size_t)job->inputs * sizeof(float));
    for (int64_t example = 0; example < job->batch; example++) {
      const float *x = job->x + example * job->rows * job->inputs;
      const float *dy = job->dy + example * job->rows * job->units + unit;
      if (job->rows == 1) {
        masked_row(job, example, unit, x, row);
        add_scaled(total, row, *dy, job->inputs);
        continue;
      }
      memset(row, 0, (size_t)job->inputs * sizeof(float));
      for (int64_t r = 0; r < job->rows; r++) add_scaled(row, x + r * job->inputs, dy[r * job->units], job->inputs);
      masked_row(job, example, unit, row, row);
      add_scaled(total, row, 1.0f, job->inputs);
    }
  }
  free(row);
}

/* `shape`: batch, rows, inputs, units, threshold, bits, scale. */
static int32_t read_shape(
    Products *job, const uint32_t *header, const uint32_t *table, double offset, const double *shape) {
  if (!are_sizes(shape[0] * shape[1], shape[2], shape[3]) || !are_sizes(shape[0], shape[1], 1)) return BAD_ARGUMENT;
  if (!are_sizes(shape[0], shape[2], shape[3]) || !is_size(shape[4])) return BAD_ARGUMENT;
  if (!(shape[4] < (shape[5] == 16 ? 0x1p16 : 0x1p32))) return BAD_ARGUMENT;
  const double connections = shape[2] * shape[3];
  const int32_t status = draw_read(&job->draw, header, table, offset, shape[0], connections, shape[5]);
  if (status != OK) return status;
  job->batch = (int64_t)shape[0], job->rows = (int64_t)shape[1];
  job->inputs = (int64_t)shape[2], job->units = (int64_t)shape[3];
  job->threshold = (uint32_t)shape[4];
  job->scale = (float)shape[6];
  job->failed = OK;
  return OK;
}

KERNEL(drop_connect)(
    const float *x, const float *weight, float *out, const uint32_t *header, const uint32_t *table,
    double offset, const double *shape) {
  Products job = {.x = x, .weight = weight, .out = out};
  if (read_shape(&job, header, table, offset, shape) != OK) return BAD_ARGUMENT;
  if (job.inputs == 0) {
    if (out != NULL) memset(out, 0, (size_t)(job.batch * job.rows * job.units) * sizeof(float));
    return OK;
  }
  pool_run(job.batch * job.units, row_grain(job.inputs), forward_range, &job);
  return job.failed;
}

KERNEL(drop_connect_input_gradient)(
    const float *weight, const float *dy, float *dx, const uint32_t *header, const uint32_t *table,
    double offset, const double *shape) {
  Products job = {.weight = weight, .dy = dy, .out = dx};
  if (read_shape(&job, header, table, offset, shape) != OK) return BAD_ARGUMENT;
  if (job.inputs > 0) pool_run(job.batch, row_grain(job.inputs * job.units), input_gradient_range, &job);
  return job.failed;
}

KERNEL(drop_connect_weight_gradient)(
    const float *x, const float *dy, float *d_weight, const uint32_t *header, const uint32_t *table,
    double offset, const double *shape) {
  Products job = {.x = x, .dy = dy, .out = d_weight};
  if (read_shape(&job, header, table, offset, shape) != OK) return BAD_ARGUMENT;
  if (job.inputs > 0) {
    pool_run(job.units, row_grain(job.inputs * max_i64(1, job.batch)), weight_gradient_range, &job);
  }
  return job.failed;
}
