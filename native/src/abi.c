/* What the library says of itself: the kernels' own symbols are in their files. */
#include <dlfcn.h>

#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "kernel.h"

/* Deno closes the library when it exits, while the pool's threads may still be waiting inside its code: so it pins
   itself in memory until the process is gone. */
__attribute__((constructor)) static void stay_loaded(void) {
  Dl_info self;
  if (dladdr((void *)&stay_loaded, &self) != 0) dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

/* Raised whenever a symbol's meaning changes; THINNED_ABI_VERSION comes from sources.ts. */
THINNED_EXPORT int32_t thinned_abi_version(void) { return THINNED_ABI_VERSION; }

/* The best kernels that this processor runs: 0 portable, 1 avx2, 2 neon, 3 avx512, as `variants` in symbols.ts. */
THINNED_EXPORT int32_t thinned_best_variant(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return 3;
  }
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 1 : 0;
#elif defined(__aarch64__)
  return 2;
#else
  return 0;
#endif
}

#define RUN_PRODUCT(variant) \
  int32_t thinned_run_by_product_##variant( \
      const GradientProduct *product, update_task task, void *context, const float *const *arrays, int32_t count);
RUN_PRODUCT(portable)
#if defined(__x86_64__)
RUN_PRODUCT(avx2)
RUN_PRODUCT(avx512)
#elif defined(__aarch64__)
RUN_PRODUCT(neon)
#endif

/* See Host. */
THINNED_EXPORT const Host *thinned_host(void) {
  static const Host host = {
      THINNED_ABI_VERSION, pool_run, pool_threads, pool_inside,
      {
          [PORTABLE] = thinned_run_by_product_portable,
#if defined(__x86_64__)
          [AVX2] = thinned_run_by_product_avx2, [AVX512] = thinned_run_by_product_avx512,
#elif defined(__aarch64__)
          [NEON] = thinned_run_by_product_neon,
#endif
      }};
  return &host;
}

/* Copies the name that the processor gives itself, as text that ends with a zero; an empty one where it has none. */
THINNED_EXPORT int32_t thinned_processor(char *out, int32_t capacity) {
  if (capacity < 1) return BAD_ARGUMENT;
  char name[49] = {0};
#if defined(__x86_64__)
  unsigned words[12] = {0}, family[4] = {0};
  for (unsigned i = 0; i < 3; i++) {
    __get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2], &words[4 * i + 3]);
  }
  memcpy(name, words, 48);
  /* Virtual machines hide the name; family, model and stepping stay. */
  __get_cpuid(1, &family[0], &family[1], &family[2], &family[3]);
  snprintf(out, (size_t)capacity, "%s (%x)", name, family[0]);
#else
  snprintf(out, (size_t)capacity, "%s", name);
#endif
  return OK;
}
