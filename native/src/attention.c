/*
 * Attention in tiles, after Dao, Fu, Ermon, Rudra and Re ("FlashAttention", 2022) and Dao ("FlashAttention-2", 2023): no
 * matrix of queries by keys is kept. Forward, a block of queries meets the keys block after block, with a running maximum
 * and sum for each row; backward, a block of keys meets the queries, whose weights are computed again from the logarithm of
 * their sum and dropped again by the same numbers. One task has a head of an example, so what queries add to a key is summed
 * in one order for any number of threads. The slow twin is core/backend/reference/attention.ts.
 */
#include "attention_blocks.h"
#include "attention_weights.h"
#include "draw.h"

typedef struct {
  const float *q, *k, *v, *key_mask, *out, *sums, *d_out;
  float *to_out, *to_sums, *to_q, *to_k, *to_v;
  Draw draw;
  int64_t heads, queries, keys, features, values;
  float scale, a;
  uint32_t threshold;
  int32_t causal, before, status;
} Job;

/* A head of an example, and the beginnings of the blocks that meet. */
typedef struct {
  const Job *job;
  int64_t example, head, query, key, rows, cols;
} Meeting;

/* How many keys of the block a query sees. */
static inline int64_t seen_by(const Meeting *at, int64_t row) {
  if (!at->job->causal) return at->cols;
  return max_i64(0, min_i64(at->cols, at->query + row + 1 - at->key));
}

/* weights[i][j] = x_i . y_j, as far as rows see keys; `x` and `y` are packed. */
static void all_products(const Meeting *at, const float *x, const float *y, int64_t n, float *weights) {
  for (int64_t col = 0; col < at->cols; col += TILE_COLS) {
    for (int64_t row = 0; row < at->rows; row += TILE_ROWS) {
      if (col >= seen_by(at, min_i64(row + TILE_ROWS, at->rows) - 1)) continue;
      tile_of_panels(x + row * n, y + col * n, n, weights + row * PITCH + col);
    }
  }
}

/* c[i] += sum over keys j of weights[i][j] b[j]. */
static void add_to_queries(
    const Meeting *at, const float *weights, const float *b, int64_t pitch, float *c, int64_t c_pitch) {
  for (int64_t row = 0; row < at->rows; row += TILE_ROWS) {
    const int64_t n = seen_by(at, min_i64(row + TILE_ROWS, at->rows) - 1);
    for (int64_t col = 0; n > 0 && col < c_pitch; col += TILE_COLS) {
      tile_of_rows(weights + row * PITCH, b + col, pitch, n, c + row * c_pitch + col, c_pitch);
    }
  }
}

/* c[j] += sum over queries i of weights[i][j] b[i]. */
static void add_to_keys(
    const Meeting *at, const float *weights, const float *b, int64_t pitch, float *c, int64_t c_pitch) {
  const int64_t last = seen_by(at, at->rows - 1);
  for (int64_t key = 0; key < last; key += TILE_ROWS) {
    const int64_t first = at->job->causal ? max_i64(0, at->key + key - at->query) : 0;
    for (int64_t col = 0; col < c_pitch; col += TILE_COLS) {
      tile_of_columns(
          weights + first * PITCH + key, b + first * pitch + col, pitch, at->rows - first, c + key * c_pitch + col,
          c_pitch);
    }
  }
}

/* The numbers that decide on n keys of a row. */
static inline const void *numbers_of(
    const Job *job, int64_t example, int64_t head, int64_t query, int64_t key, int64_t n, DrawRoom *room) {
  const void *numbers;
  draw_run(&job->draw, example, (head * job->queries + query) * job->keys + key, n, room, &numbers);
  return numbers;
}

/* Whether a row keeps a key that it sees. */
static int32_t keeps_any(const Job *job, int64_t example, int64_t head, int64_t query, DrawRoom *room) {
  const int64_t seen = job->causal ? min_i64(query + 1, job->keys) : job->keys;
  const float *mask = job->key_mask == NULL ? NULL : job->key_mask + example * job->keys;
  for (int64_t key = 0; key < seen; key += KEYS) {
    const int64_t n = min_i64(KEYS, seen - key);
    const void *numbers = numbers_of(job, example, head, query, key, n, room);
    const half_word *half = numbers;
    const uint32_t *word = numbers;
    for (int64_t j = 0; j < n; j++) {
      if (mask != NULL && mask[key + j] == 0) continue;
      if ((job->draw.per_block == 8 ? half[j] : word[j]) >= job->threshold) return 1;
    }
  }
  return 0;
}

/* x = kept ? x : minus infinity. */
static inline void hide_dropped(const Job *job, const void *numbers, float *x, int64_t n) {
  if (job->draw.per_block == 8) {
    const half_word *number = numbers, threshold = (half_word)job->threshold;
    INDEPENDENT for (int64_t j = 0; j < n; j++) x[j] = number[j] >= threshold ? x[j] : -INFINITY;
  } else {
    const uint32_t *number = numbers, threshold = job->threshold;
    INDEPENDENT for (int64_t j = 0; j < n; j++) x[j] = number[j] >= threshold ? x[j] : -INFINITY;
  }
}

/* Hides keys of a row of scores: those that the mask hides, and those that are dropped before softmax. */
static inline void hide(const Meeting *at, int64_t row, int64_t n, int32_t alive, float *scores, DrawRoom *room) {
  const Job *job = at->job;
  if (job->key_mask != NULL) {
    const float *mask = job->key_mask + at->example * job->keys + at->key;
    INDEPENDENT for (int64_t j = 0; j < n; j++) scores[j] = mask[j] == 0 ? -INFINITY : scores[j];
  }
  if (job->before && alive && job->draw.rows > 0) {
    hide_dropped(job, numbers_of(job, at->example, at->head, at->query + row, at->key, n, room), scores, n);
  }
}

/* Zeros for the keys that a row does not see and others of its block may. */
static inline void fill(const Meeting *at, int64_t from, float *weights) {
  const int64_t end = round_up(seen_by(at, at->rows - 1), TILE_ROWS);
  if (from < end) memset(weights + from, 0, (size_t)(end - from) * sizeof(float));
}

static _Thread_local Scratch scratch;

/* A part of the reserved room, on a cache line of its own. */
static float *take(float **next, int64_t size) {
  float *part = *next;
  *next += round_up(size, 16);
  return part;
}

static void forward_range(void *context, int64_t begin, int64_t end) {
  Job *job = context;
  const int64_t features = job->features, values = job->values, wide = round_up(values, TILE_COLS);
  const int64_t query_size = round_up(job->queries, QUERIES) * features, key_size = round_up(job->keys, KEYS) * features;
  const int64_t value_size = wide == values ? 0 : job->keys * wide;
  float *next = reserve(&scratch, query_size + key_size + value_size + QUERIES * (PITCH + wide) + 128);
  if (next == NULL) {
    __atomic_store_n(&job->status, OUT_OF_MEMORY, __ATOMIC_RELAXED);
    return;
  }
  float *q = take(&next, query_size), *k = take(&next, key_size), *value_room = take(&next, value_size);
  float *weights = take(&next, QUERIES * PITCH), *out = take(&next, QUERIES * wide);
  DrawRoom numbers;
  for (int64_t unit = begin; unit < end; unit++) {
    const float *from_v = job->v + unit * job->keys * values;
    pack(q, job->q + unit * job->queries * features, job->queries, features, job->scale, TILE_ROWS);
    pack(k, job->k + unit * job->keys * features, job->keys, features, 1, TILE_COLS);
    const float *v = widened(value_room, from_v, job->keys, values, wide);
    Meeting at = {.job = job, .example = unit / job->heads, .head = unit % job->heads};
    for (at.query = 0; at.query < job->queries; at.query += QUERIES) {
      float max[QUERIES];
      double sum[QUERIES];
      int32_t alive[QUERIES];
      at.rows = min_i64(QUERIES, job->queries - at.query);
      for (int64_t r = 0; r < at.rows; r++) {
        max[r] = -INFINITY, sum[r] = 0;
        alive[r] = job->before && job->draw.rows > 0 && keeps_any(job, at.example, at.head, at.query + r, &numbers);
      }
      memset(out, 0, (size_t)(QUERIES * wide) * sizeof(float));
      const int64_t seen = job->causal ? min_i64(at.query + at.rows, job->keys) : job->keys;
      for (at.key = 0; at.key < seen; at.key += KEYS) {
        at.cols = min_i64(KEYS, job->keys - at.key);
        all_products(&at, q + at.query * features, k + at.key * features, features, weights);
        for (int64_t r = 0; r < at.rows; r++) {
          const int64_t n = seen_by(&at, r);
          float *row = weights + r * PITCH;
          hide(&at, r, n, alive[r], row, &numbers);
          const int64_t steps = pad(row, n, -INFINITY);
          const float largest = largest_of(row, steps, max[r]);
          if (largest != max[r] && max[r] != -INFINITY) {
            const float factor = exp_f(max[r] - largest);
            sum[r] *= factor;
            for (int64_t e = 0; e < wide; e++) out[r * wide + e] *= factor;
          }
          max[r] = largest;
          /* A row that has seen nothing yet is all zeros. */
          const float shift = largest == -INFINITY ? 0 : largest;
          if (job->before || job->draw.rows == 0 || n == 0) sum[r] += all_weights(row, steps, shift, NULL, 0);
          else {
            const void *number = numbers_of(job, at.example, at.head, at.query + r, at.key, n, &numbers);
            sum[r] += job->draw.per_block == 8 ? weights_16(row, steps, shift, number, (half_word)job->threshold)
                                               : weights_32(row, steps, shift, number, job->threshold);
          }
          fill(&at, steps * STEP, row);
        }
        add_to_queries(&at, weights, v + at.key * wide, wide, out, wide);
      }
      for (int64_t r = 0; r < at.rows; r++) {
        const int64_t row = unit * job->queries + at.query + r;
        const int32_t empty = sum[r] == 0;
        job->to_sums[row] = empty ? 0 : (float)(max[r] + log(sum[r]));
        const float factor = empty ? 0 : (float)(job->a / sum[r]);
        for (int64_t e = 0; e < values; e++) job->to_out[row * values + e] = factor * out[r * wide + e];
      }
    }
  }
}

/* From scores and the gradient towards the weights: the weights themselves, and the gradient towards the scores. */
#define SLOPES(name, number_type, kept) \
  static inline void name( \
      float *restrict weights, float *restrict towards, int64_t steps, float sum, float mean, const number_type *number, \
      number_type threshold, float a) { \
    (void)number, (void)threshold; \
    INDEPENDENT for (int64_t j = 0; j < steps * STEP; j++) { \
      const float weight = exp_weight(weights[j] - sum); \
      const float left = a * weight, gradient = a * towards[j]; \
      weights[j] = (kept) ? left : 0; \
      towards[j] = weight * (((kept) ? gradient : 0) - mean); \
    } \
  }

SLOPES(all_slopes, half_word, 1)
SLOPES(slopes_16, half_word, number[j] >= threshold)
SLOPES(slopes_32, uint32_t, number[j] >= threshold)

/* Rows of an accumulator, times a factor. */
static void put_rows_out(float *out, const float *x, int64_t rows, int64_t n, int64_t wide, float factor) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < n; c++) out[r * n + c] = factor * x[r * wide + c];
  }
}

static void gradient_range(void *context, int64_t begin, int64_t end) {
  Job *job = context;
  const int64_t features = job->features, values = job->values, queries = job->queries, keys = job->keys;
  const int64_t wide_f = round_up(features, TILE_COLS), wide_v = round_up(values, TILE_COLS);
  const int64_t rows = round_up(queries, QUERIES), cols = round_up(keys, KEYS), block = KEYS + TILE_ROWS;
  const int64_t q_size = wide_f == features ? 0 : queries * wide_f, k_size = wide_f == features ? 0 : keys * wide_f;
  const int64_t o_size = wide_v == values ? 0 : queries * wide_v;
  float *next = reserve(
      &scratch, (rows + cols) * (features + values) + q_size + k_size + o_size + 2 * QUERIES * PITCH + rows * wide_f +
      block * (wide_f + wide_v) + 2 * rows + 16 * 16);
  if (next == NULL) {
    __atomic_store_n(&job->status, OUT_OF_MEMORY, __ATOMIC_RELAXED);
    return;
  }
  float *q = take(&next, rows * features), *d = take(&next, rows * values), *k = take(&next, cols * features);
  float *v = take(&next, cols * values), *q_room = take(&next, q_size), *k_room = take(&next, k_size);
  float *o_room = take(&next, o_size), *weights = take(&next, QUERIES * PITCH), *towards = take(&next, QUERIES * PITCH);
  float *to_q = take(&next, rows * wide_f), *to_k = take(&next, block * wide_f), *to_v = take(&next, block * wide_v);
  float *mean = take(&next, rows), *alive = take(&next, rows);
  DrawRoom numbers;
  for (int64_t unit = begin; unit < end; unit++) {
    const float *from_q = job->q + unit * queries * features, *from_k = job->k + unit * keys * features;
    const float *from_o = job->d_out + unit * queries * values, *sums = job->sums + unit * queries;
    pack(q, from_q, queries, features, job->scale, TILE_ROWS);
    pack(d, from_o, queries, values, 1, TILE_ROWS);
    pack(k, from_k, keys, features, 1, TILE_COLS);
    pack(v, job->v + unit * keys * values, keys, values, 1, TILE_COLS);
    const float *wide_q = widened(q_room, from_q, queries, features, wide_f);
    const float *wide_k = widened(k_room, from_k, keys, features, wide_f);
    const float *wide_o = widened(o_room, from_o, queries, values, wide_v);
    memset(to_q, 0, (size_t)(rows * wide_f) * sizeof(float));
    Meeting at = {.job = job, .example = unit / job->heads, .head = unit % job->heads};
    const int32_t drops = job->draw.rows > 0;
    for (int64_t r = 0; r < queries; r++) {
      mean[r] = (float)dot_of(from_o + r * values, job->out + (unit * queries + r) * values, values);
      alive[r] = job->before && drops && keeps_any(job, at.example, at.head, r, &numbers) ? 1 : 0;
    }
    for (at.key = 0; at.key < keys; at.key += KEYS) {
      at.cols = min_i64(KEYS, keys - at.key);
      memset(to_k, 0, (size_t)(block * wide_f) * sizeof(float));
      memset(to_v, 0, (size_t)(block * wide_v) * sizeof(float));
      for (at.query = job->causal ? at.key / QUERIES * QUERIES : 0; at.query < queries; at.query += QUERIES) {
        at.rows = min_i64(QUERIES, queries - at.query);
        all_products(&at, q + at.query * features, k + at.key * features, features, weights);
        all_products(&at, d + at.query * values, v + at.key * values, values, towards);
        for (int64_t r = 0; r < at.rows; r++) {
          const int64_t query = at.query + r, n = seen_by(&at, r);
          float *row = weights + r * PITCH, *slope = towards + r * PITCH;
          hide(&at, r, n, alive[query] != 0, row, &numbers);
          const int64_t steps = pad(row, n, -INFINITY);
          pad(slope, n, 0);
          if (job->before || !drops || n == 0) all_slopes(row, slope, steps, sums[query], mean[query], NULL, 0, 1);
          else {
            const void *number = numbers_of(job, at.example, at.head, query, at.key, n, &numbers);
            if (job->draw.per_block == 8) {
              slopes_16(row, slope, steps, sums[query], mean[query], number, (half_word)job->threshold, job->a);
            } else {
              slopes_32(row, slope, steps, sums[query], mean[query], number, job->threshold, job->a);
            }
          }
          fill(&at, steps * STEP, row);
          fill(&at, steps * STEP, slope);
        }
        add_to_keys(&at, weights, wide_o + at.query * wide_v, wide_v, to_v, wide_v);
        add_to_keys(&at, towards, wide_q + at.query * wide_f, wide_f, to_k, wide_f);
        add_to_queries(&at, towards, wide_k + at.key * wide_f, wide_f, to_q + at.query * wide_f, wide_f);
      }
      const int64_t first = unit * keys + at.key;
      put_rows_out(job->to_k + first * features, to_k, at.cols, features, wide_f, job->scale);
      put_rows_out(job->to_v + first * values, to_v, at.cols, values, wide_v, 1);
    }
    put_rows_out(job->to_q + unit * queries * features, to_q, queries, features, wide_f, job->scale);
  }
}

/* `shape`: batch, heads, queries, keys, features, values, scale, causal, rows of the draw, threshold, bits, whether keys are
   hidden before softmax, factor of kept weights. Gives the number of tasks. */
static int32_t read_job(
    Job *job, const uint32_t *header, const uint32_t *table, double offset, const double *shape, int64_t *units) {
  const double batch = shape[0], heads = shape[1], queries = shape[2], keys = shape[3];
  if (!are_sizes(batch, heads, 1) || shape[4] < 1) return BAD_ARGUMENT;
  for (int i = 2; i < 6; i++) {
    if (!is_size(shape[i])) return BAD_ARGUMENT;
  }
  *units = (int64_t)(batch * heads);
  const double drawn = shape[8], threshold = shape[9], bits = shape[10];
  if (!is_size(drawn) || (drawn != 0 && drawn != batch) || !is_size(threshold)) return BAD_ARGUMENT;
  if ((bits != 16 && bits != 32) || threshold >= (bits == 16 ? 0x1p16 : 0x1p32)) return BAD_ARGUMENT;
  if (*units == 0) return OK;
  for (int i = 2; i < 4; i++) {
    for (int j = 4; j < 6; j++) {
      if (!are_sizes(batch * heads, shape[i], shape[j])) return BAD_ARGUMENT;
    }
  }
  const double cols = drawn == 0 ? 0 : heads * queries * keys;
  if (!is_size(cols)) return BAD_ARGUMENT;
  const int32_t status = draw_read(&job->draw, header, table, offset, drawn, cols, bits);
  if (status != OK) return status;
  job->heads = (int64_t)heads, job->queries = (int64_t)queries, job->keys = (int64_t)keys;
  job->features = (int64_t)shape[4], job->values = (int64_t)shape[5];
  job->scale = (float)shape[6];
  job->causal = shape[7] != 0;
  job->threshold = (uint32_t)threshold;
  job->before = shape[11] != 0;
  job->a = drawn == 0 || job->before ? 1 : (float)shape[12];
  job->status = OK;
  return OK;
}

KERNEL(attention)(
    const float *q, const float *k, const float *v, const float *key_mask, float *out, float *sums,
    const uint32_t *header, const uint32_t *table, double offset, const double *shape) {
  Job job = {.q = q, .k = k, .v = v, .key_mask = key_mask, .to_out = out, .to_sums = sums};
  int64_t units;
  const int32_t status = read_job(&job, header, table, offset, shape, &units);
  if (status != OK || units == 0) return status;
  pool_run(units, 1, forward_range, &job);
  return job.status;
}

KERNEL(attention_gradient)(
    const float *q, const float *k, const float *v, const float *key_mask, const float *out, const float *sums,
    const float *d_out, float *d_q, float *d_k, float *d_v, const uint32_t *header, const uint32_t *table,
    double offset, const double *shape) {
  Job job = {
      .q = q, .k = k, .v = v, .key_mask = key_mask, .out = out, .sums = sums, .d_out = d_out, .to_q = d_q,
      .to_k = d_k, .to_v = d_v};
  int64_t units;
  const int32_t status = read_job(&job, header, table, offset, shape, &units);
  if (status != OK || units == 0) return status;
  pool_run(units, 1, gradient_range, &job);
  return job.status;
}
