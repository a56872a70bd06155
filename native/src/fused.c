/* Bias with activation, softmax and cross-entropy: the slow twin is core/reference/fused.ts. */
#include "approx.h"
#include "extremes.h"
#include "kernel.h"
#include "sums.h"

#include <stdlib.h>

/* X(NAME, value of v, slope from the result w), in the order of `epilogues` in core/backend.ts. */
#define EPILOGUES(X) \
  X(NONE, v, 1.0f) \
  X(RELU, relu_f(v), w > 0 ? 1.0f : 0.0f) \
  X(SIGMOID, sigmoid_f(v), w * (1.0f - w)) \
  X(TANH, tanh_f(v), 1.0f - w * w)

#define EPILOGUE_CODE(name, value, slope) EPILOGUE_##name,
enum { EPILOGUES(EPILOGUE_CODE) EPILOGUE_COUNT };

typedef struct {
  int32_t epilogue;
  const float *bias, *y, *dy;
  float *x;
  int64_t rows, cols;
  int64_t slice, blocks; /* rows a unit and column blocks, in the gradient */
  double *partial;       /* [slices, cols] */
} Bias;

#define BIAS_VALUE(name, value, slope) \
  case EPILOGUE_##name: \
    if (bias == NULL) { \
      INDEPENDENT for (int64_t c = 0; c < n; c++) { \
        const float v = x[c]; \
        x[c] = (value); \
      } \
    } else { \
      INDEPENDENT for (int64_t c = 0; c < n; c++) { \
        const float v = x[c] + bias[c]; \
        x[c] = (value); \
      } \
    } \
    break;

static inline void bias_row(int32_t epilogue, float *x, const float *bias, int64_t n) {
  switch (epilogue) { EPILOGUES(BIAS_VALUE) }
}

static void bias_range(void *context, int64_t begin, int64_t end) {
  const Bias *job = context;
  for (int64_t r = begin; r < end; r++) bias_row(job->epilogue, job->x + r * job->cols, job->bias, job->cols);
}

KERNEL(bias_activation)(float *x, const float *bias, int32_t epilogue, double rows, double cols) {
  if (epilogue < 0 || epilogue >= EPILOGUE_COUNT) return UNKNOWN_OPERATION;
  if (!(rows >= 0 && cols >= 0)) return BAD_ARGUMENT;
  Bias job = {epilogue, bias, NULL, NULL, x, (int64_t)rows, (int64_t)cols, 0, 0, NULL};
  pool_run(job.rows, row_grain(job.cols), bias_range, &job);
  return OK;
}

#define BIAS_SLOPE(name, value, slope) \
  case EPILOGUE_##name: \
    INDEPENDENT for (int64_t c = 0; c < n; c++) { \
      const float w = y[c]; \
      (void)w; \
      dx[c] = dy[c] * (slope); \
    } \
    break;

static inline void slope_row(int32_t epilogue, const float *y, const float *dy, float *dx, int64_t n) {
  switch (epilogue) { EPILOGUES(BIAS_SLOPE) }
}

/* One unit is a slice of the rows in one block of columns: its gradient is summed while it is in the cache. */
static void bias_gradient_range(void *context, int64_t begin, int64_t end) {
  const Bias *job = context;
  for (int64_t unit = begin; unit < end; unit++) {
    const int64_t first = unit / job->blocks * job->slice, rows = min_i64(job->slice, job->rows - first);
    const int64_t col = unit % job->blocks * COLUMN_BLOCK, cols = min_i64(COLUMN_BLOCK, job->cols - col);
    const int64_t at = first * job->cols + col;
    double sums[COLUMN_BLOCK];
    for (int64_t c = 0; c < cols; c++) sums[c] = 0;
    for (int64_t r = 0; r < rows; r += 8) {
      const int64_t start = at + r * job->cols, few = min_i64(8, rows - r);
      for (int64_t i = 0; i < few; i++) {
        const int64_t row = start + i * job->cols;
        slope_row(job->epilogue, job->y + row, job->dy + row, job->x + row, cols);
      }
      if (job->partial != NULL) add_rows(sums, job->x + start, few, cols, job->cols);
    }
    if (job->partial != NULL) memcpy(job->partial + unit / job->blocks * job->cols + col, sums, (size_t)cols * 8);
  }
}

KERNEL(bias_activation_gradient)(
    const float *dy, const float *y, float *dx, float *d_bias, int32_t epilogue, double rows, double cols) {
  if (epilogue < 0 || epilogue >= EPILOGUE_COUNT) return UNKNOWN_OPERATION;
  if (!(rows >= 0 && cols >= 0)) return BAD_ARGUMENT;
  Bias job = {epilogue, NULL, y, dy, dx, (int64_t)rows, (int64_t)cols, 0, 0, NULL};
  if (job.cols == 0) return OK;
  job.blocks = (job.cols + COLUMN_BLOCK - 1) / COLUMN_BLOCK;
  job.slice = max_i64(16, GRAIN / min_i64(job.cols, COLUMN_BLOCK));
  const int64_t slices = (job.rows + job.slice - 1) / job.slice;
  if (d_bias != NULL && slices > 0) {
    job.partial = malloc((size_t)(slices * job.cols) * sizeof(double));
    if (job.partial == NULL) return OUT_OF_MEMORY;
  }
  pool_run(slices * job.blocks, 1, bias_gradient_range, &job);
  if (d_bias == NULL) return OK;
  for (int64_t c = 0; c < job.cols; c++) {
    double sum = 0;
    for (int64_t s = 0; s < slices; s++) sum += job.partial[s * job.cols + c];
    d_bias[c] = (float)sum;
  }
  free(job.partial);
  return OK;
}

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

KERNEL(softmax)(const float *x, float *out, int32_t log, double rows, double cols) {
  if (!(rows >= 0 && cols >= 0)) return BAD_ARGUMENT;
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

KERNEL(softmax_gradient)(const float *y, const float *dy, float *dx, int32_t log, double rows, double cols) {
  if (!(rows >= 0 && cols >= 0)) return BAD_ARGUMENT;
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
  if (!(shape[0] >= 0 && shape[1] >= 0)) return BAD_ARGUMENT;
  Softmax job = {.x = logits, .labels = labels, .weights = weights, .losses = losses, .out = gradient};
  job.rows = (int64_t)shape[0];
  job.cols = (int64_t)shape[1];
  job.smoothing = shape[2];
  job.ignores = shape[3] != 0;
  job.ignore = (int32_t)shape[4];
  job.weight_sum = weights == NULL ? (double)job.cols : sum_of(weights, job.cols);
  pool_run(job.rows, row_grain(8 * job.cols), cross_entropy_range, &job);
  return OK;
}
