/*
 * Kernels that draw random numbers from their addresses: the slow twin is core/backend/reference/random.ts, and every
 * bit agrees. Numbers are made in pieces that stay in the first-level cache, then used by plain loops.
 */
#include "approx.h"
#include "draw.h"
#include "normal.h"

/* Half of a random word, read where words have been written. */
typedef uint16_t __attribute__((may_alias)) half_word;

/* One job; each consumer reads the fields it needs. */
typedef struct {
  Draw draw;
  const float *x, *other;
  float *out;
  uint32_t threshold;
  float a, b, c;
  int32_t stream;
} Job;

/* Turns numbers into `n` results; `x` and `other` lie beside them where the kernel has them. */
typedef void (*consumer)(
    const Job *job, const void *numbers, const float *x, const float *other, float *out, int64_t n);

static inline __attribute__((always_inline)) void draw_range(
    const Job *job, int64_t begin, int64_t end, consumer consume) {
  DrawRoom room;
  float results[2 * SPAN] __attribute__((aligned(64)));
  const float *memory = job->stream ? job->x : NULL;
  if (memory != NULL) fetch_ahead(memory + begin, min_i64(2 * SPAN, end - begin));
  while (begin < end) {
    const void *numbers;
    const int64_t n = draw_beside(&job->draw, begin, end - begin, &room, &numbers, memory);
    const float *x = job->x == NULL ? NULL : job->x + begin;
    const float *other = job->other == NULL ? NULL : job->other + begin;
    if (job->stream) {
      consume(job, numbers, x, other, results, n);
      stream_copy(job->out + begin, results, n);
    } else {
      consume(job, numbers, x, other, job->out + begin, n);
    }
    begin += n;
  }
  if (job->stream) stream_fence();
}

static inline int32_t run(Job *job, pool_task task) {
  const int64_t n = job->draw.rows * job->draw.cols;
  job->stream = n >= STREAM_FROM && job->x != job->out && job->other != job->out;
  pool_run(n, GRAIN, task, job);
  return OK;
}

/* The same loop over half-words and over words. */
#define DECIDE(name, kept, dropped) \
  static inline void name##_16( \
      const Job *job, const void *numbers, const float *x, const float *other, float *out, int64_t n) { \
    const half_word *number = numbers; \
    const half_word threshold = (half_word)job->threshold; \
    const float a = job->a, b = job->b, c = job->c; \
    (void)x, (void)other, (void)a, (void)b, (void)c; \
    INDEPENDENT for (int64_t i = 0; i < n; i++) { \
      const float value = (kept), none = (dropped); \
      out[i] = number[i] >= threshold ? value : none; \
    } \
  } \
  static inline void name##_32( \
      const Job *job, const void *numbers, const float *x, const float *other, float *out, int64_t n) { \
    const uint32_t *number = numbers, threshold = job->threshold; \
    const float a = job->a, b = job->b, c = job->c; \
    (void)x, (void)other, (void)a, (void)b, (void)c; \
    INDEPENDENT for (int64_t i = 0; i < n; i++) { \
      const float value = (kept), none = (dropped); \
      out[i] = number[i] >= threshold ? value : none; \
    } \
  } \
  static void name##_range_16(void *context, int64_t begin, int64_t end) { \
    draw_range(context, begin, end, name##_16); \
  } \
  static void name##_range_32(void *context, int64_t begin, int64_t end) { \
    draw_range(context, begin, end, name##_32); \
  }

DECIDE(scaled, a * x[i], c)
DECIDE(affine, a * x[i] + b, c)
DECIDE(selected, a * x[i], other[i])
DECIDE(added, other[i] + a * x[i], other[i])
DECIDE(constant, a, 0.0f)

/* Whether a threshold fits its numbers. */
static inline int32_t fits(double threshold, double bits) {
  return is_size(threshold) && threshold < (bits == 16 ? 0x1p16 : 0x1p32);
}

KERNEL(mask)(
    const float *x, float *out, const uint32_t *header, const uint32_t *table, double offset, double rows, double cols,
    double threshold, double bits, double a, double b, double c) {
  Job job = {.x = x, .out = out, .a = (float)a, .b = (float)b, .c = (float)c};
  if (draw_read(&job.draw, header, table, offset, rows, cols, bits) != OK || !fits(threshold, bits)) return BAD_ARGUMENT;
  job.threshold = (uint32_t)threshold;
  if (job.b == 0) return run(&job, bits == 16 ? scaled_range_16 : scaled_range_32);
  return run(&job, bits == 16 ? affine_range_16 : affine_range_32);
}

KERNEL(select)(
    const float *x, const float *other, float *out, const uint32_t *header, const uint32_t *table, double offset,
    double rows, double cols, double threshold, double bits, double a) {
  Job job = {.x = x, .other = other, .out = out, .a = (float)a};
  if (draw_read(&job.draw, header, table, offset, rows, cols, bits) != OK || !fits(threshold, bits)) return BAD_ARGUMENT;
  job.threshold = (uint32_t)threshold;
  return run(&job, bits == 16 ? selected_range_16 : selected_range_32);
}

KERNEL(mask_add)(
    const float *x, const float *other, float *out, const uint32_t *header, const uint32_t *table, double offset,
    double rows, double cols, double threshold, double bits, double a) {
  Job job = {.x = x, .other = other, .out = out, .a = (float)a};
  if (draw_read(&job.draw, header, table, offset, rows, cols, bits) != OK || !fits(threshold, bits)) return BAD_ARGUMENT;
  job.threshold = (uint32_t)threshold;
  return run(&job, bits == 16 ? added_range_16 : added_range_32);
}

KERNEL(bernoulli)(
    float *out, const uint32_t *header, const uint32_t *table, double offset, double rows, double cols,
    double threshold, double bits, double value) {
  Job job = {.out = out, .a = (float)value};
  if (draw_read(&job.draw, header, table, offset, rows, cols, bits) != OK || !fits(threshold, bits)) return BAD_ARGUMENT;
  job.threshold = (uint32_t)threshold;
  return run(&job, bits == 16 ? constant_range_16 : constant_range_32);
}

/* `x` behind a product, and the bias that is added to its columns. */
typedef struct {
  Draw draw;
  float *x;
  const float *bias;
  int64_t units;
  uint32_t threshold;
  float a;
} Rectified;

#define RECTIFY(bits, type) \
  static inline void rectify_##bits( \
      const type *number, type threshold, const float *bias, float a, float *x, int64_t n) { \
    if (bias == NULL) { \
      INDEPENDENT for (int64_t i = 0; i < n; i++) { \
        const float value = a * relu_f(x[i]); \
        x[i] = number[i] >= threshold ? value : 0.0f; \
      } \
    } else { \
      INDEPENDENT for (int64_t i = 0; i < n; i++) { \
        const float value = a * relu_f(x[i] + bias[i]); \
        x[i] = number[i] >= threshold ? value : 0.0f; \
      } \
    } \
  } \
  static void rectify_range_##bits(void *context, int64_t begin, int64_t end) { \
    const Rectified *job = context; \
    DrawRoom room; \
    while (begin < end) { \
      const void *numbers; \
      const int64_t n = draw_numbers(&job->draw, begin, end - begin, &room, &numbers); \
      const type *number = numbers; \
      for (int64_t i = 0, few; i < n; i += few) { \
        const int64_t unit = (begin + i) % job->units; \
        few = job->bias == NULL ? n : min_i64(n - i, job->units - unit); \
        rectify_##bits( \
            number + i, (type)job->threshold, job->bias == NULL ? NULL : job->bias + unit, job->a, job->x + begin + i, few); \
      } \
      begin += n; \
    } \
  }

RECTIFY(16, half_word)
RECTIFY(32, uint32_t)

KERNEL(rectify_mask)(
    float *x, const float *bias, const uint32_t *header, const uint32_t *table, double offset, double rows,
    double steps, double units, double threshold, double bits, double a) {
  Rectified job = {.x = x, .bias = bias, .a = (float)a};
  if (!are_sizes(rows, steps, units) || !fits(threshold, bits)) return BAD_ARGUMENT;
  if (draw_read(&job.draw, header, table, offset, rows, steps * units, bits) != OK) return BAD_ARGUMENT;
  job.units = (int64_t)units;
  job.threshold = (uint32_t)threshold;
  pool_run(job.draw.rows * job.draw.cols, GRAIN, bits == 16 ? rectify_range_16 : rectify_range_32, &job);
  return OK;
}

/* (floor(word / 2^9) + 1/2) 2^-23, exact in float32. */
static inline void uniform_of_words(
    const Job *job, const void *numbers, const float *x, const float *other, float *out, int64_t n) {
  const uint32_t *word = numbers;
  (void)job, (void)x, (void)other;
  INDEPENDENT
  for (int64_t i = 0; i < n; i++) out[i] = (float)(int32_t)((word[i] >> 9) * 2 + 1) * 0x1p-24f;
}

static void uniform_range(void *context, int64_t begin, int64_t end) {
  draw_range(context, begin, end, uniform_of_words);
}

KERNEL(uniform)(
    float *out, const uint32_t *header, const uint32_t *table, double offset, double rows, double cols) {
  Job job = {.out = out};
  if (draw_read(&job.draw, header, table, offset, rows, cols, 32) != OK) return BAD_ARGUMENT;
  return run(&job, uniform_range);
}

/* The middle formula for all, then the tail formula for the fifteen in a hundred that need it: both loops vectorise. */
static inline void normal_of_words(
    const Job *job, const void *numbers, const float *x, const float *other, float *out, int64_t n) {
  const uint32_t *word = numbers;
  uint32_t tail_word[SPAN];
  float tail_value[SPAN];
  int32_t tail_at[SPAN];
  int64_t tails = 0;
  (void)job, (void)x, (void)other;
  INDEPENDENT
  for (int64_t i = 0; i < n; i++) out[i] = (float)normal_central(normal_q(word[i]));
  for (int64_t i = 0; i < n; i++) {
    tail_word[tails] = word[i];
    tail_at[tails] = (int32_t)i;
    tails += normal_is_tail(word[i]);
  }
  INDEPENDENT
  for (int64_t i = 0; i < tails; i++) tail_value[i] = (float)normal_tail(tail_word[i]);
  for (int64_t i = 0; i < tails; i++) out[tail_at[i]] = tail_value[i];
}

static void normal_range(void *context, int64_t begin, int64_t end) {
  draw_range(context, begin, end, normal_of_words);
}

KERNEL(normal)(
    float *out, const uint32_t *header, const uint32_t *table, double offset, double rows, double cols) {
  Job job = {.out = out};
  if (draw_read(&job.draw, header, table, offset, rows, cols, 32) != OK) return BAD_ARGUMENT;
  return run(&job, normal_range);
}

/* One block for the published vectors, through the many-block path when it has the usual ten rounds. */
KERNEL(philox)(const uint32_t *counter, const uint32_t *key, uint32_t *out, int32_t rounds) {
  if (rounds < 0 || rounds > 64) return BAD_ARGUMENT;
  if (rounds != PHILOX_ROUNDS) {
    philox_block(counter, key[0], key[1], rounds, out);
    return OK;
  }
  uint32_t words[4 * PHILOX_GROUP];
  const Address address = {key[0], key[1], counter[2], counter[3], 0};
  philox_words(words, (uint64_t)counter[1] << 32 | counter[0], 1, &address, NULL, 0);
  for (int i = 0; i < 4; i++) out[i] = words[i];
  return OK;
}
