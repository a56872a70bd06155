/*
 * OpenBLAS, opened by path at run time. The pthread build is told to use one thread, and our own pool divides each
 * product: OpenBLAS's threads go on spinning after a product and would hold up the kernels that follow it. Builds that
 * may not be called from several threads at once (OpenMP, sequential) compute whole products with their own threads.
 */
#include "products.h"
#include "kernel.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef void (*sgemm_function)(
    int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
    const float *b, int ldb, float beta, float *c, int ldc);

enum { ROW_MAJOR = 101, NOT_TRANSPOSED = 111, TRANSPOSED = 112, PARALLEL_PTHREAD = 1 };

static sgemm_function sgemm;
static void (*set_blas_threads)(int);
static int (*get_blas_threads)(void);
static int parallel_kind;
static int32_t wide;
/* What was opened, and why the last attempt failed. */
static char opened[256], failure[512];

int32_t blas_opened(void) { return sgemm != NULL; }
int32_t blas_is_divisible(void) { return parallel_kind == PARALLEL_PTHREAD; }
int32_t blas_is_wide(void) { return wide; }
THINNED_EXPORT int32_t thinned_blas_is_wide(void) { return wide; }

void blas_product(const Product *p) {
  sgemm(ROW_MAJOR, p->transpose_a ? TRANSPOSED : NOT_TRANSPOSED, p->transpose_b ? TRANSPOSED : NOT_TRANSPOSED,
      (int)p->m, (int)p->n, (int)p->k, p->alpha, p->a, (int)p->a_pitch, p->b, (int)p->b_pitch, p->beta, p->c,
      (int)p->c_pitch);
}

/* Gives OpenBLAS the threads it is to use when our pool has `count`. */
static void share_threads(int32_t count) {
  if (sgemm != NULL) set_blas_threads(blas_is_divisible() ? 1 : count);
}

THINNED_EXPORT int32_t thinned_blas_threads(void) {
  share_threads(pool_threads());
  return sgemm == NULL ? 0 : get_blas_threads();
}

/* ISO C has no conversion from dlsym's pointer to a function's. */
static void find(void *library, const char *name, void *function) {
  void *symbol = dlsym(library, name);
  memcpy(function, &symbol, sizeof symbol);
}

/* Opens a library by absolute path: one that the next needs, or (`is_blas`) OpenBLAS itself. It is never closed. The last
 * OpenBLAS that could be opened serves all. */
THINNED_EXPORT int32_t thinned_open_blas(const char *path, int32_t is_blas) {
  void *library = dlopen(path, RTLD_NOW | (is_blas ? RTLD_LOCAL : RTLD_GLOBAL));
  if (library == NULL) {
    const char *reason = dlerror();
    snprintf(failure, sizeof failure, "%s", reason == NULL ? path : reason);
    return NOT_OPENED;
  }
  if (!is_blas) return OK;
  sgemm_function product;
  void (*set_threads)(int);
  char *(*config)(void), *(*core)(void);
  int (*get_threads)(void), (*parallel)(void);
  find(library, "cblas_sgemm", &product);
  find(library, "openblas_set_num_threads", &set_threads);
  find(library, "openblas_get_num_threads", &get_threads);
  find(library, "openblas_get_config", &config);
  find(library, "openblas_get_corename", &core);
  find(library, "openblas_get_parallel", &parallel);
  if (!product || !set_threads || !get_threads || !config || !core || !parallel) {
    snprintf(failure, sizeof failure, "%s is not an OpenBLAS", path);
    dlclose(library);
    return NOT_OPENBLAS;
  }
  const char *words = config();
  /* Builds with 64-bit integers have the same names and other arguments. */
  if (strstr(words, "USE64BITINT") != NULL) {
    snprintf(failure, sizeof failure, "%s counts with 64-bit integers", path);
    dlclose(library);
    return NOT_OPENBLAS;
  }
  sgemm = product;
  set_blas_threads = set_threads;
  get_blas_threads = get_threads;
  parallel_kind = parallel();
  wide = 0;
  const char *wide_cores[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
  for (int i = 0; i < 3; i++) wide |= strcasecmp(core(), wide_cores[i]) == 0;
  const char *kinds[] = {"sequential", "pthread", "OpenMP"};
  const int version = (int)strcspn(words, " ");
  const char *rest = words[version] == 0 ? words + version : words + version + 1;
  snprintf(opened, sizeof opened, "%.*s%s%.*s (%s kernels, %s)", version, words, *rest == 0 ? "" : " ",
      (int)strcspn(rest, " "), rest, core(), parallel_kind >= 0 && parallel_kind <= 2 ? kinds[parallel_kind] : "?");
  share_threads(pool_threads());
  return OK;
}

/* Copies what was opened, or why the last attempt failed, as text that ends with a zero. */
THINNED_EXPORT int32_t thinned_blas_text(char *out, int32_t capacity, int32_t failed) {
  if (capacity < 1) return BAD_ARGUMENT;
  snprintf(out, (size_t)capacity, "%s", failed ? failure : opened);
  return OK;
}
