/* One matrix product, as products.c and blas.c hand it to each other. */
#ifndef THINNED_PRODUCTS_H
#define THINNED_PRODUCTS_H

#include <stdint.h>

/* C = alpha op(A) op(B) + beta C, row-major, with the distances between stored rows. */
typedef struct {
  const float *a, *b;
  float *c;
  int64_t m, n, k;
  int64_t a_pitch, b_pitch, c_pitch;
  int32_t transpose_a, transpose_b;
  float alpha, beta;
  /* For a product of parts of the matrices: which rows of op(A) and C, which columns of op(B) and C, which inner indices;
     null for all of them, one after the other. Only the own product knows them. */
  const int32_t *rows, *cols, *inners;
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

#endif
