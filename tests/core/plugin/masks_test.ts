/** Masks as data: what becomes of kept and dropped entries in training and evaluation, at every kind of site. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  applyMask,
  buildModel,
  definePlugin,
  type Factory,
  gradients,
  keepProbability,
  keptEntries,
  Key,
  type Mask,
  noGrad,
  OptionError,
  rateThreshold,
  Rows,
  Tensor,
} from "../../../core/mod.ts";
import { dense, embedding, relu, residual, sequential } from "../../../plugins/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { assertWithin, mean } from "../_statistics.ts";
import { random } from "../_tensors.ts";

type None = Record<never, never>;
const none = z.object({});
const key = Key.seed(11).at("mask");
type Part = number | Tensor | undefined;

/** Each of a, b and c as left out, a number, a tensor for each column, and one for each entry. */
const columns = 3;
const rows = 4;
function choices(seed: number): readonly Part[] {
  return [undefined, seed - 2.5, random([columns], seed).add(2), random([rows, columns], seed).add(2)];
}

/** All 64 combinations of a, b and c. */
function combinations(): { a: Part; b: Part; c: Part }[] {
  return choices(1).flatMap((a) => choices(2).flatMap((b) => choices(3).map((c) => ({ a, b, c }))));
}

const numberAt = (part: Part, i: number, otherwise: number): number => {
  if (part instanceof Tensor) return part.floats[part.size === columns ? i % columns : i];
  return part ?? otherwise;
};

const said = (parts: object) => JSON.stringify(parts, (_, value) => value instanceof Tensor ? value.shape : value);

Deno.test("a mask gives a x + b where an entry is kept and c where it is dropped, for numbers and tensors alike", () => {
  const x = random([rows, columns], 5);
  for (const parts of combinations()) {
    for (const share of [[], [0], [1]]) {
      const mask = { key, rate: 0.5, share, ...parts };
      const kept = keptEntries(mask, x.shape, "float64").broadcastTo(x.shape).floats;
      const y = applyMask(x, mask).floats;
      y.forEach((value, i) => {
        const expected = kept[i] === 1
          ? numberAt(parts.a, i, 2) * x.floats[i] + numberAt(parts.b, i, 0)
          : numberAt(parts.c, i, 0);
        assertAlmostEquals(value, expected, 1e-12, said(parts));
      });
    }
  }
});

Deno.test("evaluation in the mean is the average over draws, for every combination of a, b and c", () => {
  const x = random([rows, columns], 5);
  const draws = 400;
  const rate = 0.3;
  const q = keepProbability(rateThreshold(rate));
  for (const parts of combinations()) {
    const expected = applyMask(x, { key, rate, eval: "mean", ...parts }, true).floats;
    const sums = new Float64Array(x.size);
    const values = Array.from(
      { length: 2 },
      (_, kept) =>
        Array.from(
          { length: x.size },
          (_, i) =>
            kept === 1 ? numberAt(parts.a, i, 1 / q) * x.floats[i] + numberAt(parts.b, i, 0) : numberAt(parts.c, i, 0),
        ),
    );
    for (let i = 0; i < x.size; i++) {
      assertAlmostEquals(expected[i], q * values[1][i] + (1 - q) * values[0][i], 1e-12, said(parts));
    }
    for (let step = 0; step < draws; step++) {
      applyMask(x, { key: key.atStep(step), rate, ...parts }).floats.forEach((value, i) => sums[i] += value);
    }
    sums.forEach((sum, i) => {
      const spread = Math.abs(values[1][i] - values[0][i]) * Math.sqrt(q * (1 - q) / draws);
      // Six standard errors: wrong once in 500 million.
      assert(Math.abs(sum / draws - expected[i]) <= 6 * spread + 1e-12, `${said(parts)} at ${i}`);
    });
  }
});

Deno.test("the gradients towards x, a, b and c are those of differences, in training and evaluation", () => {
  const x = random([rows, columns], 5);
  for (const parts of combinations()) {
    const names = (["a", "b", "c"] as const).filter((name) => parts[name] instanceof Tensor);
    const inputs = [x, ...names.map((name) => parts[name] as Tensor)];
    for (const share of [[], [0], [-1]]) {
      for (const evaluates of [false, true]) {
        const run = ([x, ...given]: readonly Tensor[]) => {
          const own = Object.fromEntries(names.map((name, i) => [name, given[i]]));
          return applyMask(x, { key, rate: 0.4, share, eval: "mean", ...parts, ...own }, evaluates);
        };
        checkGradient(run as never, inputs as never, { seed: 1 });
      }
    }
  }
});

Deno.test("at rates of 0 and 1 every entry is kept, or none is, with the gradients of that", () => {
  const x = random([rows, columns], 5).withGradient();
  const a = random([columns], 1).withGradient();
  const c = random([columns], 3).withGradient();
  for (const evaluates of [false, true]) {
    const kept = applyMask(x, { key, rate: 0, a, c, b: 2, eval: "mean" }, evaluates);
    assertEquals(kept.toArray(), x.mul(a).add(2).toArray());
    const dropped = applyMask(x, { key, rate: 1, a, c, b: 2, eval: "mean" }, evaluates);
    assertEquals(dropped.toArray(), c.broadcastTo(x.shape).toArray());
    const [dx, , dc] = gradients(dropped.sum(), [x, a, c]);
    assertEquals([dx.toArray(), dc.toArray()], [Tensor.zeros(x.shape).toArray(), [4, 4, 4]]);
    const [dy] = gradients(kept.sum(), [x]);
    assertEquals(dy.toArray(), a.broadcastTo(x.shape).toArray());
  }
  assertEquals(applyMask(x, { key, rate: 1 }).toArray(), Tensor.zeros(x.shape).toArray());
});

Deno.test("rates within 2^-8 of 0 and 1 are what they say, and scale by what is really drawn", () => {
  const x = Tensor.ones([1000, 2000]);
  for (const rate of [1e-3, 2 ** -8, 2 ** -8 - 2 ** -20, 1 - 2 ** -8, 1 - 1e-3]) {
    const y = noGrad(() => applyMask(x, { key, rate })).floats;
    const dropped = y.filter((value) => value === 0).length;
    const q = keepProbability(rateThreshold(rate));
    assertAlmostEquals(q, 1 - rate, 2 ** -16);
    assertWithin(dropped / y.length, 1 - q, Math.sqrt(q * (1 - q) / y.length), `rate ${rate}`);
    const kept = y.find((value) => value !== 0)!;
    assertAlmostEquals(kept * q, 1, 1e-6);
    assertWithin(mean(y), 1, Math.sqrt((1 - q) / q / y.length), `mean at rate ${rate}`);
  }
});

Deno.test("a dropped infinity or NaN becomes c, and sends no gradient to x, a or b", () => {
  for (const bad of [Infinity, -Infinity, NaN]) {
    for (const rate of [0.5, 1]) {
      for (const share of [[], [0]]) {
        for (const c of [0, 7, Tensor.full([4], 7)]) {
          for (const [a, b] of [[2, 0], [Tensor.full([4], 2), 0], [Tensor.full([4], 2), Tensor.full([4], 3)], [2, 3]]) {
            const plain = { key, rate, share };
            const kept = keptEntries(plain, [6, 4]).broadcastTo([6, 4]).floats;
            const x = Tensor.from(Float32Array.from(kept, (k) => k === 1 ? 1 : bad), [6, 4]).withGradient();
            const given = [
              x,
              ...[a, b, c].filter((part): part is Tensor => part instanceof Tensor).map((t) => t.withGradient()),
            ];
            const part = (value: number | Tensor) =>
              value instanceof Tensor ? given.find((t) => t.storage === value.storage) ?? value : value;
            const mask: Mask = { ...plain, a: part(a), b: part(b), c: part(c) };
            const y = applyMask(x, mask);
            const [value, offset] = [c instanceof Tensor ? 7 : c, b === 0 ? 0 : 3];
            assertEquals([...y.floats], Array.from(kept, (k) => k === 1 ? 2 + offset : value));
            for (const gradient of gradients(y.sum(), given)) {
              assert(gradient.floats.every(Number.isFinite), `${bad} at rate ${rate}`);
            }
          }
        }
      }
    }
  }
});

Deno.test("consecutive examples of a group share a draw, by their number in the step, not by their place in the batch", () => {
  const mask: Mask = { key, rate: 0.5, group: 3 };
  const kept = keptEntries(mask, [9, 64]).toArray() as number[][];
  for (let row = 0; row < 9; row++) assertEquals(kept[row], kept[3 * Math.floor(row / 3)]);
  assert(String(kept[0]) !== String(kept[3]) && String(kept[3]) !== String(kept[6]));
  const part = keptEntries({ ...mask, key: key.sample(4) }, [3, 64]).toArray() as number[][];
  assertEquals(part, [kept[4], kept[5], kept[6]]);
  const gathered = keptEntries({ ...mask, key: key.withRows(Rows.range().gather([8, 2, 1])) }, [3, 64]).toArray();
  assertEquals(gathered, [kept[8], kept[2], kept[1]]);
});

Deno.test("a group with axes that are shared: the batch's draw is one for all groups, other axes have one for each", () => {
  const batch = keptEntries({ key, rate: 0.5, group: 2, share: [0] }, [6, 64]);
  assertEquals(batch.toArray(), keptEntries({ key, rate: 0.5, share: [0] }, [6, 64]).toArray());
  const wide = keptEntries({ key, rate: 0.5, group: 2, share: [2] }, [6, 32, 5]);
  assertEquals(wide.shape, [6, 32, 1]);
  const values = wide.toArray() as number[][][];
  assertEquals([values[1], values[3], values[5]], [values[0], values[2], values[4]]);
  assert(String(values[0]) !== String(values[2]));
});

Deno.test("groups of groups are larger groups, and what all rows share stays shared", () => {
  const rows = (key: Key) => [...keptEntries({ key, rate: 0.5 }, [12, 40]).floats];
  assertEquals(rows(key.grouped(2).grouped(3)), rows(key.grouped(6)));
  assertEquals(
    keptEntries({ key: key.shared(), rate: 0.5, group: 2 }, [4, 8]).toArray(),
    keptEntries({ key: key.shared(), rate: 0.5 }, [4, 8]).toArray(),
  );
});

Deno.test("a row that lost everything keeps what it had, and only such a row", () => {
  const mask: Mask = { key, rate: 0.7, c: -1e30, a: 1, empty: "kept" };
  const x = random([200, 3], 4).withGradient();
  const kept = keptEntries(mask, [200, 3], "float64").floats;
  const y = applyMask(x, mask);
  const [dx] = gradients(y.mul(x.detach()).sum(), [x]);
  let lost = 0;
  for (let row = 0; row < 200; row++) {
    const at = [0, 1, 2].map((i) => 3 * row + i);
    const all = at.every((i) => kept[i] === 0);
    if (all) lost++;
    for (const i of at) {
      const stays = all || kept[i] === 1;
      assertEquals(y.floats[i], stays ? x.floats[i] : -1e30);
      assertEquals(dx.floats[i], stays ? x.floats[i] : 0);
    }
  }
  assert(lost > 40 && lost < 100, `${lost} rows lost everything, of 200 at 0.343`);
  assertEquals(applyMask(x, { ...mask, rate: 1 }).toArray(), x.toArray());
});

Deno.test("a mask at a weight is one row, whatever the batch, its parts and its numbers of samples", () => {
  const drop: Factory<"weight", None> = definePlugin({
    name: "drop",
    options: none,
    weight: { mask: ({ key }) => ({ key, rate: 0.5 }) },
  });
  const model = buildModel(dense(5, { bias: false, weight: drop(), initializer: "he-normal" }), {
    inputShape: [5],
    seed: 1,
  });
  const identity = Tensor.from(Float32Array.from({ length: 25 }, (_, i) => i % 6 === 0 ? 1 : 0), [5, 5]);
  const weightOf = (sample: number) => model.forward(identity, { mode: "train", step: 1, sample }).toArray();
  assertEquals(weightOf(0), weightOf(1000));
  const dropped = (weightOf(0) as number[][]).flat().filter((value) => value === 0).length;
  assert(dropped > 4 && dropped < 21);
  // Its first axis is no batch: rows are drawn one behind the other.
  const site = Key.seed(1).at("train").at("weight").atStep(1).whole();
  const kept = Tensor.bernoulli([25], site, 0.5).toArray();
  assertEquals(
    (weightOf(0) as number[][])[0].map((_, j) => (weightOf(0) as number[][]).map((row) => row[j])).flat().map((value) =>
      value === 0 ? 0 : 1
    ),
    kept,
  );
  // A batch without examples has nobody to tell its step.
  assertEquals(model.forward(Tensor.zeros([0, 5]), { mode: "sample", rows: Rows.of([]) }).shape, [0, 5]);
});

/** Drops word types, or words of each example, with numbers for what is dropped. */
const words: Factory<"embedding", { share: readonly number[]; c?: number; b?: number; eval?: "mean" }> = definePlugin({
  name: "words",
  options: z.object({
    share: z.array(z.number()).readonly(),
    c: z.number().default(0),
    b: z.number().default(0),
    eval: z.literal("mean").optional(),
  }),
  embedding: {
    mask: ({ key, options: { share, b, c, eval: mean } }) => ({
      key,
      rate: 0.5,
      share,
      a: 1,
      b,
      c,
      ...(mean === undefined ? {} : { eval: mean }),
    }),
  },
});

Deno.test("masks of embeddings drop a word everywhere, in each example anew, or each of its features", () => {
  const indices = Tensor.from(Int32Array.from({ length: 8 * 20 }, (_, i) => i % 10), [8, 20]);
  const run = (share: readonly number[]) => {
    const model = buildModel(embedding(10, 4, { embedding: words({ share, b: 1, c: 9 }) }), {
      inputShape: [20],
      inputType: "int32",
      seed: 1,
    });
    const table = model.parameters()[0].tensor.toArray() as number[][];
    const y = model.forward(indices, { mode: "train", step: 0 }).toArray() as number[][][];
    return y.map((example, e) =>
      example.map((word, at) =>
        word.map((value, feature) => {
          if (value === 9) return 0;
          assertAlmostEquals(value, table[indices.ints[20 * e + at]][feature] + 1, 1e-6);
          return 1;
        })
      )
    );
  };
  const text = (value: unknown) => JSON.stringify(value);
  const whole = run([0, 2]);
  assert(whole.every((example) => text(example) === text(whole[0])), "the batch shares the draw");
  assert(whole[0].every((word) => new Set(word).size === 1), "a word is dropped as a whole");
  const each = run([2]);
  assert(new Set(each.map(text)).size > 6, "each example has its own");
  assert(each.flat().every((word) => new Set(word).size === 1));
  const features = run([]);
  assert(features.flat().some((word) => new Set(word).size === 2));
  for (const kept of [whole, each, features]) {
    for (const example of kept) {
      for (let at = 0; at < 10; at++) assertEquals(example[at], example[at + 10], "a word has one fate in an example");
    }
  }
  assert(
    [whole, each, features].every((kept) => kept.flat(2).some((k) => k === 0) && kept.flat(2).some((k) => k === 1)),
  );
});

Deno.test("masks of embeddings have the gradients of differences, and evaluate to their mean", () => {
  const indices = Tensor.from(Int32Array.of(1, 4, 1, 2, 2, 0), [2, 3]);
  for (const share of [[0, 2], [2], [1], []]) {
    const model = buildModel(embedding(5, 3, { embedding: words({ share, b: 1, c: 9, eval: "mean" }) }), {
      inputShape: [3],
      inputType: "int32",
      dtype: "float64",
    });
    const table = model.parameters()[0].tensor;
    const run = (options: Parameters<typeof model.forward>[1]) => model.forward(indices, options);
    const [gradient] = gradients(run({ mode: "train", step: 2 }).square().sum(), [table]);
    for (let i = 0; i < table.size; i++) {
      const before = table.floats[i];
      const at = (value: number) => {
        table.floats[i] = value;
        return noGrad(() => run({ mode: "train", step: 2 }).square().sum().item());
      };
      const slope = (at(before + 1e-4) - at(before - 1e-4)) / 2e-4;
      table.floats[i] = before;
      assertAlmostEquals(gradient.floats[i], slope, 1e-6);
    }
    const rows = table.take(indices);
    const q = 0.5;
    run({}).floats.forEach((value, i) => assertAlmostEquals(value, q * (rows.floats[i] + 1) + (1 - q) * 9, 1e-12));
  }
});

Deno.test("a word whose row is infinite sends no gradient where it is dropped", () => {
  const scale = Tensor.full([2], 3).withGradient();
  const scaling: Factory<"embedding", None> = definePlugin({
    name: "scaling",
    options: none,
    embedding: { mask: ({ key }) => ({ key, rate: 0.5, share: [2], a: scale, b: 1, c: 9 }) },
  });
  const model = buildModel(embedding(6, 2, { embedding: scaling() }), { inputShape: [6], inputType: "int32", seed: 1 });
  const table = model.parameters()[0].tensor;
  const indices = Tensor.from(Int32Array.of(0, 1, 2, 3, 4, 5), [1, 6]);
  const run = () => model.forward(indices, { mode: "train", step: 0 });
  const dropped = Array.from(run().floats, (value) => value === 9);
  assert(dropped.includes(true) && dropped.includes(false));
  table.assign(Tensor.from(Float32Array.from(dropped, (gone) => gone ? Infinity : 2), [6, 2]));
  const y = run();
  assertEquals([...y.floats], dropped.map((gone) => gone ? 9 : 7));
  for (const gradient of gradients(y.sum(), [table, scale])) assert(gradient.floats.every(Number.isFinite));
});

Deno.test("masks of branches give a y + b where an example is kept and c where it is dropped, gathered or not", () => {
  const x = random([16, 3], 4);
  const perExample = random([16, 3], 5);
  const kinds: Partial<Mask>[] = [
    {},
    { a: 3 },
    { b: 2 },
    { c: 5 },
    { a: 3, b: 2, c: 5 },
    { a: perExample },
    { b: perExample },
    { a: perExample, b: perExample, c: perExample },
    { a: perExample.slice([0, 0], [1, 3]).reshape([3]), c: 1 },
    { share: [0] },
    { share: [0], b: 2, c: 5 },
    { group: 4 },
  ];
  for (const parts of kinds) {
    for (const rate of [0, 0.5, 1]) {
      const dropping: Factory<"branch", None> = definePlugin({
        name: "dropping",
        options: none,
        branch: { mask: ({ key }) => ({ key, rate, ...parts }) },
      });
      const model = buildModel(residual(sequential([dense(3), relu()]), { branch: dropping() }), {
        inputShape: [3],
        seed: 1,
        dtype: "float64",
      });
      const block = buildModel(sequential([dense(3), relu()]), { inputShape: [3], seed: 1, dtype: "float64" });
      model.parameters().forEach(({ tensor }, i) => block.parameters()[i].tensor.assign(tensor));
      for (let step = 0; step < 4; step++) {
        const y = model.forward(x, { mode: "train", step }).sub(x);
        const whole = block.forward(x);
        const site = Key.seed(1).at("train").at("branch").atStep(step);
        const shared = parts.share !== undefined;
        const kept = keptEntries({ key: site, rate, share: shared ? [0] : [], group: parts.group }, [16]).broadcastTo([
          16,
        ]);
        y.floats.forEach((value, i) => {
          const at = (part: Part, otherwise: number) =>
            part instanceof Tensor ? part.floats[part.rank === 1 ? i % 3 : i] : part ?? otherwise;
          const expected = kept.floats[Math.floor(i / 3)] === 1
            ? at(parts.a, 1 / (1 - rate)) * whole.floats[i] + at(parts.b, 0)
            : at(parts.c, 0);
          assertAlmostEquals(value, expected, 1e-12, `${said(parts)} at rate ${rate}, step ${step}`);
        });
      }
    }
  }
});

Deno.test("evaluation where an empty row is kept has no mean to give", () => {
  const x = Tensor.ones([1, 2]);
  assertThrows(
    () => applyMask(x, { key, rate: 0.5, empty: "kept", eval: "mean" }, true),
    OptionError,
    "eval: expected identity",
  );
  assertEquals(applyMask(x, { key, rate: 0.5, empty: "kept" }, true).toArray(), x.toArray());
});
