/** First values of weights: their means and variances within stated standard errors, bounds, and right angles. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Key, reference, type Tensor, useBackend } from "../../core/mod.ts";
import { type Initializer, initializerSchema, initialWeight } from "../../plugins/layers/_initializers.ts";
import { assertWithin, mean, variance } from "../core/_statistics.ts";
import { freshSeed } from "../core/_tensors.ts";

const [FAN_OUT, FAN_IN] = [200, 300];

function draw(kind: Initializer, seed: number, shape: readonly number[] = [FAN_OUT, FAN_IN]): Tensor {
  return initialWeight(kind, shape, FAN_IN, FAN_OUT, Key.seed(seed).at("weight"), "float64");
}

/** Expected variance, and the fourth moment over its square. */
const moments: Partial<Record<Initializer, [variance: number, kurtosis: number]>> = {
  "he-normal": [2 / FAN_IN, 3],
  "he-uniform": [2 / FAN_IN, 1.8],
  "glorot-normal": [2 / (FAN_IN + FAN_OUT), 3],
  "glorot-uniform": [2 / (FAN_IN + FAN_OUT), 1.8],
  "lecun-normal": [1 / FAN_IN, 3],
  "lecun-uniform": [1 / FAN_IN, 1.8],
  // A standard normal in [-2, 2] has variance 1 - 4 phi(2) / (2 Phi(2) - 1) and fourth moment 3 - 28 phi(2) / (...).
  "truncated-normal": [0.02 ** 2 * 0.7737413035, 1.4161890248 / 0.7737413035 ** 2],
};

for (const [kind, [expected, kurtosis]] of Object.entries(moments)) {
  Deno.test(`${kind} has mean 0 and variance ${expected.toExponential(3)}`, () => {
    const seed = 7;
    const values = draw(kind as Initializer, seed).floats;
    const n = values.length;
    assertWithin(mean(values), 0, Math.sqrt(expected / n), `mean of ${kind}, seed ${seed}`);
    const error = expected * Math.sqrt((kurtosis - 1) / n);
    assertWithin(variance(values), expected, error, `variance of ${kind}, seed ${seed}`);
  });
}

Deno.test("a weight begins in the only buffer that is made for it", () => {
  for (const kind of (initializerSchema as unknown as { options: Initializer[] }).options) {
    // What is made orthogonal is so in double precision; what is cut off is drawn again in smaller buffers.
    if (kind === "orthogonal") continue;
    let whole = 0;
    const allocate: typeof reference.allocate = (dtype: "float32" | "int32", length: number) => {
      if (length >= FAN_OUT * FAN_IN) whole++;
      return reference.allocate(dtype as "float32", length) as never;
    };
    const before = useBackend({ ...reference, allocate });
    try {
      initialWeight(kind, [FAN_OUT, FAN_IN], FAN_IN, FAN_OUT, Key.seed(1).at("weight"), "float32");
    } finally {
      useBackend(before);
    }
    assertEquals(whole, 1, kind);
  }
});

Deno.test("uniform weights stay inside their bound, and truncated ones inside two standard deviations", () => {
  const largest = (kind: Initializer) => draw(kind, 1).abs().max().item();
  assert(largest("lecun-uniform") < Math.sqrt(3 / FAN_IN) && largest("lecun-uniform") > 0.99 * Math.sqrt(3 / FAN_IN));
  assert(largest("truncated-normal") <= 0.04 && largest("truncated-normal") > 0.0399);
});

Deno.test("orthogonal weights have orthonormal rows, or columns if there are fewer", () => {
  for (const shape of [[5, 5], [3, 8], [8, 3], [4, 3, 2, 2], [1, 7], [7, 1], [1, 1]]) {
    const seed = freshSeed();
    const weight = draw("orthogonal", seed, shape);
    assertEquals(weight.shape, shape);
    const matrix = weight.reshape([shape[0], -1]);
    const wide = shape[0] <= matrix.shape[1];
    const product = wide ? matrix.matmul(matrix, { transposeB: true }) : matrix.matmul(matrix, { transposeA: true });
    const n = product.shape[0];
    product.floats.forEach((value, i) =>
      assertAlmostEquals(value, i % n === Math.floor(i / n) ? 1 : 0, 1e-12, `shape ${shape}, seed ${seed}`)
    );
  }
});

Deno.test("orthogonal weights point everywhere alike: each entry of a 3 by 3 one has mean 0 and variance 1/3", () => {
  const count = 2000;
  const seed = 11;
  const all = Array.from({ length: count }, (_, i) => draw("orthogonal", seed + i, [3, 3]).floats);
  for (let at = 0; at < 9; at++) {
    const values = all.map((floats) => floats[at]);
    // A coordinate of a random unit vector in three dimensions is uniform in [-1, 1].
    assertWithin(mean(values), 0, Math.sqrt(1 / 3 / count), `mean of entry ${at}, seed ${seed}`);
    assertWithin(variance(values), 1 / 3, 1 / 3 * Math.sqrt(0.8 / count), `variance of entry ${at}, seed ${seed}`);
  }
});

Deno.test("initial weights depend on their key alone, whatever the sample it stands at", () => {
  for (const kind of ["truncated-normal", "orthogonal", "lecun-uniform"] as const) {
    assertEquals(draw(kind, 5).toArray(), draw(kind, 5).toArray());
    assert(draw(kind, 5).floats[0] !== draw(kind, 6).floats[0]);
  }
});
