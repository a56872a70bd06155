/*
 * Kernels that draw random numbers from their addresses: the slow twin is core/reference/random.ts, and every bit
 * agrees. Words are made in pieces that stay in the first-level cache, then used by plain loops.
 */
#include "kernel.h"
#include "normal.h"
#include "philox.h"
#include "stream.h"

/* Words a piece. */
#define SPAN 512

/* One job; each consumer reads the fields it needs. */
typedef struct {
  Address address;
  const float *x;
  float *out;
  uint32_t threshold;
  float value;
  int32_t stream;
} Draw;

/* Turns words into `n` results; `x` lies beside them in dropout and is NULL elsewhere. */
typedef void (*consumer)(const Draw *draw, const uint32_t *words, const float *x, float *out, int64_t n);

static inline void draw_range(const Draw *draw, int64_t begin, int64_t end, consumer consume) {
  uint32_t words[SPAN + 4 * PHILOX_GROUP] __attribute__((aligned(64)));
  float results[SPAN] __attribute__((aligned(64)));
  while (begin < end) {
    const uint64_t element = draw->address.first + (uint64_t)begin;
    const int64_t skip = (int64_t)(element & 3);
    const int64_t n = min_i64(SPAN - skip, end - begin);
    const float *x = draw->x == NULL ? NULL : draw->x + begin;
    if (draw->stream && x != NULL) fetch_ahead(x, n);
    philox_words(words, element >> 2, (skip + n + 3) / 4, &draw->address);
    if (draw->stream) {
      consume(draw, words + skip, x, results, n);
      stream_copy(draw->out + begin, results, n);
    } else {
      consume(draw, words + skip, x, draw->out + begin, n);
    }
    begin += n;
  }
  if (draw->stream) stream_fence();
}

static inline int32_t draw_all(Draw *draw, int64_t n, pool_task task) {
  if (n < 0) return BAD_ARGUMENT;
  draw->stream = n >= STREAM_FROM && draw->x != draw->out;
  pool_run(n, GRAIN, task, draw);
  return OK;
}

/* Dropped is selected, not multiplied, so that an infinity or NaN gives 0. `out` may be `x`. */
static inline void keep_or_zero(const Draw *draw, const uint32_t *words, const float *x, float *out, int64_t n) {
  const uint32_t threshold = draw->threshold;
  const float scale = draw->value;
  INDEPENDENT
  for (int64_t i = 0; i < n; i++) {
    const float kept = x[i] * scale;
    out[i] = words[i] >= threshold ? kept : 0.0f;
  }
}

static void dropout_range(void *context, int64_t begin, int64_t end) {
  draw_range(context, begin, end, keep_or_zero);
}

KERNEL(stream_dropout)(const float *x, float *out, const uint32_t *address, double threshold, double scale, double n) {
  Draw draw = {read_address(address), x, out, (uint32_t)threshold, (float)scale, 0};
  return draw_all(&draw, (int64_t)n, dropout_range);
}

static inline void value_or_zero(
    const Draw *draw, const uint32_t *words, const float *x, float *restrict out, int64_t n) {
  const uint32_t threshold = draw->threshold;
  const float value = draw->value;
  (void)x;
  INDEPENDENT
  for (int64_t i = 0; i < n; i++) out[i] = words[i] >= threshold ? value : 0.0f;
}

static void bernoulli_range(void *context, int64_t begin, int64_t end) {
  draw_range(context, begin, end, value_or_zero);
}

KERNEL(stream_bernoulli)(float *out, const uint32_t *address, double threshold, double value, double n) {
  Draw draw = {read_address(address), NULL, out, (uint32_t)threshold, (float)value, 0};
  return draw_all(&draw, (int64_t)n, bernoulli_range);
}

/* (floor(word / 2^9) + 1/2) 2^-23, exact in float32. */
static inline void uniform_of_words(
    const Draw *draw, const uint32_t *words, const float *x, float *restrict out, int64_t n) {
  (void)draw, (void)x;
  INDEPENDENT
  for (int64_t i = 0; i < n; i++) out[i] = (float)(int32_t)((words[i] >> 9) * 2 + 1) * 0x1p-24f;
}

static void uniform_range(void *context, int64_t begin, int64_t end) {
  draw_range(context, begin, end, uniform_of_words);
}

KERNEL(stream_uniform)(float *out, const uint32_t *address, double n) {
  Draw draw = {read_address(address), NULL, out, 0, 0, 0};
  return draw_all(&draw, (int64_t)n, uniform_range);
}

/* The middle formula for all, then the tail formula for the fifteen in a hundred that need it: both loops vectorise. */
static inline void normal_of_words(
    const Draw *draw, const uint32_t *words, const float *x, float *restrict out, int64_t n) {
  uint32_t tail_word[SPAN];
  float tail_value[SPAN];
  int32_t tail_at[SPAN];
  int64_t tails = 0;
  (void)draw, (void)x;
  INDEPENDENT
  for (int64_t i = 0; i < n; i++) out[i] = (float)normal_central(normal_q(words[i]));
  for (int64_t i = 0; i < n; i++) {
    tail_word[tails] = words[i];
    tail_at[tails] = (int32_t)i;
    tails += normal_is_tail(words[i]);
  }
  INDEPENDENT
  for (int64_t i = 0; i < tails; i++) tail_value[i] = (float)normal_tail(tail_word[i]);
  for (int64_t i = 0; i < tails; i++) out[tail_at[i]] = tail_value[i];
}

static void normal_range(void *context, int64_t begin, int64_t end) {
  draw_range(context, begin, end, normal_of_words);
}

KERNEL(stream_normal)(float *out, const uint32_t *address, double n) {
  Draw draw = {read_address(address), NULL, out, 0, 0, 0};
  return draw_all(&draw, (int64_t)n, normal_range);
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
  philox_words(words, (uint64_t)counter[1] << 32 | counter[0], 1, &address);
  for (int i = 0; i < 4; i++) out[i] = words[i];
  return OK;
}
