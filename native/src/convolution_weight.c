/*
 * The gradient of a convolution towards its weight: for every tap the product of what it looked at with the gradient
 * towards the output, summed over all windows of all images in one fixed order. The slow twin is
 * core/backend/reference/convolution.ts.
 */
#include "flat_gradient.h"
#include "transpose.h"

/* Windows that are summed at a time, and floats of planes that are held. */
#define BLOCK_WINDOWS 1024
#define MOST_PLANES (1 << 21)

typedef struct {
  Pass pass;
  const float *x, *dy;
  float *planes;      /* [images, channels of a block, plane] */
  float *slopes;      /* gradients of a block of windows: [panel][window][columns of a tile] */
  float *sums;        /* [inputs * taps rounded to tiles, outputs rounded to tiles] */
  Run *runs;
  int64_t groups, inputs, outputs;
  int64_t group, image, images, channel, channels, count, begin, end;
} Product;

/* Fills the planes; one unit is one channel of one image. */
static void planes_range(void *context, int64_t begin, int64_t end) {
  const Product *job = context;
  for (int64_t unit = begin; unit < end; unit++) {
    const int64_t image = job->image + unit / job->channels, channel = job->channel + unit % job->channels;
    const int64_t at = (image * job->groups + job->group) * job->inputs + channel;
    fill_plane(&job->pass, job->x + at * job->pass.source_size, job->planes + unit * job->pass.plane);
  }
}

/* Packs gradients, a tile's columns of them for each window; one unit is one panel of output channels. */
static void slopes_range(void *context, int64_t begin, int64_t end) {
  const Product *job = context;
  const int64_t cols = TILE_COLS, windows = job->end - job->begin, size = job->pass.windows;
  for (int64_t panel = begin; panel < end; panel++) {
    float *out = job->slopes + panel * windows * cols;
    const int64_t valid = min_i64(cols, job->outputs - panel * cols);
    for (int64_t w = job->begin; w < job->end;) {
      const int64_t image = w / size, at = w % size, n = min_i64(job->end - w, size - at);
      const float *dy = job->dy +
          (((job->image + image) * job->groups + job->group) * job->outputs + panel * cols) * size + at;
      const int64_t quads = valid & ~(int64_t)3, even = n & ~(int64_t)3;
      for (int64_t i = 0; i < even; i += 4) {
        for (int64_t j = 0; j < quads; j += 4) transpose_quads(out + i * cols + j, cols, dy + j * size + i, size);
      }
      for (int64_t i = 0; i < n; i++, out += cols) {
        for (int64_t j = i < even ? quads : 0; j < valid; j++) out[j] = dy[j * size + i];
        for (int64_t j = valid; j < cols; j++) out[j] = 0;
      }
      w += n;
    }
  }
}

/* Adds the block's share to the sums; one unit is one panel of a tile's rows, which are pairs of channel and tap. */
static void sums_range(void *context, int64_t begin, int64_t end) {
  const Product *job = context;
  const Pass *pass = &job->pass;
  const int64_t rows = TILE_ROWS, cols = TILE_COLS, inner = job->channels * pass->taps;
  const int64_t panels = (job->outputs + cols - 1) / cols, windows = job->end - job->begin;
  float tile[TILE_ROWS * TILE_COLS] __attribute__((aligned(64)));
  for (int64_t unit = begin; unit < end; unit++) {
    int64_t offset[TILE_ROWS];
    const int64_t first = unit * rows, valid = min_i64(rows, inner - first);
    for (int64_t i = 0; i < rows; i++) {
      const int64_t at = i < valid ? first + i : first;
      offset[i] = at / pass->taps * pass->plane + pass->offset[at % pass->taps];
    }
    for (int64_t panel = 0; panel < panels; panel++) {
      tile_in_place(job->planes, offset, job->runs, job->count, job->slopes + panel * windows * cols, tile);
      for (int64_t i = 0; i < valid; i++) {
        float *sums = job->sums + ((job->channel * pass->taps + first + i) * panels + panel) * cols;
        for (int64_t j = 0; j < cols; j++) sums[j] += tile[i * cols + j];
      }
    }
  }
}

/* Sums over all images for one group of channels. */
static void sum_group(Product *job, int64_t batch, int64_t together, int64_t block) {
  const Pass *pass = &job->pass;
  const int64_t rows = TILE_ROWS, cols = TILE_COLS, panels = (job->outputs + cols - 1) / cols;
  for (job->image = 0; job->image < batch; job->image += together) {
    job->images = min_i64(together, batch - job->image);
    for (job->channel = 0; job->channel < job->inputs; job->channel += block) {
      job->channels = min_i64(block, job->inputs - job->channel);
      pool_run(job->images * job->channels, max_i64(1, GRAIN / pass->plane), planes_range, job);
      const int64_t windows = job->images * pass->windows, units = (job->channels * pass->taps + rows - 1) / rows;
      for (job->begin = 0; job->begin < windows; job->begin = job->end) {
        job->end = min_i64(windows, job->begin + BLOCK_WINDOWS);
        job->count = list_runs(pass, job->begin, job->end, job->channels * pass->plane, 0, job->runs);
        const int64_t work = job->end - job->begin;
        pool_run(panels, max_i64(1, GRAIN / (work * cols)), slopes_range, job);
        pool_run(units, max_i64(1, 16 * GRAIN / (work * rows * panels * cols)), sums_range, job);
      }
    }
  }
}

/* The sums of a group in the weight's order; one unit is one output channel. */
static void weight_range(void *context, int64_t begin, int64_t end) {
  void *const *both = context;
  const Product *job = both[0];
  const int64_t cols = TILE_COLS, inner = job->inputs * job->pass.taps;
  const int64_t pitch = round_up(job->outputs, cols);
  for (int64_t output = begin; output < end; output++) {
    float *to = (float *)both[1] + (job->group * job->outputs + output) * inner;
    for (int64_t i = 0; i < inner; i++) to[i] = job->sums[i * pitch + output];
  }
}

KERNEL(convolution_weight_gradient)(const float *x, const float *dy, float *d_weight, const double *block) {
  Shape shape;
  if (!read_shape(&shape, block)) return BAD_ARGUMENT;
  if (inputs_of(&shape) == 0 || outputs_of(&shape) == 0) {
    const int64_t taps = shape.kernel[0] * shape.kernel[1] * shape.kernel[2];
    memset(d_weight, 0, (size_t)(shape.groups * shape.outputs * shape.inputs * taps) * sizeof(float));
    return OK;
  }
  Product job = {.pass = forward_pass(&shape), .x = x, .dy = dy, .groups = shape.groups,
    .inputs = shape.inputs, .outputs = shape.outputs};
  Pass *pass = &job.pass;
  if (!finish_pass(pass, shape.kernel)) return OUT_OF_MEMORY;
  if (suits_flat_gradient(pass, shape.inputs, shape.outputs)) {
    FlatGradient flat = {.pass = pass, .x = x, .dy = dy, .batch = shape.batch, .groups = shape.groups,
      .inputs = shape.inputs, .outputs = shape.outputs};
    const int32_t status = flat_gradient(&flat, d_weight);
    free(pass->offset);
    return status;
  }
  const int64_t together = max_i64(1, min_i64(shape.batch, BLOCK_WINDOWS / max_i64(1, pass->windows)));
  const int64_t channels = max_i64(1, min_i64(shape.inputs, MOST_PLANES / max_i64(1, together * pass->plane)));
  const int64_t cols = round_up(shape.outputs, TILE_COLS), inner = shape.inputs * pass->taps;
  const int64_t planes = round_up(together * channels * pass->plane + SLACK, 16);
  const int64_t slopes = round_up(cols * BLOCK_WINDOWS, 16), sums = round_up(inner * cols, 16);
  float *memory = aligned_alloc(64, (size_t)(planes + slopes + sums) * sizeof(float));
  job.runs = malloc((BLOCK_WINDOWS + 1) * sizeof(Run));
  const int32_t status = memory == NULL || job.runs == NULL ? OUT_OF_MEMORY : OK;
  if (status == OK) {
    job.planes = memory, job.slopes = memory + planes, job.sums = memory + planes + slopes;
    for (job.group = 0; job.group < shape.groups; job.group++) {
      memset(job.sums, 0, (size_t)sums * sizeof(float));
      sum_group(&job, shape.batch, together, channels);
      void *both[] = {&job, d_weight};
      pool_run(shape.outputs, max_i64(1, GRAIN / inner), weight_range, both);
    }
  }
  free(memory);
  free(job.runs);
  free(pass->offset);
  return status;
}
