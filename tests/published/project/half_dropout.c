#include "kernel.h"

typedef struct {
  const float *x;
  float *out;
  float factor;
} Job;

static void range(void *context, int64_t begin, int64_t end) {
  const Job *job = context;
  for (int64_t i = begin; i < end; i++) job->out[i] = job->x[i] * job->factor;
}

KERNEL(half_scale)(const float *x, float *out, double factor, double n) {
  if (!is_size(n)) return BAD_ARGUMENT;
  Job job = {x, out, (float)factor};
  pool_run((int64_t)n, GRAIN, range, &job);
  return OK;
}

KERNEL(half_origin)(float *out, double n) {
  if (!is_size(n)) return BAD_ARGUMENT;
  for (int64_t i = 0; i < (int64_t)n; i++) out[i] = 1;
  return OK;
}
