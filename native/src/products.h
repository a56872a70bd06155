/* One matrix product, as products.c and blas.c hand it to each other. */
#ifndef THINNED_PRODUCTS_H
#define THINNED_PRODUCTS_H

#include "kernel.h"

/* C = alpha op(A) op(B) + beta C, row-major, with the distances between stored rows. */
typedef struct {
  const float *a, *b;
  float *c;
  int64_t m, n, k;
  int64_t a_pitch, b_pitch, c_pitch;
  int32_t transpose_a, transpose_b;
  float alpha, beta;
} Product;

/* Whether an OpenBLAS has been opened. */
int32_t blas_opened(void);

/* Whether its products may be computed by several of our threads at once. */
int32_t blas_is_divisible(void);

/* Kinds of products, which may differ in who computes them faster. */
enum { NARROW_PRODUCT, SMALL_PRODUCT, PLAIN_PRODUCT, FIRST_TRANSPOSED, SECOND_TRANSPOSED, PRODUCT_KINDS };

/* The kinds of products that are left to the own product though an OpenBLAS is open: a bit for each. */
int32_t blas_leaves(void);

/* One product by OpenBLAS; the extents fit into an int. */
void blas_product(const Product *product);

/* Whether a list rises within [0, bound). */
static inline int32_t list_status(const int32_t *list, int64_t count, int64_t bound) {
  for (int64_t i = 0; i < count; i++) {
    if (list[i] < 0 || list[i] >= bound) return BAD_INDEX;
    if (i > 0 && list[i] <= list[i - 1]) return BAD_ARGUMENT;
  }
  return OK;
}

/* How OpenBLAS's products are cut: by their extents alone, so that the bits do not depend on the number of threads. Each
   piece packs what it reads, so pieces are as square and as few as keep some threads busy. */
typedef struct {
  const Product *whole;
  int64_t rows, cols, across;
} Pieces;

#define LEAST_PIECE 192

static inline Pieces pieces_of(const Product *p) {
  const int64_t work = p->m * p->n * p->k;
  int64_t left = work < (int64_t)1 << 20 ? 1
      : work < (int64_t)1 << 22          ? 2
      : work < (int64_t)1 << 28          ? 4
      : work < (int64_t)1 << 31          ? 8
                                         : 16;
  Pieces pieces = {p, p->m, p->n, 1};
  for (; left > 1; left /= 2) {
    int64_t *longer = pieces.rows >= pieces.cols ? &pieces.rows : &pieces.cols;
    /* A narrow C may be cut once. */
    if (*longer < (left == 2 ? 64 : 2 * LEAST_PIECE)) continue;
    *longer = round_up((*longer + 1) / 2, 16);
  }
  pieces.across = (p->n + pieces.cols - 1) / pieces.cols;
  return pieces;
}

static inline int64_t count_of(const Pieces *pieces) {
  return (pieces->whole->m + pieces->rows - 1) / pieces->rows * pieces->across;
}

/* Which kind of product it is, by its extents alone. */
static inline int32_t kind_of(const Product *p) {
  if (p->m < 16 || p->n < 32) return NARROW_PRODUCT;
  if (p->m * p->n * p->k < (int64_t)1 << 22) return SMALL_PRODUCT;
  return p->transpose_a ? FIRST_TRANSPOSED : p->transpose_b ? SECOND_TRANSPOSED : PLAIN_PRODUCT;
}

/* Whether an opened OpenBLAS computes a product: none that is empty or has extents beyond an int, and none of the kinds that
   are left to the own product. */
static inline int32_t suits_blas(const Product *p) {
  const int64_t most = INT32_MAX;
  if (p->m == 0 || p->n == 0 || p->k == 0 || p->m > most || p->n > most || p->k > most) return 0;
  return !(blas_leaves() >> kind_of(p) & 1);
}

#endif
