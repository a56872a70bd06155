/* An SGD update: the slow twin is in _kernel.ts. */
#include "kernel.h"

typedef struct {
  float *weight, *velocity;
  const float *gradient;
  float rate, momentum, keep, decay;
  int32_t nesterov, start;
} Update;

#define SGD_LOOP(velocity_value, direction) \
  INDEPENDENT for (int64_t i = 0; i < n; i++) { \
    const float w = weight[i], g = gradient[i] + decay * w, v = (velocity_value); \
    velocity[i] = v; \
    weight[i] = w - rate * (direction); \
  }

static void sgd_update(void *context, int64_t begin, int64_t end, const float *gradient) {
  const Update *job = context;
  const int64_t n = end - begin;
  float *weight = job->weight + begin, *velocity = job->velocity == NULL ? NULL : job->velocity + begin;
  const float rate = job->rate, momentum = job->momentum, keep = job->keep, decay = job->decay;
  if (velocity == NULL) {
    INDEPENDENT for (int64_t i = 0; i < n; i++) weight[i] -= rate * (gradient[i] + decay * weight[i]);
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

static void sgd_range(void *context, int64_t begin, int64_t end) {
  sgd_update(context, begin, end, ((const Update *)context)->gradient + begin);
}

/* `settings`: learning rate, momentum, dampening, Nesterov, weight decay, whether it is the first update. */
static Update read_update(float *weight, const float *gradient, float *velocity, const double *settings) {
  return (Update){
      .weight = weight,
      .gradient = gradient,
      .velocity = velocity,
      .rate = (float)settings[0],
      .momentum = (float)settings[1],
      .keep = (float)(1 - settings[2]),
      .nesterov = settings[3] != 0,
      .decay = (float)settings[4],
      .start = settings[5] != 0,
  };
}

KERNEL(sgd)(float *weight, const float *gradient, float *velocity, const double *settings, double n) {
  if (!is_size(n)) return BAD_ARGUMENT;
  Update job = read_update(weight, gradient, velocity, settings);
  pool_run((int64_t)n, GRAIN, sgd_range, &job);
  return OK;
}

KERNEL(sgd_by_product)(float *weight, PRODUCT_ARGUMENTS, float *velocity, const double *settings, PRODUCT_SIZES) {
  READ_PRODUCT(gradient)
  Update job = read_update(weight, NULL, velocity, settings);
  const float *const arrays[] = {weight, velocity};
  return run_by_product(&gradient, sgd_update, &job, arrays, velocity == NULL ? 1 : 2);
}
