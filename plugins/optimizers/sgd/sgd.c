/* An SGD update: the slow twin is in _kernel.ts. */
#include "kernel.h"

typedef struct {
  float *weight, *velocity;
  const float *gradient;
  float rate, momentum, keep, decay;
  int32_t nesterov, start;
} Update;

#define SGD_LOOP(velocity_value, direction) \
  INDEPENDENT for (int64_t i = begin; i < end; i++) { \
    const float w = weight[i], g = gradient[i] + decay * w, v = (velocity_value); \
    velocity[i] = v; \
    weight[i] = w - rate * (direction); \
  }

static void sgd_range(void *context, int64_t begin, int64_t end) {
  const Update *job = context;
  float *weight = job->weight, *velocity = job->velocity;
  const float *gradient = job->gradient;
  const float rate = job->rate, momentum = job->momentum, keep = job->keep, decay = job->decay;
  if (velocity == NULL) {
    INDEPENDENT for (int64_t i = begin; i < end; i++) weight[i] -= rate * (gradient[i] + decay * weight[i]);
  } else if (job->start && job->nesterov) {
    SGD_LOOP(g, g + momentum * v)
  } else if (job->start) {
    SGD_LOOP(g, v)
  } else if (job->nesterov) {
    SGD_LOOP(momentum * velocity[i] + keep * g, g + momentum * v)
  } else {
    SGD_LOOP(momentum * velocity[i] + keep * g, v)
  }
}

/* `settings`: learning rate, momentum, dampening, Nesterov, weight decay, whether it is the first update. */
KERNEL(sgd)(float *weight, const float *gradient, float *velocity, const double *settings, double n) {
  if (!is_size(n)) return BAD_ARGUMENT;
  Update job = {.weight = weight, .gradient = gradient, .velocity = velocity};
  job.rate = (float)settings[0];
  job.momentum = (float)settings[1];
  job.keep = (float)(1 - settings[2]);
  job.nesterov = settings[3] != 0;
  job.decay = (float)settings[4];
  job.start = settings[5] != 0;
  pool_run((int64_t)n, GRAIN, sgd_range, &job);
  return OK;
}
