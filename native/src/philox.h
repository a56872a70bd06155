/*
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011): many blocks at once. What the words of the counter and the key
 * mean is written down in core/key.ts.
 */
#ifndef THINNED_PHILOX_H
#define THINNED_PHILOX_H

#include <stdint.h>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_NEON) && !defined(THINNED_NO_INTRINSICS)
#include <arm_neon.h>
#define THINNED_NEON 1
#endif

#define PHILOX_M0 0xd2511f53u
#define PHILOX_M1 0xcd9e8d57u
#define PHILOX_W0 0x9e3779b9u
#define PHILOX_W1 0xbb67ae85u
#define PHILOX_ROUNDS 10

/* philox_words makes this many blocks at a time, so it may write up to the next multiple. */
#define PHILOX_GROUP 16

/* Registers of four blocks that are worked on side by side, to hide the multiplier's latency. */
#define REGISTERS (PHILOX_GROUP / 4)

/* Where a run of random numbers lies. */
typedef struct {
  uint32_t key0, key1, step, site;
  uint64_t first;
} Address;

static inline Address read_address(const uint32_t *words) {
  const Address address = {words[0], words[1], words[4], words[5], (uint64_t)words[3] << 32 | words[2]};
  return address;
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

#if defined(__AVX2__)

/* Four blocks a register: each 32-bit word lies in the low half of a 64-bit lane, where _mm256_mul_epu32 reads it; the
   high halves hold rubbish that nothing reads. Of the counter only word 0 differs between the blocks of a call, so half
   of the first three rounds is the same for all and is done once. */
static void philox_words(uint32_t *words, uint64_t block, int64_t blocks, const Address *address) {
  const uint32_t high = (uint32_t)(block >> 32);
  if ((block + (uint64_t)blocks + PHILOX_GROUP) >> 32 != high) {
    philox_each(words, block, blocks, address);
    return;
  }
  __m256i k0[PHILOX_ROUNDS], k1[PHILOX_ROUNDS];
  for (uint32_t round = 0; round < PHILOX_ROUNDS; round++) {
    k0[round] = _mm256_set1_epi64x(address->key0 + round * PHILOX_W0);
    k1[round] = _mm256_set1_epi64x(address->key1 + round * PHILOX_W1);
  }
  /* After round 0 words 0 and 1 are shared, after round 1 the product of the shared word 0 is. */
  const uint64_t product1 = (uint64_t)PHILOX_M1 * address->step;
  const uint64_t product0 = (uint64_t)PHILOX_M0 * ((uint32_t)(product1 >> 32) ^ high ^ address->key0);
  const __m256i shared0 = _mm256_xor_si256(_mm256_set1_epi64x(address->site), k1[0]);
  const __m256i shared1 = _mm256_xor_si256(_mm256_set1_epi64x((int64_t)(product1 & 0xffffffff)), k0[1]);
  const __m256i shared2 = _mm256_xor_si256(_mm256_set1_epi64x((int64_t)(product0 >> 32)), k1[1]);
  const __m256i shared3 = _mm256_xor_si256(_mm256_set1_epi64x((int64_t)(product0 & 0xffffffff)), k1[2]);
  const __m256i m0 = _mm256_set1_epi64x(PHILOX_M0), m1 = _mm256_set1_epi64x(PHILOX_M1);
  const __m256i four = _mm256_set1_epi64x(4);
  /* Lanes hold blocks 0, 2, 1, 3, so that the unpacks below leave the words in order. */
  __m256i number = _mm256_add_epi64(_mm256_set1_epi64x((int64_t)block), _mm256_set_epi64x(3, 1, 2, 0));
  for (int64_t i = 0; i < blocks; i += PHILOX_GROUP) {
    __m256i c0[REGISTERS], c1[REGISTERS], c2[REGISTERS], c3[REGISTERS];
#pragma GCC unroll 8
    for (int g = 0; g < REGISTERS; g++) {
      const __m256i first = _mm256_mul_epu32(m0, number);
      number = _mm256_add_epi64(number, four);
      const __m256i second = _mm256_mul_epu32(m1, _mm256_xor_si256(_mm256_srli_epi64(first, 32), shared0));
      const __m256i p0 = _mm256_mul_epu32(m0, _mm256_xor_si256(_mm256_srli_epi64(second, 32), shared1));
      const __m256i p1 = _mm256_mul_epu32(m1, _mm256_xor_si256(first, shared2));
      c0[g] = _mm256_xor_si256(_mm256_srli_epi64(p1, 32), _mm256_xor_si256(second, k0[2]));
      c1[g] = p1;
      c2[g] = _mm256_xor_si256(_mm256_srli_epi64(p0, 32), shared3);
      c3[g] = p0;
    }
#pragma GCC unroll 8
    for (int round = 3; round < PHILOX_ROUNDS; round++) {
#pragma GCC unroll 8
      for (int g = 0; g < REGISTERS; g++) {
        const __m256i p0 = _mm256_mul_epu32(m0, c0[g]), p1 = _mm256_mul_epu32(m1, c2[g]);
        c0[g] = _mm256_xor_si256(_mm256_srli_epi64(p1, 32), _mm256_xor_si256(c1[g], k0[round]));
        c1[g] = p1;
        c2[g] = _mm256_xor_si256(_mm256_srli_epi64(p0, 32), _mm256_xor_si256(c3[g], k1[round]));
        c3[g] = p0;
      }
    }
#pragma GCC unroll 8
    for (int g = 0; g < REGISTERS; g++) {
      const __m256i w01 = _mm256_blend_epi32(c0[g], _mm256_slli_epi64(c1[g], 32), 0xaa);
      const __m256i w23 = _mm256_blend_epi32(c2[g], _mm256_slli_epi64(c3[g], 32), 0xaa);
      __m256i *out = (__m256i *)(words + 4 * i + 16 * g);
      _mm256_storeu_si256(out, _mm256_unpacklo_epi64(w01, w23));
      _mm256_storeu_si256(out + 1, _mm256_unpackhi_epi64(w01, w23));
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
static void philox_words(uint32_t *words, uint64_t block, int64_t blocks, const Address *address) {
  for (int64_t i = 0; i < blocks; i += PHILOX_GROUP) {
    uint32x4_t c0[REGISTERS], c1[REGISTERS], c2[REGISTERS], c3[REGISTERS];
    for (int g = 0; g < REGISTERS; g++) {
      uint32_t low[4], high[4];
      for (int lane = 0; lane < 4; lane++) {
        const uint64_t number = block + (uint64_t)(i + 4 * g + lane);
        low[lane] = (uint32_t)number;
        high[lane] = (uint32_t)(number >> 32);
      }
      c0[g] = vld1q_u32(low);
      c1[g] = vld1q_u32(high);
      c2[g] = vdupq_n_u32(address->step);
      c3[g] = vdupq_n_u32(address->site);
    }
    uint32_t k0 = address->key0, k1 = address->key1;
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

#else

static void philox_words(uint32_t *words, uint64_t block, int64_t blocks, const Address *address) {
  philox_each(words, block, blocks, address);
}

#endif

#endif
