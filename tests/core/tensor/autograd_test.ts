/** Gradients through graphs of every form, and the early return of gradient buffers to the pool. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  clipGradients,
  customGradient,
  gradients,
  Key,
  lstm,
  noGrad,
  OptionError,
  poolStatistics,
  recycling,
  ShapeError,
  Tensor,
  ThinnedError,
} from "../../../mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { Dice, doubles, random, withSeed } from "../_tensors.ts";

const leaf = (value: number) => doubles(value).withGradient();
const items = (tensors: readonly Tensor[]) => tensors.map((tensor) => tensor.item());

Deno.test("gradients() of a shared subexpression adds up all its uses", () => {
  const x = leaf(3);
  const square = x.mul(x);
  assertEquals(items(gradients(square.add(square).mul(square), [x])), [4 * 2 * 27]);
});

Deno.test("gradients() of a diamond adds up both ways", () => {
  checkGradient(([x]) => {
    const top = x.sin();
    return top.exp().mul(top.square()).add(top);
  }, [random([3], 1)]);
});

Deno.test("gradients() gives zeros for a tensor that the loss does not depend on", () => {
  const [x, unused] = [leaf(2), Tensor.ones([2, 3], "float64").withGradient()];
  const [dx, dUnused] = gradients(x.square(), [x, unused]);
  assertEquals(dx.item(), 4);
  assertEquals(dUnused.toArray(), [[0, 0, 0], [0, 0, 0]]);
});

Deno.test("gradients() reaches tensors inside the graph, and the loss itself", () => {
  const x = leaf(2);
  const inner = x.square();
  const loss = inner.mul(3);
  assertEquals(items(gradients(loss, [inner, x, loss])), [3, 12, 1]);
});

Deno.test("gradients() by one tensor asked for twice gives it twice", () => {
  const x = leaf(2);
  assertEquals(items(gradients(x.mul(5), [x, x])), [5, 5]);
});

Deno.test("gradients() gives each gradient a buffer of its own, which no tensor made before shares", () => {
  const [a, b] = [doubles([[1, 2]]).withGradient(), doubles([[3, 4]]).withGradient()];
  const [sum, constant] = [a.add(b), doubles([[5, 6]])];
  const flat = sum.reshape([2]);
  const stored = customGradient([flat], ([x]) => x, () => [constant.reshape([2])]);
  const handed = customGradient([sum], ([x]) => x, (dy) => [Tensor.from(dy.floats, dy.shape)]);
  const upstream = doubles([[1, 1]]);
  const cases: [Tensor, Tensor[], Tensor][] = [
    [sum, [a, b, sum, a], upstream],
    [stored, [flat, sum, a, b], doubles([1, 1])],
    [handed, [a, b, handed], upstream],
    [a, [a], upstream],
  ];
  for (const [loss, wrt, start] of cases) {
    for (const within of [recycling, <T>(body: () => T) => body()]) {
      within(() => {
        const found = gradients(loss, wrt, start);
        const before = found.map((gradient) => gradient.toArray());
        found.forEach((gradient, i) => {
          gradient.floats.fill(100 + i);
          found.slice(i + 1).forEach((later, j) => assertEquals(later.toArray(), before[i + 1 + j]));
        });
        assertEquals([start, upstream, constant].map(({ floats }) => Math.max(...floats)), [1, 1, 6]);
        assertEquals([a, b].map((tensor) => tensor.toArray()), [[[1, 2]], [[3, 4]]]);
      });
    }
  }
});

Deno.test("gradients() copies nothing that is the caller's own already", () => {
  const [x, y] = [Tensor.ones([1009], "float64").withGradient(), Tensor.ones([1009], "float64").withGradient()];
  recycling(() => {
    const loss = x.mul(y).sum();
    const before = poolStatistics();
    gradients(loss, [x, y]);
    const { allocated, reused } = poolStatistics();
    // The loss's gradient, that of the product, and one for each factor.
    assertEquals(allocated + reused - before.allocated - before.reused, 4);
  });
});

Deno.test("an LSTM's two biases are clipped once each: the common length is what was asked for", () => {
  const model = buildModel(lstm(3), { inputShape: [4, 2], seed: 1 });
  const weights = model.parameters().map(({ tensor }) => tensor);
  const x = Tensor.normal([5, 4, 2], Key.seed(1).at("x"));
  const length = (found: readonly Tensor[]) => Math.sqrt(found.reduce((sum, g) => sum + g.square().sum().item(), 0));
  const slopes = gradients(model.forward(x, { mode: "eval" }).mul(100).square().sum(), weights);
  const before = length(slopes);
  const found = clipGradients(slopes, { norm: 1 });
  assert(Math.abs(found / before - 1) < 1e-6 && before > 10, `${found}, ${before}`);
  assert(Math.abs(length(slopes) - 1) < 1e-5, String(length(slopes)));
});

Deno.test("gradients() can be taken twice of one graph", () => {
  const x = leaf(2);
  const loss = x.exp().mul(x);
  assertEquals(items(gradients(loss, [x])), items(gradients(loss, [x])));
});

Deno.test("gradients() starts from the upstream gradient that it is given", () => {
  const x = doubles([1, 2]).withGradient();
  assertEquals(gradients(x.square(), [x], doubles([10, 100]))[0].toArray(), [20, 400]);
});

Deno.test("gradients() refuses a loss with several elements, a wrong upstream, and a tensor without a gradient", () => {
  const x = doubles([1, 2]).withGradient();
  assertThrows(() => gradients(x.square(), [x]), ShapeError, "[2]");
  assertThrows(() => gradients(x, [x], doubles([1])), ShapeError, "[2], found [1]");
  assertThrows(() => gradients(x.sum(), [doubles(1)]), ThinnedError, "withGradient()");
});

Deno.test("operands that are one tensor get the gradients of both", () => {
  const x = leaf(3);
  assertEquals(items(gradients(x.add(x), [x])), [2]);
  assertEquals(items(gradients(x.sub(x), [x])), [0]);
  assertEquals(items(gradients(x.mul(x), [x])), [6]);
  assertEquals(items(gradients(x.div(x), [x])), [0]);
  assertEquals(items(gradients(Tensor.stack([x, x, x]).sum(), [x])), [3]);
  checkGradient(([m]) => m.matmul(m).matmul(m, { transposeB: true }), [random([3, 3], 2)]);
});

Deno.test("a gradient that an op passes on to two operands as it is stays right when one of them gets more", () => {
  const [a, b] = [leaf(1), leaf(1)];
  const early = a.mul(5);
  const sum = a.add(b);
  const loss = sum.mul(2).add(sum.mul(3)).add(early);
  assertEquals(items(gradients(loss, [a, b, sum])), [10, 5, 5]);
});

Deno.test("gradients that are views of one another stay right when one of them gets more", () => {
  const a = doubles([1, 2, 3, 4]).withGradient();
  const early = a.mul(5).sum();
  const square = a.reshape([2, 2]);
  const loss = square.mul(2).add(square.mul(3)).sum().add(early);
  const [da, dSquare] = gradients(loss, [a, square]);
  assertEquals(da.toArray(), [10, 10, 10, 10]);
  assertEquals(dSquare.toArray(), [[5, 5], [5, 5]]);
});

Deno.test("noGrad() remembers nothing inside and goes on remembering after an error", () => {
  const x = leaf(1);
  assertEquals(noGrad(() => x.exp()).requiresGradient, false);
  assertThrows(() =>
    noGrad(() => {
      throw new Error("inside");
    })
  );
  assertEquals(x.exp().requiresGradient, true);
});

Deno.test("detach() and comparisons stop gradients", () => {
  const x = leaf(2);
  assertEquals(items(gradients(x.detach().mul(x), [x])), [2]);
  assertEquals(x.greater(1).requiresGradient, false);
});

Deno.test("customGradient() stands for the gradient of what it runs, for several inputs", () => {
  const [x, y] = [leaf(2), leaf(3)];
  const product = customGradient([x, y], ([a, b]) => a.mul(b), (dy) => [dy.mul(10), null]);
  assertEquals(product.item(), 6);
  assertEquals(items(gradients(product.mul(2), [x, y])), [20, 0]);
});

Deno.test("customGradient() may return its input, and one gradient for several inputs", () => {
  recycling(() => {
    const [x, y] = [leaf(2), leaf(3)];
    const same = customGradient([x], ([a]) => a, (dy) => [dy.neg()]);
    const both = customGradient([same, y, x], ([a, b, c]) => a.add(b).add(c), (dy) => {
      const one = dy.mul(2);
      return [one, one, one.reshape([])];
    });
    assertEquals(items(gradients(both.add(x).add(y), [x, y])), [2 - 2 + 1, 2 + 1]);
  });
});

Deno.test("customGradient() leaves the history of a tensor that it gives as it is", () => {
  const [x, other, constant] = [leaf(2), leaf(3), doubles(4)];
  const square = other.square();
  for (const output of [square, other, constant, x]) {
    const before = output.requiresGradient;
    const y = customGradient([x], () => output, (dy) => [dy.mul(7)]);
    assertEquals(items(gradients(y, [x, other])), [7, 0]);
    assertEquals(output.requiresGradient, before);
  }
  assertEquals(items(gradients(square.add(other), [other])), [7]);
});

Deno.test("gradients of another element type or another number are refused by the op's name", () => {
  const [x, y] = [leaf(2), leaf(3)];
  const narrow = customGradient([x], ([a]) => a, (dy) => [dy.cast("float32")]);
  assertThrows(() => gradients(narrow, [x]), OptionError, "customGradient: its gradient for input 0: expected float64");
  const few = customGradient([x, y], ([a]) => a, (dy) => [dy]);
  assertThrows(() => gradients(few, [x, y]), ShapeError, "customGradient: expected a gradient or null for each of 2");
  assertThrows(() => gradients(x.square(), [x], Tensor.of(1)), OptionError, 'float64, found "float32"');
});

Deno.test("a graph of 100,000 ops, in a row or out of one tensor, does not overflow the stack", () => {
  const x = leaf(1);
  let row: Tensor = x;
  for (let i = 0; i < 100_000; i++) row = row.add(1e-6);
  assertEquals(items(gradients(row, [x])), [1]);
  let sum: Tensor = x;
  for (let i = 0; i < 50_000; i++) sum = sum.add(x.neg());
  assertEquals(items(gradients(sum, [x])), [1 - 50_000]);
});

Deno.test("a gradient of the wrong shape is refused by the op's name", () => {
  const x = doubles([1, 2]).withGradient();
  const y = customGradient([x], ([a]) => a.sum(), (dy) => [dy]);
  assertThrows(() => gradients(y, [x]), ShapeError, "customGradient: its gradient for input 0 has shape []");
});

/** A random graph over [2, 3] tensors: each node is made of earlier ones, so many are shared. */
function randomGraph(dice: Dice, leaves: readonly Tensor[]): Tensor[] {
  const key = Key.seed(1).at("graph");
  const nodes: Tensor[] = [...leaves];
  const recent = () => nodes[Math.max(0, nodes.length - 1 - dice.below(5))];
  for (let i = 0; i < 12; i++) {
    const [a, b] = [recent(), recent()];
    const makers: (() => Tensor)[] = [
      () => a.add(b),
      () => a.sub(b),
      () => a.add(a),
      () => a.mul(b.tanh()),
      () => a.reshape([3, 2]).reshape([2, 3]),
      () => a.reshape([6]).add(b.reshape([6])).reshape([2, 3]),
      () => a.transpose().transpose(),
      () => a.sum(0).add(b),
      () => Tensor.concat([a, b], 1).slice([0, 1], [2, 4]),
      () => a.tanh(),
      () => a.mean(1, true).broadcastTo([2, 3]),
      () => a.matmul(b, { transposeB: true }).tanh().matmul(a),
      () => a.dropout(key.atStep(i), 0.4),
      () => a.softmax().add(b.logSoftmax()),
      () => customGradient([a, b], ([x, y]) => x.add(y), (dy) => [dy, dy]),
      () =>
        customGradient([a, b], ([x, y]) => x.add(y).mul(0.5), (dy) => {
          const one = dy.mul(0.5);
          return [one, one];
        }),
    ];
    nodes.push(dice.of(makers)().mul(0.7));
    if (dice.below(3) === 0) nodes.push(dice.of(makers)());
  }
  return nodes;
}

Deno.test("gradients inside recycling() equal those outside bit for bit, for random graphs", () => {
  withSeed((seed) => {
    for (let round = 0; round < 150; round++) {
      const build = () => {
        const dice = new Dice(seed + round);
        const leaves = [0, 1, 2].map((i) => random([2, 3], 10 * round + i).withGradient());
        const nodes = randomGraph(dice, leaves);
        const loss = nodes.slice(-4).reduce((a, b) => a.add(b)).square().mean();
        const wanted = [...leaves, ...nodes.filter((node) => node.requiresGradient && dice.below(4) === 0)];
        const found = gradients(loss, wanted);
        return [loss, ...nodes, ...found].map((tensor) => [...tensor.floats]);
      };
      const outside = build();
      for (let again = 0; again < 2; again++) {
        assertEquals(recycling(build), outside, `round ${round}`);
      }
    }
  });
});

Deno.test("gradients of random graphs agree with central differences", () => {
  withSeed((seed) => {
    for (let round = 0; round < 30; round++) {
      const graph = (inputs: Tensor[]) => {
        const nodes = randomGraph(new Dice(seed + round), inputs);
        return nodes.slice(-3).reduce((a, b) => a.add(b));
      };
      const leaves = [0, 1].map((i) => random([2, 3], 10 * round + i));
      checkGradient(graph, leaves, { tolerance: 1e-5, seed: round });
    }
  });
});

Deno.test("gradient buffers go back to the pool while gradients are carried back", () => {
  const [depth, size] = [40, 1013]; // a size that no other test uses
  const before = poolStatistics().allocated;
  recycling(() => {
    const x = Tensor.ones([size], "float64").withGradient();
    let y = x;
    for (let i = 0; i < depth; i++) y = y.sin();
    gradients(y.sum(), [x]);
  });
  const backward = poolStatistics().allocated - before - depth;
  assert(backward < 10, `${backward} buffers for the gradients of ${depth} ops`);
});
