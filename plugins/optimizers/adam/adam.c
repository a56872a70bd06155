/* An Adam or AdamW update: the slow twin is in _kernel.ts. */
#include "kernel.h"

#include <math.h>

typedef struct {
  float *weight, *first, *second;
  const float *gradient;
  float beta1, rest1, beta2, rest2, step, inverse, epsilon, shrink, decay;
} Update;

static void adam_update(void *context, int64_t begin, int64_t end, const float *gradient) {
  const Update *job = context;
  const int64_t n = end - begin;
  float *weight = job->weight + begin, *first = job->first + begin, *second = job->second + begin;
  const float beta1 = job->beta1, rest1 = job->rest1, beta2 = job->beta2, rest2 = job->rest2, step = job->step;
  const float inverse = job->inverse, epsilon = job->epsilon, shrink = job->shrink, decay = job->decay;
  INDEPENDENT for (int64_t i = 0; i < n; i++) {
    const float w = weight[i] * shrink, g = gradient[i] + decay * w;
    const float m = beta1 * first[i] + rest1 * g, v = beta2 * second[i] + rest2 * g * g;
    first[i] = m;
    second[i] = v;
    weight[i] = w - step * m / (sqrtf(v) * inverse + epsilon);
  }
}

static void adam_range(void *context, int64_t begin, int64_t end) {
  adam_update(context, begin, end, ((const Update *)context)->gradient + begin);
}

/* `settings`: learning rate, beta1, beta2, epsilon, weight decay, whether it is decoupled, iteration. */
static Update read_update(float *weight, const float *gradient, float *first, float *second, const double *settings) {
  const double rate = settings[0], beta1 = settings[1], beta2 = settings[2], decay = settings[4];
  const int32_t decoupled = settings[5] != 0;
  return (Update){
      .weight = weight,
      .gradient = gradient,
      .first = first,
      .second = second,
      .beta1 = (float)beta1,
      .rest1 = (float)(1 - beta1),
      .beta2 = (float)beta2,
      .rest2 = (float)(1 - beta2),
      .step = (float)(rate / (1 - pow(beta1, settings[6]))),
      .inverse = (float)(1 / sqrt(1 - pow(beta2, settings[6]))),
      .epsilon = (float)settings[3],
      .shrink = decoupled ? (float)(1 - rate * decay) : 1,
      .decay = decoupled ? 0 : (float)decay,
  };
}

KERNEL(adam)(float *weight, const float *gradient, float *first, float *second, const double *settings, double n) {
  if (!is_size(n)) return BAD_ARGUMENT;
  Update job = read_update(weight, gradient, first, second, settings);
  pool_run((int64_t)n, GRAIN, adam_range, &job);
  return OK;
}

KERNEL(adam_by_product)(
    float *weight, PRODUCT_ARGUMENTS, float *first, float *second, const double *settings, PRODUCT_SIZES) {
  READ_PRODUCT(gradient)
  Update job = read_update(weight, NULL, first, second, settings);
  const float *const arrays[] = {weight, first, second};
  return run_by_product(&gradient, adam_update, &job, arrays, 3);
}
