/*
 * A product whose groups of rows each keep some inner places and some columns: the dense layer between masks that groups of
 * examples share, forward and towards its input. The lanes of a register are rows of a group, and the numbers of the weight
 * are read one by one where they lie, so the weight is packed for no group; a block of it that fits the second-level cache
 * meets all groups before the next. The slow twin is core/backend/reference/thinned_products.ts.
 */
#include "grouped.h"
#include "transpose.h"

/* Columns of C that one task computes at most, and rows of C at a time. */
#define TASK_COLS 128
#define CHUNK_ROWS 256
/* Inner places of a block that lie side by side in the weight. */
#define INNER_BESIDE 1024
/* Inner places of a block that are rows of the weight: it is copied, since rows a power of two apart would drive each other
   from the first-level cache; and the distance between its rows. */
#define INNER_BELOW 64
#define BELOW_PITCH (TASK_COLS + 16)
/* Numbers of a row that are packed at a time. */
#define PACKED 1024

/* Rows of a group, as many as the lanes of up to MOST_WIDTH registers. */
typedef struct {
  const Kept *inners, *cols;
  const int64_t *offset; /* of the kept inner places, from a column's beginning in a block of the weight */
  int64_t row, rows, width;
  float *a;   /* [kept inner places, width * LANES] */
  float *out; /* [columns, width * LANES] */
} Panel;

typedef struct {
  const float *a, *b;
  float *c;
  int64_t rows, cols, inners;
  int32_t transposed;
  int64_t inner_block, task_cols;
  const Panel *panels; /* of a chunk */
  int64_t count;
} Job;

/* Packs the rows of panels, transposed. */
static void pack_range(void *context, int64_t begin, int64_t end) {
  const Job *job = context;
  enum { PITCH = PACKED + 32 };
  float kept[4 * PITCH];
  for (const Panel *panel = job->panels + begin; panel < job->panels + end; panel++) {
    const int64_t across = panel->width * LANES;
    float *out = panel->a;
    for (int64_t v = 0, last = sixteens(job->inners); v < last; v += PACKED / 16) {
      const int64_t to = min_i64(v + PACKED / 16, last), n = panel->inners->before[to] - panel->inners->before[v];
      for (int64_t r = 0; r < across; r += 4) {
        for (int64_t i = 0; i < 4; i++) {
          const float *line = job->a + (panel->row + r + i) * job->inners;
          if (r + i < panel->rows) compress(kept + i * PITCH, line, panel->inners, v, to);
          else memset(kept + i * PITCH, 0, (size_t)n * sizeof(float));
        }
        const int64_t even = n & ~(int64_t)3;
        for (int64_t p = 0; p < even; p += 4) transpose_quads(out + p * across + r, across, kept + p, PITCH);
        for (int64_t p = even; p < n; p++) {
          for (int64_t i = 0; i < 4; i++) out[p * across + r + i] = kept[i * PITCH + p];
        }
      }
      out += n * across;
    }
  }
}

/* The kept columns of a block in one panel, over a block of inner places, all by 16. The block of the weight begins at `b`, and
   its columns are `step` apart. */
static void sum_panel(
    const Panel *panel, const float *b, int64_t step, int64_t col, int64_t col_end, int64_t inner, int64_t inner_end) {
  const int64_t across = panel->width * LANES;
  const int64_t p = panel->inners->before[inner], p_end = panel->inners->before[inner_end];
  Tile tile = {.offset = panel->offset + p, .n = p_end - p, .b = panel->a + p * across, .b_step = across, .adds = 1};
  if (tile.n == 0) return;
  const Kept *cols = panel->cols;
  for (int64_t q = cols->before[col], q_end = cols->before[col_end]; q < q_end; q += TILE_ROWS) {
    const int64_t rows = min_i64(TILE_ROWS, q_end - q);
    for (int64_t i = 0; i < rows; i++) {
      const int64_t at = cols->list[q + i] - cols->base;
      tile.line[i] = b + (at - col * 16) * step;
      tile.sums[i] = panel->out + at * across;
    }
    sum_tile(&tile, rows, (int)panel->width);
  }
}

/* Writes a block of columns of a panel's rows into C. */
static void write_panel(const Job *job, const Panel *panel, int64_t col, int64_t col_end) {
  const int64_t across = panel->width * LANES, even_rows = panel->rows & ~(int64_t)3;
  const int64_t even = col + ((col_end - col) & ~(int64_t)3);
  const float *out = panel->out;
  float *c = job->c + panel->row * job->cols;
  for (int64_t r = 0; r < even_rows; r += 4) {
    for (int64_t j = col; j < even; j += 4) {
      transpose_quads(c + r * job->cols + j, job->cols, out + j * across + r, across);
    }
    for (int64_t j = even; j < col_end; j++) {
      for (int64_t i = r; i < r + 4; i++) c[i * job->cols + j] = out[j * across + i];
    }
  }
  for (int64_t i = even_rows; i < panel->rows; i++) {
    for (int64_t j = col; j < col_end; j++) c[i * job->cols + j] = out[j * across + i];
  }
}

/* Computes blocks of columns of all panels. */
static void cols_range(void *context, int64_t begin, int64_t end) {
  const Job *job = context;
  float copy[INNER_BELOW * BELOW_PITCH] __attribute__((aligned(64)));
  const Panel *last = job->panels + job->count;
  for (int64_t unit = begin; unit < end; unit++) {
    const int64_t col = unit * job->task_cols, col_end = min_i64(col + job->task_cols, job->cols);
    for (const Panel *panel = job->panels; panel < last; panel++) {
      const int64_t across = panel->width * LANES;
      memset(panel->out + col * across, 0, (size_t)((col_end - col) * across) * sizeof(float));
    }
    for (int64_t inner = 0; inner < job->inners; inner += job->inner_block) {
      const int64_t inner_end = min_i64(inner + job->inner_block, job->inners);
      for (int64_t i = inner; i < inner_end && !job->transposed; i++) {
        memcpy(copy + (i - inner) * BELOW_PITCH, job->b + i * job->cols + col, (size_t)(col_end - col) * sizeof(float));
      }
      const float *b = job->transposed ? job->b + col * job->inners + inner : copy;
      const int64_t step = job->transposed ? job->inners : 1;
      for (const Panel *panel = job->panels; panel < last; panel++) {
        sum_panel(panel, b, step, col / 16, sixteens(col_end), inner / 16, sixteens(inner_end));
      }
    }
    for (const Panel *panel = job->panels; panel < last; panel++) write_panel(job, panel, col, col_end);
  }
}

static _Thread_local Arena tables, numbers;

/* How many panels a group's rows make. */
static int64_t panels_of(int64_t rows) { return (rows + LANES * MOST_WIDTH - 1) / (LANES * MOST_WIDTH); }

/* Cuts a group's rows into panels of nearly as many registers. */
static Panel *cut(Panel *panel, int64_t row, int64_t end, const Kept *inners, const Kept *cols, const int64_t *offset) {
  for (int64_t left = panels_of(end - row); left > 0; left--, panel++) {
    const int64_t registers = (end - row + LANES - 1) / LANES, width = (registers + left - 1) / left;
    *panel = (Panel){inners, cols, offset, row, min_i64(width * LANES, end - row), width, NULL, NULL};
    row += panel->rows;
  }
  return panel;
}

/* The panels that are computed together with the first one, each with its place in memory; gives how many numbers. */
static int64_t chunk(Job *job, Panel *panels, int64_t count, float *memory) {
  int64_t rows = 0, size = 0;
  Panel *panel = panels;
  for (; panel < panels + count && (panel == panels || rows + panel->rows <= CHUNK_ROWS); panel++) {
    const int64_t across = panel->width * LANES;
    rows += panel->rows;
    panel->a = memory + size;
    size += panel->inners->count * across;
    panel->out = memory + size;
    size += job->cols * across;
  }
  job->panels = panels;
  job->count = panel - panels;
  return size;
}

/* The product once the shape has been looked at, but not yet the lists. */
static int32_t compute(
    Job *job, const int32_t *starts, int64_t groups, const int32_t *inners, int64_t kept_inners, const int32_t *cols,
    int64_t kept_cols) {
  int64_t count = 0, work = 0;
  for (int64_t g = 0; g < groups; g++) {
    if (starts[g] < 0 || starts[g] >= job->rows) return BAD_INDEX;
    const int64_t end = g + 1 < groups ? starts[g + 1] : job->rows;
    if (end <= starts[g]) return BAD_ARGUMENT;
    count += panels_of(end - starts[g]);
  }
  const int64_t lists = count * (int64_t)sizeof(Panel) + 2 * groups * (int64_t)sizeof(Kept);
  const int64_t size = lists + kept_inners * (int64_t)sizeof(int64_t) + kept_size(groups, job->inners);
  if (arena_take(&tables, size + kept_size(groups, job->cols)) == NULL) return OUT_OF_MEMORY;
  Panel *panels = (Panel *)tables.memory;
  Kept *kept = (Kept *)(panels + count);
  int64_t *offset = (int64_t *)(kept + 2 * groups);
  char *rest = (char *)(offset + kept_inners);
  int32_t status = kept_read(kept, groups, job->inners, inners, kept_inners, rest);
  if (status == OK) {
    status = kept_read(kept + groups, groups, job->cols, cols, kept_cols, rest + kept_size(groups, job->inners));
  }
  if (status != OK) return status;

  Panel *panel = panels;
  for (int64_t g = 0; g < groups; g++) {
    const Kept *of_inners = kept + g, *of_cols = kept + groups + g;
    const int64_t end = g + 1 < groups ? starts[g + 1] : job->rows;
    panel = cut(panel, starts[g], end, of_inners, of_cols, offset);
    const int64_t step = job->transposed ? 1 : BELOW_PITCH;
    for (int64_t i = 0; i < of_inners->count; i++) {
      *offset++ = (of_inners->list[i] - of_inners->base) % job->inner_block * step;
    }
    work += (end - starts[g]) * of_inners->count * of_cols->count;
  }
  /* Rows of no group. */
  memset(job->c, 0, (size_t)((groups == 0 ? job->rows : starts[0]) * job->cols) * sizeof(float));
  int64_t most = 1;
  for (int64_t at = 0; at < count; at += job->count) most = max_i64(most, chunk(job, panels + at, count - at, NULL));
  if (arena_take(&numbers, most * (int64_t)sizeof(float)) == NULL) return OUT_OF_MEMORY;
  /* A product this small is computed before a helper would have woken up. */
  const int64_t alone = work < (int64_t)1 << 18, units = (job->cols + job->task_cols - 1) / job->task_cols;
  for (int64_t at = 0; at < count; at += job->count) {
    chunk(job, panels + at, count - at, (float *)numbers.memory);
    pool_run(job->count, alone ? job->count : 1, pack_range, job);
    pool_run(units, alone ? units : 1, cols_range, job);
  }
  arena_leave(&tables);
  arena_leave(&numbers);
  return OK;
}

/* `shape`: rows, columns and inner extent of the whole matrices, groups, how many inner places and columns they keep in all,
   transpose B. */
KERNEL(grouped_gemm)(
    const float *a, const float *b, float *c, const int32_t *starts, const int32_t *inners, const int32_t *cols,
    const double *shape) {
  for (int i = 0; i < 6; i++) {
    if (!is_size(shape[i])) return BAD_ARGUMENT;
  }
  if (!are_sizes(shape[0], shape[1], shape[2]) || shape[3] > shape[0]) return BAD_ARGUMENT;
  if (shape[3] * shape[1] > INT32_MAX || shape[3] * shape[2] > INT32_MAX) return BAD_ARGUMENT;
  if (shape[4] > shape[3] * shape[2] || shape[5] > shape[3] * shape[1]) return BAD_ARGUMENT;
  Job job = {.a = a, .b = b, .c = c, .rows = (int64_t)shape[0], .cols = (int64_t)shape[1], .inners = (int64_t)shape[2]};
  job.transposed = shape[6] != 0;
  job.inner_block = job.transposed ? INNER_BESIDE : INNER_BELOW;
  job.task_cols = max_i64(16, min_i64(TASK_COLS, (job.cols / 8 + 15) / 16 * 16));
  return compute(&job, starts, (int64_t)shape[3], inners, (int64_t)shape[4], cols, (int64_t)shape[5]);
}
