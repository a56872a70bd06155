/*
 * What every kernel file shares: names, status codes, loops and the thread pool.
 *
 * A kernel file is compiled once for each instruction set, with VARIANT defined as `portable`, `avx2` or `neon`, so
 * `KERNEL(dropout)(...)` becomes thinned_dropout_portable in one object and thinned_dropout_avx2 in another. The
 * TypeScript side picks the set when it opens the library. A kernel is written here with KERNEL; its symbol's parameters
 * follow from its description in TypeScript.
 */
#ifndef THINNED_KERNEL_H
#define THINNED_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define THINNED_EXPORT __attribute__((visibility("default")))
#define THINNED_JOIN_EXPANDED(a, b) a##_##b
#define THINNED_JOIN(a, b) THINNED_JOIN_EXPANDED(a, b)
#define KERNEL(name) THINNED_EXPORT int32_t THINNED_JOIN(thinned_##name, VARIANT)

/* Status codes; their texts are in library.ts. */
enum { OK = 0, UNKNOWN_OPERATION = 1, BAD_ARGUMENT = 2, OUT_OF_MEMORY = 3, NOT_OPENED = 4, NOT_OPENBLAS = 5, BAD_INDEX = 6 };

/* Each turn of the next loop stands alone: arrays may be the same, but never shifted against each other. */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

/* Elements a task: large enough to hide its cost, small enough to share evenly. Results never depend on threads,
   because the pieces are the same for any number of them. */
#define GRAIN 16384

/* Work on the elements [begin, end) of a job. */
typedef void (*pool_task)(void *context, int64_t begin, int64_t end);

/* Runs `task` on [0, n) in pieces of `grain`, on all threads when there are two pieces or more. Inside a task it runs
   the pieces in place. */
void pool_run(int64_t n, int64_t grain, pool_task task, void *context);

/* Threads in use, the caller included. */
int32_t pool_threads(void);

/* Whether this thread is now working on a task. */
int32_t pool_inside(void);

/* Whether a number is a size: whole, at least 0, and small enough that a product of three bytes a piece stays exact. */
static inline int32_t is_size(double value) { return value >= 0 && value <= 0x1p48 && (double)(int64_t)value == value; }

/* Whether three numbers are sizes whose product is one. */
static inline int32_t are_sizes(double a, double b, double c) {
  return is_size(a) && is_size(b) && is_size(c) && a * b <= 0x1p48 && a * b * c <= 0x1p48;
}

/* A gradient [rows, cols] as the product that it is the result of: left^T right, of `left` [lines, rows] and `right`
   [lines, cols]. Lines come in groups, each of which counts only in the rows and columns that it keeps: `starts` are the
   groups' first lines, and row r that group g keeps stands in its list as g * rows + r, a column likewise. */
typedef struct {
  const float *left, *right;
  const int32_t *starts, *kept_rows, *kept_cols;
  int64_t rows, cols, lines, groups, row_count, col_count;
  int32_t use_blas;
} GradientProduct;

/* How such a product arrives at a kernel that updates a weight by it; see `defineUpdate` in TypeScript. */
#define PRODUCT_ARGUMENTS \
  const float *left, const float *right, const int32_t *starts, const int32_t *kept_rows, const int32_t *kept_cols, \
      const double *product
#define PRODUCT_SIZES double groups, double row_count, double col_count
#define READ_PRODUCT(name) \
  GradientProduct name; \
  const int32_t name##_status = read_product( \
      &name, left, right, starts, kept_rows, kept_cols, product, groups, row_count, col_count); \
  if (name##_status != OK) return name##_status;

/* Work on the elements [begin, end) of a weight, whose gradients are given from the first of them on. */
typedef void (*update_task)(void *context, int64_t begin, int64_t end, const float *gradient);

/* Runs `task` on all elements of a weight, piece by piece as the product gives their gradients, which never exist as a
   whole. The pieces follow from the shape alone. `arrays` are those of the weight's shape that the task goes over, whose
   pieces are fetched meanwhile. */
typedef int32_t (*product_runner)(
    const GradientProduct *product, update_task task, void *context, const float *const *arrays, int32_t count);

#ifdef VARIANT
#define run_by_product THINNED_JOIN(thinned_run_by_product, VARIANT)
int32_t run_by_product(
    const GradientProduct *product, update_task task, void *context, const float *const *arrays, int32_t count);
#endif

/* Instruction sets in the order of their numbers, as `variants` in symbols.ts. */
enum { PORTABLE, AVX2, NEON, AVX512, VARIANTS };

/* What the main library lends to libraries with plugins' kernels, so that there is one pool of threads. */
typedef struct {
  int32_t abi;
  void (*run)(int64_t n, int64_t grain, pool_task task, void *context);
  int32_t (*threads)(void);
  int32_t (*inside)(void);
  product_runner products[VARIANTS];
} Host;

static inline int64_t min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/* `shape`: rows, columns, lines, whether a BLAS may compute it. */
static inline int32_t read_product(
    GradientProduct *p, const float *left, const float *right, const int32_t *starts, const int32_t *kept_rows,
    const int32_t *kept_cols, const double *shape, double groups, double row_count, double col_count) {
  if (!are_sizes(shape[0], shape[1], shape[2]) || !are_sizes(groups, shape[0], 1) || !are_sizes(groups, shape[1], 1) ||
      !are_sizes(row_count, col_count, 1)) {
    return BAD_ARGUMENT;
  }
  p->left = left, p->right = right, p->starts = starts, p->kept_rows = kept_rows, p->kept_cols = kept_cols;
  p->rows = (int64_t)shape[0], p->cols = (int64_t)shape[1], p->lines = (int64_t)shape[2];
  p->use_blas = shape[3] != 0;
  p->groups = (int64_t)groups, p->row_count = (int64_t)row_count, p->col_count = (int64_t)col_count;
  return p->groups > p->lines || p->groups * max_i64(p->rows, p->cols) > INT32_MAX ? BAD_ARGUMENT : OK;
}

/* Rows a task for rows of `cols` elements. */
static inline int64_t row_grain(int64_t cols) { return max_i64(1, GRAIN / max_i64(1, cols)); }

#endif
