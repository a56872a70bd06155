/* The max-norm projection: the slow twin is in _kernel.ts. */
#include "kernel.h"
#include "sums.h"

#include <math.h>

typedef struct {
  float *weight;
  int64_t cols;
  double max;
} Projection;

static void max_norm_range(void *context, int64_t begin, int64_t end) {
  const Projection *job = context;
  for (int64_t r = begin; r < end; r++) {
    float *row = job->weight + r * job->cols;
    const double norm = sqrt(dot_of(row, row, job->cols));
    if (norm <= job->max) continue;
    const double factor = job->max / norm;
    for (int64_t c = 0; c < job->cols; c++) row[c] = (float)(row[c] * factor);
  }
}

KERNEL(max_norm)(float *weight, double rows, double cols, double max) {
  if (!are_sizes(rows, cols, 1)) return BAD_ARGUMENT;
  if (cols == 0) return OK;
  Projection job = {.weight = weight, .cols = (int64_t)cols, .max = max};
  pool_run((int64_t)rows, row_grain(job.cols), max_norm_range, &job);
  return OK;
}
