/* The product of a flat convolution (see flat.h): a tile of rows by places is summed over channels and taps. */
#ifndef THINNED_FLAT_CONVOLUTION_H
#define THINNED_FLAT_CONVOLUTION_H

#include "approx.h"
#include "flat.h"

enum { NONE, RELU, SIGMOID, TANH, EPILOGUE_COUNT };

static inline void activate(int32_t epilogue, float *x, int64_t n) {
  if (epilogue == RELU) {
    for (int64_t i = 0; i < n; i++) x[i] = relu_f(x[i]);
  } else if (epilogue == SIGMOID) {
    for (int64_t i = 0; i < n; i++) x[i] = sigmoid_f(x[i]);
  } else if (epilogue == TANH) {
    for (int64_t i = 0; i < n; i++) x[i] = tanh_f(x[i]);
  }
}

/* sums[i][j] = sum over c and t of weights[c][t][i] planes[c][offset[t] + j]. */
#define FLAT_TILE(name, ROWS, WIDTH) \
  static __attribute__((unused)) void name( \
      const Pass *pass, const float *planes, int64_t channels, const float *restrict weights, float *restrict sums) { \
    lanes s[ROWS][WIDTH]; \
    _Pragma("GCC unroll 16") for (int i = 0; i < ROWS; i++) { \
      _Pragma("GCC unroll 4") for (int j = 0; j < WIDTH; j++) s[i][j] = (lanes){0}; \
    } \
    for (int64_t c = 0; c < channels; c++) { \
      for (int64_t t = 0; t < pass->taps; t++, weights += ROWS) { \
        const float *from = planes + c * pass->plane + pass->offset[t]; \
        lanes row[WIDTH]; \
        _Pragma("GCC unroll 4") for (int j = 0; j < WIDTH; j++) row[j] = load_lanes(from + j * TILE_LANES); \
        _Pragma("GCC unroll 16") for (int i = 0; i < ROWS; i++) { \
          const lanes factor = weights[i] - (lanes){0}; \
          _Pragma("GCC unroll 4") for (int j = 0; j < WIDTH; j++) s[i][j] += factor * row[j]; \
        } \
      } \
    } \
    memcpy(sums, s, sizeof s); \
  }

#if defined(__AVX512F__)
/* Rows are few: the tile that fits them better is taken. */
FLAT_TILE(flat_low, 6, 4)
FLAT_TILE(flat_high, 8, 3)
#define LOW_ROWS 6
#define LOW_COLS 64
#define HIGH_ROWS 8
#define HIGH_COLS 48
#else
FLAT_TILE(flat_low, TILE_ROWS, TILE_WIDTH)
#define flat_high flat_low
#define LOW_ROWS TILE_ROWS
#define LOW_COLS TILE_COLS
#define HIGH_ROWS TILE_ROWS
#define HIGH_COLS TILE_COLS
#endif
#define MOST_TILE (LOW_ROWS * LOW_COLS > HIGH_ROWS * HIGH_COLS ? LOW_ROWS * LOW_COLS : HIGH_ROWS * HIGH_COLS)
/* Rows of more panels read the planes so often that packing pays. */
#define FLAT_ROWS 16

/* A product as in convolution.c. */
typedef struct {
  const Pass *pass;
  const float *source, *bias;
  float *target;
  const float *packed; /* the weights: [group][panel][channel][tap][rows of a tile] */
  int64_t groups, channels, rows, places;
  int64_t tile_rows, tile_cols;
  int32_t epilogue, status;
} FlatProduct;

/* Whether a product is best computed this way. */
static int32_t suits_flat(const Pass *pass, int64_t channels, int64_t rows) {
  return rows <= FLAT_ROWS && is_flat(pass) && channels * pass->plane <= FLAT_PLANES &&
      5 * pass->windows >= 3 * flat_places(pass);
}

/* A part of a row of windows in a tile: where it begins there and in the target. */
typedef struct {
  int64_t from, to, n;
} Segment;

static int64_t list_segments(const FlatProduct *job, int64_t place, Segment *segments) {
  const int64_t row = window_row(job->pass), width = job->pass->axis[2].windows;
  const int64_t end = min_i64(place + job->tile_cols, job->places);
  int64_t count = 0;
  for (int64_t y = place / row; y * row < end; y++) {
    const int64_t first = max_i64(place, y * row), last = min_i64(end, y * row + width);
    if (first < last) segments[count++] = (Segment){first - place, y * width + first - y * row, last - first};
  }
  return count;
}

static inline void copy_floats(float *restrict to, const float *restrict from, int64_t n) {
  for (; n >= 8; n -= 8, to += 8, from += 8) memcpy(to, from, 8 * sizeof(float));
  for (int64_t i = 0; i < n; i++) to[i] = from[i];
}

static void flat_range(void *context, int64_t begin, int64_t end) {
  FlatProduct *job = context;
  const Pass *pass = job->pass;
  const int64_t inner = job->channels * pass->taps, cols = job->tile_cols;
  float *planes = reserve(&flat_scratch, job->channels * pass->plane + FLAT_SLACK);
  if (planes == NULL) {
    __atomic_store_n(&job->status, OUT_OF_MEMORY, __ATOMIC_RELAXED);
    return;
  }
  float sums[MOST_TILE] __attribute__((aligned(64)));
  Segment segments[HIGH_COLS > LOW_COLS ? HIGH_COLS : LOW_COLS];
  for (int64_t unit = begin; unit < end; unit++) { /* an image's group of channels */
    const int64_t group = unit % job->groups, first = group * job->rows;
    const float *x = job->source + unit * job->channels * pass->source_size;
    for (int64_t c = 0; c < job->channels; c++) fill_plane(pass, x + c * pass->source_size, planes + c * pass->plane);
    const float *packed = job->packed + group * round_up(job->rows, job->tile_rows) * inner;
    for (int64_t place = 0; place < job->places; place += cols) {
      const int64_t count = list_segments(job, place, segments);
      for (int64_t row = 0; row < job->rows; row += job->tile_rows) {
        const float *weights = packed + row * inner;
        if (job->tile_rows == LOW_ROWS) flat_low(pass, planes + place, job->channels, weights, sums);
        else flat_high(pass, planes + place, job->channels, weights, sums);
        for (int64_t i = 0; i < min_i64(job->tile_rows, job->rows - row); i++) {
          float *s = sums + i * cols, *y = job->target + (unit * job->rows + row + i) * pass->target_size;
          if (job->bias != NULL) {
            const float bias = job->bias[first + row + i];
            for (int64_t j = 0; j < cols; j++) s[j] += bias;
          }
          activate(job->epilogue, s, cols);
          for (int64_t r = 0; r < count; r++) copy_floats(y + segments[r].to, s + segments[r].from, segments[r].n);
        }
      }
    }
  }
}

/* Computes a product whose weights are weight[group][row][channel][tap], with strides. */
static int32_t flat_product(
    FlatProduct *job, int64_t batch, const float *weight, int64_t group_pitch, int64_t row_pitch,
    int64_t channel_pitch) {
  const Pass *pass = job->pass;
  const int32_t low = round_up(job->rows, LOW_ROWS) < round_up(job->rows, HIGH_ROWS);
  job->tile_rows = low ? LOW_ROWS : HIGH_ROWS, job->tile_cols = low ? LOW_COLS : HIGH_COLS;
  job->places = flat_places(pass);
  const int64_t rows = round_up(job->rows, job->tile_rows), inner = job->channels * pass->taps;
  float *packed = aligned_alloc(64, (size_t)round_up(job->groups * rows * inner, 16) * sizeof(float));
  if (packed == NULL) return OUT_OF_MEMORY;
  job->packed = packed;
  for (int64_t unit = 0; unit < job->groups * rows; unit++) {
    const int64_t group = unit / rows, row = unit % rows, panel = row / job->tile_rows;
    float *to = packed + (group * rows + panel * job->tile_rows) * inner + row % job->tile_rows;
    for (int64_t i = 0; i < inner; i++) {
      const int64_t at =
          group * group_pitch + row * row_pitch + i / pass->taps * channel_pitch + pass->tap[i % pass->taps];
      to[i * job->tile_rows] = row < job->rows ? weight[at] : 0;
    }
  }
  const int64_t work = job->places * rows * inner;
  pool_run(batch * job->groups, max_i64(1, ((int64_t)1 << 19) / max_i64(1, work)), flat_range, job);
  free(packed);
  return job->status;
}

#endif
