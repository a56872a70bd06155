/* Softmax and cross-entropy along rows. */
#include "approx.h"
#include "extremes.h"
#include "kernel.h"
#include "sums.h"

typedef struct {
  const float *x, *dy, *weights;
  const int32_t *labels;
  float *out, *losses;
  int64_t rows, cols;
  int32_t log, ignores, ignore;
  double smoothing, weight_sum;
} Softmax;

/* e^(x - max) into `out`; returns their sum and the largest entry. */
static inline double exp_row(const float *restrict x, float *restrict out, int64_t n, float *largest) {
  const float max = row_max(x, n);
  for (int64_t c = 0; c < n; c++) out[c] = exp_difference(x[c], max);
  *largest = max;
  return sum_of(out, n);
}

static void softmax_range(void *context, int64_t begin, int64_t end) {
  const Softmax *job = context;
  const int64_t n = job->cols;
  for (int64_t r = begin; r < end; r++) {
    const float *restrict x = job->x + r * n;
    float *restrict out = job->out + r * n;
    float max;
    const double sum = exp_row(x, out, n, &max);
    if (job->log) {
      const double shift = max + log(sum);
      for (int64_t c = 0; c < n; c++) out[c] = (float)(x[c] - shift);
    } else {
      const double factor = 1 / sum;
      for (int64_t c = 0; c < n; c++) out[c] = (float)(out[c] * factor);
    }
  }
}

KERNEL(softmax)(const float *x, float *out, double rows, double cols, int32_t log) {
  if (!are_sizes(rows, cols, 1)) return BAD_ARGUMENT;
  if (cols == 0) return OK;
  Softmax job = {.x = x, .out = out, .rows = (int64_t)rows, .cols = (int64_t)cols, .log = log};
  pool_run(job.rows, row_grain(8 * job.cols), softmax_range, &job);
  return OK;
}

static void softmax_gradient_range(void *context, int64_t begin, int64_t end) {
  const Softmax *job = context;
  const int64_t n = job->cols;
  for (int64_t r = begin; r < end; r++) {
    const float *y = job->x + r * n, *dy = job->dy + r * n;
    float *dx = job->out + r * n;
    if (job->log) {
      const float sum = (float)sum_of(dy, n);
      INDEPENDENT for (int64_t c = 0; c < n; c++) dx[c] = dy[c] - exp_f(y[c]) * sum;
    } else {
      const double sum = dot_of(dy, y, n);
      INDEPENDENT for (int64_t c = 0; c < n; c++) dx[c] = (float)(y[c] * (dy[c] - sum));
    }
  }
}

KERNEL(softmax_gradient)(const float *y, const float *dy, float *dx, double rows, double cols, int32_t log) {
  if (!are_sizes(rows, cols, 1)) return BAD_ARGUMENT;
  if (cols == 0) return OK;
  Softmax job = {.x = y, .dy = dy, .out = dx, .rows = (int64_t)rows, .cols = (int64_t)cols, .log = log};
  pool_run(job.rows, row_grain(4 * job.cols), softmax_gradient_range, &job);
  return OK;
}

/* target[c] = (1 - s) w[y] [c = y] + s / cols w[c]; loss = -sum target[c] log p[c]. */
static void cross_entropy_range(void *context, int64_t begin, int64_t end) {
  const Softmax *job = context;
  const int64_t n = job->cols;
  const float *weights = job->weights;
  const double spread = job->smoothing / (double)n;
  for (int64_t r = begin; r < end; r++) {
    const float *restrict x = job->x + r * n;
    float *restrict gradient = job->out + r * n;
    const int32_t label = job->labels[r];
    if (job->ignores && label == job->ignore) {
      job->losses[r] = 0;
      memset(gradient, 0, (size_t)n * sizeof(float));
      continue;
    }
    const int32_t known = label >= 0 && label < n;
    const double peak = known ? (1 - job->smoothing) * (weights == NULL ? 1 : weights[label]) : 0;
    const double mass = peak + spread * job->weight_sum;
    float max;
    const double sum = exp_row(x, gradient, n, &max), shift = max + log(sum), factor = mass / sum;
    double loss = peak == 0 ? 0 : -peak * (x[label] - shift);
    if (spread == 0) {
      for (int64_t c = 0; c < n; c++) gradient[c] = (float)(gradient[c] * factor);
      if (known) gradient[label] = (float)(mass * exp(x[label] - shift) - peak);
    } else {
      for (int64_t c = 0; c < n; c++) {
        const double even = spread * (weights == NULL ? 1 : weights[c]);
        if (even != 0) loss -= even * (x[c] - shift);
        gradient[c] = (float)(gradient[c] * factor - even - (c == label ? peak : 0));
      }
    }
    job->losses[r] = (float)loss;
  }
}

/* `shape`: rows, cols, smoothing, whether a label is ignored, which. */
KERNEL(cross_entropy)(
    const float *logits, const int32_t *labels, const float *weights, float *losses, float *gradient,
    const double *shape) {
  if (!are_sizes(shape[0], shape[1], 1)) return BAD_ARGUMENT;
  if (shape[1] == 0) {
    memset(losses, 0, (size_t)shape[0] * sizeof(float));
    return OK;
  }
  Softmax job = {.x = logits, .labels = labels, .weights = weights, .losses = losses, .out = gradient};
  job.rows = (int64_t)shape[0];
  job.cols = (int64_t)shape[1];
  job.smoothing = shape[2];
  /* A number that is no label matches none. */
  job.ignores = shape[3] != 0 && shape[4] >= INT32_MIN && shape[4] <= INT32_MAX;
  job.ignore = job.ignores ? (int32_t)shape[4] : 0;
  job.weight_sum = weights == NULL ? (double)job.cols : sum_of(weights, job.cols);
  pool_run(job.rows, row_grain(8 * job.cols), cross_entropy_range, &job);
  return OK;
}
