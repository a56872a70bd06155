/* Four rows of four numbers at a time become columns. */
#ifndef THINNED_TRANSPOSE_H
#define THINNED_TRANSPOSE_H

#include <stdint.h>
#include <string.h>

typedef float quad __attribute__((vector_size(16)));
typedef int32_t quad_index __attribute__((vector_size(16)));

#ifdef __clang__
#define SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define SHUFFLE(a, b, i, j, k, l) __builtin_shuffle(a, b, (quad_index){i, j, k, l})
#endif

static inline quad load_quad(const float *x) {
  quad value;
  memcpy(&value, x, sizeof value);
  return value;
}

/* out[p * width + i] = x[i * pitch + p] for four rows i and four places p. */
static inline __attribute__((always_inline)) void transpose_quads(
    float *restrict out, int64_t width, const float *restrict x, int64_t pitch) {
  const quad a = load_quad(x), b = load_quad(x + pitch), c = load_quad(x + 2 * pitch), d = load_quad(x + 3 * pitch);
  const quad ab = SHUFFLE(a, b, 0, 4, 1, 5), ab2 = SHUFFLE(a, b, 2, 6, 3, 7);
  const quad cd = SHUFFLE(c, d, 0, 4, 1, 5), cd2 = SHUFFLE(c, d, 2, 6, 3, 7);
  const quad rows[4] = {
      SHUFFLE(ab, cd, 0, 1, 4, 5), SHUFFLE(ab, cd, 2, 3, 6, 7), SHUFFLE(ab2, cd2, 0, 1, 4, 5),
      SHUFFLE(ab2, cd2, 2, 3, 6, 7)};
#pragma GCC unroll 4
  for (int p = 0; p < 4; p++) memcpy(out + p * width, &rows[p], sizeof rows[p]);
}

#endif
