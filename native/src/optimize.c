/* The optimizers' updates and the max-norm projection: the slow twin is core/reference/optimize.ts. */
#include "kernel.h"
#include "sums.h"

#include <math.h>

typedef struct {
  float *weight;
  const float *gradient;
  float *first, *second;
  float rate, momentum, keep, decay; /* SGD */
  float beta1, rest1, beta2, rest2, step, inverse, epsilon, shrink; /* Adam */
  int32_t nesterov, start;
  int64_t cols;
  double max;
} Update;

#define SGD_LOOP(velocity_value, direction) \
  INDEPENDENT for (int64_t i = begin; i < end; i++) { \
    const float w = weight[i], g = gradient[i] + decay * w, v = (velocity_value); \
    velocity[i] = v; \
    weight[i] = w - rate * (direction); \
  }

static void sgd_range(void *context, int64_t begin, int64_t end) {
  const Update *job = context;
  float *weight = job->weight, *velocity = job->first;
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
  Update job = {.weight = weight, .gradient = gradient, .first = velocity};
  job.rate = (float)settings[0];
  job.momentum = (float)settings[1];
  job.keep = (float)(1 - settings[2]);
  job.nesterov = settings[3] != 0;
  job.decay = (float)settings[4];
  job.start = settings[5] != 0;
  pool_run((int64_t)n, GRAIN, sgd_range, &job);
  return OK;
}

static void adam_range(void *context, int64_t begin, int64_t end) {
  const Update *job = context;
  float *weight = job->weight, *first = job->first, *second = job->second;
  const float *gradient = job->gradient;
  const float beta1 = job->beta1, rest1 = job->rest1, beta2 = job->beta2, rest2 = job->rest2, step = job->step;
  const float inverse = job->inverse, epsilon = job->epsilon, shrink = job->shrink, decay = job->decay;
  INDEPENDENT for (int64_t i = begin; i < end; i++) {
    const float w = weight[i] * shrink, g = gradient[i] + decay * w;
    const float m = beta1 * first[i] + rest1 * g, v = beta2 * second[i] + rest2 * g * g;
    first[i] = m;
    second[i] = v;
    weight[i] = w - step * m / (sqrtf(v) * inverse + epsilon);
  }
}

/* `settings`: learning rate, beta1, beta2, epsilon, weight decay, whether it is decoupled, iteration. */
KERNEL(adam)(float *weight, const float *gradient, float *first, float *second, const double *settings, double n) {
  if (!is_size(n)) return BAD_ARGUMENT;
  const double rate = settings[0], beta1 = settings[1], beta2 = settings[2], decay = settings[4];
  const int32_t decoupled = settings[5] != 0;
  Update job = {.weight = weight, .gradient = gradient, .first = first, .second = second};
  job.beta1 = (float)beta1;
  job.rest1 = (float)(1 - beta1);
  job.beta2 = (float)beta2;
  job.rest2 = (float)(1 - beta2);
  job.step = (float)(rate / (1 - pow(beta1, settings[6])));
  job.inverse = (float)(1 / sqrt(1 - pow(beta2, settings[6])));
  job.epsilon = (float)settings[3];
  job.shrink = decoupled ? (float)(1 - rate * decay) : 1;
  job.decay = decoupled ? 0 : (float)decay;
  pool_run((int64_t)n, GRAIN, adam_range, &job);
  return OK;
}

static void max_norm_range(void *context, int64_t begin, int64_t end) {
  const Update *job = context;
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
  Update job = {.weight = weight, .cols = (int64_t)cols, .max = max};
  pool_run((int64_t)rows, row_grain(job.cols), max_norm_range, &job);
  return OK;
}
