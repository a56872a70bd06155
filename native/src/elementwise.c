/* Elementwise functions, their gradients, and broadcasting: the slow twin is core/backend/reference/elementwise.ts. */
#include "functions.h"
#include "kernel.h"
#include "stream.h"
#include "walk.h"

typedef struct {
  int32_t op;
  const float *x, *y, *dy;
  float *out;
  float p, q;
} Unary;

#define UNARY_VALUE(name, value, slope) \
  case UNARY_##name: \
    INDEPENDENT for (int64_t i = begin; i < end; i++) { \
      const float v = x[i]; \
      out[i] = (value); \
    } \
    break;

static void unary_range(void *context, int64_t begin, int64_t end) {
  const Unary *u = context;
  const float *x = u->x;
  float *out = u->out;
  const float p = u->p, q = u->q;
  switch (u->op) { UNARY_FUNCTIONS(UNARY_VALUE) }
}

KERNEL(unary)(int32_t op, const float *x, float *out, double p, double q, double n) {
  if (op < 0 || op >= UNARY_COUNT) return UNKNOWN_OPERATION;
  if (!is_size(n)) return BAD_ARGUMENT;
  Unary job = {op, x, NULL, NULL, out, (float)p, (float)q};
  pool_run((int64_t)n, GRAIN, unary_range, &job);
  return OK;
}

#define UNARY_SLOPE(name, value, slope) \
  case UNARY_##name: \
    INDEPENDENT for (int64_t i = begin; i < end; i++) { \
      const float v = x[i], w = y[i]; \
      (void)v, (void)w; \
      out[i] = dy[i] * (slope); \
    } \
    break;

static void unary_gradient_range(void *context, int64_t begin, int64_t end) {
  const Unary *u = context;
  const float *x = u->x, *y = u->y, *dy = u->dy;
  float *out = u->out;
  const float p = u->p, q = u->q;
  switch (u->op) { UNARY_FUNCTIONS(UNARY_SLOPE) }
}

KERNEL(unary_gradient)(
    int32_t op, const float *x, const float *y, const float *dy, float *dx, double p, double q, double n) {
  if (op < 0 || op >= UNARY_COUNT) return UNKNOWN_OPERATION;
  if (!is_size(n)) return BAD_ARGUMENT;
  Unary job = {op, x, y, dy, dx, (float)p, (float)q};
  pool_run((int64_t)n, GRAIN, unary_gradient_range, &job);
  return OK;
}

/* One innermost row, with loops of their own for the usual steps. */
#define BINARY_LOOP(value, first, second) \
  INDEPENDENT for (int64_t i = 0; i < n; i++) { \
    const float u = (first), v = (second); \
    out[i] = (value); \
  }
#define BINARY_VALUE(name, value) \
  case BINARY_##name: \
    if (a_step == 1 && b_step == 1) { BINARY_LOOP(value, a[i], b[i]) } \
    else if (a_step == 1 && b_step == 0) { BINARY_LOOP(value, a[i], b0) } \
    else if (a_step == 0 && b_step == 1) { BINARY_LOOP(value, a0, b[i]) } \
    else { BINARY_LOOP(value, a[i * a_step], b[i * b_step]) } \
    break;

static void binary_row(
    int32_t op, const float *a, int64_t a_step, const float *b, int64_t b_step, float *out, int64_t n) {
  const float a0 = a[0], b0 = b[0];
  switch (op) { BINARY_FUNCTIONS(BINARY_VALUE) }
}

typedef struct {
  int32_t op;
  const float *a, *b;
  float *out;
  Walk walk;
} Binary;

static void binary_range(void *context, int64_t begin, int64_t end) {
  const Binary *job = context;
  const Walk *walk = &job->walk;
  Place place = walk_from(walk, begin);
  for (int64_t at = begin; at < end;) {
    const int64_t n = walk_row(walk, &place, end - at);
    binary_row(job->op, job->a + place.at[0], walk->step[0], job->b + place.at[1], walk->step[1], job->out + at, n);
    walk_on(walk, &place, n);
    at += n;
  }
}

/* `plan`: rank, extents, strides of a, strides of b. */
KERNEL(binary)(int32_t op, const float *a, const float *b, float *out, const double *plan) {
  if (op < 0 || op >= BINARY_COUNT) return UNKNOWN_OPERATION;
  Binary job = {op, a, b, out, {0}};
  const int32_t status = walk_read(&job.walk, plan, 2);
  if (status != OK) return status;
  pool_run(job.walk.size, GRAIN, binary_range, &job);
  return OK;
}

typedef struct {
  const float *x;
  float *y;
  float alpha;
} Update;

static void fill_range(void *context, int64_t begin, int64_t end) {
  const Update *job = context;
  float *y = job->y;
  const float value = job->alpha;
  for (int64_t i = begin; i < end; i++) y[i] = value;
}

KERNEL(fill)(float *out, double value, double n) {
  if (!is_size(n)) return BAD_ARGUMENT;
  Update job = {NULL, out, (float)value};
  pool_run((int64_t)n, GRAIN, fill_range, &job);
  return OK;
}

static void accumulate_range(void *context, int64_t begin, int64_t end) {
  const Update *job = context;
  const float *x = job->x;
  float *y = job->y;
  const float alpha = job->alpha;
  INDEPENDENT
  for (int64_t i = begin; i < end; i++) y[i] += alpha * x[i];
}

KERNEL(accumulate)(const float *x, float *y, double alpha, double n) {
  if (!is_size(n)) return BAD_ARGUMENT;
  Update job = {x, y, (float)alpha};
  pool_run((int64_t)n, GRAIN, accumulate_range, &job);
  return OK;
}
