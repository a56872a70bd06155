/*
 * What products of groups share: which places of a line each group keeps, and sums of register tiles over any inner places.
 * The operand whose numbers are read one by one lies where it lies, so no weight is packed.
 */
#ifndef THINNED_GROUPED_H
#define THINNED_GROUPED_H

#include "kernel.h"

#include <stdlib.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

/* Lanes of a register, registers in a row of a tile at most, rows of a tile. */
#if defined(__AVX512F__)
#define LANES 16
#define MOST_WIDTH 3
#define TILE_ROWS 8
#elif defined(__AVX2__)
#define LANES 8
#define MOST_WIDTH 2
#define TILE_ROWS 6
#elif defined(__aarch64__)
#define LANES 4
#define MOST_WIDTH 4
#define TILE_ROWS 6
#else
#define LANES 4
#define MOST_WIDTH 2
#define TILE_ROWS 4
#endif

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

static inline lanes load_lanes(const float *x) {
  lanes value;
  memcpy(&value, x, sizeof value);
  return value;
}

static inline void store_lanes(float *x, lanes value) { memcpy(x, &value, sizeof value); }

/* Sums of one tile: sums[i][j] = sum over p of line[i][offset[p]] b[p b_step + j], added to what `sums` held or not. */
typedef struct {
  const float *line[TILE_ROWS];
  float *sums[TILE_ROWS];
  const int64_t *offset;
  const float *b;
  int64_t n, b_step;
  int32_t adds;
} Tile;

static inline __attribute__((always_inline)) void tile_sum(const Tile *tile, const int rows, const int width) {
  lanes s[TILE_ROWS][MOST_WIDTH];
  const float *line[TILE_ROWS];
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++) {
    line[i] = tile->line[i];
#pragma GCC unroll 4
    for (int j = 0; j < width; j++) s[i][j] = tile->adds ? load_lanes(tile->sums[i] + j * LANES) : (lanes){0};
  }
  const int64_t *offset = tile->offset, *end = offset + tile->n, step = tile->b_step;
  for (const float *b = tile->b; offset < end; offset++, b += step) {
    const int64_t at = *offset;
    lanes row[MOST_WIDTH];
#pragma GCC unroll 4
    for (int j = 0; j < width; j++) row[j] = load_lanes(b + j * LANES);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
      const lanes factor = line[i][at] - (lanes){0};
#pragma GCC unroll 4
      for (int j = 0; j < width; j++) s[i][j] += factor * row[j];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < width; j++) store_lanes(tile->sums[i] + j * LANES, s[i][j]);
  }
}

/* Whole tiles and halves of them; rows that are not wanted repeat another, and their sums are thrown away. */
#define TILE_OF(width) \
  static __attribute__((noinline)) void whole_tile_##width(const Tile *tile) { tile_sum(tile, TILE_ROWS, width); } \
  static __attribute__((noinline)) void half_tile_##width(const Tile *tile) { tile_sum(tile, TILE_ROWS / 2, width); }
TILE_OF(1)
TILE_OF(2)
#if MOST_WIDTH > 2
TILE_OF(3)
#endif
#if MOST_WIDTH > 3
TILE_OF(4)
#endif

/* Sums of a tile of `rows` rows and `width` registers. */
static inline void sum_tile(Tile *tile, int64_t rows, int width) {
  static void (*const whole[])(const Tile *) = {
      whole_tile_1, whole_tile_2,
#if MOST_WIDTH > 2
      whole_tile_3,
#endif
#if MOST_WIDTH > 3
      whole_tile_4,
#endif
  };
  static void (*const half[])(const Tile *) = {
      half_tile_1, half_tile_2,
#if MOST_WIDTH > 2
      half_tile_3,
#endif
#if MOST_WIDTH > 3
      half_tile_4,
#endif
  };
  float spare[MOST_WIDTH * LANES];
  if (tile->adds && rows < TILE_ROWS) memset(spare, 0, sizeof spare);
  for (int64_t i = rows; i < TILE_ROWS; i++) {
    tile->line[i] = tile->line[0];
    tile->sums[i] = spare;
  }
  if (rows > TILE_ROWS / 2) whole[width - 1](tile);
  else half[width - 1](tile);
}

/* Which places of a line are kept; by 16 of them, which are what masks are about. */
typedef struct {
  const int32_t *list; /* the places, each with `base` added */
  int32_t base;
  int64_t count, extent;
  int32_t *before; /* how many are kept before each 16 places; their number at the end */
  uint16_t *masks; /* a bit for each place */
} Kept;

static inline int64_t sixteens(int64_t extent) { return (extent + 15) / 16; }

/* Bytes that the tables of `groups` lines take. */
static inline int64_t kept_size(int64_t groups, int64_t extent) {
  return (groups * (sixteens(extent) + 1) * (int64_t)(sizeof(int32_t) + sizeof(uint16_t)) + 7) / 8 * 8;
}

/* Splits a list that rises within [0, groups * extent) into those of the groups, with tables in `memory`. */
static inline int32_t kept_read(
    Kept *kept, int64_t groups, int64_t extent, const int32_t *list, int64_t count, void *memory) {
  const int64_t vectors = sixteens(extent) + 1;
  int32_t *before = memory;
  uint16_t *masks = (uint16_t *)(before + groups * vectors);
  memset(masks, 0, (size_t)(groups * vectors) * sizeof *masks);
  int64_t at = 0, last = -1;
  for (int64_t g = 0; g < groups; g++, before += vectors, masks += vectors) {
    const int64_t base = g * extent, begin = at;
    for (; at < count && list[at] < base + extent; at++) {
      if (list[at] < 0) return BAD_INDEX;
      if (list[at] <= last) return BAD_ARGUMENT;
      last = list[at];
      masks[(last - base) / 16] |= (uint16_t)(1u << (last - base) % 16);
    }
    kept[g] = (Kept){list + begin, (int32_t)base, at - begin, extent, before, masks};
    before[0] = 0;
    for (int64_t v = 1; v < vectors; v++) before[v] = before[v - 1] + __builtin_popcount(masks[v - 1]);
  }
  return at == count ? OK : BAD_INDEX;
}

/* Moves the kept numbers of a line together, from one 16 places to another, and gives their number. May write 15 more. */
static inline int64_t compress(float *restrict out, const float *restrict line, const Kept *kept, int64_t v, int64_t end) {
  const int64_t first = kept->before[v], n = kept->before[end] - first;
#if defined(__AVX512F__)
  for (; v < end; v++) {
    const __mmask16 mask = kept->masks[v];
    const __m512 value = _mm512_maskz_compress_ps(mask, _mm512_maskz_loadu_ps(mask, line + v * 16));
    _mm512_storeu_ps(out + kept->before[v] - first, value);
  }
#else
  const int32_t *list = kept->list + first;
  for (int64_t p = 0; p < n; p++) out[p] = line[list[p] - kept->base];
#endif
  return n;
}

#if defined(__AVX2__) && !defined(__AVX512F__)
/* How many of eight places are kept before each of them, by the mask of those that are. */
#define RANK(mask, place) __builtin_popcount((mask) & ((1 << (place)) - 1))
#define RANKS(m) {RANK(m, 0), RANK(m, 1), RANK(m, 2), RANK(m, 3), RANK(m, 4), RANK(m, 5), RANK(m, 6), RANK(m, 7)}
#define RANKS_4(m) RANKS(m), RANKS((m) + 1), RANKS((m) + 2), RANKS((m) + 3)
#define RANKS_16(m) RANKS_4(m), RANKS_4((m) + 4), RANKS_4((m) + 8), RANKS_4((m) + 12)
#define RANKS_64(m) RANKS_16(m), RANKS_16((m) + 16), RANKS_16((m) + 32), RANKS_16((m) + 48)
static const uint8_t ranks[256][8] = {RANKS_64(0), RANKS_64(64), RANKS_64(128), RANKS_64(192)};

/* The eight places of lines from `at` on, of which a mask is kept. */
static inline __attribute__((always_inline)) void expand_eight(
    float *const *lines, int64_t rows, const float *restrict values, int64_t pitch, uint32_t mask, int64_t at,
    const int32_t adds) {
  const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  const __m256i order = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)ranks[mask]));
  const __m256 kept = _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)mask), bits), bits));
  for (int64_t i = 0; i < rows; i++) {
    __m256 value = _mm256_and_ps(_mm256_permutevar8x32_ps(_mm256_loadu_ps(values + i * pitch), order), kept);
    if (adds) value = _mm256_add_ps(value, _mm256_loadu_ps(lines[i] + at));
    _mm256_storeu_ps(lines[i] + at, value);
  }
}
#endif

/* The way back for `rows` lines at once: writes numbers to the kept places and 0 to the others, or adds them to what is there. */
static inline __attribute__((always_inline)) void expand(
    float *const *lines, int64_t rows, const float *restrict from, int64_t pitch, const Kept *kept, int64_t v, int64_t end,
    const int32_t adds) {
#if defined(__AVX2__)
  const int64_t first = kept->before[v];
#endif
#if defined(__AVX512F__)
  for (; v < end; v++) {
    const __mmask16 mask = kept->masks[v];
    const float *values = from + kept->before[v] - first;
    const int64_t left = kept->extent - v * 16;
    if (left >= 16) {
      for (int64_t i = 0; i < rows; i++) {
        __m512 value = _mm512_maskz_expand_ps(mask, _mm512_loadu_ps(values + i * pitch));
        if (adds) value = _mm512_add_ps(value, _mm512_loadu_ps(lines[i] + v * 16));
        _mm512_storeu_ps(lines[i] + v * 16, value);
      }
      continue;
    }
    const __mmask16 valid = (__mmask16)((1u << left) - 1);
    for (int64_t i = 0; i < rows; i++) {
      __m512 value = _mm512_maskz_expand_ps(mask, _mm512_loadu_ps(values + i * pitch));
      if (adds) value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(valid, lines[i] + v * 16));
      _mm512_mask_storeu_ps(lines[i] + v * 16, valid, value);
    }
  }
#else
#if defined(__AVX2__)
  for (; v < end && v * 16 + 16 <= kept->extent; v++) {
    const uint32_t mask = kept->masks[v];
    const float *values = from + kept->before[v] - first;
    expand_eight(lines, rows, values, pitch, mask & 255, v * 16, adds);
    expand_eight(lines, rows, values + __builtin_popcount(mask & 255), pitch, mask >> 8, v * 16 + 8, adds);
  }
  if (v == end) return;
  from += kept->before[v] - first;
#endif
  const int64_t begin = kept->before[v], n = kept->before[end] - begin;
  const int32_t *list = kept->list + begin;
  for (int64_t i = 0; i < rows; i++) {
    float *line = lines[i];
    const float *values = from + i * pitch;
    if (adds) {
      for (int64_t p = 0; p < n; p++) line[list[p] - kept->base] += values[p];
      continue;
    }
    memset(line + v * 16, 0, (size_t)(min_i64(end * 16, kept->extent) - v * 16) * sizeof(float));
    for (int64_t p = 0; p < n; p++) line[list[p] - kept->base] = values[p];
  }
#endif
}

/* Memory of the thread that asks for a product: it is kept for the next one unless there is much of it. */
typedef struct {
  char *memory;
  int64_t size;
} Arena;

#define MOST_KEPT ((int64_t)1 << 24)

static inline char *arena_take(Arena *arena, int64_t size) {
  if (size > arena->size) {
    free(arena->memory);
    arena->memory = aligned_alloc(64, (size_t)((size + 63) / 64 * 64));
    arena->size = arena->memory == NULL ? 0 : size;
  }
  return arena->memory;
}

static inline void arena_leave(Arena *arena) {
  if (arena->size <= MOST_KEPT) return;
  free(arena->memory);
  *arena = (Arena){NULL, 0};
}

#endif
