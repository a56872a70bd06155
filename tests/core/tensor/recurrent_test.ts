/** Sequences as one op: gradients against differences over odd shapes, both directions and uneven lengths; unstack. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  gradients,
  gruSequence,
  Key,
  lstmSequence,
  OptionError,
  rnnSequence,
  type SequenceOptions,
  ShapeError,
  Tensor,
  unstack,
} from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { Dice, random, withSeed } from "../_tensors.ts";

type Run = (inputs: Tensor[], options: SequenceOptions) => Tensor;

/** Each op with its gates and the shapes of its inputs beyond the products and the weight. */
const ops: Record<string, { gates: number; run: Run; cell?: boolean; bias?: boolean }> = {
  "rnnSequence(tanh)": { gates: 1, run: ([p, w, h], options) => rnnSequence(p, w, h, "tanh", options) },
  "lstmSequence()": { gates: 4, cell: true, run: ([p, w, h, c], options) => lstmSequence(p, w, h, c, options) },
  "gruSequence()": { gates: 3, run: ([p, w, h], options) => gruSequence(p, w, null, h, options) },
  "gruSequence() with a bias": {
    gates: 3,
    bias: true,
    run: ([p, w, h, b], options) => gruSequence(p, w, b, h, options),
  },
};

function inputsOf(op: typeof ops[string], [time, batch, units]: readonly number[], seed: number): Tensor[] {
  const inputs = [
    random([time, batch, op.gates * units], seed),
    random([op.gates * units, units], seed + 1),
    random([batch, units], seed + 2),
  ];
  if (op.cell) inputs.push(random([batch, units], seed + 3));
  if (op.bias) inputs.push(random([3 * units], seed + 4));
  return inputs;
}

for (const [name, op] of Object.entries(ops)) {
  Deno.test(`${name} has the gradient that differences give, for odd shapes in both directions`, () => {
    withSeed((seed) => {
      for (const shape of [[1, 1, 1], [3, 2, 3], [5, 1, 2], [0, 2, 2], [2, 0, 3]]) {
        for (const reverse of [false, true]) {
          checkGradient((inputs) => op.run(inputs, { reverse }), inputsOf(op, shape, seed), { seed });
        }
      }
    });
  });

  Deno.test(`${name} gives a sequence that ends early what it gives the sequence alone`, () => {
    withSeed((seed) => {
      const dice = new Dice(seed);
      const lengths = Int32Array.of(5, 1 + dice.below(4), 0);
      for (const reverse of [false, true]) {
        const inputs = inputsOf(op, [5, 3, 2], seed);
        checkGradient((given) => op.run(given, { reverse, lengths }), inputs, { seed });
        const all = op.run(inputs, { reverse, lengths });
        lengths.forEach((length, row) => {
          const [p, w, ...rest] = inputs;
          const states = rest.map((x) => x.rank === 2 ? x.slice([row], [row + 1]) : x);
          const alone = op.run([p.slice([0, row], [length, row + 1]), w, ...states], { reverse });
          assertEquals(all.slice([0, row], [length + 1, row + 1]).toArray(), alone.slice([0], [length + 1]).toArray());
          if (op.cell) assertEquals(all.slice([6, row], [7, row + 1]).toArray(), alone.slice([length + 1]).toArray());
        });
      }
    });
  });

  Deno.test(`${name} refuses shapes that do not fit`, () => {
    const [p, w, ...rest] = inputsOf(op, [2, 3, 4], 1);
    assertThrows(() => op.run([p, w.slice([1]), ...rest], {}), ShapeError, "expected input products");
    assertThrows(() => op.run([p, w, ...rest], { lengths: Int32Array.of(1) }), ShapeError, "expected 3 lengths");
  });
}

Deno.test("rnnSequence() with relu agrees with the formula, step by step", () => {
  const [p, w, h] = inputsOf(ops["rnnSequence(tanh)"], [3, 2, 2], 7);
  const states = rnnSequence(p, w, h, "relu");
  let state = h;
  unstack(p).forEach((sum, t) => {
    state = sum.add(state.matmul(w, { transposeB: true })).relu();
    assertEquals(states.slice([t + 1], [t + 2]).reshape([2, 2]).toArray(), state.toArray());
  });
});

Deno.test("unstack() is undone by stack() and has its gradient, also when parts are used twice or never", () => {
  for (const shape of [[1], [3, 2], [4, 1, 3], [2, 0]]) {
    const x = random(shape, 3);
    assertEquals(Tensor.stack(unstack(x)).toArray(), x.toArray());
    checkGradient(([x]) => Tensor.stack(unstack(x).map((part, i) => part.mul(i + 1).sin())), [x]);
  }
  checkGradient(([x]) => {
    const parts = unstack(x);
    return parts[0].mul(parts[2]).add(parts[0]);
  }, [random([3, 2], 5)]);
  assertThrows(() => unstack(Tensor.full([], 1)), ShapeError, "at least one axis");
});

Deno.test("unstack() gives the same gradient when it is asked for again", () => {
  const x = random([3, 2], 9).withGradient();
  const [a, b, c] = unstack(x);
  const first = a.mul(2).add(b).sum();
  const second = c.mul(5).sum();
  assertEquals(gradients(first, [x])[0].toArray(), [[2, 2], [1, 1], [0, 0]]);
  assertEquals(gradients(second, [x])[0].toArray(), [[0, 0], [0, 0], [5, 5]]);
  assertEquals(gradients(first, [x])[0].toArray(), [[2, 2], [1, 1], [0, 0]]);
});

Deno.test("Key.later() gives each step of a sequence draws of its own, whatever way the batch is split", () => {
  const key = Key.seed(1).at("hidden");
  const draw = (time: number, from = key, rows = 9) => Tensor.uniform([rows, 3], from.later(time), "float64").toArray();
  assertEquals(draw(0), Tensor.uniform([9, 3], key, "float64").toArray());
  const steps = Array.from({ length: 50 }, (_, time) => draw(time)).flat(2) as number[];
  assertEquals(new Set(steps).size, 1350);
  assertEquals(draw(7, key.sample(2), 7), (draw(7) as number[][]).slice(2));
  assertEquals(draw(7, key.sample(6), 2), (draw(7) as number[][]).slice(6, 8));
  for (const time of [-1, 0.5, 2 ** 29]) assertThrows(() => key.later(time), OptionError, "whole number in [0, 2^29)");
});
