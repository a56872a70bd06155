/*
 * Convolution and its gradients as matrix products whose right-hand operand is never written out: the places that a
 * window looks at are packed, a block at a time, straight from the image into the panels that the innermost loops read.
 * The gradient towards the input is the same product with the weights transposed, once for each remainder modulo the
 * stride. The slow twin is core/reference/convolution.ts.
 */
#include "approx.h"
#include "tile.h"

/* Inner indices and columns that are packed at a time: the first and second-level caches hold what is in use. */
#define BLOCK_INNER 384
#define BLOCK_COLS 256

enum { NONE, RELU, SIGMOID, TANH, EPILOGUE_COUNT };

static _Thread_local Scratch plane_scratch, panel_scratch;

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

/* Packs the columns [begin, end) of a block, panel after panel. */
static void pack_columns(
    const Product *job, const float *planes, int64_t channels, int64_t begin, int64_t end, float *panel) {
  const Pass *pass = &job->pass;
  const int64_t cols = TILE_COLS;
  Run runs[TILE_COLS];
  for (; begin < end; begin += cols) {
    const int64_t count = list_runs(pass, begin, min_i64(begin + cols, end), channels * pass->plane, 0, runs);
    for (int64_t c = 0; c < channels; c++) {
      for (int64_t t = 0; t < pass->taps; t++, panel += cols) {
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

static inline void activate(int32_t epilogue, float *x, int64_t n) {
  if (epilogue == RELU) {
    for (int64_t i = 0; i < n; i++) x[i] = relu_f(x[i]);
  } else if (epilogue == SIGMOID) {
    for (int64_t i = 0; i < n; i++) x[i] = sigmoid_f(x[i]);
  } else if (epilogue == TANH) {
    for (int64_t i = 0; i < n; i++) x[i] = tanh_f(x[i]);
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
    const Store *store, const float *sums, int64_t cols, const Run *runs, int64_t count, int64_t step) {
  for (int64_t i = 0; i < store->rows; i++, sums += cols) {
    const float *s = sums;
    const float start = store->first && store->bias != NULL ? store->bias[i] : 0;
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
    float *panels) {
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
  for (int64_t begin = 0; begin < windows; begin += BLOCK_COLS) {
    const int64_t end = min_i64(begin + BLOCK_COLS, windows);
    pack_columns(job, planes, channels, begin, end, panels);
    for (int64_t col = begin; col < end; col += TILE_COLS) {
      int64_t count = list_runs(
          pass, col, min_i64(col + TILE_COLS, end), 0, job->groups * job->rows * pass->target_size, runs);
      count = join_runs(runs, count, step);
      for (int64_t panel = first; panel < last; panel++) {
        const int64_t row = panel * TILE_ROWS, channel_row = group * job->rows + row;
        tile_packed(weights + row * inner, panels + (col - begin) * inner, inner, sums);
        const Store store = {
          job->target + (image * job->groups * job->rows + channel_row) * pass->target_size,
          job->bias == NULL ? NULL : job->bias + channel_row, min_i64(TILE_ROWS, job->rows - row), pass->target_size,
          channel == 0, channel + channels == job->channels ? job->epilogue : NONE};
        store_tile(&store, sums, TILE_COLS, runs, count, step);
      }
    }
  }
}

static void product_range(void *context, int64_t begin, int64_t end) {
  Product *job = context;
  const Pass *pass = &job->pass;
  float *planes = reserve(&plane_scratch, job->together * job->block * pass->plane + SLACK);
  float *panels = reserve(&panel_scratch, job->block * pass->taps * BLOCK_COLS + SLACK);
  if (planes == NULL || panels == NULL) {
    __atomic_store_n(&job->status, OUT_OF_MEMORY, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t unit = begin; unit < end; unit++) {
    const int64_t part = unit % job->parts, group = unit / job->parts % job->groups;
    const int64_t image = unit / job->parts / job->groups * job->together;
    const int64_t images = min_i64(job->together, job->batch - image);
    for (int64_t channel = 0; channel < job->channels; channel += job->block) {
      product_block(job, group, image, images, part, channel, planes, panels);
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

static int32_t run_product(Product *job, Weights *weights) {
  const Pass *pass = &job->pass;
  job->block = min_i64(job->channels, max_i64(1, BLOCK_INNER / pass->taps));
  job->together = max_i64(1, min_i64(job->batch, BLOCK_COLS / max_i64(1, pass->windows)));
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
  if (phases > 1) memset(dx, 0, (size_t)size * sizeof(float));
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
