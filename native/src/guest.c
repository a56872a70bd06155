/* The side of a library with plugins' kernels: the pool of threads and the products are the main library's. */
#include "kernel.h"

static const Host *host;

THINNED_EXPORT int32_t thinned_connect(const Host *main_library) {
  if (main_library == NULL || main_library->abi != THINNED_ABI_VERSION) return BAD_ARGUMENT;
  host = main_library;
  return OK;
}

void pool_run(int64_t n, int64_t grain, pool_task task, void *context) { host->run(n, grain, task, context); }
int32_t pool_threads(void) { return host->threads(); }
int32_t pool_inside(void) { return host->inside(); }

#define RUN_PRODUCT(variant, number) \
  int32_t thinned_run_by_product_##variant( \
      const GradientProduct *product, update_task task, void *context, const float *const *arrays, int32_t count) { \
    return host->products[number](product, task, context, arrays, count); \
  }
RUN_PRODUCT(portable, PORTABLE)
#if defined(__x86_64__)
RUN_PRODUCT(avx2, AVX2)
RUN_PRODUCT(avx512, AVX512)
#elif defined(__aarch64__)
RUN_PRODUCT(neon, NEON)
#endif
