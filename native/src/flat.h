/*
 * Convolutions of few channels without a packed operand. Where windows move by one step along their rows and columns, the
 * windows of an image follow one another in its planes, but for some places at the end of each row that no window has:
 * what they would give is computed as well and left out. So the planes themselves are what the innermost loops read.
 */
#ifndef THINNED_FLAT_H
#define THINNED_FLAT_H

#include "tile.h"

/* Floats of an image's planes, at most: they stay in the second-level cache. */
#define FLAT_PLANES (1 << 16)
/* Floats that may be read beyond the last plane: a tile's columns. */
#define FLAT_SLACK 128

static _Thread_local Scratch flat_scratch;

typedef int32_t lane_bits __attribute__((vector_size(TILE_LANES * sizeof(int32_t))));

/* Whether the windows of an image follow one another in its planes. */
static inline int32_t is_flat(const Pass *pass) {
  const Axis *d = &pass->axis[0], *h = &pass->axis[1], *w = &pass->axis[2];
  return d->windows == 1 && d->target_extent == 1 && h->step == 1 && w->step == 1 && h->target_step == 1 &&
      w->target_step == 1 && h->target_extent == h->windows && w->target_extent == w->windows;
}

/* Places from the first window to the last, those of no window included. */
static inline int64_t flat_places(const Pass *pass) {
  return (pass->axis[1].windows - 1) * window_row(pass) + pass->axis[2].windows;
}

static inline __attribute__((always_inline)) lanes load_lanes(const float *x) {
  lanes value;
  memcpy(&value, x, sizeof value);
  return value;
}

static inline float sum_lanes(lanes value) {
  float parts[TILE_LANES];
  memcpy(parts, &value, sizeof value);
  for (int n = TILE_LANES / 2; n > 0; n /= 2) {
    for (int i = 0; i < n; i++) parts[i] += parts[i + n];
  }
  return parts[0];
}

#endif
