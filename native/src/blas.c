/*
 * OpenBLAS, opened by path at run time. It is told to use one thread, and our own pool divides each product by its extents
 * alone: OpenBLAS's threads go on spinning after a product and would hold up the kernels that follow it, and they cut a
 * product by their number, on which its last bits would then depend. Builds that may not be called from several threads
 * at once (OpenMP, sequential) compute the pieces one after the other.
 */
#include "products.h"
#include "kernel.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef void (*sgemm_function)(
    int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
    const float *b, int ldb, float beta, float *c, int ldc);

enum { ROW_MAJOR = 101, NOT_TRANSPOSED = 111, TRANSPOSED = 112, PARALLEL_PTHREAD = 1 };

static void *library;
static sgemm_function sgemm;
static int parallel_kind;
/* The kinds of products that are left to the own product. */
static int32_t leaves;
/* What was opened, the core type of its kernels, and why the last attempt failed. */
static char opened[256], core_type[64], failure[512];

int32_t blas_opened(void) { return sgemm != NULL; }
int32_t blas_is_divisible(void) { return parallel_kind == PARALLEL_PTHREAD; }
int32_t blas_leaves(void) { return leaves; }

/* Leaves some kinds of products, a bit for each, to the own product. */
THINNED_EXPORT int32_t thinned_blas_leaves(int32_t kinds) {
  if (kinds < 0 || kinds >> PRODUCT_KINDS != 0) return BAD_ARGUMENT;
  leaves = kinds;
  return OK;
}

void blas_product(const Product *p) {
  sgemm(ROW_MAJOR, p->transpose_a ? TRANSPOSED : NOT_TRANSPOSED, p->transpose_b ? TRANSPOSED : NOT_TRANSPOSED,
      (int)p->m, (int)p->n, (int)p->k, p->alpha, p->a, (int)p->a_pitch, p->b, (int)p->b_pitch, p->beta, p->c,
      (int)p->c_pitch);
}

/* ISO C has no conversion from dlsym's pointer to a function's. The builds that come as wheels have a prefix. */
static void find(void *from, const char *name, void *function) {
  char prefixed[64];
  snprintf(prefixed, sizeof prefixed, "scipy_%s", name);
  void *symbol = dlsym(from, name);
  if (symbol == NULL) symbol = dlsym(from, prefixed);
  memcpy(function, &symbol, sizeof symbol);
}

/* Sets an environment variable unless `value` is empty; gives what is to be put back, if anything. */
static char *exchange(const char *name, const char *value) {
  const char *present = getenv(name);
  char *before = present == NULL ? NULL : strdup(present);
  if (*value != 0) setenv(name, value, 1);
  return before;
}

static void restore(const char *name, char *before) {
  if (before == NULL) unsetenv(name);
  else setenv(name, before, 1);
  free(before);
}

/* dlopen, while OpenBLAS is told which core type to take, if any, and that it needs no threads of its own. */
static void *open_as(const char *path, const char *core, int flags) {
  char *type = exchange("OPENBLAS_CORETYPE", core), *threads = exchange("OPENBLAS_NUM_THREADS", "1");
  void *found = dlopen(path, flags);
  restore("OPENBLAS_NUM_THREADS", threads);
  restore("OPENBLAS_CORETYPE", type);
  return found;
}

/* Opens a library by absolute path: one that the next needs, or (`is_blas`) OpenBLAS itself, with the kernels of a core
 * type, or of its own choice where that is empty; a library that is open already keeps those it has. The last OpenBLAS that
 * could be opened serves all. */
THINNED_EXPORT int32_t thinned_open_blas(const char *path, int32_t is_blas, const char *core) {
  void *found = is_blas ? open_as(path, core, RTLD_NOW | RTLD_LOCAL)
                        : dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (found == NULL) {
    const char *reason = dlerror();
    snprintf(failure, sizeof failure, "%s", reason == NULL ? path : reason);
    return NOT_OPENED;
  }
  if (!is_blas) return OK;
  sgemm_function product;
  void (*set_threads)(int);
  char *(*config)(void), *(*core_name)(void);
  int (*parallel)(void);
  find(found, "cblas_sgemm", &product);
  find(found, "openblas_set_num_threads", &set_threads);
  find(found, "openblas_get_config", &config);
  find(found, "openblas_get_corename", &core_name);
  find(found, "openblas_get_parallel", &parallel);
  if (!product || !set_threads || !config || !core_name || !parallel) {
    snprintf(failure, sizeof failure, "%s is not an OpenBLAS", path);
    dlclose(found);
    return NOT_OPENBLAS;
  }
  const char *words = config();
  /* Builds with 64-bit integers have the same names and other arguments. */
  if (strstr(words, "USE64BITINT") != NULL) {
    snprintf(failure, sizeof failure, "%s counts with 64-bit integers", path);
    dlclose(found);
    return NOT_OPENBLAS;
  }
  library = found;
  sgemm = product;
  set_threads(1);
  leaves = 0;
  parallel_kind = parallel();
  const char *kinds[] = {"sequential", "pthread", "OpenMP"};
  const int version = (int)strcspn(words, " ");
  const char *rest = words[version] == 0 ? words + version : words + version + 1;
  snprintf(core_type, sizeof core_type, "%s", core_name());
  snprintf(opened, sizeof opened, "%.*s%s%.*s (%s kernels, %s)", version, words, *rest == 0 ? "" : " ",
      (int)strcspn(rest, " "), rest, core_type, parallel_kind >= 0 && parallel_kind <= 2 ? kinds[parallel_kind] : "?");
  return OK;
}

/* Closes the OpenBLAS that serves, so that it may be opened with another core type. Nothing may compute meanwhile. */
THINNED_EXPORT int32_t thinned_close_blas(void) {
  if (library != NULL) dlclose(library);
  library = NULL;
  sgemm = NULL;
  return OK;
}

/* Copies what was opened (0), why the last attempt failed (1), or the core type (2), as text that ends with a zero. */
THINNED_EXPORT int32_t thinned_blas_text(char *out, int32_t capacity, int32_t which) {
  if (capacity < 1 || which < 0 || which > 2) return BAD_ARGUMENT;
  const char *texts[] = {opened, failure, core_type};
  snprintf(out, (size_t)capacity, "%s", texts[which]);
  return OK;
}
