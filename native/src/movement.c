/* Copies between dense and strided boxes, and rows by index. */
#include "kernel.h"
#include "walk.h"

#include <string.h>

typedef struct {
  const float *x;
  float *out;
  Walk walk;
  int32_t across; /* the axis of stride 1 when that is not the innermost one, else -1 */
} Strided;

/* Side of the square tiles in which a transposition is done. */
#define TILE 32

static void copy_range(void *context, int64_t begin, int64_t end) {
  const Strided *job = context;
  const Walk *walk = &job->walk;
  const int64_t step = walk->step[0];
  Place place = walk_from(walk, begin);
  for (int64_t at = begin; at < end;) {
    const int64_t n = walk_row(walk, &place, end - at);
    const float *x = job->x + place.at[0];
    float *out = job->out + at;
    if (step == 1) {
      memcpy(out, x, (size_t)n * sizeof(float));
    } else {
      for (int64_t i = 0; i < n; i++) out[i] = x[i * step];
    }
    walk_on(walk, &place, n);
    at += n;
  }
}

/* One unit is a band of TILE indices of the axis `across`, for one index of the axes other than it and the last. */
static void transpose_range(void *context, int64_t begin, int64_t end) {
  const Strided *job = context;
  const Walk *walk = &job->walk;
  const int32_t last = walk->rank - 1, across = job->across;
  const int64_t length = walk->dims[last], step = walk->step[0], extent = walk->dims[across];
  const int64_t bands = (extent + TILE - 1) / TILE;
  for (int64_t unit = begin; unit < end; unit++) {
    int64_t rest = unit / bands, from = 0, to = 0, pitch = 1, out_pitch = 0;
    for (int32_t axis = last; axis >= 0; axis--) {
      if (axis == across) out_pitch = pitch;
      if (axis != across && axis != last) {
        const int64_t index = rest % walk->dims[axis];
        rest /= walk->dims[axis];
        from += index * walk->stride[0][axis];
        to += index * pitch;
      }
      pitch *= walk->dims[axis];
    }
    const int64_t first = unit % bands * TILE, band = min_i64(TILE, extent - first);
    for (int64_t start = 0; start < length; start += TILE) {
      const int64_t n = min_i64(TILE, length - start);
      const float *x = job->x + from + first + start * step;
      float *out = job->out + to + first * out_pitch + start;
      for (int64_t b = 0; b < band; b++) {
        for (int64_t i = 0; i < n; i++) out[b * out_pitch + i] = x[b + i * step];
      }
    }
  }
}

/* `plan`: rank, extents, strides. */
KERNEL(copy_strided)(const float *x, float *out, const double *plan, double offset) {
  if (!is_size(offset)) return BAD_ARGUMENT;
  Strided job = {x, out, {0}, -1};
  const int32_t status = walk_read(&job.walk, plan, 1);
  if (status != OK) return status;
  const Walk *walk = &job.walk;
  if (walk->size == 0) return OK;
  job.x += (int64_t)offset;
  const int32_t last = walk->rank - 1;
  if (walk->step[0] != 1 && walk->dims[last] >= 8) {
    for (int32_t axis = 0; axis < last; axis++) {
      if (walk->stride[0][axis] == 1 && walk->dims[axis] >= 8) job.across = axis;
    }
  }
  if (job.across < 0) {
    pool_run(walk->size, GRAIN, copy_range, &job);
    return OK;
  }
  const int64_t extent = walk->dims[job.across], bands = (extent + TILE - 1) / TILE;
  const int64_t units = walk->size / extent / walk->dims[last] * bands;
  pool_run(units, max_i64(1, GRAIN / (TILE * walk->dims[last])), transpose_range, &job);
  return OK;
}

static void add_range(void *context, int64_t begin, int64_t end) {
  const Strided *job = context;
  const Walk *walk = &job->walk;
  const int64_t step = walk->step[0];
  Place place = walk_from(walk, begin);
  for (int64_t at = begin; at < end;) {
    const int64_t n = walk_row(walk, &place, end - at);
    const float *x = job->x + at;
    float *out = job->out + place.at[0];
    if (step == 1) {
      INDEPENDENT for (int64_t i = 0; i < n; i++) out[i] += x[i];
    } else {
      for (int64_t i = 0; i < n; i++) out[i * step] += x[i];
    }
    walk_on(walk, &place, n);
    at += n;
  }
}

/* Whether no two places of the box are one: each stride steps over all that the smaller ones span. */
static int32_t is_injective(const Walk *walk) {
  int32_t order[MAX_RANK];
  for (int32_t i = 0; i < walk->rank; i++) {
    int32_t at = i;
    for (; at > 0 && walk->stride[0][order[at - 1]] > walk->stride[0][i]; at--) order[at] = order[at - 1];
    order[at] = i;
  }
  int64_t span = 1;
  for (int32_t i = 0; i < walk->rank; i++) {
    const int64_t stride = walk->stride[0][order[i]];
    if (stride < span) return 0;
    span += (walk->dims[order[i]] - 1) * stride;
  }
  return 1;
}

/* Places that are hit several times get their addends in the dense order, by one thread. */
KERNEL(add_strided)(const float *x, float *out, const double *plan, double offset) {
  if (!is_size(offset)) return BAD_ARGUMENT;
  Strided job = {x, out, {0}, -1};
  const int32_t status = walk_read(&job.walk, plan, 1);
  if (status != OK) return status;
  if (job.walk.size == 0) return OK;
  job.out += (int64_t)offset;
  pool_run(job.walk.size, is_injective(&job.walk) ? GRAIN : job.walk.size, add_range, &job);
  return OK;
}

typedef struct {
  const float *x;
  float *out;
  const int32_t *index;
  int64_t count, cols, rows; /* rows of the table */
  int32_t status;
} Rows;

/* Whether row `r` of the table is there; reports it if not. An index is looked at when it is used, never earlier. */
static inline int32_t is_row(Rows *job, int64_t r) {
  if (r >= 0 && r < job->rows) return 1;
  __atomic_store_n(&job->status, BAD_INDEX, __ATOMIC_RELAXED);
  return 0;
}

static void gather_range(void *context, int64_t begin, int64_t end) {
  Rows *job = context;
  for (int64_t r = begin; r < end; r++) {
    const int64_t row = __atomic_load_n(job->index + r, __ATOMIC_RELAXED);
    if (is_row(job, row)) memcpy(job->out + r * job->cols, job->x + row * job->cols, (size_t)job->cols * sizeof(float));
  }
}

KERNEL(gather_rows)(
    const float *table, const int32_t *index, float *out, double cols, double entries, double count) {
  if (!are_sizes(count, cols, 1) || !is_size(entries)) return BAD_ARGUMENT;
  if (cols == 0) return OK;
  Rows job = {table, out, index, (int64_t)count, (int64_t)cols, (int64_t)(entries / cols), OK};
  pool_run(job.count, row_grain(job.cols), gather_range, &job);
  return job.status;
}

/* Each piece is a range of columns for all rows, so rows that fall together are added in their order. */
static void scatter_range(void *context, int64_t begin, int64_t end) {
  Rows *job = context;
  for (int64_t r = 0; r < job->count; r++) {
    const int64_t row = __atomic_load_n(job->index + r, __ATOMIC_RELAXED);
    if (!is_row(job, row)) continue;
    const float *x = job->x + r * job->cols;
    float *out = job->out + row * job->cols;
    INDEPENDENT
    for (int64_t c = begin; c < end; c++) out[c] += x[c];
  }
}

KERNEL(scatter_add_rows)(
    const float *x, const int32_t *index, float *out, double cols, double count, double entries) {
  if (!are_sizes(count, cols, 1) || !is_size(entries)) return BAD_ARGUMENT;
  if (cols == 0) return OK;
  Rows job = {x, out, index, (int64_t)count, (int64_t)cols, (int64_t)(entries / cols), OK};
  const int64_t grain = job.count * job.cols < 2 * GRAIN ? max_i64(1, job.cols) : max_i64(64, (job.cols + 7) / 8);
  pool_run(job.cols, grain, scatter_range, &job);
  return job.status;
}
