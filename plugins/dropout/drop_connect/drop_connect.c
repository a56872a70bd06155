/*
 * Products whose weights are dropped for each example anew: the slow twins are in _twins.ts. A mask is
 * drawn a piece at a time, used while it lies in the first-level cache, and never stored. The connections of an example
 * stand one behind the other, those of one unit before those of the next, so a piece goes on from unit to unit: no number
 * is drawn that is not used but at the end of a block of units.
 */
#include "kernel.h"
#include "draw.h"

#define ALWAYS static inline __attribute__((always_inline))

/* Connections whose weights are used by many examples while they are near: those of a product lie in the second-level
   cache, sums in the first. */
#define NEAR_WEIGHTS 16384
#define NEAR_SUMS 8192

/* Half of a random word, read where words have been written. */
typedef uint16_t __attribute__((may_alias)) half_word;

typedef struct {
  Draw draw;
  const float *x, *weight, *dy;
  float *out;
  int64_t batch, rows, inputs, units, block;
  uint32_t threshold;
  float scale;
} Products;

/* Decisions about as many connections as a register has numbers, and sums that only what is kept adds to. */
#if defined(__AVX512BW__) && defined(__AVX512VL__)
#define WIDTH 16
typedef float Lanes __attribute__((vector_size(64)));
typedef __mmask16 Kept;

ALWAYS Kept kept_from(const void *numbers, int64_t i, uint32_t threshold, const int halves) {
  if (halves) {
    const __m256i number = _mm256_loadu_si256((const void *)((const half_word *)numbers + i));
    return _mm256_cmpge_epu16_mask(number, _mm256_set1_epi16((int16_t)threshold));
  }
  return _mm512_cmpge_epu32_mask(
      _mm512_loadu_si512((const uint32_t *)numbers + i), _mm512_set1_epi32((int32_t)threshold));
}

ALWAYS Lanes add_kept(Lanes sum, Lanes a, Lanes b, Kept kept) {
  return (Lanes)_mm512_mask3_fmadd_ps((__m512)a, (__m512)b, (__m512)sum, kept);
}
#else
#define WIDTH 8
typedef float Lanes __attribute__((vector_size(32)));
typedef int32_t Kept __attribute__((vector_size(32)));
typedef uint16_t HalfWords __attribute__((vector_size(16)));
typedef uint32_t Words __attribute__((vector_size(32)));

ALWAYS Kept kept_from(const void *numbers, int64_t i, uint32_t threshold, const int halves) {
  if (halves) {
    HalfWords number;
    memcpy(&number, (const half_word *)numbers + i, sizeof number);
    return __builtin_convertvector(number, Kept) >= (int32_t)threshold;
  }
  Words number;
  memcpy(&number, (const uint32_t *)numbers + i, sizeof number);
  return (Kept)(number >= threshold);
}

ALWAYS Lanes add_kept(Lanes sum, Lanes a, Lanes b, Kept kept) { return sum + (Lanes)((Kept)(a * b) & kept); }
#endif

ALWAYS Lanes lanes_at(const float *from) {
  Lanes lanes;
  memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

ALWAYS int is_kept(const void *numbers, int64_t i, uint32_t threshold, const int halves) {
  return (halves ? ((const half_word *)numbers)[i] : ((const uint32_t *)numbers)[i]) >= threshold;
}

/* The sum of a[i] b[i] over what is kept. */
ALWAYS float kept_dot(
    const void *numbers, uint32_t threshold, const int halves, const float *a, const float *b, int64_t n) {
  Lanes sums[4] = {{0}, {0}, {0}, {0}};
  int64_t i = 0;
  for (; i + 4 * WIDTH <= n; i += 4 * WIDTH) {
#pragma GCC unroll 4
    for (int64_t s = 0; s < 4; s++) {
      const int64_t at = i + s * WIDTH;
      sums[s] = add_kept(sums[s], lanes_at(a + at), lanes_at(b + at), kept_from(numbers, at, threshold, halves));
    }
  }
  for (; i + WIDTH <= n; i += WIDTH) {
    sums[0] = add_kept(sums[0], lanes_at(a + i), lanes_at(b + i), kept_from(numbers, i, threshold, halves));
  }
  const Lanes all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float half[WIDTH / 2], sum = 0;
  for (int l = 0; l < WIDTH / 2; l++) half[l] = all[l] + all[l + WIDTH / 2];
  for (int l = 0; l < WIDTH / 4; l++) sum += half[l] + half[l + WIDTH / 4];
  for (; i < n; i++) {
    if (is_kept(numbers, i, threshold, halves)) sum += a[i] * b[i];
  }
  return sum;
}

/* y[i] += a x[i] for what is kept. */
ALWAYS void kept_add(
    const void *numbers, uint32_t threshold, const int halves, float *restrict y, const float *restrict x, float a,
    int64_t n) {
  int64_t i = 0;
  const Lanes factor = a - (Lanes){0};
  for (; i + WIDTH <= n; i += WIDTH) {
    const Kept kept = kept_from(numbers, i, threshold, halves);
    const Lanes sum = add_kept(lanes_at(y + i), lanes_at(x + i), factor, kept);
    memcpy(y + i, &sum, sizeof sum);
  }
  for (; i < n; i++) {
    if (is_kept(numbers, i, threshold, halves)) y[i] += a * x[i];
  }
}

/* What is done with the decisions about `n` connections from inputs `at` and following to one unit, in one example. */
typedef void (*visitor)(
    const Products *job, int64_t example, int64_t unit, int64_t at, int64_t n, const void *numbers, const int halves);

/* Draws for the connections to units [begin, end) of one example. */
ALWAYS void visit_runs(
    const Products *job, int64_t example, int64_t begin, int64_t end, visitor visit, const int halves) {
  DrawRoom room;
  const int64_t inputs = job->inputs, last = end * inputs;
  int64_t unit = begin, at = 0;
  for (int64_t col = begin * inputs; col < last;) {
    const void *numbers;
    const int64_t n = draw_run(&job->draw, example, col, last - col, &room, &numbers);
    for (int64_t done = 0; done < n;) {
      const int64_t piece = min_i64(inputs - at, n - done);
      visit(job, example, unit, at, piece, (const char *)numbers + done * (halves ? 2 : 4), halves);
      done += piece;
      at += piece;
      if (at == inputs) at = 0, unit++;
    }
    col += n;
  }
}

/* The same with what is visited known to the compiler. */
ALWAYS void visit_connections(const Products *job, int64_t example, int64_t begin, int64_t end, visitor visit) {
  if (job->draw.per_block == 8) visit_runs(job, example, begin, end, visit, 1);
  else visit_runs(job, example, begin, end, visit, 0);
}

ALWAYS void add_outputs(
    const Products *job, int64_t example, int64_t unit, int64_t at, int64_t n, const void *numbers, const int halves) {
  const float *weight = job->weight + unit * job->inputs + at;
  for (int64_t r = example * job->rows; r < (example + 1) * job->rows; r++) {
    job->out[r * job->units + unit] +=
        job->scale * kept_dot(numbers, job->threshold, halves, weight, job->x + r * job->inputs + at, n);
  }
}

ALWAYS void add_to_inputs(
    const Products *job, int64_t example, int64_t unit, int64_t at, int64_t n, const void *numbers, const int halves) {
  const float *weight = job->weight + unit * job->inputs + at;
  for (int64_t r = example * job->rows; r < (example + 1) * job->rows; r++) {
    const float dy = job->dy[r * job->units + unit] * job->scale;
    kept_add(numbers, job->threshold, halves, job->out + r * job->inputs + at, weight, dy, n);
  }
}

ALWAYS void add_to_weight(
    const Products *job, int64_t example, int64_t unit, int64_t at, int64_t n, const void *numbers, const int halves) {
  float *total = job->out + unit * job->inputs + at;
  for (int64_t r = example * job->rows; r < (example + 1) * job->rows; r++) {
    const float dy = job->dy[r * job->units + unit] * job->scale;
    kept_add(numbers, job->threshold, halves, total, job->x + r * job->inputs + at, dy, n);
  }
}

/* One unit of work is a block of columns in one example; a block's examples follow each other. */
static void forward_range(void *context, int64_t begin, int64_t end) {
  const Products *job = context;
  for (int64_t item = begin; item < end; item++) {
    const int64_t example = item % job->batch, first = item / job->batch * job->block;
    const int64_t last = min_i64(first + job->block, job->units);
    for (int64_t r = example * job->rows; r < (example + 1) * job->rows; r++) {
      memset(job->out + r * job->units + first, 0, (size_t)(last - first) * sizeof(float));
    }
    visit_connections(job, example, first, last, add_outputs);
  }
}

/* One unit of work is one example. */
static void input_gradient_range(void *context, int64_t begin, int64_t end) {
  const Products *job = context;
  memset(job->out + begin * job->rows * job->inputs, 0, (size_t)((end - begin) * job->rows * job->inputs) * 4);
  for (int64_t first = 0; first < job->units; first += job->block) {
    const int64_t last = min_i64(first + job->block, job->units);
    for (int64_t example = begin; example < end; example++) {
      visit_connections(job, example, first, last, add_to_inputs);
    }
  }
}

/* One unit of work is a block of rows of the weight, whose sums are made in the order of the examples. */
static void weight_gradient_range(void *context, int64_t begin, int64_t end) {
  const Products *job = context;
  for (int64_t item = begin; item < end; item++) {
    const int64_t first = item * job->block, last = min_i64(first + job->block, job->units);
    memset(job->out + first * job->inputs, 0, (size_t)((last - first) * job->inputs) * sizeof(float));
    for (int64_t example = 0; example < job->batch; example++) {
      visit_connections(job, example, first, last, add_to_weight);
    }
  }
}

/* `shape`: batch, rows, inputs, units, threshold, bits, scale. */
static int32_t read_shape(
    Products *job, const uint32_t *header, const uint32_t *table, double offset, const double *shape) {
  if (!are_sizes(shape[0] * shape[1], shape[2], shape[3]) || !are_sizes(shape[0], shape[1], 1)) return BAD_ARGUMENT;
  if (!are_sizes(shape[0], shape[2], shape[3]) || !is_size(shape[4])) return BAD_ARGUMENT;
  if (!(shape[4] < (shape[5] == 16 ? 0x1p16 : 0x1p32))) return BAD_ARGUMENT;
  const double connections = shape[2] * shape[3];
  const int32_t status = draw_read(&job->draw, header, table, offset, shape[0], connections, shape[5]);
  if (status != OK) return status;
  job->batch = (int64_t)shape[0], job->rows = (int64_t)shape[1];
  job->inputs = (int64_t)shape[2], job->units = (int64_t)shape[3];
  job->threshold = (uint32_t)shape[4];
  job->scale = (float)shape[6];
  return OK;
}

/* Blocks of units with about so many connections. */
static void cut_units(Products *job, int64_t connections) {
  job->block = max_i64(1, min_i64(job->units, connections / job->inputs));
}

KERNEL(drop_connect)(
    const float *x, const float *weight, float *out, const uint32_t *header, const uint32_t *table,
    double offset, const double *shape) {
  Products job = {.x = x, .weight = weight, .out = out};
  if (read_shape(&job, header, table, offset, shape) != OK) return BAD_ARGUMENT;
  if (job.inputs == 0) {
    if (out != NULL) memset(out, 0, (size_t)(job.batch * job.rows * job.units) * sizeof(float));
    return OK;
  }
  cut_units(&job, NEAR_WEIGHTS);
  const int64_t blocks = (job.units + job.block - 1) / job.block;
  pool_run(job.batch * blocks, row_grain(job.block * job.inputs), forward_range, &job);
  return OK;
}

KERNEL(drop_connect_input_gradient)(
    const float *weight, const float *dy, float *dx, const uint32_t *header, const uint32_t *table,
    double offset, const double *shape) {
  Products job = {.weight = weight, .dy = dy, .out = dx};
  if (read_shape(&job, header, table, offset, shape) != OK) return BAD_ARGUMENT;
  if (job.inputs == 0) return OK;
  cut_units(&job, NEAR_WEIGHTS);
  /* A few examples at a time read a block of the weight while it is near. */
  const int64_t together = max_i64(row_grain(job.inputs * job.units), min_i64(8, job.batch / 16));
  pool_run(job.batch, together, input_gradient_range, &job);
  return OK;
}

KERNEL(drop_connect_weight_gradient)(
    const float *x, const float *dy, float *d_weight, const uint32_t *header, const uint32_t *table,
    double offset, const double *shape) {
  Products job = {.x = x, .dy = dy, .out = d_weight};
  if (read_shape(&job, header, table, offset, shape) != OK) return BAD_ARGUMENT;
  if (job.inputs == 0) return OK;
  cut_units(&job, NEAR_SUMS);
  const int64_t blocks = (job.units + job.block - 1) / job.block;
  pool_run(blocks, row_grain(job.block * job.inputs * max_i64(1, job.batch)), weight_gradient_range, &job);
  return OK;
}
