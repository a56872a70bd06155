/**
 * The inverse of the normal distribution function, written with additions, multiplications, divisions and square roots
 * only, which IEEE 754 fixes to the last bit, in one order; `native/src/normal.h` does the same in C. So normal
 * numbers, too, are the same bits on every backend.
 *
 * Source: Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37 (1988),
 * routine PPND16, relative accuracy about 1e-16. Its far tail (beyond 1e-11) cannot be reached with 32 bits.
 *
 * @module
 */

/** Natural logarithm of a whole number in [1, 2^32), by exact scaling and the series of the inverse tangent. */
function logOfWhole(n: number): number {
  let exponent = 31 - Math.clz32(n);
  let mantissa = n / 2 ** exponent; // in [1, 2)
  if (mantissa > Math.SQRT2) {
    mantissa *= 0.5;
    exponent += 1;
  }
  const s = (mantissa - 1) / (mantissa + 1); // |s| < 0.1716
  const t = s * s;
  let sum = 1 / 23;
  for (let odd = 21; odd >= 1; odd -= 2) sum = sum * t + 1 / odd;
  return exponent * Math.LN2 + 2 * s * sum;
}

/**
 * The standard normal number of a random word: the quantile at `(word + 1/2) * 2^-32`.
 *
 * @param word an unsigned 32-bit number
 */
export function normalOfWord(word: number): number {
  const q = (word - 2147483647.5) / 4294967296;
  if (q >= -0.425 && q <= 0.425) {
    const r = 0.180625 - q * q;
    const above = ((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r +
                      45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427) * r +
          133.14166789178437745) * r + 3.387132872796366608;
    const below = ((((((5226.495278852854561 * r + 28729.085735721942674) * r + 39307.89580009271061) * r +
                      21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083) * r +
          42.313330701600911252) * r + 1;
    return q * above / below;
  }
  // The nearer tail's probability is n * 2^-33 with n odd.
  const n = q < 0 ? 2 * word + 1 : 2 * (4294967295 - word) + 1;
  const r = Math.sqrt(33 * Math.LN2 - logOfWhole(n)) - 1.6;
  const above = ((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r +
                    1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055) * r +
        4.6303378461565452959) * r + 1.42343711074968357734;
  const below = ((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r +
                    0.14810397642748007459) * r + 0.68976733498510000455) * r + 1.6763848301838038494) * r +
        2.05319162663775882187) * r + 1;
  return q < 0 ? -above / below : above / below;
}
