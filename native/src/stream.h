/*
 * Stores past the caches for arrays too large to stay in them: the memory lines need not be read before they are
 * overwritten, which is a third of the traffic.
 */
#ifndef THINNED_STREAM_H
#define THINNED_STREAM_H

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

/* From this many elements on, an array that is only written is streamed. */
#define STREAM_FROM ((int64_t)1 << 22)

/* Copies a short array that lies in the cache to where it will not be needed soon. */
static inline void stream_copy(float *out, const float *from, int64_t n) {
#if defined(__AVX__)
  int64_t i = 0;
  while (i < n && ((uintptr_t)(out + i) & 31) != 0) out[i] = from[i], i++;
  for (; i + 8 <= n; i += 8) _mm256_stream_ps(out + i, _mm256_loadu_ps(from + i));
  for (; i < n; i++) out[i] = from[i];
#elif defined(__SSE2__)
  int64_t i = 0;
  while (i < n && ((uintptr_t)(out + i) & 15) != 0) out[i] = from[i], i++;
  for (; i + 4 <= n; i += 4) _mm_stream_ps(out + i, _mm_loadu_ps(from + i));
  for (; i < n; i++) out[i] = from[i];
#else
  memcpy(out, from, (size_t)n * sizeof(float));
#endif
}

/* Asks for a short array from memory before it is read: reading in bursts keeps the processor's own prefetching from getting
   going. */
static inline void fetch_ahead(const float *x, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) __builtin_prefetch(x + i, 0, 3);
}

/* To be called before a task that has streamed ends. */
static inline void stream_fence(void) {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

#endif
