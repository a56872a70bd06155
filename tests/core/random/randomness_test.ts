/** Statistics of draws: rates, moments, distributions and independence, within stated standard errors. */
import { assert, assertEquals } from "@std/assert";
import { gradients, Key, Tensor } from "../../../core/mod.ts";
import { assertWithin, correlation, kolmogorovSmirnov, mean, variance } from "../_statistics.ts";

const COUNT = 2 ** 20;

for (const rate of [1e-6, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1 - 1e-6]) {
  Deno.test(`dropout() at rate ${rate} keeps units at its rate and keeps the mean`, () => {
    const x = Tensor.ones([COUNT]).withGradient();
    const y = x.dropout(Key.seed(11).at("rate"), rate);
    const kept = mean(Float64Array.from(y.floats, (value) => value === 0 ? 0 : 1));
    const error = Math.sqrt(rate * (1 - rate) / COUNT);
    assertWithin(kept, 1 - rate, error, `keep rate at rate ${rate}`);
    assertWithin(mean(y.floats), 1, error / (1 - rate), `mean at rate ${rate}`);
    const [dx] = gradients(y, [x], Tensor.ones([COUNT]));
    assertEquals(dx.floats, y.floats, "the gradient of a sum is the mask times its scale");
  });
}

Deno.test("dropout() at rate 1 gives zero gradients, also towards an infinity or NaN", () => {
  const x = Tensor.of([Infinity, NaN, 1]).withGradient();
  const y = x.dropout(Key.seed(1), 1);
  assertEquals(gradients(y, [x], Tensor.of([1, 2, NaN]))[0].toArray(), [0, 0, 0]);
});

Deno.test("dropout() of an infinity or NaN gives 0 where it is dropped, forward and backward", () => {
  for (const bad of [Infinity, -Infinity, NaN]) {
    for (const sharedAxes of [[], [0]]) {
      const key = Key.seed(2);
      const mask = Tensor.ones([4, 50]).dropout(key, 0.5, { sharedAxes });
      const x = Tensor.full([4, 50], bad).withGradient();
      const y = x.dropout(key, 0.5, { sharedAxes });
      const [dx] = gradients(y, [x], Tensor.full([4, 50], bad));
      const zeros = (tensor: Tensor) => Array.from(tensor.floats, (value) => value === 0);
      assertEquals(zeros(y), zeros(mask));
      assertEquals(zeros(dx), zeros(mask));
    }
  }
});

Deno.test("uniform numbers lie in (0, 1), at odd multiples of 2^-24, with the moments of their distribution", () => {
  const u = Tensor.uniform([COUNT], Key.seed(12).at("uniform")).floats;
  assert(u.every((value) => value > 0 && value < 1 && value * 2 ** 24 % 2 === 1));
  assertWithin(mean(u), 1 / 2, Math.sqrt(1 / 12 / COUNT), "mean");
  // The fourth central moment is 1/80, so the variance of the sample variance is (1/80 - 1/144) / n.
  assertWithin(variance(u), 1 / 12, Math.sqrt((1 / 80 - 1 / 144) / COUNT), "variance");
  const distance = kolmogorovSmirnov(u.slice(0, 100000), (x) => x);
  assert(distance < 1.95, `Kolmogorov-Smirnov: ${distance}; 1.95 is exceeded once in 1000`);
});

Deno.test("normal numbers have the moments and the distribution of the standard normal", () => {
  const z = Tensor.normal([COUNT], Key.seed(13).at("normal"), "float64").floats;
  assert(z.every((value) => Math.abs(value) < 6.4));
  assertWithin(mean(z), 0, Math.sqrt(1 / COUNT), "mean");
  assertWithin(variance(z), 1, Math.sqrt(2 / COUNT), "variance");
  assertWithin(mean(z.map((value) => value ** 3)), 0, Math.sqrt(15 / COUNT), "third moment");
  assertWithin(mean(z.map((value) => value ** 4)), 3, Math.sqrt(96 / COUNT), "fourth moment");
  const some = z.slice(0, 100000);
  const quantiles = Tensor.from(Float64Array.from(some).sort(), [some.length]).mul(Math.SQRT1_2).erf().add(1).mul(0.5);
  let at = 0;
  const distance = kolmogorovSmirnov(some, () => quantiles.floats[at++]);
  assert(distance < 1.95, `Kolmogorov-Smirnov: ${distance}; 1.95 is exceeded once in 1000`);
});

Deno.test("masks of other steps, sites, seeds and samples are uncorrelated", () => {
  const key = Key.seed(14).at("a");
  const draw = (key: Key) => Tensor.bernoulli([COUNT], key, 0.5).floats;
  const base = draw(key);
  const others = { "step 1": key.atStep(1), "site b": key.at("b"), "seed 15": Key.seed(15).at("a") };
  for (const [name, other] of Object.entries(others)) {
    assertWithin(correlation(base, draw(other)), 0, 1 / Math.sqrt(COUNT), `correlation with ${name}`);
  }
  for (const lag of [1, 2, 3, 4, 5, 8, 256, 1024]) {
    assertWithin(correlation(base, base, lag), 0, 1 / Math.sqrt(COUNT - lag), `correlation at lag ${lag}`);
  }
});

Deno.test("masks of 64 successive steps and of 64 sites are uncorrelated, pair by pair in the sum of squares", () => {
  const [count, rows] = [2 ** 14, 64];
  const root = Key.seed(16);
  for (const name of ["steps", "sites"]) {
    const masks = Array.from({ length: rows }, (_, i) => {
      const key = name === "steps" ? root.at("x").atStep(i) : root.at(`site-${i}`);
      return Tensor.bernoulli([count], key, 0.5, 1).floats;
    });
    let sum = 0;
    let pairs = 0;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < i; j++) {
        sum += correlation(masks[i], masks[j]) ** 2 * count;
        pairs++;
      }
    }
    // Each term is chi-squared with one degree of freedom: mean 1, variance 2.
    assertWithin(sum / pairs, 1, Math.sqrt(2 / pairs), `mean squared correlation of ${name}, times ${count}`);
  }
});
