/* A bias and an activation in one pass. */
#include "approx.h"
#include "kernel.h"
#include "sums.h"

#include <stdlib.h>

/* X(NAME, value of v, slope from the result w), in the order of `epilogues` in core/backend/epilogue.ts. */
#define EPILOGUES(X) \
  X(NONE, v, 1.0f) \
  X(RELU, relu_f(v), w > 0 ? 1.0f : 0.0f) \
  X(SIGMOID, sigmoid_f(v), w * (1.0f - w)) \
  X(TANH, tanh_f(v), 1.0f - w * w)

#define EPILOGUE_CODE(name, value, slope) EPILOGUE_##name,
enum { EPILOGUES(EPILOGUE_CODE) EPILOGUE_COUNT };
/* In gradients alone: ReLU and a mask behind it, of whose result the positive entries were kept and active. */
#define RECTIFY_MASK EPILOGUE_COUNT

typedef struct {
  int32_t epilogue;
  const float *bias, *y, *dy;
  float *x;
  int64_t rows, cols;
  int64_t slice, blocks; /* rows a unit and column blocks, in the gradient */
  double *partial;       /* [slices, cols] */
  float a;               /* the mask's factor */
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
  if (!are_sizes(rows, cols, 1)) return BAD_ARGUMENT;
  if (cols == 0) return OK;
  Bias job = {epilogue, bias, NULL, NULL, x, (int64_t)rows, (int64_t)cols, 0, 0, NULL, 1};
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

static inline void slope_row(const Bias *job, int64_t at, int64_t n) {
  const float *y = job->y + at, *dy = job->dy + at;
  float *dx = job->x + at;
  const float a = job->a;
  switch (job->epilogue) {
    EPILOGUES(BIAS_SLOPE)
    case RECTIFY_MASK:
      INDEPENDENT for (int64_t c = 0; c < n; c++) {
        const float value = a * dy[c];
        dx[c] = y[c] > 0 ? value : 0.0f;
      }
      break;
  }
}

/* Without a bias the rows do not matter. */
static void slope_range(void *context, int64_t begin, int64_t end) { slope_row(context, begin, end - begin); }

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
        slope_row(job, start + i * job->cols, cols);
      }
      add_rows(sums, job->x + start, few, cols, job->cols);
    }
    memcpy(job->partial + unit / job->blocks * job->cols + col, sums, (size_t)cols * 8);
  }
}

static int32_t gradient_run(Bias *job, float *d_bias) {
  if (job->cols == 0) return OK;
  if (d_bias == NULL) {
    pool_run(job->rows * job->cols, GRAIN, slope_range, job);
    return OK;
  }
  job->blocks = (job->cols + COLUMN_BLOCK - 1) / COLUMN_BLOCK;
  job->slice = max_i64(16, GRAIN / min_i64(job->cols, COLUMN_BLOCK));
  const int64_t slices = (job->rows + job->slice - 1) / job->slice;
  if (slices > 0) {
    job->partial = malloc((size_t)(slices * job->cols) * sizeof(double));
    if (job->partial == NULL) return OUT_OF_MEMORY;
  }
  pool_run(slices * job->blocks, 1, bias_gradient_range, job);
  for (int64_t c = 0; c < job->cols; c++) {
    double sum = 0;
    for (int64_t s = 0; s < slices; s++) sum += job->partial[s * job->cols + c];
    d_bias[c] = (float)sum;
  }
  free(job->partial);
  return OK;
}

KERNEL(bias_activation_gradient)(
    const float *dy, const float *y, float *dx, float *d_bias, int32_t epilogue, double rows, double cols) {
  if (epilogue < 0 || epilogue >= EPILOGUE_COUNT) return UNKNOWN_OPERATION;
  if (!are_sizes(rows, cols, 1)) return BAD_ARGUMENT;
  Bias job = {epilogue, NULL, y, dy, dx, (int64_t)rows, (int64_t)cols, 0, 0, NULL, 1};
  return gradient_run(&job, d_bias);
}

KERNEL(rectify_mask_gradient)(
    const float *dy, const float *y, float *dx, float *d_bias, double a, double rows, double cols) {
  if (!are_sizes(rows, cols, 1)) return BAD_ARGUMENT;
  Bias job = {RECTIFY_MASK, NULL, y, dy, dx, (int64_t)rows, (int64_t)cols, 0, 0, NULL, (float)a};
  return gradient_run(&job, d_bias);
}
