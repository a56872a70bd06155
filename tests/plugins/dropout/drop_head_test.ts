/** DropHead: the facts of Zhou, Ge, Wei, Zhou and Xu. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { gradients, OptionError, Tensor } from "../../../core/mod.ts";
import { dropHead, linear, multiHeadAttention } from "../../../plugins/mod.ts";
import { mean, variance } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { attentionStage, built, checkModel, close, train, within } from "./_sequences.ts";

/** The factors of H heads in each of many examples, in some mode. */
function factors(heads: number, rate: number, mode: "train" | "sample", examples = 20_000): number[][] {
  const model = built(attentionStage({ variant: dropHead({ rate }), stage: "heads" }), [heads, 1, 1]);
  const y = model.forward(Tensor.ones([examples, heads, 1, 1], "float64"), { mode, step: 0 });
  return y.reshape([examples, heads]).toArray() as number[][];
}

/** H E[1 / K] - 1, with K heads left of H, and all of them where none would be. */
function expectedVariance(heads: number, rate: number): number {
  let [ways, sum] = [1, rate ** heads / heads];
  for (let left = 1; left <= heads; left++) {
    ways *= (heads - left + 1) / left;
    sum += ways * (1 - rate) ** left * rate ** (heads - left) / left;
  }
  return heads * sum - 1;
}

Deno.test("the factors of the heads add up to H in every pass, with the mean 1 and the variance H E[1/K] - 1", () => {
  // An example that would lose all heads has the factors of one that loses none: with 8 heads that is 1 in 390,000.
  for (const [heads, rate, published] of [[8, 0.2, 0.299063], [12, 0.1, 0.122594]]) {
    const expected = expectedVariance(heads, rate);
    assertAlmostEquals(expected, published, 1e-6);
    for (const mode of ["train", "sample"] as const) {
      const all = factors(heads, rate, mode);
      for (const row of all) {
        assertAlmostEquals(row.reduce((a, b) => a + b), heads, 1e-9);
        const left = row.filter((value) => value !== 0);
        assert(left.every((value) => Math.abs(value - heads / left.length) < 1e-12));
      }
      for (let head = 0; head < heads; head++) {
        const own = all.map((row) => row[head]);
        within(mean(own), 1, Math.sqrt(expected / own.length), `mean of head ${head}`);
      }
      // Heads of one example depend on one another, so examples are what is independent.
      const squares = all.map((row) => mean(row.map((value) => (value - 1) ** 2)));
      within(mean(squares), expected, Math.sqrt(variance(squares) / squares.length), "variance");
    }
  }
});

Deno.test("an example that would lose all heads keeps them as they are; a head is dropped at rate - rate^H", () => {
  const [heads, rate] = [3, 0.6];
  const all = factors(heads, rate, "train");
  const whole = all.map((row) => row.every((value) => value === 1) ? 1 : 0);
  const expected = rate ** heads + (1 - rate) ** heads;
  within(mean(whole), expected, Math.sqrt(expected * (1 - expected) / all.length), "examples with all heads");
  const dropped = rate - rate ** heads;
  for (let head = 0; head < heads; head++) {
    const own = mean(all.map((row) => row[head] === 0 ? 1 : 0));
    within(own, dropped, Math.sqrt(dropped * (1 - dropped) / all.length), `head ${head}`);
  }
  assert(factors(1, 0.95, "train", 100).flat().every((value) => value === 1));
});

Deno.test("all queries and features of a head share its fate; examples and steps have draws of their own", () => {
  const model = built(attentionStage({ variant: dropHead({ rate: 0.5 }), stage: "heads" }), [6, 4, 3]);
  const x = Tensor.ones([5, 6, 4, 3], "float64");
  const y = model.forward(x, train);
  close(y, y.slice([], [5, 6, 1, 1]).broadcastTo(x.shape), "one factor a head");
  const rows = y.slice([], [5, 6, 1, 1]).reshape([5, 6]).toArray() as number[][];
  assert(new Set(rows.map(String)).size > 1);
  assertNotEquals(model.forward(x, { ...train, step: 1 }).toArray(), y.toArray());
  close(model.forward(x.slice([3]), { ...train, sample: 3 }), y.slice([3]), "part of the batch");
});

Deno.test("in an attention layer a dropped head takes no part, and its gradients are zero", () => {
  const [heads, features] = [4, 8];
  const model = built(multiHeadAttention(heads, { attention: dropHead({ rate: 0.5 }) }), [3, features]);
  const x = random([1, 3, features], 2);
  const [weight] = model.parameters().filter(({ name }) => name === "in_proj_weight");
  const [slope] = gradients(model.forward(x, train).square().sum(), [weight.tensor]);
  const size = features / heads;
  const alive = Array.from({ length: heads }, (_, head) => {
    const parts = [0, 1, 2].map((part) =>
      slope.slice([part * features + head * size], [part * features + (head + 1) * size]).floats.some((v) => v !== 0)
    );
    assertEquals(new Set(parts).size, 1, "queries, keys and values of a head");
    return parts[0];
  });
  assert(alive.includes(true) && alive.includes(false));
  checkModel(model, random([2, 3, features], 3));
});

Deno.test("dropHead() is the identity at rate 0 and in evaluation, follows a schedule, and refuses a rate of 1", () => {
  const x = random([2, 3, 8], 1);
  const layer = (rate: Parameters<typeof dropHead>[0]) =>
    built(multiHeadAttention(4, { attention: dropHead(rate) }), [3, 8]);
  const plain = built(multiHeadAttention(4), [3, 8]).forward(x);
  close(layer({ rate: 0 }).forward(x, train), plain, "rate 0");
  close(layer({ rate: 0.5 }).forward(x), plain, "evaluation");
  const later = layer({ rate: linear({ from: 0, to: 0.9 }) });
  const at = (step: number) =>
    later.forward(x, { mode: "train", step, progress: { step, stepsPerEpoch: 5, totalSteps: 10 } });
  close(at(0), plain, "first step");
  assertNotEquals(at(9).toArray(), plain.toArray());
  for (const rate of [-0.1, 1, NaN]) assertThrows(() => dropHead({ rate }), OptionError, "rate");
});
