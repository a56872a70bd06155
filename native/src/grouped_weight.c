/*
 * The gradient of a dense layer towards its weight where groups of rows each keep some of its inputs and units: for every
 * group the product of the kept units' gradients with the kept inputs, spread out into the rows of the weight when it is
 * stored, group after group in their order. The slow twin is core/backend/reference/thinned_products.ts.
 */
#include "grouped.h"
#include "grouped_weight.h"

/* Rows of the weight that one task computes at most, and columns at a time: their sums fit the first-level cache. */
#define TASK_ROWS 64
#define BLOCK_COLS 512

/* A group's rows of both operands, with what is not kept left out. */
struct WeightGroup {
  const Kept *units, *inputs;
  const int64_t *offset; /* of the rows in `dy` */
  int64_t row, rows, dy_pitch, x_pitch;
  float *dy, *x;
};

typedef struct WeightGroup Group;

/* Packs rows, counted from those of the first group. */
static void pack_range(void *context, int64_t begin, int64_t end) {
  const GroupedWeight *job = context;
  const Group *group = job->groups;
  for (int64_t row = begin + group->row; row < end + job->groups->row; row++) {
    while (row >= group->row + group->rows) group++;
    const int64_t i = row - group->row;
    float *dy = group->dy + i * group->dy_pitch, *x = group->x + i * group->x_pitch;
    compress(dy, job->dy + row * job->units, group->units, 0, sixteens(job->units));
    compress(x, job->x + row * job->inputs, group->inputs, 0, sixteens(job->inputs));
    /* What the last register reads beyond. */
    for (int64_t j = group->inputs->count; j < group->x_pitch; j++) x[j] = 0;
  }
}

/* Sums of a tile of kept units over the kept inputs of a block of columns. */
static void sum_block(const Group *group, const int64_t *units, int64_t rows, int64_t col, int64_t col_end, float *sums, int64_t pitch) {
  const int64_t p = group->inputs->before[col], n = group->inputs->before[col_end] - p;
  Tile tile = {.offset = group->offset, .n = group->rows, .b_step = group->x_pitch, .adds = 0};
  for (int64_t j = 0; j < n; j += MOST_WIDTH * LANES) {
    const int64_t width = min_i64(MOST_WIDTH, (n - j + LANES - 1) / LANES);
    tile.b = group->x + p + j;
    for (int64_t i = 0; i < rows; i++) {
      tile.line[i] = group->dy + units[i];
      tile.sums[i] = sums + i * pitch + j;
    }
    sum_tile(&tile, rows, (int)width);
  }
}

/* How many of the kept places of a line lie below one. */
static int64_t kept_below(const Kept *kept, int64_t place) {
  int64_t at = kept->before[place / 16];
  while (at < kept->count && kept->list[at] - kept->base < place) at++;
  return at;
}

/* Computes at most TASK_ROWS rows of the gradient. */
static void some_rows(const GroupedWeight *job, int64_t top, int64_t bottom, float *out) {
  enum { PITCH = BLOCK_COLS + MOST_WIDTH * LANES };
  float sums[TILE_ROWS * PITCH] __attribute__((aligned(64)));
  uint8_t begun[TASK_ROWS] = {0};
  for (const Group *group = job->groups; group < job->groups + job->count; group++) {
    const int64_t last = kept_below(group->units, bottom);
    for (int64_t unit = kept_below(group->units, top); unit < last; unit += TILE_ROWS) {
      const int64_t rows = min_i64(TILE_ROWS, last - unit);
      /* Rows that a group before has begun, which are added to, come first. */
      const int32_t *places = group->units->list + unit;
      int64_t order[TILE_ROWS], old = 0, next = rows;
      float *lines[TILE_ROWS];
      for (int64_t i = 0; i < rows; i++) {
        const int64_t at = places[i] - group->units->base - top, to = begun[at] ? old++ : --next;
        order[to] = unit + i;
        lines[to] = out + at * job->inputs;
        begun[at] = 1;
      }
      for (int64_t col = 0; col < job->inputs; col += BLOCK_COLS) {
        const int64_t v = col / 16, end = sixteens(min_i64(col + BLOCK_COLS, job->inputs));
        sum_block(group, order, rows, v, end, sums, PITCH);
        expand(lines, old, sums, PITCH, group->inputs, v, end, 1);
        expand(lines + old, rows - old, sums + old * PITCH, PITCH, group->inputs, v, end, 0);
      }
    }
  }
  for (int64_t at = 0; at < bottom - top; at++) {
    if (!begun[at]) memset(out + at * job->inputs, 0, (size_t)job->inputs * sizeof(float));
  }
}

void grouped_weight_rows(const GroupedWeight *job, int64_t from, int64_t to, float *out) {
  for (int64_t top = from; top < to; top += TASK_ROWS) {
    some_rows(job, top, min_i64(top + TASK_ROWS, to), out + (top - from) * job->inputs);
  }
}

static _Thread_local Arena tables, numbers;

/* From one packed row to the next: room for what a register writes or reads beyond, and no multiple of a page. */
static int64_t pitch_of(int64_t count) {
  const int64_t pitch = (count + 15) / 16 * 16 + MOST_WIDTH * LANES;
  return pitch % 256 == 0 ? pitch + 16 : pitch;
}

int32_t grouped_weight_pack(
    GroupedWeight *job, int64_t rows, const int32_t *starts, const int32_t *units, int64_t kept_units,
    const int32_t *inputs, int64_t kept_inputs) {
  const int64_t groups = job->count;
  int64_t longest = 0;
  for (int64_t g = 0; g < groups; g++) {
    if (starts[g] < 0 || starts[g] >= rows) return BAD_INDEX;
    const int64_t end = g + 1 < groups ? starts[g + 1] : rows;
    if (end <= starts[g]) return BAD_ARGUMENT;
    longest = max_i64(longest, end - starts[g]);
  }
  const int64_t lists = groups * (int64_t)(sizeof(Group) + 2 * sizeof(Kept) + sizeof(int64_t) * (size_t)longest);
  const int64_t size = lists + kept_size(groups, job->units);
  if (arena_take(&tables, size + kept_size(groups, job->inputs)) == NULL) return OUT_OF_MEMORY;
  Group *found = (Group *)tables.memory;
  Kept *kept = (Kept *)(found + groups);
  int64_t *offset = (int64_t *)(kept + 2 * groups);
  int32_t status = kept_read(kept, groups, job->units, units, kept_units, tables.memory + lists);
  if (status == OK) status = kept_read(kept + groups, groups, job->inputs, inputs, kept_inputs, tables.memory + size);
  if (status != OK) return status;

  int64_t count = 0, work = 0;
  for (int64_t g = 0; g < groups; g++) {
    const int64_t end = g + 1 < groups ? starts[g + 1] : rows;
    const Kept *of_units = kept + g, *of_inputs = kept + groups + g;
    Group *group = found + g;
    *group = (Group){of_units, of_inputs, offset, starts[g], end - starts[g], pitch_of(of_units->count),
        pitch_of(of_inputs->count), NULL, NULL};
    for (int64_t i = 0; i < group->rows; i++) *offset++ = i * group->dy_pitch;
    count += group->rows * (group->dy_pitch + group->x_pitch);
    work += group->rows * of_units->count * of_inputs->count;
  }
  if (arena_take(&numbers, max_i64(1, count) * (int64_t)sizeof(float)) == NULL) return OUT_OF_MEMORY;
  float *memory = (float *)numbers.memory;
  for (Group *group = found; group < found + groups; group++) {
    group->dy = memory;
    group->x = memory += group->rows * group->dy_pitch;
    memory += group->rows * group->x_pitch;
  }
  job->groups = found;
  job->alone = work < (int64_t)1 << 18;
  const int64_t packed = groups == 0 ? 0 : rows - starts[0];
  pool_run(packed, job->alone ? packed : 8, pack_range, job);
  return OK;
}

void grouped_weight_leave(void) {
  arena_leave(&tables);
  arena_leave(&numbers);
}

typedef struct {
  GroupedWeight weight;
  int64_t from, to, rows;
  float *out;
} Pieces;

static void pieces_range(void *context, int64_t begin, int64_t end) {
  const Pieces *pieces = context;
  const int64_t from = pieces->from + begin * pieces->rows, to = min_i64(pieces->from + end * pieces->rows, pieces->to);
  grouped_weight_rows(&pieces->weight, from, to, pieces->out + (from - pieces->from) * pieces->weight.inputs);
}

/* `shape`: rows of both operands, units, inputs, groups, how many units and inputs they keep in all, the first unit that is
   computed and the one behind the last. */
KERNEL(grouped_weight_gradient)(
    const float *dy, const float *x, float *out, const int32_t *starts, const int32_t *units, const int32_t *inputs,
    const double *shape) {
  for (int i = 0; i < 8; i++) {
    if (!is_size(shape[i])) return BAD_ARGUMENT;
  }
  if (!are_sizes(shape[0], shape[1], shape[2]) || shape[3] > shape[0]) return BAD_ARGUMENT;
  if (shape[3] * shape[1] > INT32_MAX || shape[3] * shape[2] > INT32_MAX) return BAD_ARGUMENT;
  if (shape[4] > shape[3] * shape[1] || shape[5] > shape[3] * shape[2]) return BAD_ARGUMENT;
  if (shape[6] > shape[7] || shape[7] > shape[1]) return BAD_ARGUMENT;
  Pieces job = {.from = (int64_t)shape[6], .to = (int64_t)shape[7], .out = out};
  job.weight = (GroupedWeight){
      .dy = dy, .x = x, .units = (int64_t)shape[1], .inputs = (int64_t)shape[2], .count = (int64_t)shape[3]};
  const int32_t status = grouped_weight_pack(
      &job.weight, (int64_t)shape[0], starts, units, (int64_t)shape[4], inputs, (int64_t)shape[5]);
  if (status != OK) return status;
  /* Eight pieces at least, where that leaves a piece some tiles. */
  job.rows = max_i64(16, min_i64(TASK_ROWS, (job.weight.units / 8 + 7) / 8 * 8));
  const int64_t count = (job.to - job.from + job.rows - 1) / job.rows;
  pool_run(count, job.weight.alone ? max_i64(1, count) : 1, pieces_range, &job);
  grouped_weight_leave();
  return OK;
}
