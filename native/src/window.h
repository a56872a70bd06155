/*
 * How windows lie over an image, for the convolutions. An image's channel is copied into a plane that is large enough
 * for every tap of every window, zeros around it included; a row of it is split by the remainder of its columns modulo
 * the stride. So all windows of a row lie side by side in the plane, whichever tap one looks from: the value under tap
 * t of window w is plane[start of w's row + offset[t] + w].
 */
#ifndef THINNED_WINDOW_H
#define THINNED_WINDOW_H

#include "kernel.h"

#include <stdlib.h>
#include <string.h>

/* Windows side by side, or a part of them: where the first one's source begins, where the first one's result goes. */
typedef struct {
  int64_t source, target, n;
} Run;

/* One axis of a pass over an image. */
typedef struct {
  int64_t extent;      /* of the image */
  int64_t before;      /* zeros before the image, or minus the entries that are left out */
  int64_t size;        /* of the plane */
  int64_t windows;     /* number of windows */
  int64_t step;        /* distance between windows in the plane */
  int64_t target, target_step, target_extent; /* place of the first window's result, of the next ones, extent there */
  int64_t taps;        /* number of taps */
  int64_t first_tap, tap_step; /* taps in the weight */
  int64_t first_shift, shift_step; /* and where they lie in the plane */
} Axis;

/* A pass over images: three axes, and what follows from them. */
typedef struct {
  Axis axis[3];
  int64_t phases, phase;  /* parts of a row, and the length of one */
  int64_t plane;          /* floats of a plane */
  int64_t taps;           /* of all axes */
  int64_t *offset;        /* [taps], in the plane */
  int64_t *tap;           /* [taps], in the weight */
  int64_t windows;        /* of an image */
  int64_t source_size, target_size; /* floats of a channel */
} Pass;

/* Floats that may be read or written beyond the end of a run. */
#define SLACK 16

static inline int64_t window_row(const Pass *pass) { return pass->phases * pass->phase; }

/* Floats of the largest plane: two GiB. */
#define MOST_PLANE 0x1p29

/* Fills in what follows from the axes; 0 when there is no memory. */
static inline int32_t finish_pass(Pass *pass, const int64_t kernel[3]) {
  const Axis *d = &pass->axis[0], *h = &pass->axis[1], *w = &pass->axis[2];
  pass->phases = w->step;
  pass->phase = (w->size + pass->phases - 1) / pass->phases;
  const int64_t row = window_row(pass);
  /* A stride or padding beyond all measure would fill the memory with zeros, where it may be promised but is not there. */
  if (!((double)d->size * (double)h->size * (double)row <= MOST_PLANE)) return 0;
  pass->plane = d->size * h->size * row;
  pass->taps = d->taps * h->taps * w->taps;
  pass->windows = d->windows * h->windows * w->windows;
  pass->source_size = d->extent * h->extent * w->extent;
  pass->target_size = d->target_extent * h->target_extent * w->target_extent;
  pass->offset = malloc((size_t)max_i64(1, 2 * pass->taps) * sizeof(int64_t));
  if (pass->offset == NULL) return 0;
  pass->tap = pass->offset + pass->taps;
  int64_t t = 0;
  for (int64_t i = 0; i < d->taps; i++) {
    for (int64_t j = 0; j < h->taps; j++) {
      for (int64_t k = 0; k < w->taps; k++, t++) {
        const int64_t across = w->first_shift + k * w->shift_step;
        pass->offset[t] = ((d->first_shift + i * d->shift_step) * h->size + h->first_shift + j * h->shift_step) * row +
            across % pass->phases * pass->phase + across / pass->phases;
        pass->tap[t] = ((d->first_tap + i * d->tap_step) * kernel[1] + h->first_tap + j * h->tap_step) * kernel[2] +
            w->first_tap + k * w->tap_step;
      }
    }
  }
  return 1;
}

/* Copies one channel into its plane. */
static inline void fill_plane(const Pass *pass, const float *restrict x, float *restrict plane) {
  const Axis *d = &pass->axis[0], *h = &pass->axis[1], *w = &pass->axis[2];
  const int64_t row = window_row(pass), s = pass->phases;
  for (int64_t i = 0; i < d->size; i++) {
    for (int64_t j = 0; j < h->size; j++, plane += row) {
      const int64_t z = i - d->before, y = j - h->before;
      memset(plane, 0, (size_t)row * sizeof(float));
      if (z < 0 || z >= d->extent || y < 0 || y >= h->extent) continue;
      const float *from = x + (z * h->extent + y) * w->extent;
      for (int64_t p = 0; p < s; p++) {
        /* Column c * s + p of the plane is column c * s + p - before of the image. */
        const int64_t shift = w->before - p;
        int64_t first = shift <= 0 ? 0 : (shift + s - 1) / s;
        const int64_t end = min_i64(pass->phase, (w->extent + shift + s - 1) / s);
        float *to = plane + p * pass->phase;
        if (s == 1) {
          if (end > first) memcpy(to + first, from + first - shift, (size_t)(end - first) * sizeof(float));
        } else {
          for (; first < end; first++) to[first] = from[first * s - shift];
        }
      }
    }
  }
}

/*
 * The windows [begin, end) of several images as runs; `source` counts from the first image's planes, `pitch` apart,
 * `target` from the first image's results, `target_pitch` apart. Returns the number of runs.
 */
static inline int64_t list_runs(
    const Pass *pass, int64_t begin, int64_t end, int64_t pitch, int64_t target_pitch, Run *runs) {
  const Axis *d = &pass->axis[0], *h = &pass->axis[1], *w = &pass->axis[2];
  int64_t count = 0;
  while (begin < end) {
    const int64_t col = begin % w->windows, row = begin / w->windows;
    const int64_t y = row % h->windows, z = row / h->windows % d->windows, image = begin / pass->windows;
    const int64_t n = min_i64(end - begin, w->windows - col);
    runs[count].source = image * pitch + (z * d->step * h->size + y * h->step) * window_row(pass) + col;
    runs[count].target = image * target_pitch + w->target + col * w->target_step +
        ((d->target + z * d->target_step) * h->target_extent + h->target + y * h->target_step) * w->target_extent;
    runs[count++].n = n;
    begin += n;
  }
  return count;
}

typedef struct {
  int64_t batch, groups, inputs, outputs;
  int64_t input[3], output[3], kernel[3], stride[3], padding[3], dilation[3];
} Shape;

/* `block`: batch, groups, inputs, outputs, then six triples in the order of Shape. */
static inline int32_t read_shape(Shape *shape, const double *block) {
  int64_t *fields = (int64_t *)shape;
  for (int i = 0; i < 22; i++) {
    if (!is_size(block[i])) return 0;
    fields[i] = (int64_t)block[i];
  }
  for (int axis = 0; axis < 3; axis++) {
    if (shape->kernel[axis] < 1 || shape->stride[axis] < 1 || shape->dilation[axis] < 1) return 0;
    /* So that no place in a plane overflows; planes that large have no memory anyway. */
    const double span = block[7 + axis] * block[13 + axis] + block[10 + axis] * block[19 + axis] + block[16 + axis];
    if (!(span <= 0x1p31)) return 0;
  }
  return are_sizes(block[4] * block[5], block[6], block[0] * block[1] * block[2]) &&
      are_sizes(block[7] * block[8], block[9], block[0] * block[1] * block[3]) &&
      are_sizes(block[10] * block[11], block[12], block[1] * block[2] * block[3]) && block[1] >= 1 && block[2] >= 1 &&
      block[3] >= 1;
}

static inline int64_t inputs_of(const Shape *shape) {
  return shape->batch * shape->input[0] * shape->input[1] * shape->input[2];
}

static inline int64_t outputs_of(const Shape *shape) {
  return shape->batch * shape->output[0] * shape->output[1] * shape->output[2];
}

/* The pass in which window w looks at w stride - padding + tap dilation. */
static inline Pass forward_pass(const Shape *shape) {
  Pass pass = {0};
  for (int i = 0; i < 3; i++) {
    Axis *axis = &pass.axis[i];
    axis->extent = shape->input[i];
    axis->before = shape->padding[i];
    axis->windows = axis->target_extent = shape->output[i];
    axis->step = shape->stride[i];
    axis->target = 0, axis->target_step = 1;
    axis->taps = shape->kernel[i];
    axis->first_tap = 0, axis->tap_step = 1;
    axis->first_shift = 0, axis->shift_step = shape->dilation[i];
    axis->size = (axis->windows - 1) * axis->step + (axis->taps - 1) * axis->shift_step + 1;
  }
  return pass;
}

/* Scratch memory of a thread, kept for its next use. */
typedef struct {
  float *floats;
  int64_t size;
} Scratch;

static inline float *reserve(Scratch *scratch, int64_t size) {
  if (size > scratch->size) {
    free(scratch->floats);
    scratch->floats = aligned_alloc(64, (size_t)round_up(size, 16) * sizeof(float));
    scratch->size = scratch->floats == NULL ? 0 : size;
  }
  return scratch->floats;
}

#endif
