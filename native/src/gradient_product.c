/*
 * The gradient of a weight as a product that goes straight into the weight's update: a piece of it is computed into a
 * scratch that stays in the cache, and the task that updates that piece of the weight reads it there. The whole gradient
 * is never written to memory. The numbers are those of the same product computed as a whole.
 */
#include "grouped_weight.h"
#include "products.h"
#include "tile.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Lines that are summed in registers at a time, as in products.c. */
#define BLOCK_LINES 256
/* Rows and columns of a piece. */
#define PIECE_ROWS (4 * TILE_ROWS)
#define PIECE_COLS 512
/* Floats of a piece that groups of lines add up to. */
#define GROUPED_PIECE (1 << 15)
/* Floats of a packed right operand that stay in the second-level cache. */
#define MOST_PACKED (1 << 17)
/* Lines of the right operand that are packed at a time. */
#define PACKED_LINES 32
/* Panels larger than this are given back. */
#define MOST_KEPT ((int64_t)1 << 21)

typedef struct {
  const GradientProduct *product;
  update_task task;
  void *context;
  const float *const *arrays;
  int32_t count;
  /* Packed: `left` in panels of TILE_ROWS rows, [lines][TILE_ROWS], `right` in panels of TILE_COLS columns. */
  float *left, *right;
  int64_t piece_rows, piece_cols, across, runs;
  /* Scratches that a task takes for a piece, as many as threads may want. */
  float *scratch;
  atomic_int *taken;
  int64_t scratch_size, scratches;
} Job;

/* Packs a panel: out[line * width + i] = x[line * pitch + i] for the first `count`, and 0 beyond. */
static inline __attribute__((always_inline)) void pack_panel(
    float *restrict out, const float *restrict x, int64_t pitch, int64_t lines, int64_t count, const int64_t width) {
  for (int64_t line = 0; line < lines; line++) {
    if (count >= width) memcpy(out + line * width, x + line * pitch, (size_t)width * sizeof(float));
    else {
      memcpy(out + line * width, x + line * pitch, (size_t)count * sizeof(float));
      memset(out + line * width + count, 0, (size_t)(width - count) * sizeof(float));
    }
  }
}

/* One unit is some lines of all columns, or a panel of rows. */
static void pack_range(void *context, int64_t begin, int64_t end) {
  const Job *job = context;
  const GradientProduct *p = job->product;
  for (int64_t unit = begin; unit < end; unit++) {
    if (unit < job->runs) {
      const int64_t line = unit * PACKED_LINES, lines = min_i64(PACKED_LINES, p->lines - line);
      for (int64_t col = 0; col < p->cols; col += TILE_COLS) {
        pack_panel(job->right + col * p->lines + line * TILE_COLS, p->right + line * p->cols + col, p->cols, lines,
            p->cols - col, TILE_COLS);
      }
    } else {
      const int64_t row = (unit - job->runs) * TILE_ROWS;
      pack_panel(job->left + row * p->lines, p->left + row, p->rows, p->lines, p->rows - row, TILE_ROWS);
    }
  }
}

/* Where a scratch is free, once there is one. */
static int64_t take_scratch(Job *job) {
  for (;;) {
    for (int64_t i = 0; i < job->scratches; i++) {
      int expected = 0;
      if (atomic_compare_exchange_strong(&job->taken[i], &expected, 1)) return i;
    }
  }
}

/* A piece of the weight, and how far its arrays have been fetched. */
typedef struct {
  int64_t row, end, col, right, next_row, next_col;
} Piece;

/* Fetches some more of the piece's share of the weight's arrays. */
static inline __attribute__((always_inline)) void fetch(const Job *job, Piece *piece, int64_t lines) {
  for (; lines > 0 && piece->next_row < piece->end; lines--) {
    const int64_t at = piece->next_row * job->product->cols + piece->next_col;
    for (int32_t i = 0; i < job->count; i++) __builtin_prefetch(job->arrays[i] + at, 0, 3);
    piece->next_col += 16;
    if (piece->next_col < piece->right) continue;
    piece->next_col = piece->col;
    piece->next_row++;
  }
}

/* Inner indices between two fetches: so few are under way at once that the sums need not wait. */
#define FETCH_LINES 8

/* out[i * pitch + j] = sum over p of a[p][i] b[p][j], or that beside what is there; meanwhile `fetched` lines of the piece's
   arrays are asked for after every few of its inner indices. */
static inline __attribute__((always_inline)) void tile_out(
    const Job *job, Piece *piece, int64_t fetched, const float *restrict a, const float *restrict b, int64_t n,
    float *restrict out, int64_t pitch, int32_t add) {
  lanes s[TILE_ROWS][TILE_WIDTH];
  tile_clear(s);
  int64_t p = 0;
  for (; p + FETCH_LINES <= n; p += FETCH_LINES) {
    tile_add(s, a + p * TILE_ROWS, b + p * TILE_COLS, FETCH_LINES);
    fetch(job, piece, fetched);
  }
  tile_add(s, a + p * TILE_ROWS, b + p * TILE_COLS, n - p);
#pragma GCC unroll 16
  for (int i = 0; i < TILE_ROWS; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < TILE_WIDTH; j++) {
      float *to = out + i * pitch + j * TILE_LANES;
      if (add) {
        lanes before;
        memcpy(&before, to, sizeof before);
        s[i][j] += before;
      }
      memcpy(to, &s[i][j], sizeof s[i][j]);
    }
  }
}

static void piece_range(void *context, int64_t begin, int64_t end) {
  Job *job = context;
  const GradientProduct *p = job->product;
  const int64_t mine = take_scratch(job), lines = p->lines, pitch = job->piece_cols;
  float *scratch = job->scratch + mine * job->scratch_size;
  for (int64_t unit = begin; unit < end; unit++) {
    const int64_t top = unit / job->across * job->piece_rows, left = unit % job->across * job->piece_cols;
    Piece piece = {top, min_i64(top + job->piece_rows, p->rows), left, min_i64(left + job->piece_cols, p->cols), top, left};
    const int64_t tall = (piece.end - top + TILE_ROWS - 1) / TILE_ROWS;
    const int64_t fetched = (piece.end - top) * TILE_COLS / 16 / tall / max_i64(1, lines / FETCH_LINES) + 1;
    for (int64_t col = left; col < piece.right; col += TILE_COLS) {
      for (int64_t row = top; row < piece.end; row += TILE_ROWS) {
        float *out = scratch + (row - top) * pitch + col - left;
        for (int64_t line = 0; line < lines; line += BLOCK_LINES) {
          const float *a = job->left + row * lines + line * TILE_ROWS, *b = job->right + col * lines + line * TILE_COLS;
          const int64_t n = min_i64(BLOCK_LINES, lines - line);
          if (line == 0) tile_out(job, &piece, fetched, a, b, n, out, pitch, 0);
          else tile_out(job, &piece, fetched, a, b, n, out, pitch, 1);
        }
      }
    }
    for (int64_t row = top; row < piece.end; row++) {
      job->task(job->context, row * p->cols + left, row * p->cols + piece.right, scratch + (row - top) * pitch);
    }
  }
  atomic_store(&job->taken[mine], 0);
}

/* The panels and scratches of the thread that asks for a product; they are kept for the next one. */
static _Thread_local Scratch memory;

/* Gives panels back that are too large to be kept. */
static void give_back(void) {
  if (memory.size <= MOST_KEPT) return;
  free(memory.floats);
  memory.floats = NULL;
  memory.size = 0;
}

/* Divides memory among panels of so many floats, and scratches for as many pieces as threads may work on. */
static int32_t prepare(Job *job, int64_t left, int64_t right, int64_t pieces) {
  job->scratches = max_i64(1, min_i64(pool_threads(), pieces));
  const int64_t left_size = round_up(left, 16), right_size = round_up(right, 16);
  const int64_t flags = round_up(job->scratches, 16);
  float *floats = reserve(&memory, left_size + right_size + job->scratches * job->scratch_size + flags);
  if (floats == NULL) return OUT_OF_MEMORY;
  job->left = floats;
  job->right = job->left + left_size;
  job->scratch = job->right + right_size;
  job->taken = (atomic_int *)(job->scratch + job->scratches * job->scratch_size);
  for (int64_t i = 0; i < job->scratches; i++) atomic_init(&job->taken[i], 0);
  return OK;
}

/* All lines count in all rows and columns. */
static int32_t whole_run(Job *job) {
  const GradientProduct *p = job->product;
  const int64_t fitting = MOST_PACKED / p->lines / TILE_COLS * TILE_COLS;
  job->piece_rows = PIECE_ROWS;
  job->piece_cols = max_i64(8 * TILE_COLS, min_i64(PIECE_COLS, fitting));
  job->across = (p->cols + job->piece_cols - 1) / job->piece_cols;
  job->runs = (p->lines + PACKED_LINES - 1) / PACKED_LINES;
  job->scratch_size = round_up(job->piece_rows * job->piece_cols, 16);
  const int64_t panels = (p->rows + TILE_ROWS - 1) / TILE_ROWS;
  const int64_t pieces = (p->rows + job->piece_rows - 1) / job->piece_rows * job->across;
  const int32_t status =
      prepare(job, panels * TILE_ROWS * p->lines, round_up(p->cols, TILE_COLS) * p->lines, pieces);
  if (status != OK) return status;
  pool_run(job->runs + panels, 1, pack_range, job);
  pool_run(pieces, 1, piece_range, job);
  give_back();
  return OK;
}

/* Groups of lines keep rows and columns of their own. */
typedef struct {
  Job *job;
  GroupedWeight weight;
} GroupedJob;

static void grouped_range(void *context, int64_t begin, int64_t end) {
  GroupedJob *grouped = context;
  Job *job = grouped->job;
  const int64_t mine = take_scratch(job), rows = job->product->rows, cols = job->product->cols;
  float *scratch = job->scratch + mine * job->scratch_size;
  for (int64_t unit = begin; unit < end; unit++) {
    const int64_t top = unit * job->piece_rows, bottom = min_i64(top + job->piece_rows, rows);
    grouped_weight_rows(&grouped->weight, top, bottom, scratch);
    job->task(job->context, top * cols, bottom * cols, scratch);
  }
  atomic_store(&job->taken[mine], 0);
}

static int32_t grouped_run(Job *job) {
  const GradientProduct *p = job->product;
  GroupedJob grouped = {
      job, {.dy = p->left, .x = p->right, .units = p->rows, .inputs = p->cols, .count = p->groups}};
  job->piece_rows = max_i64(8, min_i64(64, GROUPED_PIECE / p->cols / 8 * 8));
  job->scratch_size = round_up(min_i64(job->piece_rows, p->rows) * p->cols, 16);
  const int64_t pieces = (p->rows + job->piece_rows - 1) / job->piece_rows;
  int32_t status = prepare(job, 0, 0, pieces);
  if (status != OK) return status;
  status = grouped_weight_pack(
      &grouped.weight, p->lines, p->starts, p->kept_rows, p->row_count, p->kept_cols, p->col_count);
  if (status != OK) return status;
  pool_run(pieces, grouped.weight.alone ? pieces : 1, grouped_range, &grouped);
  grouped_weight_leave();
  give_back();
  return OK;
}

/* By OpenBLAS, in the pieces in which it computes the same product as a whole. */
typedef struct {
  Job *job;
  Pieces pieces;
} BlasJob;

static void blas_range(void *context, int64_t begin, int64_t end) {
  BlasJob *blas = context;
  Job *job = blas->job;
  const Pieces *pieces = &blas->pieces;
  const Product *p = pieces->whole;
  const int64_t mine = take_scratch(job);
  float *scratch = job->scratch + mine * job->scratch_size;
  for (int64_t i = begin; i < end; i++) {
    const int64_t row = i / pieces->across * pieces->rows, col = i % pieces->across * pieces->cols;
    Product part = *p;
    part.m = min_i64(pieces->rows, p->m - row);
    part.n = min_i64(pieces->cols, p->n - col);
    part.a += row;
    part.b += col;
    part.c = scratch;
    part.c_pitch = part.n;
    blas_product(&part);
    for (int64_t r = 0; r < part.m; r++) {
      const int64_t place = (row + r) * p->n + col;
      job->task(job->context, place, place + part.n, scratch + r * part.n);
    }
  }
  atomic_store(&job->taken[mine], 0);
}

static int32_t blas_run(Job *job, const Product *whole) {
  BlasJob blas = {job, pieces_of(whole)};
  const int64_t count = count_of(&blas.pieces);
  job->scratch_size = round_up(min_i64(blas.pieces.rows, whole->m) * min_i64(blas.pieces.cols, whole->n), 16);
  const int32_t status = prepare(job, 0, 0, count);
  if (status != OK) return status;
  pool_run(count, blas_is_divisible() ? 1 : count, blas_range, &blas);
  give_back();
  return OK;
}

int32_t run_by_product(
    const GradientProduct *p, update_task task, void *context, const float *const *arrays, int32_t count) {
  if (p->rows == 0 || p->cols == 0) return OK;
  Job job = {.product = p, .task = task, .context = context, .arrays = arrays, .count = count};
  const int32_t is_whole = p->groups == 1 && p->row_count == p->rows && p->col_count == p->cols;
  if (!is_whole || list_status(p->starts, 1, 1) != OK) return grouped_run(&job);
  int32_t status = list_status(p->kept_rows, p->rows, p->rows);
  if (status == OK) status = list_status(p->kept_cols, p->cols, p->cols);
  if (status != OK) return status;
  const Product whole = {
      .a = p->left, .b = p->right, .m = p->rows, .n = p->cols, .k = p->lines, .a_pitch = p->rows, .b_pitch = p->cols,
      .transpose_a = 1, .alpha = 1, .beta = 0};
  if (p->use_blas && blas_opened() && suits_blas(&whole)) return blas_run(&job, &whole);
  return whole_run(&job);
}
