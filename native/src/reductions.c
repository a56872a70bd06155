/* Reductions. Sums are cut into fixed pieces, so their bits do not depend on the number of threads. */
#include "extremes.h"
#include "kernel.h"
#include "sums.h"

#include <math.h>
#include <stdlib.h>

enum { REDUCE_SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_MAGNITUDE, REDUCE_COUNT };

typedef struct {
  int32_t op;
  const float *x;
  float *out;
  int64_t n, inner;
  double scale;
  int64_t slices;  /* pieces that the reduced axis is cut into */
  int64_t slice;   /* their length */
  int64_t blocks;  /* column blocks of one outer index */
  double *partial; /* [outer, slices, inner] when there are several slices */
} Reduce;

static inline double fold_row(int32_t op, const float *x, int64_t n) {
  switch (op) {
    case REDUCE_SUM: return sum_of(x, n);
    case REDUCE_MAX: return row_max(x, n);
    case REDUCE_MIN: return row_min(x, n);
    default: return row_magnitude(x, n);
  }
}

/* Folds rows into `cols` accumulators. */
static void fold_rows(int32_t op, double *sums, const float *x, int64_t rows, int64_t cols, int64_t pitch) {
  if (op == REDUCE_SUM) {
    add_rows(sums, x, rows, cols, pitch);
    return;
  }
  float best[COLUMN_BLOCK];
  for (int64_t c = 0; c < cols; c++) best[c] = (float)sums[c];
  for (int64_t r = 0; r < rows; r++, x += pitch) {
    if (op == REDUCE_MAX) {
      for (int64_t c = 0; c < cols; c++) best[c] = larger(best[c], x[c]);
    } else if (op == REDUCE_MAGNITUDE) {
      for (int64_t c = 0; c < cols; c++) best[c] = larger(best[c], fabsf(x[c]));
    } else {
      for (int64_t c = 0; c < cols; c++) best[c] = smaller(best[c], x[c]);
    }
  }
  for (int64_t c = 0; c < cols; c++) sums[c] = best[c];
}

static inline double start_of(int32_t op) { return op == REDUCE_MAX ? -INFINITY : op == REDUCE_MIN ? INFINITY : 0; }

/* One unit is one column block of one slice of one outer index. */
static void reduce_range(void *context, int64_t begin, int64_t end) {
  const Reduce *job = context;
  for (int64_t unit = begin; unit < end; unit++) {
    const int64_t block = unit % job->blocks, slice = unit / job->blocks % job->slices;
    const int64_t outer = unit / job->blocks / job->slices;
    const int64_t row = slice * job->slice, rows = min_i64(job->slice, job->n - row);
    const int64_t col = block * COLUMN_BLOCK, cols = min_i64(COLUMN_BLOCK, job->inner - col);
    const float *x = job->x + (outer * job->n + row) * job->inner + col;
    double sums[COLUMN_BLOCK];
    if (job->inner == 1) {
      sums[0] = fold_row(job->op, x, rows);
    } else {
      for (int64_t c = 0; c < cols; c++) sums[c] = start_of(job->op);
      fold_rows(job->op, sums, x, rows, cols, job->inner);
    }
    if (job->partial != NULL) {
      double *partial = job->partial + (outer * job->slices + slice) * job->inner + col;
      for (int64_t c = 0; c < cols; c++) partial[c] = sums[c];
    } else {
      float *out = job->out + outer * job->inner + col;
      for (int64_t c = 0; c < cols; c++) out[c] = (float)(sums[c] * job->scale);
    }
  }
}

KERNEL(reduce)(int32_t op, const float *x, float *out, double outer, double n, double inner, double scale) {
  if (op < 0 || op >= REDUCE_COUNT) return UNKNOWN_OPERATION;
  if (!are_sizes(outer, n, inner) || !is_size(outer * inner)) return BAD_ARGUMENT;
  Reduce job = {op, x, out, (int64_t)n, (int64_t)inner, scale, 1, 0, 0, NULL};
  const int64_t outers = (int64_t)outer;
  if (outers == 0 || job.inner == 0) return OK;
  job.blocks = (job.inner + COLUMN_BLOCK - 1) / COLUMN_BLOCK;
  job.slice = max_i64(1, 4 * GRAIN / min_i64(job.inner, COLUMN_BLOCK));
  /* The reduced axis is cut only where the other axes give too few units to share. */
  job.slices = outers * job.blocks >= 16 ? 1 : max_i64(1, (job.n + job.slice - 1) / job.slice);
  if (job.slices == 1) job.slice = max_i64(1, job.n);
  if (job.slices > 1) {
    job.partial = malloc((size_t)(outers * job.slices * job.inner) * sizeof(double));
    if (job.partial == NULL) return OUT_OF_MEMORY;
  }
  const int64_t unit = job.slice * min_i64(job.inner, COLUMN_BLOCK);
  pool_run(outers * job.slices * job.blocks, max_i64(1, GRAIN / max_i64(1, unit)), reduce_range, &job);
  if (job.partial == NULL) return OK;
  for (int64_t o = 0; o < outers; o++) {
    for (int64_t i = 0; i < job.inner; i++) {
      double value = start_of(op);
      for (int64_t s = 0; s < job.slices; s++) {
        const double next = job.partial[(o * job.slices + s) * job.inner + i];
        value = op == REDUCE_SUM ? value + next
            : op == REDUCE_MIN   ? smaller((float)value, (float)next)
                                 : larger((float)value, (float)next);
      }
      out[o * job.inner + i] = (float)(value * scale);
    }
  }
  free(job.partial);
  return OK;
}

typedef struct {
  const float *x;
  int32_t *best;
  int64_t cols;
} Rows;

static void argmax_range(void *context, int64_t begin, int64_t end) {
  const Rows *job = context;
  for (int64_t r = begin; r < end; r++) {
    const float *x = job->x + r * job->cols;
    int64_t best = 0;
    for (int64_t c = 1; c < job->cols; c++) best = x[c] > x[best] ? c : best;
    job->best[r] = (int32_t)best;
  }
}

KERNEL(argmax)(const float *x, int32_t *out, double rows, double cols) {
  if (!are_sizes(rows, cols, 1) || cols > INT32_MAX) return BAD_ARGUMENT;
  Rows job = {x, out, (int64_t)cols};
  pool_run((int64_t)rows, row_grain(job.cols), argmax_range, &job);
  return OK;
}
