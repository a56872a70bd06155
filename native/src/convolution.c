/*
 * Convolution and its gradients as matrix products whose right-hand operand is never written out: the places that a
 * window looks at are packed, a block at a time, straight from the image into the panels that the innermost loops read.
 * The gradient towards the input is the same product with the weights transposed, once for each remainder modulo the
 * stride. The slow twin is core/backend/reference/convolution.ts.
 */
/* Numbers of output channels are mostly multiples of eight; columns go on from image to image. */
#define TILE_FLAT
#include "flat_convolution.h"

/* Inner indices that are summed at a time: the second-level cache holds the weights of as many. */
#define BLOCK_INNER 512
/* Floats of planes that a thread holds, unless one plane alone has more. */
#define MOST_PLANES (1 << 22)
/* Columns of a unit, at least. */
#define UNIT_COLS 384

static _Thread_local Scratch plane_scratch, column_scratch;

/* target[rows, windows] = sum over channels and taps of weight[row, channel, tap] source[channel, window + tap]. */
typedef struct {
  Pass pass;
  const float *source, *bias;
  float *target;
  const float *packed;       /* the weights: [group][block][panel][inner][rows of a tile] */
  int64_t batch, groups, channels, rows;
  int64_t block;             /* channels that are summed at a time */
  int64_t together, parts;   /* images a unit, parts that the rows of a unit are cut into */
  int32_t epilogue, status;
} Product;

static int64_t row_panels(const Product *job) { return (job->rows + TILE_ROWS - 1) / TILE_ROWS; }

/* Packs one panel: `count` runs, all of the length `n`, for every channel and tap. */
static inline __attribute__((always_inline)) void pack_even(
    const Pass *pass, const float *planes, int64_t channels, const Run *runs, const int64_t count, const int64_t n,
    float *restrict panel) {
  for (int64_t c = 0; c < channels; c++) {
    for (int64_t t = 0; t < pass->taps; t++, panel += TILE_COLS) {
      const float *from = planes + c * pass->plane + pass->offset[t];
#pragma GCC unroll 8
      for (int64_t r = 0; r < count; r++) memcpy(panel + r * n, from + runs[r].source, (size_t)n * sizeof(float));
    }
  }
}

static int64_t length_of_all(const Run *runs, int64_t count) {
  for (int64_t r = 1; r < count; r++) {
    if (runs[r].n != runs[0].n) return 0;
  }
  return count * runs[0].n == TILE_COLS ? runs[0].n : 0;
}

/* Packs one panel of columns: what their windows look at, for every channel and tap. */
static void pack_panel(
    const Pass *pass, const float *planes, int64_t channels, const Run *runs, int64_t count, float *panel) {
  const int64_t n = length_of_all(runs, count);
  if (n == TILE_COLS) {
    pack_even(pass, planes, channels, runs, 1, TILE_COLS, panel);
  } else if (n == TILE_LANES) {
    pack_even(pass, planes, channels, runs, TILE_WIDTH, TILE_LANES, panel);
  } else if (n == TILE_LANES / 2) {
    pack_even(pass, planes, channels, runs, 2 * TILE_WIDTH, TILE_LANES / 2, panel);
  } else {
    for (int64_t c = 0; c < channels; c++) {
      for (int64_t t = 0; t < pass->taps; t++, panel += TILE_COLS) {
        const float *from = planes + c * pass->plane + pass->offset[t];
        float *to = panel;
        /* Copies eight at a time: what is too much is overwritten by what follows. */
        for (int64_t r = 0; r < count; r++) {
          const float *x = from + runs[r].source;
          for (int64_t i = 0; i < runs[r].n; i += 8) memcpy(to + i, x + i, 8 * sizeof(float));
          to += runs[r].n;
        }
      }
    }
  }
}

/* Where a tile's results go, and what is done with them. */
typedef struct {
  float *target;
  const float *bias;
  int64_t rows, pitch;
  int32_t first, epilogue;
} Store;

static void store_tile(
    const Store *store, const float *sums, const Run *runs, int64_t count, int64_t step) {
  const int32_t whole = count == 1 && runs[0].n == TILE_COLS && step == 1;
  for (int64_t i = 0; i < store->rows; i++, sums += TILE_COLS) {
    const float *s = sums;
    const float start = store->first && store->bias != NULL ? store->bias[i] : 0;
    if (whole) {
      float *y = store->target + i * store->pitch + runs[0].target;
      if (store->first) {
        for (int j = 0; j < TILE_COLS; j++) y[j] = s[j] + start;
      } else {
        for (int j = 0; j < TILE_COLS; j++) y[j] += s[j];
      }
      if (store->epilogue != NONE) activate(store->epilogue, y, TILE_COLS);
      continue;
    }
    for (int64_t r = 0; r < count; s += runs[r++].n) {
      float *y = store->target + i * store->pitch + runs[r].target;
      const int64_t n = runs[r].n;
      if (step != 1) {
        for (int64_t j = 0; j < n; j++) y[j * step] = s[j] + (store->first ? start : y[j * step]);
      } else if (store->first) {
        for (int64_t j = 0; j < n; j++) y[j] = s[j] + start;
      } else {
        for (int64_t j = 0; j < n; j++) y[j] += s[j];
      }
      if (store->epilogue != NONE) activate(store->epilogue, y, n);
    }
  }
}

/* Joins runs whose results lie side by side. */
static int64_t join_runs(Run *runs, int64_t count, int64_t step) {
  int64_t last = 0;
  for (int64_t r = 1; r < count; r++) {
    if (step == 1 && runs[r].target == runs[last].target + runs[last].n) runs[last].n += runs[r].n;
    else runs[++last] = runs[r];
  }
  return count == 0 ? 0 : last + 1;
}

/* Adds one block of channels to the results of a unit. */
static void product_block(
    const Product *job, int64_t group, int64_t image, int64_t images, int64_t part, int64_t channel, float *planes,
    float *columns) {
  const Pass *pass = &job->pass;
  const int64_t channels = min_i64(job->block, job->channels - channel), inner = channels * pass->taps;
  for (int64_t g = 0; g < images; g++) {
    for (int64_t c = 0; c < channels; c++) {
      const int64_t at = ((image + g) * job->groups + group) * job->channels + channel + c;
      fill_plane(pass, job->source + at * pass->source_size, planes + (g * channels + c) * pass->plane);
    }
  }
  const int64_t all = row_panels(job), first = all * part / job->parts, last = all * (part + 1) / job->parts;
  const float *weights = job->packed + (group * job->channels + channel) * pass->taps * all * TILE_ROWS;
  const int64_t windows = images * pass->windows, step = pass->axis[2].target_step;
  float sums[TILE_ROWS * TILE_COLS] __attribute__((aligned(64)));
  Run runs[TILE_COLS];
  for (int64_t col = 0; col < windows; col += TILE_COLS) {
    int64_t count = list_runs(pass, col, min_i64(col + TILE_COLS, windows), channels * pass->plane,
        job->groups * job->rows * pass->target_size, runs);
    pack_panel(pass, planes, channels, runs, count, columns);
    count = join_runs(runs, count, step);
    for (int64_t panel = first; panel < last; panel++) {
      const int64_t row = panel * TILE_ROWS, channel_row = group * job->rows + row;
      tile_packed(weights + row * inner, columns, inner, sums);
      const Store store = {
        job->target + (image * job->groups * job->rows + channel_row) * pass->target_size,
        job->bias == NULL ? NULL : job->bias + channel_row, min_i64(TILE_ROWS, job->rows - row), pass->target_size,
        channel == 0, channel + channels == job->channels ? job->epilogue : NONE};
      store_tile(&store, sums, runs, count, step);
    }
  }
}

static void product_range(void *context, int64_t begin, int64_t end) {
  Product *job = context;
  const Pass *pass = &job->pass;
  float *planes = reserve(&plane_scratch, job->together * job->block * pass->plane + SLACK);
  float *columns = reserve(&column_scratch, job->block * pass->taps * TILE_COLS + SLACK);
  if (planes == NULL || columns == NULL) {
    __atomic_store_n(&job->status, OUT_OF_MEMORY, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t unit = begin; unit < end; unit++) {
    const int64_t part = unit % job->parts, group = unit / job->parts % job->groups;
    const int64_t image = unit / job->parts / job->groups * job->together;
    const int64_t images = min_i64(job->together, job->batch - image);
    for (int64_t channel = 0; channel < job->channels; channel += job->block) {
      product_block(job, group, image, images, part, channel, planes, columns);
    }
  }
}

/* How the weights of a product lie: weight[group][row][channel][tap], with strides. */
typedef struct {
  const Product *job;
  const float *weight;
  float *packed;
  int64_t group_pitch, row_pitch, channel_pitch;
} Weights;

/* Packs the weights of some channels; one unit is one channel of one group. */
static void pack_weights_range(void *context, int64_t begin, int64_t end) {
  const Weights *w = context;
  const Product *job = w->job;
  const int64_t rows = TILE_ROWS, taps = job->pass.taps, all = row_panels(job);
  for (int64_t unit = begin; unit < end; unit++) {
    const int64_t group = unit / job->channels, channel = unit % job->channels;
    const int64_t first = channel / job->block * job->block, channels = min_i64(job->block, job->channels - first);
    float *block = w->packed + (group * job->channels + first) * taps * all * rows;
    for (int64_t panel = 0; panel < all; panel++) {
      float *to = block + (panel * channels + channel - first) * taps * rows;
      for (int64_t i = 0; i < rows; i++) {
        const int64_t row = panel * rows + i;
        const float *from = w->weight + group * w->group_pitch + row * w->row_pitch + channel * w->channel_pitch;
        for (int64_t t = 0; t < taps; t++) to[t * rows + i] = row < job->rows ? from[job->pass.tap[t]] : 0;
      }
    }
  }
}

/* Images a unit: enough columns, and few of them beyond the last full tile. */
static int64_t images_together(int64_t batch, int64_t windows) {
  int64_t best = 0;
  double least = 2;
  const int64_t first = (UNIT_COLS + windows - 1) / windows;
  for (int64_t n = first; n < first + 3; n++) {
    const double share = (double)round_up(n * windows, TILE_COLS) / (double)(n * windows);
    if (share < least) least = share, best = n;
  }
  return min_i64(batch, best);
}

static int32_t run_product(Product *job, Weights *weights) {
  const Pass *pass = &job->pass;
  if (suits_flat(pass, job->channels, job->rows)) {
    FlatProduct flat = {.pass = pass, .source = job->source, .bias = job->bias, .target = job->target,
      .groups = job->groups, .channels = job->channels, .rows = job->rows, .epilogue = job->epilogue};
    return flat_product(&flat, job->batch, weights->weight, weights->group_pitch, weights->row_pitch,
        weights->channel_pitch);
  }
  job->together = images_together(job->batch, pass->windows);
  const int64_t held = max_i64(1, MOST_PLANES / (job->together * pass->plane));
  job->block = min_i64(job->channels, min_i64(held, max_i64(1, BLOCK_INNER / pass->taps)));
  const int64_t units = (job->batch + job->together - 1) / job->together * job->groups;
  job->parts = units >= 2 * pool_threads() ? 1 : min_i64(row_panels(job), 2 * pool_threads());
  job->status = OK;
  float *packed = aligned_alloc(64, (size_t)round_up(
      job->groups * row_panels(job) * TILE_ROWS * job->channels * pass->taps, 16) * sizeof(float));
  if (packed == NULL) return OUT_OF_MEMORY;
  job->packed = packed;
  weights->job = job;
  weights->packed = packed;
  pool_run(job->groups * job->channels, max_i64(1, GRAIN / (job->rows * pass->taps)), pack_weights_range, weights);
  pool_run(units * job->parts, 1, product_range, job);
  free(packed);
  return job->status;
}

KERNEL(convolution)(
    const float *x, const float *weight, const float *bias, float *y, int32_t epilogue, const double *block) {
  Shape shape;
  if (epilogue < 0 || epilogue >= EPILOGUE_COUNT) return UNKNOWN_OPERATION;
  if (!read_shape(&shape, block)) return BAD_ARGUMENT;
  if (outputs_of(&shape) == 0) return OK;
  Product job = {.pass = forward_pass(&shape), .source = x, .bias = bias, .target = y, .batch = shape.batch,
    .groups = shape.groups, .channels = shape.inputs, .rows = shape.outputs, .epilogue = epilogue};
  if (!finish_pass(&job.pass, shape.kernel)) return OUT_OF_MEMORY;
  const int64_t taps = job.pass.taps;
  Weights weights = {.weight = weight, .group_pitch = shape.outputs * shape.inputs * taps,
    .row_pitch = shape.inputs * taps, .channel_pitch = taps};
  const int32_t status = run_product(&job, &weights);
  free(job.pass.offset);
  return status;
}

static int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

/*
 * The pass of the inputs i with (i + padding) mod stride = remainder: with i + padding = q stride + remainder, tap t of
 * output o touches i if t dilation = m stride + remainder and o = q - m. Returns 0 when there is no such input.
 */
static int32_t backward_axis(Axis *axis, const Shape *shape, int i, int64_t remainder) {
  const int64_t stride = shape->stride[i], padding = shape->padding[i], dilation = shape->dilation[i];
  const int64_t q = -floor_div(remainder - padding, stride), first = q * stride + remainder - padding;
  if (first >= shape->input[i]) return 0;
  axis->extent = shape->output[i];
  axis->windows = (shape->input[i] - 1 - first) / stride + 1;
  axis->step = 1;
  axis->target = first, axis->target_step = stride, axis->target_extent = shape->input[i];
  axis->taps = axis->first_tap = axis->tap_step = 0;
  for (int64_t t = 0; t < shape->kernel[i]; t++) {
    if (t * dilation % stride != remainder) continue;
    if (axis->taps == 0) axis->first_tap = t;
    if (axis->taps == 1) axis->tap_step = t - axis->first_tap;
    axis->taps++;
  }
  const int64_t shift = (axis->first_tap * dilation - remainder) / stride;
  axis->shift_step = -(axis->tap_step * dilation / stride);
  axis->first_shift = -(axis->taps - 1) * axis->shift_step;
  /* Window 0 is q; its last tap looks at q - shift - first_shift, which becomes column 0 of the plane. */
  axis->before = shift + axis->first_shift - q;
  axis->size = axis->windows + axis->first_shift;
  return 1;
}

KERNEL(convolution_input_gradient)(const float *dy, const float *weight, float *dx, const double *block) {
  Shape shape;
  if (!read_shape(&shape, block)) return BAD_ARGUMENT;
  const int64_t taps = shape.kernel[0] * shape.kernel[1] * shape.kernel[2];
  const int64_t size = shape.batch * shape.groups * shape.inputs * shape.input[0] * shape.input[1] * shape.input[2];
  const int64_t phases = shape.stride[0] * shape.stride[1] * shape.stride[2];
  /* With strides, some inputs may be touched by no window. */
  if (size == 0) return OK;
  if (phases > 1 || outputs_of(&shape) == 0) memset(dx, 0, (size_t)size * sizeof(float));
  if (outputs_of(&shape) == 0) return OK;
  int32_t status = OK;
  for (int64_t phase = 0; phase < phases && status == OK; phase++) {
    const int64_t remainders[3] = {phase / (shape.stride[1] * shape.stride[2]),
      phase / shape.stride[2] % shape.stride[1], phase % shape.stride[2]};
    Product job = {.source = dy, .target = dx, .batch = shape.batch, .groups = shape.groups, .channels = shape.outputs,
      .rows = shape.inputs, .epilogue = NONE};
    int32_t touched = 1;
    for (int i = 0; i < 3; i++) {
      touched = touched && backward_axis(&job.pass.axis[i], &shape, i, remainders[i]) && job.pass.axis[i].taps > 0;
    }
    if (!touched) continue;
    if (!finish_pass(&job.pass, shape.kernel)) return OUT_OF_MEMORY;
    Weights weights = {.weight = weight, .group_pitch = shape.outputs * shape.inputs * taps, .row_pitch = taps,
      .channel_pitch = shape.inputs * taps};
    status = run_product(&job, &weights);
    free(job.pass.offset);
  }
  return status;
}
