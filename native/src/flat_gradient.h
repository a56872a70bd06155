/*
 * The gradient of a flat convolution (see flat.h) towards its weight: each entry is the sum over all windows of what its
 * tap looked at times the gradient there, and lanes are windows, so neither has to be transposed.
 */
#ifndef THINNED_FLAT_GRADIENT_H
#define THINNED_FLAT_GRADIENT_H

#include "flat.h"

/* Outputs and pairs of channel and tap of a tile. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define FLAT_OUTPUTS 4
#define FLAT_INNERS 5
#else
#define FLAT_OUTPUTS 4
#define FLAT_INNERS 2
#endif
/* Floats of images that are worked on together, and parts that the batch is cut into at most. */
#define FLAT_TOGETHER (1 << 15)
#define FLAT_PARTS 64

typedef struct {
  const Pass *pass;
  const float *x, *dy;
  const int32_t *inside; /* [places]: all bits where a window is, else none */
  float *sums;           /* [part][group][output][channel][tap] */
  int64_t batch, groups, inputs, outputs;
  int64_t places;        /* rounded up to whole vectors */
  int64_t part;          /* images of a part */
  int64_t together;
  int32_t status;
} FlatGradient;

/* sums[o][i] += sum over images and places of dy[o] x[i]; what is no window is left out of x too, infinite or not. */
static void flat_gradient_tile(
    const FlatGradient *job, const float *planes, const int64_t *offset, const float *slopes, const int64_t *output,
    int64_t images, float sums[FLAT_OUTPUTS][FLAT_INNERS]) {
  lanes s[FLAT_INNERS][FLAT_OUTPUTS];
#pragma GCC unroll 8
  for (int i = 0; i < FLAT_INNERS; i++) {
#pragma GCC unroll 8
    for (int o = 0; o < FLAT_OUTPUTS; o++) s[i][o] = (lanes){0};
  }
  const int64_t pitch = job->inputs * job->pass->plane, slope_pitch = job->outputs * job->places;
  for (int64_t g = 0; g < images; g++, planes += pitch, slopes += slope_pitch) {
    for (int64_t place = 0; place < job->places; place += TILE_LANES) {
      lane_bits inside;
      memcpy(&inside, job->inside + place, sizeof inside);
      lanes slope[FLAT_OUTPUTS];
#pragma GCC unroll 8
      for (int o = 0; o < FLAT_OUTPUTS; o++) slope[o] = load_lanes(slopes + output[o] + place);
#pragma GCC unroll 8
      for (int i = 0; i < FLAT_INNERS; i++) {
        const lanes x = (lanes)((lane_bits)load_lanes(planes + offset[i] + place) & inside);
#pragma GCC unroll 8
        for (int o = 0; o < FLAT_OUTPUTS; o++) s[i][o] += slope[o] * x;
      }
    }
  }
  for (int i = 0; i < FLAT_INNERS; i++) {
    for (int o = 0; o < FLAT_OUTPUTS; o++) sums[o][i] = sum_lanes(s[i][o]);
  }
}

/* Copies gradients so that they lie as the windows do in the planes, zeros between them. */
static void fill_slopes(const FlatGradient *job, const float *dy, float *slopes) {
  const int64_t row = window_row(job->pass), width = job->pass->axis[2].windows, height = job->pass->axis[1].windows;
  for (int64_t output = 0; output < job->outputs; output++, slopes += job->places) {
    memset(slopes, 0, (size_t)job->places * sizeof(float));
    for (int64_t y = 0; y < height; y++, dy += width) memcpy(slopes + y * row, dy, (size_t)width * sizeof(float));
  }
}

/* One unit is one part of the batch in one group of channels. */
static void flat_gradient_range(void *context, int64_t begin, int64_t end) {
  FlatGradient *job = context;
  const Pass *pass = job->pass;
  const int64_t inner = job->inputs * pass->taps, taps = pass->taps;
  const int64_t slopes_at = round_up(job->together * job->inputs * pass->plane + FLAT_SLACK, 16);
  float *memory = reserve(&flat_scratch, slopes_at + job->together * job->outputs * job->places);
  if (memory == NULL) {
    __atomic_store_n(&job->status, OUT_OF_MEMORY, __ATOMIC_RELAXED);
    return;
  }
  float *slopes = memory + slopes_at;
  for (int64_t unit = begin; unit < end; unit++) {
    float *sums = job->sums + unit * job->outputs * inner;
    const int64_t group = unit % job->groups, first = unit / job->groups * job->part;
    const int64_t last = min_i64(job->batch, first + job->part);
    for (int64_t image = first; image < last; image += job->together) {
      const int64_t images = min_i64(job->together, last - image);
      for (int64_t g = 0; g < images; g++) {
        const int64_t at = (image + g) * job->groups + group;
        for (int64_t c = 0; c < job->inputs; c++) {
          const float *x = job->x + (at * job->inputs + c) * pass->source_size;
          fill_plane(pass, x, memory + (g * job->inputs + c) * pass->plane);
        }
        fill_slopes(job, job->dy + at * job->outputs * pass->windows, slopes + g * job->outputs * job->places);
      }
      for (int64_t top = 0; top < job->outputs; top += FLAT_OUTPUTS) {
        const int64_t outputs = min_i64(FLAT_OUTPUTS, job->outputs - top);
        int64_t output[FLAT_OUTPUTS], offset[FLAT_INNERS];
        for (int64_t o = 0; o < FLAT_OUTPUTS; o++) output[o] = (top + min_i64(o, outputs - 1)) * job->places;
        for (int64_t left = 0; left < inner; left += FLAT_INNERS) {
          const int64_t inners = min_i64(FLAT_INNERS, inner - left);
          for (int64_t i = 0; i < FLAT_INNERS; i++) {
            const int64_t at = left + min_i64(i, inners - 1);
            offset[i] = at / taps * pass->plane + pass->offset[at % taps];
          }
          float tile[FLAT_OUTPUTS][FLAT_INNERS];
          flat_gradient_tile(job, memory, offset, slopes, output, images, tile);
          for (int64_t o = 0; o < outputs; o++) {
            for (int64_t i = 0; i < inners; i++) sums[(top + o) * inner + left + i] += tile[o][i];
          }
        }
      }
    }
  }
}

/* Whether a gradient is best computed this way: with many outputs a tile of them wastes nothing, and few places are no
   window's. */
static int32_t suits_flat_gradient(const Pass *pass, int64_t inputs, int64_t outputs) {
  if (!is_flat(pass)) return 0;
  const int64_t places = flat_places(pass);
  return inputs * pass->plane + outputs * places <= FLAT_PLANES &&
      places * round_up(outputs, FLAT_OUTPUTS) <= pass->windows * round_up(outputs, TILE_COLS);
}

/* The whole gradient, `[group][output][channel][tap]`: parts of the batch are summed in their order. */
static int32_t flat_gradient(FlatGradient *job, float *d_weight) {
  const Pass *pass = job->pass;
  const int64_t places = flat_places(pass), row = window_row(pass);
  job->places = round_up(places, TILE_LANES);
  job->together = max_i64(1, FLAT_TOGETHER / (job->inputs * pass->plane + job->outputs * job->places));
  job->part = max_i64(job->together, (job->batch + FLAT_PARTS - 1) / FLAT_PARTS);
  const int64_t parts = (job->batch + job->part - 1) / job->part;
  const int64_t size = job->groups * job->outputs * job->inputs * pass->taps;
  int32_t *inside = malloc((size_t)job->places * sizeof(int32_t));
  float *sums = calloc((size_t)(parts * size), sizeof(float));
  if (inside == NULL || sums == NULL) job->status = OUT_OF_MEMORY;
  else {
    for (int64_t i = 0; i < job->places; i++) inside[i] = i < places && i % row < pass->axis[2].windows ? -1 : 0;
    job->inside = inside, job->sums = sums;
    pool_run(parts * job->groups, 1, flat_gradient_range, job);
    memcpy(d_weight, sums, (size_t)size * sizeof(float));
    for (int64_t part = 1; part < parts; part++) {
      for (int64_t i = 0; i < size; i++) d_weight[i] += sums[part * size + i];
    }
  }
  free(inside);
  free(sums);
  return job->status;
}

#endif
