/* Walking a dense box together with strided operands, from any dense position on. */
#ifndef THINNED_WALK_H
#define THINNED_WALK_H

#include "kernel.h"

#define MAX_RANK 16
#define MAX_OPERANDS 2

/* The box: axes of extent 1 are gone and neighbouring axes that all operands walk as one are merged. */
typedef struct {
  int32_t rank, operands;
  int64_t size;
  int64_t dims[MAX_RANK];
  int64_t stride[MAX_OPERANDS][MAX_RANK];
  int64_t step[MAX_OPERANDS]; /* strides along the innermost axis */
} Walk;

/* A position in the box, and where it lies in each operand. */
typedef struct {
  int64_t index[MAX_RANK];
  int64_t at[MAX_OPERANDS];
} Place;

/* Reads rank, extents, and the strides of each operand. */
static inline int32_t walk_read(Walk *walk, const double *plan, int32_t operands) {
  if (!(plan[0] >= 0 && plan[0] <= MAX_RANK)) return BAD_ARGUMENT;
  const int32_t given = (int32_t)plan[0];
  double size = 1;
  for (int32_t axis = 0; axis < given; axis++) {
    if (!is_size(plan[1 + axis])) return BAD_ARGUMENT;
    size *= plan[1 + axis];
    for (int32_t o = 0; o < operands; o++) {
      if (!are_sizes(plan[1 + given * (1 + o) + axis], plan[1 + axis], 1)) return BAD_ARGUMENT;
    }
  }
  if (!is_size(size)) return BAD_ARGUMENT;
  walk->operands = operands;
  walk->size = 1;
  int32_t rank = 0;
  for (int32_t axis = 0; axis < given; axis++) {
    const int64_t extent = (int64_t)plan[1 + axis];
    walk->size *= extent;
    if (extent == 1) continue;
    int32_t merges = rank > 0;
    for (int32_t o = 0; o < operands; o++) {
      const int64_t stride = (int64_t)plan[1 + given * (1 + o) + axis];
      walk->stride[o][rank] = stride;
      if (rank > 0 && walk->stride[o][rank - 1] != stride * extent) merges = 0;
    }
    if (merges) {
      walk->dims[rank - 1] *= extent;
      for (int32_t o = 0; o < operands; o++) walk->stride[o][rank - 1] = walk->stride[o][rank];
    } else {
      walk->dims[rank++] = extent;
    }
  }
  if (rank == 0) {
    walk->dims[0] = 1;
    for (int32_t o = 0; o < operands; o++) walk->stride[o][0] = 0;
    rank = 1;
  }
  walk->rank = rank;
  for (int32_t o = 0; o < operands; o++) walk->step[o] = walk->stride[o][rank - 1];
  return OK;
}

/* The place of a dense position. */
static inline Place walk_from(const Walk *walk, int64_t dense) {
  Place place = {{0}, {0}};
  for (int32_t axis = walk->rank - 1; axis >= 0; axis--) {
    place.index[axis] = dense % walk->dims[axis];
    dense /= walk->dims[axis];
    for (int32_t o = 0; o < walk->operands; o++) place.at[o] += place.index[axis] * walk->stride[o][axis];
  }
  return place;
}

/* How many elements of the innermost row follow, `most` at the utmost. */
static inline int64_t walk_row(const Walk *walk, const Place *place, int64_t most) {
  return min_i64(walk->dims[walk->rank - 1] - place->index[walk->rank - 1], most);
}

/* Goes on by `n` elements, not beyond the end of the row. */
static inline void walk_on(const Walk *walk, Place *place, int64_t n) {
  int32_t axis = walk->rank - 1;
  place->index[axis] += n;
  for (int32_t o = 0; o < walk->operands; o++) place->at[o] += n * walk->step[o];
  while (axis > 0 && place->index[axis] == walk->dims[axis]) {
    for (int32_t o = 0; o < walk->operands; o++) {
      place->at[o] += walk->stride[o][axis - 1] - walk->dims[axis] * walk->stride[o][axis];
    }
    place->index[axis--] = 0;
    place->index[axis]++;
  }
}

#endif
