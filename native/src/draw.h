/*
 * The random numbers of a draw [rows, cols], in the order of its elements: element j of row r has the number at position
 * offset + j of the row that the table names. The mapping is written down in core/random/key.ts.
 */
#ifndef THINNED_DRAW_H
#define THINNED_DRAW_H

#include "kernel.h"
#include "philox.h"

#include <string.h>

/* Words a piece; they stay in the first-level cache. */
#define SPAN 512
/* Rows of fewer blocks are gathered: their blocks are made together, wherever they stand. */
#define SHORT_ROW 24
#define SCATTERED_BLOCKS 128
#define COPY_BYTES 16

/* Where the numbers lie, and how large they are: per_block is 4 for words and 8 for half-words. */
typedef struct {
  uint32_t key0, key1, site;
  const uint32_t *table;
  int64_t offset, rows, cols, per_block;
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

/* A run of numbers inside one long row. */
static inline int64_t draw_run(
    const Draw *draw, int64_t row, int64_t col, int64_t most, DrawRoom *room, const void **numbers) {
  const Address address = draw_address(draw, row);
  const int64_t position = draw->offset + col, skip = position & (draw->per_block - 1);
  const int64_t n = min_i64(min_i64(SPAN / 4 * draw->per_block - skip, draw->cols - col), most);
  philox_words(
      room->words, address.first + (uint64_t)(position / draw->per_block),
      (skip + n + draw->per_block - 1) / draw->per_block, &address);
  *numbers = (const char *)room->words + skip * (16 / draw->per_block);
  return n;
}

/* The numbers of several short rows, packed side by side. */
static inline int64_t draw_rows(
    const Draw *draw, int64_t row, int64_t col, int64_t most, DrawRoom *room, const void **numbers) {
  uint32_t low[SCATTERED_BLOCKS + PHILOX_GROUP], high[SCATTERED_BLOCKS + PHILOX_GROUP];
  uint32_t step[SCATTERED_BLOCKS + PHILOX_GROUP];
  int32_t start[SCATTERED_BLOCKS], count[SCATTERED_BLOCKS]; /* bytes of each row's part */
  const int64_t bytes = 16 / draw->per_block;
  int64_t blocks = 0, parts = 0, n = 0;
  for (; n < most && parts < SCATTERED_BLOCKS; row++, col = 0) {
    const int64_t position = draw->offset + col, skip = position & (draw->per_block - 1);
    const int64_t length = min_i64(draw->cols - col, most - n);
    const int64_t needed = (skip + length + draw->per_block - 1) / draw->per_block;
    if (blocks + needed > SCATTERED_BLOCKS) break;
    const uint32_t *entry = draw->table + 3 * row;
    const uint64_t first = ((uint64_t)entry[1] << 32 | entry[0]) + (uint64_t)(position / draw->per_block);
    for (int64_t b = 0; b < needed; b++) {
      low[blocks + b] = (uint32_t)(first + (uint64_t)b);
      high[blocks + b] = (uint32_t)((first + (uint64_t)b) >> 32);
      step[blocks + b] = entry[2];
    }
    start[parts] = (int32_t)(16 * blocks + skip * bytes);
    count[parts++] = (int32_t)(length * bytes);
    blocks += needed;
    n += length;
  }
  for (int64_t b = blocks; b < blocks + PHILOX_GROUP; b++) low[b] = high[b] = step[b] = 0;
  philox_scattered(room->words, low, high, step, blocks, draw->site, draw->key0, draw->key1);
  const char *from = (const char *)room->words;
  char *to = (char *)room->packed;
  for (int64_t part = 0; part < parts; part++) {
    /* In whole pieces: what is too much is overwritten by the next part. */
    for (int32_t at = 0; at < count[part]; at += COPY_BYTES) memcpy(to + at, from + start[part] + at, COPY_BYTES);
    to += count[part];
  }
  *numbers = room->packed;
  return n;
}

/* The numbers of `most` elements from `begin` on, or of as many as fit: returns how many. */
static inline int64_t draw_numbers(
    const Draw *draw, int64_t begin, int64_t most, DrawRoom *room, const void **numbers) {
  const int64_t row = begin / draw->cols, col = begin % draw->cols;
  return draw->cols >= SHORT_ROW * draw->per_block ? draw_run(draw, row, col, most, room, numbers)
                                                   : draw_rows(draw, row, col, most, room, numbers);
}

#endif
