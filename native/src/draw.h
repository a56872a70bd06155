/*
 * The random numbers of a draw [rows, cols], in the order of its elements: element j of row r has the number at position
 * offset + j of the row that the table names. The mapping is written down in core/random/key.ts.
 */
#ifndef THINNED_DRAW_H
#define THINNED_DRAW_H

#include "kernel.h"
#include "philox.h"
#include "stream.h"

#include <string.h>

/* Words a piece; they stay in the first-level cache. */
#define SPAN 512
/* Rows of fewer blocks are gathered: their blocks are made together, wherever they stand. */
#define SHORT_ROW 64
#define SCATTERED_BLOCKS 128
#define COPY_BYTES 32
#define COUNTER_PIECE 8

/* Where the numbers lie, and how large they are: per_block is 4 for words and 8 for half-words, two to the `shift`. */
typedef struct {
  uint32_t key0, key1, site;
  const uint32_t *table;
  int64_t offset, rows, cols, per_block;
  int32_t shift;
} Draw;

/* Room for the numbers of a piece, with a margin for what is made or copied beyond its end. */
typedef struct {
  uint32_t words[SPAN + 4 * PHILOX_GROUP] __attribute__((aligned(64)));
  uint32_t packed[SPAN + 4 * COPY_BYTES] __attribute__((aligned(64)));
} DrawRoom;

/* Reads and checks what TypeScript hands over; bits is 16 or 32. */
static inline int32_t draw_read(
    Draw *draw, const uint32_t *header, const uint32_t *table, double offset, double rows, double cols, double bits) {
  if (!is_size(offset) || !is_size(rows) || !is_size(cols) || (bits != 16 && bits != 32)) return BAD_ARGUMENT;
  draw->per_block = bits == 16 ? 8 : 4;
  draw->shift = bits == 16 ? 3 : 2;
  if (offset + cols > (double)(draw->per_block << 26) || rows * cols >= 0x1p53) return BAD_ARGUMENT;
  draw->table = table;
  draw->offset = (int64_t)offset, draw->rows = (int64_t)rows, draw->cols = (int64_t)cols;
  if (header == NULL || (rows > 0 && table == NULL)) return BAD_ARGUMENT;
  draw->key0 = header[0], draw->key1 = header[1], draw->site = header[2];
  return OK;
}

static inline Address draw_address(const Draw *draw, int64_t row) {
  const uint32_t *entry = draw->table + 3 * row;
  const Address address = {draw->key0, draw->key1, entry[2], draw->site, (uint64_t)entry[1] << 32 | entry[0]};
  return address;
}

/* A run of numbers inside one long row; what lies at `fetch` is asked for meanwhile, unless null. */
static inline int64_t draw_run_fetching(
    const Draw *draw, int64_t row, int64_t col, int64_t most, DrawRoom *room, const void **numbers, const float *fetch) {
  const Address address = draw_address(draw, row);
  const int64_t position = draw->offset + col, skip = position & (draw->per_block - 1);
  const int64_t n = min_i64(min_i64(SPAN / 4 * draw->per_block - skip, draw->cols - col), most);
  philox_words(
      room->words, address.first + (uint64_t)(position >> draw->shift),
      (skip + n + draw->per_block - 1) >> draw->shift, &address, (const char *)fetch,
      PHILOX_GROUP * draw->per_block * (int64_t)sizeof *fetch);
  *numbers = (const char *)room->words + skip * (16 >> draw->shift);
  return n;
}

static inline int64_t draw_run(
    const Draw *draw, int64_t row, int64_t col, int64_t most, DrawRoom *room, const void **numbers) {
  return draw_run_fetching(draw, row, col, most, room, numbers, NULL);
}

/* Counter words of blocks that are made together, with a margin for what is written or read beyond their end. */
typedef struct {
  uint32_t low[SCATTERED_BLOCKS + PHILOX_GROUP], high[SCATTERED_BLOCKS + PHILOX_GROUP];
  uint32_t step[SCATTERED_BLOCKS + PHILOX_GROUP];
} Counters;

/* Blocks `begin` and following of a row, in whole pieces: what is too much is overwritten by the next row. A row's blocks
   never carry into its second word. */
static inline void put_counters(Counters *counters, int64_t at, const uint32_t *entry, uint32_t begin, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b += COUNTER_PIECE) {
    for (uint32_t i = 0; i < COUNTER_PIECE; i++) {
      counters->low[at + b + i] = entry[0] + begin + (uint32_t)b + i;
      counters->high[at + b + i] = entry[1];
      counters->step[at + b + i] = entry[2];
    }
  }
}

/* The same for rows of very few blocks, whose number the compiler knows. */
static inline __attribute__((always_inline)) void put_rows(
    Counters *counters, const uint32_t *entry, uint32_t begin, int64_t rows, const uint32_t blocks) {
  for (int64_t r = 0; r < rows; r++) {
#pragma GCC unroll 4
    for (uint32_t b = 0; b < blocks; b++) {
      counters->low[r * blocks + b] = entry[3 * r] + begin + b;
      counters->high[r * blocks + b] = entry[3 * r + 1];
      counters->step[r * blocks + b] = entry[3 * r + 2];
    }
  }
}

/* Copies in whole pieces: what is too much is overwritten by the next row. */
static inline void put_numbers(char *to, const char *from, int64_t bytes) {
  for (int64_t at = 0; at < bytes; at += COPY_BYTES) memcpy(to + at, from + at, COPY_BYTES);
}

/* The numbers of several short rows side by side, from the beginning of a row or inside one. */
static inline int64_t draw_rows(
    const Draw *draw, int64_t row, int64_t col, int64_t most, DrawRoom *room, const void **numbers) {
  Counters counters;
  const int32_t bytes = 16 >> draw->shift;
  /* The part of a row that this piece begins or ends inside of comes alone. */
  const int64_t length = col == 0 && draw->cols <= most ? draw->cols : min_i64(draw->cols - col, most);
  const int64_t position = draw->offset + col, skip = position & (draw->per_block - 1);
  const int64_t needed = (skip + length + draw->per_block - 1) >> draw->shift;
  const int64_t rows = length == draw->cols ? min_i64(SCATTERED_BLOCKS / needed, most / length) : 1;
  const uint32_t begin = (uint32_t)(position >> draw->shift);
  const uint32_t *entry = draw->table + 3 * row;
  switch (needed) {
    case 1: put_rows(&counters, entry, begin, rows, 1); break;
    case 2: put_rows(&counters, entry, begin, rows, 2); break;
    case 3: put_rows(&counters, entry, begin, rows, 3); break;
    case 4: put_rows(&counters, entry, begin, rows, 4); break;
    default: for (int64_t r = 0; r < rows; r++) put_counters(&counters, r * needed, entry + 3 * r, begin, needed);
  }
  for (int64_t b = rows * needed; b < rows * needed + PHILOX_GROUP; b++) {
    counters.low[b] = counters.high[b] = counters.step[b] = 0;
  }
  philox_scattered(
      room->words, counters.low, counters.high, counters.step, rows * needed, draw->site, draw->key0, draw->key1);
  const char *from = (const char *)room->words + skip * bytes;
  *numbers = from;
  if (rows == 1 || length * bytes == needed * 16) return rows * length; /* they lie side by side already */
  char *to = (char *)room->packed;
  for (int64_t r = 0; r < rows; r++) put_numbers(to + r * length * bytes, from + 16 * r * needed, length * bytes);
  *numbers = room->packed;
  return rows * length;
}

/* The numbers of `most` elements from `begin` on, or of as many as fit: returns how many. Of an array x of the draw's shape
   that comes from memory what lies a piece ahead is asked for meanwhile; null for none. */
static inline int64_t draw_beside(
    const Draw *draw, int64_t begin, int64_t most, DrawRoom *room, const void **numbers, const float *x) {
  const int64_t row = begin / draw->cols, col = begin % draw->cols;
  const float *fetch = x == NULL ? NULL : x + begin + SPAN / 4 * draw->per_block;
  if (draw->cols >= SHORT_ROW * draw->per_block) {
    return draw_run_fetching(draw, row, col, most, room, numbers, fetch);
  }
  if (fetch != NULL) fetch_ahead(fetch, SPAN / 4 * draw->per_block);
  return draw_rows(draw, row, col, most, room, numbers);
}

static inline int64_t draw_numbers(
    const Draw *draw, int64_t begin, int64_t most, DrawRoom *room, const void **numbers) {
  return draw_beside(draw, begin, most, room, numbers, NULL);
}

#endif
