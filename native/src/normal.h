/*
 * The inverse of the normal distribution function: the same operations in the same order as core/backend/reference/normal.ts,
 * so the same bits. It must be compiled without contraction into fused multiply-adds.
 *
 * Source: Wichura, "Algorithm AS 241", Applied Statistics 37 (1988), routine PPND16.
 */
#ifndef THINNED_NORMAL_H
#define THINNED_NORMAL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define LN2 0.6931471805599453
#define SQRT2 1.4142135623730951

/* Probability less one half of a word: (word - 2147483647.5) / 2^32. The signed form converts in one instruction. */
static inline double normal_q(uint32_t word) {
  return ((double)(int32_t)(word ^ 0x80000000u) + 0.5) * 0x1p-32;
}

/* Whether |q| > 0.425: the words below 322122547 and above 3972844748. */
static inline int32_t normal_is_tail(uint32_t word) { return word - 322122547u > 3972844748u - 322122547u; }

static inline double normal_central(double q) {
  const double r = 0.180625 - q * q;
  double above = 2509.0809287301226727;
  above = above * r + 33430.575583588128105;
  above = above * r + 67265.770927008700853;
  above = above * r + 45921.953931549871457;
  above = above * r + 13731.693765509461125;
  above = above * r + 1971.5909503065514427;
  above = above * r + 133.14166789178437745;
  above = above * r + 3.387132872796366608;
  double below = 5226.495278852854561;
  below = below * r + 28729.085735721942674;
  below = below * r + 39307.89580009271061;
  below = below * r + 21213.794301586595867;
  below = below * r + 5394.1960214247511077;
  below = below * r + 687.1870074920579083;
  below = below * r + 42.313330701600911252;
  below = below * r + 1;
  return q * above / below;
}

/* Natural logarithm of a whole number in [1, 2^32). */
static inline double log_of_whole(uint32_t n) {
  const double value = (double)n;
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  int32_t exponent = (int32_t)(bits >> 52) - 1023;
  const uint64_t fraction = (bits & 0xfffffffffffffu) | 0x3ff0000000000000u;
  double mantissa;
  memcpy(&mantissa, &fraction, sizeof mantissa);
  const int32_t above = mantissa > SQRT2;
  mantissa = above ? mantissa * 0.5 : mantissa;
  exponent += above;
  const double s = (mantissa - 1) / (mantissa + 1), t = s * s;
  double sum = 1.0 / 23;
  sum = sum * t + 1.0 / 21;
  sum = sum * t + 1.0 / 19;
  sum = sum * t + 1.0 / 17;
  sum = sum * t + 1.0 / 15;
  sum = sum * t + 1.0 / 13;
  sum = sum * t + 1.0 / 11;
  sum = sum * t + 1.0 / 9;
  sum = sum * t + 1.0 / 7;
  sum = sum * t + 1.0 / 5;
  sum = sum * t + 1.0 / 3;
  sum = sum * t + 1.0;
  return exponent * LN2 + 2 * s * sum;
}

static inline double normal_tail(uint32_t word) {
  const int32_t negative = word < 0x80000000u;
  /* The nearer tail's probability is n * 2^-33 with n odd. */
  const uint32_t n = 2 * (negative ? word : ~word) + 1;
  const double r = sqrt(33 * LN2 - log_of_whole(n)) - 1.6;
  double above = 7.7454501427834140764e-4;
  above = above * r + 0.0227238449892691845833;
  above = above * r + 0.24178072517745061177;
  above = above * r + 1.27045825245236838258;
  above = above * r + 3.64784832476320460504;
  above = above * r + 5.7694972214606914055;
  above = above * r + 4.6303378461565452959;
  above = above * r + 1.42343711074968357734;
  double below = 1.05075007164441684324e-9;
  below = below * r + 5.475938084995344946e-4;
  below = below * r + 0.0151986665636164571966;
  below = below * r + 0.14810397642748007459;
  below = below * r + 0.68976733498510000455;
  below = below * r + 1.6763848301838038494;
  below = below * r + 2.05319162663775882187;
  below = below * r + 1;
  const double value = above / below;
  return negative ? -value : value;
}

#endif
