/*
 * Products whose weights are dropped for each example anew: the slow twins are in _twins.ts. What is drawn once, a bit
 * for each connection of each example, serves the product and both gradients: a bit is read in a fraction of the time
 * that its random number takes. The connections of an example stand one behind the other, those of one unit before those
 * of the next.
 */
#include "kernel.h"
#include "draw.h"

#define ALWAYS static inline __attribute__((always_inline))

/* Connections whose bits are drawn in one piece. */
#define PIECE 32768
/* Numbers of the weight, or of an example's input, that are used again while they are near. */
#define NEAR 32768

/* Half of a random word, read where words have been written. */
typedef uint16_t __attribute__((may_alias)) half_word;

/* The same eight by eight bits, columns first. */
ALWAYS uint64_t transpose_bits(uint64_t x) {
  uint64_t t = (x ^ x >> 7) & 0x00aa00aa00aa00aa;
  x ^= t ^ t << 7;
  t = (x ^ x >> 14) & 0x0000cccc0000cccc;
  x ^= t ^ t << 14;
  t = (x ^ x >> 28) & 0x00000000f0f0f0f0;
  return x ^ t ^ t << 28;
}

/* Bytes of an example's bits: whole words of 64, and one more that may be read beyond the last connection. */
static int64_t bytes_of(int64_t connections) { return (connections + 63) / 64 * 8 + 8; }

typedef struct {
  Draw draw;
  uint8_t *bits;
  int64_t pieces;
  uint32_t threshold;
} Decisions;

/* Decisions about `n` connections, up to 64 of them. */
ALWAYS uint64_t bits_of(const void *numbers, int64_t n, uint32_t threshold, const int halves) {
  const half_word *half = numbers;
  const uint32_t *word = numbers;
  uint64_t bits = 0;
#if defined(__AVX512BW__)
  if (n == 64 && halves) {
    const __m512i least = _mm512_set1_epi16((int16_t)threshold);
    const uint64_t low = _mm512_cmpge_epu16_mask(_mm512_loadu_si512(half), least);
    return (uint64_t)_mm512_cmpge_epu16_mask(_mm512_loadu_si512(half + 32), least) << 32 | low;
  }
#elif defined(__AVX2__)
  if (n == 64 && halves) {
    const __m256i least = _mm256_set1_epi16((int16_t)threshold);
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
      const __m256i a = _mm256_loadu_si256((const void *)(half + 32 * i));
      const __m256i b = _mm256_loadu_si256((const void *)(half + 32 * i + 16));
      const __m256i kept_a = _mm256_cmpeq_epi16(_mm256_max_epu16(a, least), a);
      const __m256i kept_b = _mm256_cmpeq_epi16(_mm256_max_epu16(b, least), b);
      const __m256i kept = _mm256_permute4x64_epi64(_mm256_packs_epi16(kept_a, kept_b), 0xd8);
      bits |= (uint64_t)(uint32_t)_mm256_movemask_epi8(kept) << 32 * i;
    }
    return bits;
  }
#else
  if (n == 64 && halves) {
    typedef uint16_t Halves __attribute__((vector_size(16)));
    typedef uint8_t Bytes __attribute__((vector_size(8)));
    Halves all = {0};
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
      Halves eight;
      memcpy(&eight, half + 8 * i, sizeof eight);
      all |= (Halves)(eight >= (uint16_t)threshold) & (uint16_t)(1 << i);
    }
    const Bytes bytes = __builtin_convertvector(all, Bytes);
    memcpy(&bits, &bytes, sizeof bits);
    return transpose_bits(bits);
  }
#endif
  for (int64_t i = 0; i < n; i++) bits |= (uint64_t)((halves ? half[i] : word[i]) >= threshold) << i;
  return bits;
}

/* One unit of work is a piece of an example. */
ALWAYS void draw_bits(const Decisions *job, int64_t begin, int64_t end, const int halves) {
  DrawRoom room;
  const int64_t connections = job->draw.cols, bytes = bytes_of(connections);
  for (int64_t item = begin; item < end; item++) {
    const int64_t example = item / job->pieces, first = item % job->pieces * PIECE;
    const int64_t last = min_i64(first + PIECE, connections);
    uint8_t *to = job->bits + example * bytes;
    for (int64_t col = first; col < last;) {
      const void *numbers;
      int64_t n = draw_run(&job->draw, example, col, last - col, &room, &numbers);
      if (col + n < last) n &= ~63; /* so that the next run begins a word */
      for (int64_t i = 0; i < n; i += 64) {
        const char *from = (const char *)numbers + i * (halves ? 2 : 4);
        const uint64_t bits = n - i >= 64 ? bits_of(from, 64, job->threshold, halves)
                                          : bits_of(from, n - i, job->threshold, halves);
        memcpy(to + (col + i) / 8, &bits, sizeof bits);
      }
      col += n;
    }
    if (last == connections) memset(to + bytes - 8, 0, 8);
  }
}

static void draw_half_words(void *context, int64_t begin, int64_t end) { draw_bits(context, begin, end, 1); }
static void draw_words(void *context, int64_t begin, int64_t end) { draw_bits(context, begin, end, 0); }

typedef struct {
  const uint8_t *bits;
  const float *x, *weight, *dy;
  float *out;
  int64_t bytes, batch, rows, inputs, units, block;
  float scale;
  int32_t add;
} Products;

/* As many numbers as a register holds, what is kept of them, and sums that only what is kept adds to. Decisions come in
   words of 32. */
#define WORD 32
#define VECTORS (WORD / WIDTH)
/* Rows of the output that are worked on together, so that what they share is read once, and registers for each. */
#if defined(__SSE2__) && !defined(__AVX2__)
#define ROWS 2
#else
#define ROWS 4
#endif
#if defined(__AVX512BW__) && defined(__AVX512VL__)
#define WIDTH 16
#define COLS 4
typedef float Lanes __attribute__((vector_size(64)));
typedef uint32_t Word;
typedef __mmask16 Kept;

ALWAYS Word spread(uint32_t word) { return word; }
ALWAYS Kept kept_of(Word word, int s) { return (Kept)(word >> WIDTH * s); }
ALWAYS Lanes add_kept(Lanes sum, Lanes a, Lanes b, Kept kept) {
  return (Lanes)_mm512_mask3_fmadd_ps((__m512)a, (__m512)b, (__m512)sum, kept);
}
ALWAYS Lanes lanes_some(const float *from, int64_t n) {
  return (Lanes)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), from);
}
#else
#if defined(__AVX2__)
#define WIDTH 8
#define COLS 2
#else
#define WIDTH 4
#define COLS 4
#endif
typedef float Lanes __attribute__((vector_size(4 * WIDTH)));
typedef int32_t Whole __attribute__((vector_size(4 * WIDTH)));
typedef Whole Word, Kept;

ALWAYS Word spread(uint32_t word) { return (int32_t)word - (Whole){0}; }
ALWAYS Lanes lanes_some(const float *from, int64_t n) {
  Lanes lanes = {0};
  for (int64_t i = 0; i < n; i++) lanes[i] = from[i];
  return lanes;
}
#if defined(__AVX2__)
/* The sign of each lane says whether it is kept. */
ALWAYS Kept kept_of(Word word, int s) {
  return (Kept)_mm256_sllv_epi32((__m256i)word, (__m256i)((Whole){31, 30, 29, 28, 27, 26, 25, 24} - WIDTH * s));
}
ALWAYS Lanes add_kept(Lanes sum, Lanes a, Lanes b, Kept kept) {
  const __m256 more = _mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)sum);
  return (Lanes)_mm256_blendv_ps((__m256)sum, more, _mm256_castsi256_ps((__m256i)kept));
}
#else
ALWAYS Kept kept_of(Word word, int s) { return (word & ((Whole){1, 2, 4, 8} << WIDTH * s)) != 0; }
ALWAYS Lanes add_kept(Lanes sum, Lanes a, Lanes b, Kept kept) { return sum + (Lanes)((Kept)(a * b) & kept); }
#endif
#endif

ALWAYS Lanes lanes_at(const float *from) {
  Lanes lanes;
  memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

/* All of a register, or what is left of `n` numbers at its place `s`. */
ALWAYS Lanes lanes_of(const float *from, int s, int64_t n, const int whole) {
  return whole ? lanes_at(from + s * WIDTH) : lanes_some(from + s * WIDTH, max_i64(0, min_i64(WIDTH, n - s * WIDTH)));
}

ALWAYS float sum_of(Lanes lanes) {
  float half[WIDTH / 2], sum = 0;
  for (int l = 0; l < WIDTH / 2; l++) half[l] = lanes[l] + lanes[l + WIDTH / 2];
  for (int l = 0; l < WIDTH / 4; l++) sum += half[l] + half[l + WIDTH / 4];
  return sum;
}

/* The decisions about `n` connections from `at` on, up to 32: none of those behind are kept. */
ALWAYS Word kept_from(const uint8_t *bits, int64_t at, int64_t n, const int aligned, const int whole) {
  uint32_t word;
  if (!whole && n <= 0) return spread(0);
  if (aligned) {
    memcpy(&word, bits + (at >> 3), sizeof word);
  } else {
    uint64_t wide;
    memcpy(&wide, bits + (at >> 3), sizeof wide);
    word = (uint32_t)(wide >> (at & 7));
  }
  return spread(whole || n >= WORD ? word : word & ((1u << n) - 1));
}

/* Outputs of `rows` rows from `row` on and `units` units from `unit` on. */
ALWAYS void dots(
    const Products *job, int64_t row, int64_t unit, const int rows, const int units, const int aligned) {
  Lanes sums[ROWS][COLS] = {{{0}}};
  const uint8_t *bits[ROWS];
  const int64_t inputs = job->inputs;
  const float *x = job->x + row * inputs, *weight = job->weight + unit * inputs;
#pragma GCC unroll 4
  for (int r = 0; r < rows; r++) bits[r] = job->bits + (row + r) / job->rows * job->bytes;
  for (int64_t at = 0; at < inputs; at += WORD) {
    const int64_t n = inputs - at;
    const int whole = n >= WORD;
#define STEP(whole) \
    _Pragma("GCC unroll 4") for (int u = 0; u < units; u++) { \
      Word word[ROWS]; \
      _Pragma("GCC unroll 4") for (int r = 0; r < rows; r++) { \
        word[r] = kept_from(bits[r], (unit + u) * inputs + at, n, aligned, whole); \
      } \
      _Pragma("GCC unroll 8") for (int s = 0; s < VECTORS; s++) { \
        const Lanes w = lanes_of(weight + u * inputs + at, s, n, whole); \
        _Pragma("GCC unroll 4") for (int r = 0; r < rows; r++) { \
          sums[r][u] = add_kept(sums[r][u], w, lanes_of(x + r * inputs + at, s, n, whole), kept_of(word[r], s)); \
        } \
      } \
    }
    if (whole) {
      STEP(1)
    } else {
      STEP(0)
    }
#undef STEP
  }
  for (int r = 0; r < rows; r++) {
    for (int u = 0; u < units; u++) job->out[(row + r) * job->units + unit + u] = job->scale * sum_of(sums[r][u]);
  }
}

ALWAYS void dots_of_rows(
    const Products *job, int64_t row, int64_t first, int64_t last, const int rows, const int aligned) {
  int64_t unit = first;
  for (; unit + COLS <= last; unit += COLS) dots(job, row, unit, rows, COLS, aligned);
  for (; unit < last; unit++) dots(job, row, unit, rows, 1, aligned);
}

ALWAYS void all_dots(const Products *job, int64_t row, int64_t rows, int64_t first, int64_t last, const int aligned) {
  if (rows == ROWS) {
    dots_of_rows(job, row, first, last, ROWS, aligned);
  } else {
    for (int64_t r = row; r < row + rows; r++) dots_of_rows(job, r, first, last, 1, aligned);
  }
}

/* One unit of work is a block of units, in a few rows; a block's rows follow each other. */
static void forward_range(void *context, int64_t begin, int64_t end) {
  const Products *job = context;
  const int64_t all = job->batch * job->rows, groups = (all + ROWS - 1) / ROWS;
  for (int64_t item = begin; item < end; item++) {
    const int64_t row = item % groups * ROWS;
    const int64_t first = item / groups * job->block, last = min_i64(first + job->block, job->units);
    const int64_t rows = min_i64(ROWS, all - row);
    if (job->inputs % 8 == 0) all_dots(job, row, rows, first, last, 1);
    else all_dots(job, row, rows, first, last, 0);
  }
}

/* Sums over terms: out[row][at...] is the sum of factor(row, term) times vector(term)[at...] where the connection is kept.
   For the gradient towards the input rows are rows of x and terms are units, for that towards the weight it is the other
   way round. */
typedef struct {
  const float *vectors, *factors;
  int64_t terms, row_factor, term_factor; /* factor(row, term) lies at row row_factor + term term_factor */
  int32_t rows_are_units;
} Sums;

/* Where the bits of a row's example and term begin, as a number of bits. */
ALWAYS int64_t bits_at(const Products *job, const Sums *sums, int64_t row, int64_t term) {
  const int64_t unit = sums->rows_are_units ? row : term;
  const int64_t example = (sums->rows_are_units ? term : row) / max_i64(job->rows, 1);
  return example * job->bytes * 8 + unit * job->inputs;
}

ALWAYS void add_terms(
    const Products *job, const Sums *given, int64_t row, int64_t at, const int rows, const int aligned,
    const int whole) {
  Lanes sums[ROWS][COLS] = {{{0}}};
  const int64_t inputs = job->inputs, n = inputs - at;
  const float *vector = given->vectors + at, *factor = given->factors + row * given->row_factor;
  int64_t places[ROWS], left = job->rows; /* terms before the next example's, where a term is a row of x */
  for (int r = 0; r < rows; r++) places[r] = bits_at(job, given, row + r, 0) + at;
  for (int64_t term = 0; term < given->terms; term++) {
    Lanes lanes[COLS];
#pragma GCC unroll 4
    for (int s = 0; s < COLS; s++) lanes[s] = lanes_of(vector, s, n, whole);
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) {
      const Lanes a = factor[r * given->row_factor] - (Lanes){0};
      Word word = kept_from(job->bits, places[r], n, aligned, whole);
#pragma GCC unroll 4
      for (int s = 0; s < COLS; s++) {
        if (s == VECTORS) word = kept_from(job->bits, places[r] + WORD, n - WORD, aligned, whole);
        sums[r][s] = add_kept(sums[r][s], lanes[s], a, kept_of(word, s % VECTORS));
      }
    }
    vector += inputs, factor += given->term_factor;
    int64_t step = inputs;
    if (given->rows_are_units) step = --left > 0 ? 0 : (left = job->rows, job->bytes * 8);
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) places[r] += step;
  }
  for (int r = 0; r < rows; r++) {
    float *out = job->out + (row + r) * inputs + at, scaled[COLS * WIDTH];
    for (int i = 0; i < COLS * WIDTH; i++) scaled[i] = job->scale * sums[r][i / WIDTH][i % WIDTH];
    const int64_t some = min_i64(n, COLS * WIDTH);
    if (job->add) {
      for (int64_t i = 0; i < some; i++) out[i] += scaled[i];
    } else {
      memcpy(out, scaled, (size_t)some * sizeof(float));
    }
  }
}

ALWAYS void add_all_terms(const Products *job, const Sums *sums, int64_t row, int64_t at, const int rows) {
  const int whole = at + COLS * WIDTH <= job->inputs;
  if (job->inputs % 8 == 0) {
    if (whole) add_terms(job, sums, row, at, rows, 1, 1);
    else add_terms(job, sums, row, at, rows, 1, 0);
  } else {
    if (whole) add_terms(job, sums, row, at, rows, 0, 1);
    else add_terms(job, sums, row, at, rows, 0, 0);
  }
}

static void sum_rows(const Products *job, const Sums *sums, int64_t first, int64_t last) {
  for (int64_t at = 0; at < job->inputs; at += COLS * WIDTH) {
    int64_t row = first;
    for (; row + ROWS <= last; row += ROWS) add_all_terms(job, sums, row, at, ROWS);
    for (; row < last; row++) add_all_terms(job, sums, row, at, 1);
  }
}

/* One unit of work is a block of rows of x, whose sums are made in an order that the shape gives. */
static void input_gradient_range(void *context, int64_t begin, int64_t end) {
  const Products *job = context;
  const Sums sums = {job->weight, job->dy, job->units, job->units, 1, 0};
  for (int64_t item = begin; item < end; item++) {
    const int64_t first = item * job->block, last = min_i64(first + job->block, job->batch * job->rows);
    sum_rows(job, &sums, first, last);
  }
}

/* One unit of work is a block of units. */
static void weight_gradient_range(void *context, int64_t begin, int64_t end) {
  const Products *job = context;
  const Sums sums = {job->x, job->dy, job->batch * job->rows, 1, job->units, 1};
  for (int64_t item = begin; item < end; item++) {
    const int64_t first = item * job->block, last = min_i64(first + job->block, job->units);
    sum_rows(job, &sums, first, last);
  }
}

/* `shape`: batch, rows, inputs, units, threshold, bits, scale, add. */
/* Whether a shape's numbers are what they should be, those too that a kernel has no use for. */
static int32_t is_shape(const double *shape) {
  return are_sizes(shape[0] * shape[1], shape[2], shape[3]) && are_sizes(shape[0], shape[1], 1) &&
      are_sizes(shape[0], shape[2], shape[3]) && is_size(shape[4]) && (shape[5] == 16 || shape[5] == 32) &&
      shape[4] < (shape[5] == 16 ? 0x1p16 : 0x1p32);
}

static int32_t read_shape(Products *job, const int32_t *bits, const double *shape) {
  if (!is_shape(shape)) return BAD_ARGUMENT;
  job->batch = (int64_t)shape[0], job->rows = (int64_t)shape[1];
  job->inputs = (int64_t)shape[2], job->units = (int64_t)shape[3];
  job->scale = (float)shape[6];
  job->add = shape[7] != 0;
  job->bits = (const uint8_t *)bits;
  job->bytes = bytes_of(job->inputs * job->units);
  return OK;
}

KERNEL(drop_connect_bits)(
    int32_t *bits, const uint32_t *header, const uint32_t *table, double offset, const double *shape) {
  Decisions job = {.bits = (uint8_t *)bits};
  if (!is_shape(shape)) return BAD_ARGUMENT;
  if (draw_read(&job.draw, header, table, offset, shape[0], shape[2] * shape[3], shape[5]) != OK) return BAD_ARGUMENT;
  job.threshold = (uint32_t)shape[4];
  job.pieces = max_i64(1, (job.draw.cols + PIECE - 1) / PIECE);
  pool_run(job.draw.rows * job.pieces, 1, shape[5] == 16 ? draw_half_words : draw_words, &job);
  return OK;
}

KERNEL(drop_connect)(
    const float *x, const float *weight, float *out, const int32_t *bits, const double *shape) {
  Products job = {.x = x, .weight = weight, .out = out};
  if (read_shape(&job, bits, shape) != OK) return BAD_ARGUMENT;
  if (job.inputs == 0) {
    if (out != NULL) memset(out, 0, (size_t)(job.batch * job.rows * job.units) * sizeof(float));
    return OK;
  }
  job.block = max_i64(COLS, min_i64(job.units, NEAR / job.inputs) & ~(COLS - 1));
  const int64_t blocks = (job.units + job.block - 1) / job.block;
  const int64_t groups = (job.batch * job.rows + ROWS - 1) / ROWS;
  pool_run(groups * blocks, row_grain(job.block * job.inputs), forward_range, &job);
  return OK;
}

KERNEL(drop_connect_input_gradient)(
    const float *weight, const float *dy, float *dx, const int32_t *bits, const double *shape) {
  Products job = {.weight = weight, .dy = dy, .out = dx, .block = 4 * ROWS};
  if (read_shape(&job, bits, shape) != OK) return BAD_ARGUMENT;
  if (job.inputs == 0) return OK;
  pool_run((job.batch * job.rows + job.block - 1) / job.block, 1, input_gradient_range, &job);
  return OK;
}

KERNEL(drop_connect_weight_gradient)(
    const float *x, const float *dy, float *d_weight, const int32_t *bits, const double *shape) {
  Products job = {.x = x, .dy = dy, .out = d_weight, .block = 4 * ROWS};
  if (read_shape(&job, bits, shape) != OK) return BAD_ARGUMENT;
  if (job.inputs == 0) return OK;
  pool_run((job.units + job.block - 1) / job.block, 1, weight_gradient_range, &job);
  return OK;
}
