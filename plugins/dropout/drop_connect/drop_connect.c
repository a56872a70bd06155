/*
 * Products whose weights are dropped for each example anew: the slow twins are in _twins.ts. A mask is
 * drawn a piece at a time, used while it lies in the first-level cache, and never stored. The connections of an example
 * stand one behind the other, those of one unit before those of the next, so a piece goes on from unit to unit: no number
 * is drawn that is not used but at the end of a block of units.
 */
#include "kernel.h"
#include "draw.h"

#define ALWAYS static inline __attribute__((always_inline))

/* Connections whose weights, or sums, are used by many examples while they are near. */
#define NEAR 16384

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
#elif defined(__AVX2__)
#define WIDTH 8
typedef float Lanes __attribute__((vector_size(32)));
typedef __m256i Kept;

ALWAYS Kept kept_from(const void *numbers, int64_t i, uint32_t threshold, const int halves) {
  if (halves) {
    const __m256i number = _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)((const half_word *)numbers + i)));
    return _mm256_cmpgt_epi32(number, _mm256_set1_epi32((int32_t)threshold - 1));
  }
  const __m256i number = _mm256_loadu_si256((const void *)((const uint32_t *)numbers + i));
  return _mm256_cmpeq_epi32(_mm256_max_epu32(number, _mm256_set1_epi32((int32_t)threshold)), number);
}

ALWAYS Lanes add_kept(Lanes sum, Lanes a, Lanes b, Kept kept) {
  return (Lanes)_mm256_blendv_ps((__m256)sum, (__m256)(sum + a * b), _mm256_castsi256_ps(kept));
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

/* Examples that are worked on together, so that what they share is read once. */
#define TOGETHER 4
/* Elements of an example's input that are copied to the beginning of a line of the cache, where wide loads take half as
   long as across two; a longer one is read where it lies. */
#define COPIED 2048

/* The decisions about a piece of the connections to one unit, in one example or in several. */
typedef struct {
  const void *numbers[TOGETHER];
  const float *x[TOGETHER]; /* rows of an example's input, where one is read */
  int64_t example, unit, at, n;
} Piece;

/* What is done with a piece; how many examples it has and whether its numbers are halves is known to the compiler. */
typedef void (*visitor)(const Products *job, const Piece *piece, const int examples, const int halves);

/* sums[e], the sum of w[i] x[e][i] over what is kept in example e. */
ALWAYS void kept_dots(
    const Piece *piece, uint32_t threshold, const int examples, const int halves, const float *w, const float **x,
    float *sums) {
  Lanes lanes[TOGETHER][4] = {{{0}}};
  const int64_t n = piece->n;
  int64_t i = 0;
  for (; i + 4 * WIDTH <= n; i += 4 * WIDTH) {
#pragma GCC unroll 4
    for (int64_t s = 0; s < 4; s++) {
      const int64_t at = i + s * WIDTH;
      const Lanes weight = lanes_at(w + at);
#pragma GCC unroll 4
      for (int e = 0; e < examples; e++) {
        const Kept kept = kept_from(piece->numbers[e], at, threshold, halves);
        lanes[e][s] = add_kept(lanes[e][s], weight, lanes_at(x[e] + at), kept);
      }
    }
  }
#pragma GCC unroll 4
  for (int e = 0; e < examples; e++) {
    int64_t rest = i;
    for (; rest + WIDTH <= n; rest += WIDTH) {
      const Kept kept = kept_from(piece->numbers[e], rest, threshold, halves);
      lanes[e][0] = add_kept(lanes[e][0], lanes_at(w + rest), lanes_at(x[e] + rest), kept);
    }
    const Lanes all = (lanes[e][0] + lanes[e][1]) + (lanes[e][2] + lanes[e][3]);
    float half[WIDTH / 2], sum = 0;
    for (int l = 0; l < WIDTH / 2; l++) half[l] = all[l] + all[l + WIDTH / 2];
    for (int l = 0; l < WIDTH / 4; l++) sum += half[l] + half[l + WIDTH / 4];
    for (; rest < n; rest++) {
      if (is_kept(piece->numbers[e], rest, threshold, halves)) sum += w[rest] * x[e][rest];
    }
    sums[e] = sum;
  }
}

/* y[i] += a[e] x[e][i] for what is kept in example e, one example after the other. */
ALWAYS void add_kept_rows(
    const Piece *piece, uint32_t threshold, const int examples, const int halves, float *restrict y, const float **x,
    const float *a) {
  const int64_t n = piece->n;
  int64_t i = 0;
  for (; i + WIDTH <= n; i += WIDTH) {
    Lanes sum = lanes_at(y + i);
#pragma GCC unroll 4
    for (int e = 0; e < examples; e++) {
      const Kept kept = kept_from(piece->numbers[e], i, threshold, halves);
      sum = add_kept(sum, lanes_at(x[e] + i), a[e] - (Lanes){0}, kept);
    }
    memcpy(y + i, &sum, sizeof sum);
  }
  for (; i < n; i++) {
    for (int e = 0; e < examples; e++) {
      if (is_kept(piece->numbers[e], i, threshold, halves)) y[i] += a[e] * x[e][i];
    }
  }
}

/* Draws for the connections to units [begin, end) of as many examples from `example` on. */
ALWAYS void visit_runs(
    const Products *job, int64_t example, int64_t begin, int64_t end, visitor visit, const int examples,
    const int halves) {
  DrawRoom rooms[TOGETHER];
  float copies[TOGETHER][COPIED] __attribute__((aligned(64)));
  const int64_t inputs = job->inputs, last = end * inputs, size = job->rows * inputs;
  Piece piece = {.example = example, .unit = begin};
  for (int e = 0; e < examples && job->x != NULL; e++) {
    piece.x[e] = job->x + (example + e) * size;
    if (size > COPIED) continue;
    memcpy(copies[e], piece.x[e], (size_t)size * sizeof(float));
    piece.x[e] = copies[e];
  }
  for (int64_t col = begin * inputs; col < last;) {
    int64_t n = 0;
    for (int e = 0; e < examples; e++) {
      n = draw_run(&job->draw, example + e, col, last - col, &rooms[e], &piece.numbers[e]);
    }
    for (int64_t done = 0; done < n; done += piece.n) {
      piece.n = min_i64(inputs - piece.at, n - done);
      visit(job, &piece, examples, halves);
      for (int e = 0; e < examples; e++) {
        piece.numbers[e] = (const char *)piece.numbers[e] + piece.n * (halves ? 2 : 4);
      }
      piece.at += piece.n;
      if (piece.at == inputs) piece.at = 0, piece.unit++;
    }
    col += n;
  }
}

/* The same for any number of examples up to those that are worked on together, which the compiler is told. */
ALWAYS void visit_connections(
    const Products *job, int64_t example, int64_t examples, int64_t begin, int64_t end, visitor visit) {
  const int halves = job->draw.per_block == 8;
  if (examples == TOGETHER) {
    if (halves) visit_runs(job, example, begin, end, visit, TOGETHER, 1);
    else visit_runs(job, example, begin, end, visit, TOGETHER, 0);
    return;
  }
  for (int64_t e = example; e < example + examples; e++) {
    if (halves) visit_runs(job, e, begin, end, visit, 1, 1);
    else visit_runs(job, e, begin, end, visit, 1, 0);
  }
}

ALWAYS void add_outputs(const Products *job, const Piece *piece, const int examples, const int halves) {
  const int64_t inputs = job->inputs, units = job->units;
  for (int64_t r = 0; r < job->rows; r++) {
    const float *x[TOGETHER];
    float sums[TOGETHER];
    for (int e = 0; e < examples; e++) x[e] = piece->x[e] + r * inputs + piece->at;
    kept_dots(
        piece, job->threshold, examples, halves, job->weight + piece->unit * inputs + piece->at, x, sums);
    for (int e = 0; e < examples; e++) {
      job->out[((piece->example + e) * job->rows + r) * units + piece->unit] += job->scale * sums[e];
    }
  }
}

ALWAYS void add_to_inputs(const Products *job, const Piece *piece, const int examples, const int halves) {
  const float *weight = job->weight + piece->unit * job->inputs + piece->at;
  for (int e = 0; e < examples; e++) {
    Piece one = *piece;
    one.numbers[0] = piece->numbers[e];
    const int64_t first = (piece->example + e) * job->rows;
    for (int64_t r = first; r < first + job->rows; r++) {
      const float dy = job->dy[r * job->units + piece->unit] * job->scale;
      add_kept_rows(&one, job->threshold, 1, halves, job->out + r * job->inputs + piece->at, &weight, &dy);
    }
  }
}

ALWAYS void add_to_weight(const Products *job, const Piece *piece, const int examples, const int halves) {
  float *total = job->out + piece->unit * job->inputs + piece->at;
  for (int64_t r = 0; r < job->rows; r++) {
    const float *x[TOGETHER];
    float dy[TOGETHER];
    for (int e = 0; e < examples; e++) {
      const int64_t row = (piece->example + e) * job->rows + r;
      x[e] = piece->x[e] + r * job->inputs + piece->at;
      dy[e] = job->dy[row * job->units + piece->unit] * job->scale;
    }
    add_kept_rows(piece, job->threshold, examples, halves, total, x, dy);
  }
}

/* One unit of work is a block of columns in a few examples; a block's examples follow each other. */
static void forward_range(void *context, int64_t begin, int64_t end) {
  const Products *job = context;
  const int64_t groups = (job->batch + TOGETHER - 1) / TOGETHER;
  for (int64_t item = begin; item < end; item++) {
    const int64_t example = item % groups * TOGETHER, examples = min_i64(TOGETHER, job->batch - example);
    const int64_t first = item / groups * job->block, last = min_i64(first + job->block, job->units);
    for (int64_t r = example * job->rows; r < (example + examples) * job->rows; r++) {
      memset(job->out + r * job->units + first, 0, (size_t)(last - first) * sizeof(float));
    }
    visit_connections(job, example, examples, first, last, add_outputs);
  }
}

/* One unit of work is one example. */
static void input_gradient_range(void *context, int64_t begin, int64_t end) {
  const Products *job = context;
  memset(job->out + begin * job->rows * job->inputs, 0, (size_t)((end - begin) * job->rows * job->inputs) * 4);
  for (int64_t first = 0; first < job->units; first += job->block) {
    const int64_t last = min_i64(first + job->block, job->units);
    for (int64_t example = begin; example < end; example++) {
      visit_connections(job, example, 1, first, last, add_to_inputs);
    }
  }
}

/* One unit of work is a block of rows of the weight, whose sums are made in an order that the shape gives. */
static void weight_gradient_range(void *context, int64_t begin, int64_t end) {
  const Products *job = context;
  for (int64_t item = begin; item < end; item++) {
    const int64_t first = item * job->block, last = min_i64(first + job->block, job->units);
    memset(job->out + first * job->inputs, 0, (size_t)((last - first) * job->inputs) * sizeof(float));
    for (int64_t example = 0; example < job->batch; example += TOGETHER) {
      visit_connections(job, example, min_i64(TOGETHER, job->batch - example), first, last, add_to_weight);
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
  const int64_t block = max_i64(1, min_i64(job->units, connections / job->inputs));
  job->block = block > 8 ? block & ~7 : block; /* ends where a group of random blocks is likely to end */
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
  cut_units(&job, NEAR);
  const int64_t blocks = (job.units + job.block - 1) / job.block;
  const int64_t groups = (job.batch + TOGETHER - 1) / TOGETHER;
  pool_run(groups * blocks, row_grain(TOGETHER * job.block * job.inputs), forward_range, &job);
  return OK;
}

KERNEL(drop_connect_input_gradient)(
    const float *weight, const float *dy, float *dx, const uint32_t *header, const uint32_t *table,
    double offset, const double *shape) {
  Products job = {.weight = weight, .dy = dy, .out = dx};
  if (read_shape(&job, header, table, offset, shape) != OK) return BAD_ARGUMENT;
  if (job.inputs == 0) return OK;
  cut_units(&job, NEAR);
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
  cut_units(&job, NEAR);
  const int64_t blocks = (job.units + job.block - 1) / job.block;
  pool_run(blocks, row_grain(job.block * job.inputs * max_i64(1, job.batch)), weight_gradient_range, &job);
  return OK;
}
