/*
 * The gradient towards a weight from groups of rows, some rows of the weight at a time: what an update can take from a scratch
 * before the gradient has been in memory. The bits of a row do not depend on the pieces in which it is asked for.
 */
#ifndef THINNED_GROUPED_WEIGHT_H
#define THINNED_GROUPED_WEIGHT_H

#include "kernel.h"

/* dY is [rows, units], X is [rows, inputs], the gradient dY^T X is [units, inputs]; `count` groups of rows. */
typedef struct {
  const float *dy, *x;
  int64_t units, inputs, count;
  /* What packing has found. */
  const struct WeightGroup *groups;
  int32_t alone; /* so little work that one thread does it sooner */
} GroupedWeight;

#define grouped_weight_pack THINNED_JOIN(thinned_grouped_weight_pack, VARIANT)
#define grouped_weight_rows THINNED_JOIN(thinned_grouped_weight_rows, VARIANT)
#define grouped_weight_leave THINNED_JOIN(thinned_grouped_weight_leave, VARIANT)

/* Checks the lists and packs what the groups keep, on all threads, into memory of the calling thread that lasts until its next
   call. A list says for all groups what they keep: place p of group g is the number g * extent + p. */
int32_t grouped_weight_pack(
    GroupedWeight *job, int64_t rows, const int32_t *starts, const int32_t *units, int64_t kept_units,
    const int32_t *inputs, int64_t kept_inputs);

/* Computes the rows [from, to) of the gradient, all columns of them; any thread may. */
void grouped_weight_rows(const GroupedWeight *job, int64_t from, int64_t to, float *out);

/* Gives much memory back. */
void grouped_weight_leave(void);

#endif
