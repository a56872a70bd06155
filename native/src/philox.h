/*
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011): many blocks at once. What the words of the counter and the key
 * mean is written down in core/random/key.ts.
 */
#ifndef THINNED_PHILOX_H
#define THINNED_PHILOX_H

#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__) && !defined(THINNED_NO_INTRINSICS)
#include <immintrin.h>
#define THINNED_SSE 1
#elif defined(__ARM_NEON) && !defined(THINNED_NO_INTRINSICS)
#include <arm_neon.h>
#define THINNED_NEON 1
#endif

#define PHILOX_M0 0xd2511f53u
#define PHILOX_M1 0xcd9e8d57u
#define PHILOX_W0 0x9e3779b9u
#define PHILOX_W1 0xbb67ae85u
#define PHILOX_ROUNDS 10

/* Registers that are worked on side by side, to hide the multiplier's latency, and blocks in each. Where instructions are
   many for their numbers, a long run does better with more of them, though they spill. */
#define REGISTERS 4
#if defined(__AVX512F__)
#define REGISTER_BLOCKS 8
#define RUN_REGISTERS REGISTERS
#elif defined(__AVX2__) || !defined(THINNED_SSE)
#define REGISTER_BLOCKS 4
#define RUN_REGISTERS 16
#else
#define REGISTER_BLOCKS 2
#define RUN_REGISTERS 16
#endif

/* philox_words makes this many blocks at a time, so it may write up to the next multiple. */
#define PHILOX_GROUP (REGISTERS * REGISTER_BLOCKS)

/* Where a run of random numbers lies. */
typedef struct {
  uint32_t key0, key1, step, site;
  uint64_t first;
} Address;

static inline Address read_address(const uint32_t *words) {
  const Address address = {words[0], words[1], words[4], words[5], (uint64_t)words[3] << 32 | words[2]};
  return address;
}

/* Asks for the next bytes of an array that will be read beside numbers, unless null: a little between one group of blocks
   and the next, since many requests at once hold up what is computed meanwhile. */
static inline void fetch_some(const char **fetch, int64_t bytes) {
  if (*fetch == NULL) return;
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(*fetch + i, 0, 3);
  *fetch += bytes;
}

/* One block, for any number of rounds. */
static inline void philox_block(const uint32_t counter[4], uint32_t k0, uint32_t k1, int rounds, uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  for (int round = 0; round < rounds; round++) {
    const uint64_t p0 = (uint64_t)PHILOX_M0 * c0, p1 = (uint64_t)PHILOX_M1 * c2;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c1 = (uint32_t)p1;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c3 = (uint32_t)p0;
    k0 += PHILOX_W0;
    k1 += PHILOX_W1;
  }
  out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

/* Any number of blocks, one by one. */
static inline void philox_each(uint32_t *words, uint64_t block, int64_t blocks, const Address *address) {
  for (int64_t i = 0; i < blocks; i++) {
    const uint64_t number = block + (uint64_t)i;
    const uint32_t counter[4] = {(uint32_t)number, (uint32_t)(number >> 32), address->step, address->site};
    philox_block(counter, address->key0, address->key1, PHILOX_ROUNDS, words + 4 * i);
  }
}

/* Blocks that stand anywhere: `low`, `high` and `step` are counter words 0 to 2 of each. Writes up to the next multiple
   of PHILOX_GROUP, and reads as far. */
static __attribute__((unused)) void philox_scattered(
    uint32_t *words, const uint32_t *low, const uint32_t *high, const uint32_t *step, int64_t blocks, uint32_t site,
    uint32_t key0, uint32_t key1);

#if defined(THINNED_SSE)

#if defined(__AVX512F__)
typedef __m512i words_of_blocks;
#define ALL(x) _mm512_set1_epi64((int64_t)(x))
#define ADD(a, b) _mm512_add_epi64(a, b)
#define MULTIPLY(a, b) _mm512_mul_epu32(a, b)
#define HIGH_HALF(a) _mm512_srli_epi64(a, 32)
#define XOR(a, b) _mm512_xor_si512(a, b)
#define XOR3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define JOIN(low, high) _mm512_mask_blend_epi32(0xaaaa, low, _mm512_slli_epi64(high, 32))
#define STORE(to, a) _mm512_storeu_si512(to, a)
#define LOAD_WIDE(from) \
  _mm512_permutexvar_epi64(BLOCKS_OF_LANES, _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(from))))
#define FIRST_HALF(a, b) _mm512_unpacklo_epi64(a, b)
#define SECOND_HALF(a, b) _mm512_unpackhi_epi64(a, b)
#define BLOCKS_OF_LANES _mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0)
#elif defined(__AVX2__)
typedef __m256i words_of_blocks;
#define ALL(x) _mm256_set1_epi64x((int64_t)(x))
#define ADD(a, b) _mm256_add_epi64(a, b)
#define MULTIPLY(a, b) _mm256_mul_epu32(a, b)
#define HIGH_HALF(a) _mm256_srli_epi64(a, 32)
#define XOR(a, b) _mm256_xor_si256(a, b)
#define XOR3(a, b, c) XOR(a, XOR(b, c))
#define JOIN(low, high) _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0xaa)
#define STORE(to, a) _mm256_storeu_si256((__m256i *)(to), a)
#define LOAD_WIDE(from) \
  _mm256_permute4x64_epi64(_mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(from))), 0xd8)
#define FIRST_HALF(a, b) _mm256_unpacklo_epi64(a, b)
#define SECOND_HALF(a, b) _mm256_unpackhi_epi64(a, b)
#define BLOCKS_OF_LANES _mm256_set_epi64x(3, 1, 2, 0)
#else
typedef __m128i words_of_blocks;
#define ALL(x) _mm_set1_epi64x((int64_t)(x))
#define ADD(a, b) _mm_add_epi64(a, b)
#define MULTIPLY(a, b) _mm_mul_epu32(a, b)
#define HIGH_HALF(a) _mm_srli_epi64(a, 32)
#define XOR(a, b) _mm_xor_si128(a, b)
#define XOR3(a, b, c) XOR(a, XOR(b, c))
#define JOIN(low, high) _mm_or_si128(_mm_and_si128(low, ALL(0xffffffff)), _mm_slli_epi64(high, 32))
#define STORE(to, a) _mm_storeu_si128((__m128i *)(to), a)
#define LOAD_WIDE(from) _mm_unpacklo_epi32(_mm_loadl_epi64((const __m128i *)(from)), _mm_setzero_si128())
#define FIRST_HALF(a, b) _mm_unpacklo_epi64(a, b)
#define SECOND_HALF(a, b) _mm_unpackhi_epi64(a, b)
#define BLOCKS_OF_LANES _mm_set_epi64x(1, 0)
#endif

/* What all blocks of a call have in common. */
typedef struct {
  words_of_blocks k0[PHILOX_ROUNDS], k1[PHILOX_ROUNDS], shared0, shared1, shared2, shared3;
} Common;

/* As many blocks as so many registers hold, whose counters begin at `number`. */
static inline __attribute__((always_inline)) void philox_group(
    uint32_t *words, const Common *common, words_of_blocks *number, const int registers) {
  const words_of_blocks m0 = ALL(PHILOX_M0), m1 = ALL(PHILOX_M1), next = ALL(REGISTER_BLOCKS);
  words_of_blocks c0[RUN_REGISTERS], c1[RUN_REGISTERS], c2[RUN_REGISTERS], c3[RUN_REGISTERS];
#pragma GCC unroll 8
  for (int g = 0; g < registers; g++) {
    const words_of_blocks first = MULTIPLY(m0, *number);
    *number = ADD(*number, next);
    const words_of_blocks second = MULTIPLY(m1, XOR(HIGH_HALF(first), common->shared0));
    const words_of_blocks p0 = MULTIPLY(m0, XOR(HIGH_HALF(second), common->shared1));
    const words_of_blocks p1 = MULTIPLY(m1, XOR(first, common->shared2));
    c0[g] = XOR3(HIGH_HALF(p1), second, common->k0[2]);
    c1[g] = p1;
    c2[g] = XOR(HIGH_HALF(p0), common->shared3);
    c3[g] = p0;
  }
#pragma GCC unroll 8
  for (int round = 3; round < PHILOX_ROUNDS; round++) {
#pragma GCC unroll 8
    for (int g = 0; g < registers; g++) {
      const words_of_blocks p0 = MULTIPLY(m0, c0[g]), p1 = MULTIPLY(m1, c2[g]);
      c0[g] = XOR3(HIGH_HALF(p1), c1[g], common->k0[round]);
      c1[g] = p1;
      c2[g] = XOR3(HIGH_HALF(p0), c3[g], common->k1[round]);
      c3[g] = p0;
    }
  }
#pragma GCC unroll 8
  for (int g = 0; g < registers; g++) {
    const words_of_blocks w01 = JOIN(c0[g], c1[g]);
    const words_of_blocks w23 = JOIN(c2[g], c3[g]);
    uint32_t *out = words + 4 * REGISTER_BLOCKS * g;
    STORE(out, FIRST_HALF(w01, w23));
    STORE(out + 2 * REGISTER_BLOCKS, SECOND_HALF(w01, w23));
  }
}

/* `blocks` blocks from `block` on; `bytes` of what lies at `fetch` are asked for with each PHILOX_GROUP.

   Each 32-bit word of a block lies in the low half of a 64-bit lane, where the multiplication reads it; the high halves
   hold rubbish that nothing reads. Of the counter only word 0 differs between the blocks of a call, so half
   of the first three rounds is the same for all and is done once. */
static void philox_words(
    uint32_t *words, uint64_t block, int64_t blocks, const Address *address, const char *fetch, int64_t bytes) {
  const uint32_t high = (uint32_t)(block >> 32);
  if ((block + (uint64_t)blocks + PHILOX_GROUP) >> 32 != high) {
    philox_each(words, block, blocks, address);
    return;
  }
  Common common;
  for (uint32_t round = 0; round < PHILOX_ROUNDS; round++) {
    common.k0[round] = ALL(address->key0 + round * PHILOX_W0);
    common.k1[round] = ALL(address->key1 + round * PHILOX_W1);
  }
  /* After round 0 words 0 and 1 are shared, after round 1 the product of the shared word 0 is. */
  const uint64_t product1 = (uint64_t)PHILOX_M1 * address->step;
  const uint64_t product0 = (uint64_t)PHILOX_M0 * ((uint32_t)(product1 >> 32) ^ high ^ address->key0);
  common.shared0 = XOR(ALL(address->site), common.k1[0]);
  common.shared1 = XOR(ALL(product1 & 0xffffffff), common.k0[1]);
  common.shared2 = XOR(ALL(product0 >> 32), common.k1[1]);
  common.shared3 = XOR(ALL(product0 & 0xffffffff), common.k1[2]);
  /* The blocks are spread over the lanes so that the halves that are stored come out in order. */
  words_of_blocks number = ADD(ALL(block), BLOCKS_OF_LANES);
  int64_t i = 0;
#if RUN_REGISTERS > REGISTERS
  const int64_t run = RUN_REGISTERS * REGISTER_BLOCKS;
  for (; i + run <= blocks; i += run) {
    fetch_some(&fetch, bytes * (RUN_REGISTERS / REGISTERS));
    philox_group(words + 4 * i, &common, &number, RUN_REGISTERS);
  }
#endif
  for (; i < blocks; i += PHILOX_GROUP) {
    fetch_some(&fetch, bytes);
    philox_group(words + 4 * i, &common, &number, REGISTERS);
  }
}

static __attribute__((unused)) void philox_scattered(
    uint32_t *words, const uint32_t *low, const uint32_t *high, const uint32_t *step, int64_t blocks, uint32_t site,
    uint32_t key0, uint32_t key1) {
  const words_of_blocks m0 = ALL(PHILOX_M0), m1 = ALL(PHILOX_M1);
  for (int64_t i = 0; i < blocks; i += PHILOX_GROUP) {
    words_of_blocks c0[REGISTERS], c1[REGISTERS], c2[REGISTERS], c3[REGISTERS];
#pragma GCC unroll 8
    for (int g = 0; g < REGISTERS; g++) {
      c0[g] = LOAD_WIDE(low + i + REGISTER_BLOCKS * g);
      c1[g] = LOAD_WIDE(high + i + REGISTER_BLOCKS * g);
      c2[g] = LOAD_WIDE(step + i + REGISTER_BLOCKS * g);
      c3[g] = ALL(site);
    }
#pragma GCC unroll 16
    for (uint32_t round = 0; round < PHILOX_ROUNDS; round++) {
      const words_of_blocks k0 = ALL(key0 + round * PHILOX_W0), k1 = ALL(key1 + round * PHILOX_W1);
#pragma GCC unroll 8
      for (int g = 0; g < REGISTERS; g++) {
        const words_of_blocks p0 = MULTIPLY(m0, c0[g]), p1 = MULTIPLY(m1, c2[g]);
        c0[g] = XOR3(HIGH_HALF(p1), c1[g], k0);
        c1[g] = p1;
        c2[g] = XOR3(HIGH_HALF(p0), c3[g], k1);
        c3[g] = p0;
      }
    }
#pragma GCC unroll 8
    for (int g = 0; g < REGISTERS; g++) {
      const words_of_blocks w01 = JOIN(c0[g], c1[g]);
      const words_of_blocks w23 = JOIN(c2[g], c3[g]);
      uint32_t *out = words + 4 * (i + REGISTER_BLOCKS * g);
      STORE(out, FIRST_HALF(w01, w23));
      STORE(out + 2 * REGISTER_BLOCKS, SECOND_HALF(w01, w23));
    }
  }
}

#elif defined(THINNED_NEON)

/* Low and high halves of four 32-bit products. */
static inline void multiply_wide(uint32x4_t a, uint32_t b, uint32x4_t *low, uint32x4_t *high) {
  const uint32x4_t even = vreinterpretq_u32_u64(vmull_n_u32(vget_low_u32(a), b));
  const uint32x4_t odd = vreinterpretq_u32_u64(vmull_n_u32(vget_high_u32(a), b));
  const uint32x4x2_t halves = vuzpq_u32(even, odd);
  *low = halves.val[0];
  *high = halves.val[1];
}

/* Four blocks a register, REGISTERS of them side by side; vst4q puts the words in order. */
static __attribute__((unused)) void philox_scattered(
    uint32_t *words, const uint32_t *low, const uint32_t *high, const uint32_t *step, int64_t blocks, uint32_t site,
    uint32_t key0, uint32_t key1) {
  for (int64_t i = 0; i < blocks; i += PHILOX_GROUP) {
    uint32x4_t c0[REGISTERS], c1[REGISTERS], c2[REGISTERS], c3[REGISTERS];
    for (int g = 0; g < REGISTERS; g++) {
      c0[g] = vld1q_u32(low + i + 4 * g);
      c1[g] = vld1q_u32(high + i + 4 * g);
      c2[g] = vld1q_u32(step + i + 4 * g);
      c3[g] = vdupq_n_u32(site);
    }
    uint32_t k0 = key0, k1 = key1;
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
      for (int g = 0; g < REGISTERS; g++) {
        uint32x4_t low0, high0, low1, high1;
        multiply_wide(c0[g], PHILOX_M0, &low0, &high0);
        multiply_wide(c2[g], PHILOX_M1, &low1, &high1);
        c0[g] = veorq_u32(veorq_u32(high1, c1[g]), vdupq_n_u32(k0));
        c1[g] = low1;
        c2[g] = veorq_u32(veorq_u32(high0, c3[g]), vdupq_n_u32(k1));
        c3[g] = low0;
      }
      k0 += PHILOX_W0;
      k1 += PHILOX_W1;
    }
    for (int g = 0; g < REGISTERS; g++) {
      const uint32x4x4_t all = {{c0[g], c1[g], c2[g], c3[g]}};
      vst4q_u32(words + 4 * i + 16 * g, all);
    }
  }
}

static void philox_words(
    uint32_t *words, uint64_t block, int64_t blocks, const Address *address, const char *fetch, int64_t bytes) {
  uint32_t low[PHILOX_GROUP], high[PHILOX_GROUP], step[PHILOX_GROUP];
  for (int64_t i = 0; i < blocks; i += PHILOX_GROUP) {
    fetch_some(&fetch, bytes);
    for (int lane = 0; lane < PHILOX_GROUP; lane++) {
      const uint64_t number = block + (uint64_t)(i + lane);
      low[lane] = (uint32_t)number;
      high[lane] = (uint32_t)(number >> 32);
      step[lane] = address->step;
    }
    philox_scattered(
        words + 4 * i, low, high, step, PHILOX_GROUP, address->site, address->key0, address->key1);
  }
}

#else

static __attribute__((unused)) void philox_scattered(
    uint32_t *words, const uint32_t *low, const uint32_t *high, const uint32_t *step, int64_t blocks, uint32_t site,
    uint32_t key0, uint32_t key1) {
  for (int64_t i = 0; i < blocks; i++) {
    const uint32_t counter[4] = {low[i], high[i], step[i], site};
    philox_block(counter, key0, key1, PHILOX_ROUNDS, words + 4 * i);
  }
}

static void philox_words(
    uint32_t *words, uint64_t block, int64_t blocks, const Address *address, const char *fetch, int64_t bytes) {
  (void)fetch, (void)bytes;
  philox_each(words, block, blocks, address);
}

#endif

#endif
