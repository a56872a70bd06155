/** The buffer pool: nothing allocated in steady state, nothing read after it was given back. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  affine,
  type Backend,
  crossEntropyRows,
  customGradient,
  gradients,
  Key,
  noGrad,
  poolStatistics,
  RecycledError,
  recycling,
  reference,
  Tensor,
  useBackend,
} from "../../../core/mod.ts";
import { withSeed } from "../_tensors.ts";

/** One training step of a two-layer network with dropout, in place. */
function step(weights: readonly Tensor[], key: Key): number {
  return recycling(() => {
    const [w1, b1, w2] = weights;
    const x = Tensor.uniform([16, 12], key.at("x"));
    const hidden = affine(x, w1, b1, "relu").dropout(key.at("drop"), 0.5);
    const labels = Tensor.from(Int32Array.from({ length: 16 }, (_, i) => i % 4), [16]);
    const loss = crossEntropyRows(affine(hidden, w2, null), labels).mean();
    const slopes = gradients(loss, weights);
    noGrad(() => weights.forEach((weight, i) => weight.assign(weight.sub(slopes[i].mul(0.1)))));
    return loss.item();
  });
}

function freshWeights(): Tensor[] {
  const key = Key.seed(1).at("weights");
  return [
    Tensor.normal([20, 12], key.at("w1")).mul(0.3).withGradient(),
    Tensor.zeros([20]).withGradient(),
    Tensor.normal([4, 20], key.at("w2")).mul(0.3).withGradient(),
  ];
}

Deno.test("a training step in steady state allocates nothing", () => {
  const weights = freshWeights();
  const key = Key.seed(2).at("run");
  step(weights, key);
  const { allocated, freeBytes, reused } = poolStatistics();
  for (let i = 1; i <= 20; i++) step(weights, key.atStep(i));
  assertEquals(poolStatistics().allocated, allocated);
  assertEquals(poolStatistics().freeBytes, freeBytes);
  assert(poolStatistics().reused > reused);
});

/** One step of a small net over sequences of some length. */
function sequenceStep(length: number, weights: readonly Tensor[]): void {
  recycling(() => {
    const x = Tensor.ones([4, length, 2]);
    const states = x.matmul(weights[0]).tanh();
    const gates = states.sigmoid().mul(weights[1]);
    gradients(states.mul(gates).reshape([4 * length, 64]).square().mean(), weights);
  });
}

Deno.test("sequences of 300 lengths leave little more in memory than twice what the longest needs", () => {
  const weights = [Tensor.full([2, 64], 0.1).withGradient(), Tensor.full([64], 0.5).withGradient()];
  sequenceStep(300, weights);
  const longest = poolStatistics().highWater;
  assert(longest > 2 ** 20, String(longest));
  let most = 0;
  for (let i = 0; i < 300; i++) {
    sequenceStep((i * 131) % 300 + 1, weights);
    most = Math.max(most, poolStatistics().heldBytes);
    assertEquals(poolStatistics().freeBytes, poolStatistics().heldBytes);
  }
  // A little more, because other lengths may fall into size classes less well.
  assert(most <= 2.5 * longest, `${most} bytes held, the longest needs ${longest}`);

  const { allocated } = poolStatistics();
  for (let i = 0; i < 5; i++) sequenceStep(300, weights);
  const settled = poolStatistics().allocated;
  assert(settled - allocated < 30, `${settled - allocated} buffers until one length had settled`);
  for (let i = 0; i < 5; i++) sequenceStep(300, weights);
  assertEquals(poolStatistics().allocated, settled);
});

Deno.test("training on recycled buffers gives the same bits as a first run on fresh ones", () => {
  withSeed((seed) => {
    const run = () => {
      const weights = freshWeights();
      const losses = Array.from({ length: 5 }, (_, i) => step(weights, Key.seed(seed).at("run").atStep(i)));
      return [losses, ...weights.map((weight) => weight.toArray())];
    };
    assertEquals(run(), run());
  });
});

Deno.test("a tensor read after its step throws RecycledError, and so do its views", () => {
  let inside = Tensor.of(0);
  let view = inside;
  recycling(() => {
    inside = Tensor.ones([4]).add(1);
    view = inside.reshape([2, 2]);
  });
  for (const tensor of [inside, view]) {
    assertThrows(() => tensor.floats, RecycledError, "call keep() on it inside the step");
    assertThrows(() => tensor.toArray(), RecycledError);
    assertThrows(() => tensor.add(1), RecycledError);
  }
  assertEquals(String(inside), "Tensor(float32 [4]: recycled)");
});

Deno.test("keep() makes a tensor and its views outlive the step", () => {
  const kept = recycling(() => Tensor.ones([4]).add(1).keep());
  const view = recycling(() => Tensor.ones([4]).add(2).reshape([2, 2]).keep());
  recycling(() => Tensor.zeros([4]).add(9));
  assertEquals(kept.toArray(), [2, 2, 2, 2]);
  assertEquals(view.toArray(), [[3, 3], [3, 3]]);
});

Deno.test("tensors made outside of a step are left alone by it", () => {
  const outside = Tensor.ones([3]);
  recycling(() => outside.mul(2));
  const own = recycling(() => Tensor.from(new Float32Array(3), [3]));
  assertEquals(outside.toArray(), [1, 1, 1]);
  assertEquals(own.toArray(), [0, 0, 0]);
});

Deno.test("nested steps give back their own buffers only", () => {
  recycling(() => {
    const outer = Tensor.ones([5]).add(1);
    const inner = recycling(() => outer.add(1));
    assertThrows(() => inner.floats, RecycledError);
    assertEquals(outer.toArray(), [2, 2, 2, 2, 2]);
    assertEquals(outer.add(0).toArray(), [2, 2, 2, 2, 2]);
  });
});

Deno.test("keep() inside a nested step lasts beyond the outer one, whichever step made the tensor", () => {
  const [a, b] = recycling(() => {
    const outer = Tensor.ones([5]).add(1);
    return recycling(() => [outer.keep(), outer.add(1).keep()]);
  });
  assertEquals(a.toArray(), [2, 2, 2, 2, 2]);
  assertEquals(b.toArray(), [3, 3, 3, 3, 3]);
});

Deno.test("gradients taken in a nested step leave the outer step's buffers alone", () => {
  recycling(() => {
    const x = Tensor.ones([3]).withGradient();
    const loss = x.square().mul(3).sum();
    const slope = recycling(() => gradients(loss, [x])[0].toArray());
    assertEquals(slope, [6, 6, 6]);
    assertEquals(gradients(loss, [x])[0].toArray(), [6, 6, 6]);
  });
});

Deno.test("a step that throws gives its buffers back and closes", () => {
  let inside = Tensor.of(0);
  assertThrows(() =>
    recycling(() => {
      inside = Tensor.ones([2]).add(1);
      throw new Error("inside");
    })
  );
  assertThrows(() => inside.floats, RecycledError);
  assertEquals(Tensor.ones([2]).add(1).toArray(), [2, 2]); // outside: lasts
});

Deno.test("a tensor that is kept, once or twice, is no more among what the pool holds", () => {
  recycling(() => {
    const before = poolStatistics().heldBytes;
    const made = Tensor.ones([4099]);
    const bytes = poolStatistics().heldBytes - poolStatistics().freeBytes;
    assert(bytes >= 4 * 4099 && bytes < 5 * 4099);
    made.keep();
    made.reshape([1, 4099]).keep();
    assertEquals(poolStatistics().heldBytes - poolStatistics().freeBytes, 0);
    assert(poolStatistics().heldBytes <= before);
    assertEquals(made.sum().item(), 4099);
  });
});

Deno.test("a gradient that is kept while it is carried back stays readable", () => {
  for (const within of [recycling, <T>(body: () => T) => body()]) {
    const seen: Tensor[] = [];
    within(() => {
      const x = Tensor.ones([3]).withGradient();
      const y = customGradient([x.mul(2)], ([a]) => a, (dy) => {
        seen.push(dy.keep());
        return [dy.mul(1)];
      });
      gradients(y.mul(3).sum(), [x]);
    });
    assertEquals(seen.map((tensor) => tensor.toArray()), [[3, 3, 3]]);
  }
});

Deno.test("keep() refuses a tensor whose step has ended", () => {
  const ended = recycling(() => Tensor.ones([4]));
  assertThrows(() => ended.keep(), RecycledError, "call keep() on it inside the step");
});

Deno.test("the numbers of a tensor are as many as it has elements, wherever its buffer comes from", () => {
  for (const size of [0, 1, 9, 100, 129]) {
    for (const dtype of ["float32", "float64", "int32"] as const) {
      recycling(() => {
        const made = Tensor.full([size], 3, dtype);
        assertEquals(made.storage.array.length, size);
        assertEquals(made.toArray(), new Array(size).fill(3));
      });
    }
  }
});

Deno.test("buffers are made by the current backend, inside of steps and outside, but for float64", () => {
  const made: [string, number][] = [];
  const allocate = ((dtype: "float32", length: number) => {
    made.push([dtype, length]);
    return reference.allocate(dtype, length);
  }) as Backend["allocate"];
  recycling(() => Tensor.zeros([7]));
  const before = useBackend({ ...reference, allocate });
  try {
    Tensor.zeros([11]);
    Tensor.zeros([12], "float64");
    recycling(() => [Tensor.zeros([7]), Tensor.zeros([5], "int32")]);
    recycling(() => Tensor.zeros([7]));
  } finally {
    useBackend(before);
  }
  Tensor.zeros([3]);
  assertEquals(made, [["float32", 11], ["float32", 7], ["int32", 5]]);
});

Deno.test("a buffer from the pool never shows old numbers in ops that fill part of it", () => {
  recycling(() => Tensor.full([4, 4], 7).add(0));
  recycling(() => {
    assertEquals(Tensor.zeros([4, 4]).sum().item(), 0);
    assertEquals(Tensor.ones([2, 2]).pad([[1, 1], [1, 1]]).sum().item(), 4);
    assertEquals(Tensor.zeros([4, 0]).matmul(Tensor.zeros([0, 4])).sum().item(), 0);
    assertEquals(Tensor.bernoulli([4, 4], Key.seed(0), 1).sum().item(), 0);
  });
});
