/* Blocks around seeds: the slow twin is in _kernel.ts. */
#include "kernel.h"

#include <string.h>

typedef struct {
  int64_t planes, seeds[3], cells[3], block[3], wrap;
  const float *from;
  float *out;
} Blocks;

static inline int64_t place(const Blocks *job, int axis, int64_t at) {
  return at >= job->cells[axis] ? at - job->cells[axis] : at;
}

/* Zeroes the block from a place of one map onwards. */
static void paint(const Blocks *job, float *map, int64_t d, int64_t h, int64_t w) {
  const int64_t inside = min_i64(job->block[2], job->cells[2] - w);
  for (int64_t i = d; i < d + job->block[0]; i++) {
    for (int64_t j = h; j < h + job->block[1]; j++) {
      float *row = map + (place(job, 0, i) * job->cells[1] + place(job, 1, j)) * job->cells[2];
      memset(row + w, 0, sizeof(float) * (size_t)inside);
      memset(row, 0, sizeof(float) * (size_t)(job->block[2] - inside));
    }
  }
}

static void blocks_range(void *context, int64_t begin, int64_t end) {
  const Blocks *job = context;
  const int64_t size = job->cells[0] * job->cells[1] * job->cells[2];
  const int64_t rows = job->seeds[0] * job->seeds[1];
  for (int64_t plane = begin; plane < end; plane++) {
    float *map = job->out + plane * size;
    for (int64_t i = 0; i < size; i++) map[i] = 1;
    const float *from = job->from + plane * rows * job->seeds[2];
    for (int64_t row = 0; row < rows; row++) {
      for (int64_t w = 0; w < job->seeds[2]; w++) {
        if (from[row * job->seeds[2] + w] != 0) paint(job, map, row / job->seeds[1], row % job->seeds[1], w);
      }
    }
  }
}

/* `block`: planes, then the triples in the order of Blocks, and whether blocks wrap. */
KERNEL(drop_blocks)(const float *seeds, float *out, const double *block) {
  Blocks job = {.from = seeds, .out = out};
  int64_t *fields = (int64_t *)&job;
  for (int i = 0; i < 11; i++) {
    if (!is_size(block[i])) return BAD_ARGUMENT;
    fields[i] = (int64_t)block[i];
  }
  if (!are_sizes(block[1], block[2], block[3]) || !are_sizes(block[4], block[5], block[6])) return BAD_ARGUMENT;
  if (!are_sizes(block[1] * block[2], block[3], block[0]) || !are_sizes(block[4] * block[5], block[6], block[0])) return BAD_ARGUMENT;
  for (int axis = 0; axis < 3; axis++) {
    const int64_t most = job.wrap ? job.cells[axis] : job.cells[axis] - job.block[axis] + 1;
    if (job.block[axis] < 1 || job.block[axis] > job.cells[axis] || job.seeds[axis] > most) return BAD_ARGUMENT;
  }
  pool_run(job.planes, row_grain(job.cells[0] * job.cells[1] * job.cells[2]), blocks_range, &job);
  return OK;
}
