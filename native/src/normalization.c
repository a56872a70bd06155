/*
 * Normalisation to mean 0 and variance 1, and its gradient. Sets whose elements lie in runs (layer norm, group norm,
 * batch norm over positions) are summed run by run; batch norm over features alone goes through the rows, a block
 * of columns at a time. All sums are taken in double, in one fixed order. The slow twin is
 * core/backend/reference/normalization.ts.
 */
#include "kernel.h"
#include "sums.h"

#include <math.h>
#include <stdlib.h>

/* Columns of features that one unit works on, and slices of rows that have sums of their own. */
#define FEATURES 64
#define MOST_SLICES 32
#define MOST_PARTIAL (1 << 20)

typedef struct {
  int64_t batch, groups, channels, positions;
  int32_t across, frozen;
  double epsilon;
  const float *x, *scale, *shift, *dy;
  float *y, *mean, *variance; /* y is dx in the gradient */
  double *to_scale, *to_shift; /* [slices, groups * channels] */
  int64_t slice;
} Norm;

/* Sum of (x - mean)^2. */
static double deviation_of(const float *x, double mean, int64_t n) {
  double lane[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    for (int l = 0; l < LANES; l++) lane[l] += (x[i + l] - mean) * (x[i + l] - mean);
  }
  double sum = fold_lanes(lane);
  for (; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
  return sum;
}

/* Sum of dy (x - mean). */
static double slope_of(const float *dy, const float *x, double mean, int64_t n) {
  double lane[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    for (int l = 0; l < LANES; l++) lane[l] += (x[i + l] - mean) * dy[i + l];
  }
  double sum = fold_lanes(lane);
  for (; i < n; i++) sum += (x[i] - mean) * dy[i];
  return sum;
}

/* The runs of a set: `count` of them, `pitch` apart, from `first` on. A run is a set's share of one example. */
typedef struct {
  int64_t first, count, pitch, n, group, elements;
} Set;

static Set set_of(const Norm *norm, int64_t set) {
  const int64_t n = norm->channels * norm->positions;
  const Set rows = {set * n, 1, 0, n, set % norm->groups, n};
  const Set across = {set * n, norm->batch, norm->groups * n, n, set, norm->batch * n};
  return norm->across ? across : rows;
}

static void normalize_range(void *context, int64_t begin, int64_t end) {
  const Norm *norm = context;
  const int64_t positions = norm->positions, channels = norm->channels;
  for (int64_t i = begin; i < end; i++) {
    const Set set = set_of(norm, i);
    const float *x = norm->x + set.first;
    double mean = 0, variance = 0;
    if (norm->frozen) {
      mean = norm->mean[i], variance = norm->variance[i];
    } else {
      for (int64_t r = 0; r < set.count; r++) mean += sum_of(x + r * set.pitch, set.n);
      mean /= (double)set.elements;
      for (int64_t r = 0; r < set.count; r++) variance += deviation_of(x + r * set.pitch, mean, set.n);
      variance /= (double)set.elements;
      norm->mean[i] = (float)mean, norm->variance[i] = (float)variance;
    }
    const double factor = 1 / sqrt(variance + norm->epsilon);
    const float *scale = norm->scale == NULL ? NULL : norm->scale + set.group * channels;
    const float *shift = norm->shift == NULL ? NULL : norm->shift + set.group * channels;
    const float center = (float)mean, by = (float)factor;
    for (int64_t r = 0; r < set.count; r++) {
      const float *from = x + r * set.pitch;
      float *y = norm->y + set.first + r * set.pitch;
      if (positions == 1 && scale != NULL && shift != NULL) {
        INDEPENDENT for (int64_t c = 0; c < channels; c++) y[c] = (from[c] - center) * by * scale[c] + shift[c];
        continue;
      }
      for (int64_t c = 0; c < channels; c++, from += positions, y += positions) {
        const float a = scale == NULL ? by : (float)(factor * scale[c]), b = shift == NULL ? 0 : shift[c];
        INDEPENDENT for (int64_t p = 0; p < positions; p++) y[p] = (from[p] - center) * a + b;
      }
    }
  }
}

/* Batch norm of [batch, features]; one unit is a block of columns. */
static void features_range(void *context, int64_t begin, int64_t end) {
  const Norm *norm = context;
  const int64_t pitch = norm->groups;
  for (int64_t unit = begin; unit < end; unit++) {
    const int64_t col = unit * FEATURES, n = min_i64(FEATURES, pitch - col);
    const float *x = norm->x + col;
    float *y = norm->y + col, center[FEATURES], by[FEATURES], add[FEATURES];
    double mean[FEATURES] = {0}, variance[FEATURES] = {0};
    if (!norm->frozen) {
      add_rows(mean, x, norm->batch, n, pitch);
      for (int64_t c = 0; c < n; c++) mean[c] /= (double)norm->batch;
      for (int64_t r = 0; r < norm->batch; r++) {
        for (int64_t c = 0; c < n; c++) {
          const double d = x[r * pitch + c] - mean[c];
          variance[c] += d * d;
        }
      }
    }
    for (int64_t c = 0; c < n; c++) {
      if (norm->frozen) {
        mean[c] = norm->mean[col + c], variance[c] = norm->variance[col + c];
      } else {
        variance[c] /= (double)norm->batch;
        norm->mean[col + c] = (float)mean[c], norm->variance[col + c] = (float)variance[c];
      }
      center[c] = (float)mean[c];
      by[c] = (float)((norm->scale == NULL ? 1 : norm->scale[col + c]) / sqrt(variance[c] + norm->epsilon));
      add[c] = norm->shift == NULL ? 0 : norm->shift[col + c];
    }
    for (int64_t r = 0; r < norm->batch; r++, x += pitch, y += pitch) {
      INDEPENDENT for (int64_t c = 0; c < n; c++) y[c] = (x[c] - center[c]) * by[c] + add[c];
    }
  }
}

static int64_t sets_of(const Norm *norm) { return norm->across ? norm->groups : norm->batch * norm->groups; }

/* `shape`: batch, groups, channels, positions, across, frozen, epsilon. */
static int32_t read_norm(Norm *norm, float *statistics, const double *shape) {
  if (!are_sizes(shape[0] * shape[1], shape[2], shape[3]) || !are_sizes(shape[0], shape[1], 1)) return 0;
  if (shape[0] * shape[1] * shape[2] * shape[3] == 0) return 0;
  norm->batch = (int64_t)shape[0], norm->groups = (int64_t)shape[1];
  norm->channels = (int64_t)shape[2], norm->positions = (int64_t)shape[3];
  norm->across = shape[4] != 0, norm->frozen = shape[5] != 0;
  norm->epsilon = shape[6];
  norm->mean = statistics, norm->variance = statistics + sets_of(norm);
  return !norm->across || norm->channels == 1;
}

static int32_t by_features(const Norm *norm) { return norm->across && norm->positions == 1; }

static int64_t set_grain(const Norm *norm) {
  return row_grain(norm->channels * norm->positions * (norm->across ? norm->batch : 1));
}

KERNEL(normalize)(
    const float *x, const float *scale, const float *shift, float *y, float *statistics, const double *shape) {
  Norm norm = {.x = x, .scale = scale, .shift = shift, .y = y};
  if (!read_norm(&norm, statistics, shape)) return BAD_ARGUMENT;
  if (by_features(&norm)) {
    pool_run((norm.groups + FEATURES - 1) / FEATURES, row_grain(FEATURES * norm.batch), features_range, &norm);
  } else {
    pool_run(sets_of(&norm), set_grain(&norm), normalize_range, &norm);
  }
  return OK;
}

/* Gradient towards one row of features, whose scales differ; adds to the sums of this slice. */
static void feature_row(
    const Norm *norm, const float *restrict x, const float *restrict dy, float *restrict dx, double mean, double factor,
    double *restrict to_scale, double *restrict to_shift) {
  const int64_t n = norm->channels;
  const float *scale = norm->scale, center = (float)mean, by = (float)factor;
  double sums[LANES] = {0}, products[LANES] = {0};
  int64_t c = 0;
  for (; c + LANES <= n; c += LANES) {
    for (int l = 0; l < LANES; l++) {
      const float d = dy[c + l], z = (x[c + l] - center) * by, g = scale == NULL ? d : d * scale[c + l];
      sums[l] += g, products[l] += (double)g * z;
      to_scale[c + l] += (double)d * z, to_shift[c + l] += d;
    }
  }
  double sum = fold_lanes(sums), product = fold_lanes(products);
  for (; c < n; c++) {
    const float z = (x[c] - center) * by, g = scale == NULL ? dy[c] : dy[c] * scale[c];
    sum += g, product += (double)g * z;
    to_scale[c] += (double)dy[c] * z, to_shift[c] += dy[c];
  }
  sum = norm->frozen ? 0 : sum / (double)n;
  product = norm->frozen ? 0 : product / (double)n;
  const float less = (float)sum, turn = (float)product;
  for (c = 0; c < n; c++) {
    const float g = scale == NULL ? dy[c] : dy[c] * scale[c];
    dx[c] = by * (g - less - (x[c] - center) * by * turn);
  }
}

/* Gradient towards one set made of runs; adds to the sums of this slice. */
static void run_set(const Norm *norm, const Set *set, double mean, double factor, double *to_scale, double *to_shift) {
  const int64_t positions = norm->positions;
  const float *scale = norm->scale == NULL ? NULL : norm->scale + set->group * norm->channels;
  double sum = 0, product = 0;
  for (int64_t r = 0; r < set->count; r++) {
    for (int64_t c = 0; c < norm->channels; c++) {
      const int64_t at = set->first + r * set->pitch + c * positions;
      const double s = sum_of(norm->dy + at, positions);
      const double p = slope_of(norm->dy + at, norm->x + at, mean, positions) * factor;
      to_shift[c] += s, to_scale[c] += p;
      sum += scale == NULL ? s : s * scale[c], product += scale == NULL ? p : p * scale[c];
    }
  }
  if (norm->frozen) sum = product = 0;
  const double n = (double)set->elements;
  const float less = (float)(factor * sum / n), turn = (float)(factor * factor * product / n), center = (float)mean;
  for (int64_t r = 0; r < set->count; r++) {
    for (int64_t c = 0; c < norm->channels; c++) {
      const int64_t at = set->first + r * set->pitch + c * positions;
      const float *x = norm->x + at, *dy = norm->dy + at, by = (float)(factor * (scale == NULL ? 1 : scale[c]));
      float *dx = norm->y + at;
      INDEPENDENT for (int64_t p = 0; p < positions; p++) dx[p] = dy[p] * by - less - (x[p] - center) * turn;
    }
  }
}

/* One unit is a slice of the sets, with sums of its own unless each set has its own channels. */
static void gradient_range(void *context, int64_t begin, int64_t end) {
  const Norm *norm = context;
  const int64_t features = norm->groups * norm->channels, sets = sets_of(norm);
  for (int64_t unit = begin; unit < end; unit++) {
    const int64_t last = min_i64(sets, (unit + 1) * norm->slice), own = norm->across ? 0 : unit * features;
    for (int64_t i = unit * norm->slice; i < last; i++) {
      const Set set = set_of(norm, i);
      const double mean = norm->mean[i], factor = 1 / sqrt(norm->variance[i] + norm->epsilon);
      double *to_scale = norm->to_scale + own + set.group * norm->channels;
      double *to_shift = norm->to_shift + own + set.group * norm->channels;
      if (norm->positions == 1 && norm->groups == 1) {
        const int64_t at = set.first;
        feature_row(norm, norm->x + at, norm->dy + at, norm->y + at, mean, factor, to_scale, to_shift);
      } else {
        run_set(norm, &set, mean, factor, to_scale, to_shift);
      }
    }
  }
}

/* Gradient of batch norm of [batch, features]; one unit is a block of columns. */
static void features_gradient_range(void *context, int64_t begin, int64_t end) {
  const Norm *norm = context;
  const int64_t pitch = norm->groups;
  for (int64_t unit = begin; unit < end; unit++) {
    const int64_t col = unit * FEATURES, n = min_i64(FEATURES, pitch - col);
    const float *x = norm->x + col, *dy = norm->dy + col, *mean = norm->mean + col;
    float *dx = norm->y + col, by[FEATURES], less[FEATURES], turn[FEATURES];
    double *sums = norm->to_shift + col, *products = norm->to_scale + col;
    add_rows(sums, dy, norm->batch, n, pitch);
    for (int64_t r = 0; r < norm->batch; r++) {
      const float *a = dy + r * pitch, *b = x + r * pitch;
      for (int64_t c = 0; c < n; c++) products[c] += (double)a[c] * ((double)b[c] - mean[c]);
    }
    for (int64_t c = 0; c < n; c++) {
      const double factor = 1 / sqrt(norm->variance[col + c] + norm->epsilon);
      const double slope = factor * (norm->scale == NULL ? 1 : norm->scale[col + c]);
      products[c] *= factor;
      by[c] = (float)slope;
      less[c] = norm->frozen ? 0 : (float)(slope * sums[c] / (double)norm->batch);
      turn[c] = norm->frozen ? 0 : (float)(slope * factor * products[c] / (double)norm->batch);
    }
    for (int64_t r = 0; r < norm->batch; r++, x += pitch, dy += pitch, dx += pitch) {
      INDEPENDENT for (int64_t c = 0; c < n; c++) dx[c] = dy[c] * by[c] - less[c] - (x[c] - mean[c]) * turn[c];
    }
  }
}

/* `sums`: gradients towards scale and shift, one after the other. */
KERNEL(normalize_gradient)(
    const float *x, const float *scale, const float *statistics, const float *dy, float *dx, float *sums, const double *shape) {
  Norm norm = {.x = x, .scale = scale, .dy = dy, .y = dx};
  float *both = (float *)statistics; /* read only */
  if (!read_norm(&norm, both, shape)) return BAD_ARGUMENT;
  const int64_t features = norm.groups * norm.channels, sets = sets_of(&norm);
  const int64_t most = max_i64(1, min_i64(MOST_SLICES, MOST_PARTIAL / max_i64(1, features)));
  int64_t slices = norm.across ? 1 : max_i64(1, min_i64(most, sets / 4));
  norm.slice = norm.across ? set_grain(&norm) : (sets + slices - 1) / slices;
  double *partial = calloc((size_t)max_i64(1, 2 * slices * features), sizeof(double));
  if (partial == NULL) return OUT_OF_MEMORY;
  norm.to_scale = partial, norm.to_shift = partial + slices * features;
  if (by_features(&norm)) {
    pool_run((features + FEATURES - 1) / FEATURES, row_grain(FEATURES * norm.batch), features_gradient_range, &norm);
  } else {
    pool_run((sets + norm.slice - 1) / norm.slice, 1, gradient_range, &norm);
  }
  for (int64_t c = 0; c < 2 * features; c++) {
    double sum = 0;
    for (int64_t s = 0; s < slices; s++) sum += partial[(c / features * slices + s) * features + c % features];
    sums[c] = (float)sum;
  }
  free(partial);
  return OK;
}
