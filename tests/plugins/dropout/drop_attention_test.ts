/** DropAttention: the facts of Lin, Liu, Huang, Chen, Qiu and Huang. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { buildModel, gradients, OptionError, Tensor } from "../../../core/mod.ts";
import { dropAttention, type DropAttentionOptions, dropKey, linear, multiHeadAttention } from "../../../plugins/mod.ts";
import { random } from "../../core/_tensors.ts";
import { attentionStage, built, checkModel, close, train, within } from "./_sequences.ts";

type LayerOptions = NonNullable<Parameters<typeof multiHeadAttention>[1]>;

/** What becomes of equal weights `[examples, heads, queries, keys]`. */
function equalWeights(
  options: DropAttentionOptions,
  shape: readonly number[],
  mode: "train" | "sample" = "train",
): Tensor {
  const model = built(attentionStage({ variant: dropAttention(options), stage: "weights" }), shape.slice(1));
  return model.forward(Tensor.full(shape, 1 / shape[3], "float64"), { mode, step: 0 });
}

/** How often each key is dropped, over the rows along the other axes. */
function droppedAt(y: Tensor): number[] {
  const keys = y.shape[3];
  const counts = new Array<number>(keys).fill(0);
  y.floats.forEach((value, i) => counts[i % keys] += value === 0 ? 1 : 0);
  return counts.map((count) => count / (y.size / keys));
}

Deno.test("every key is dropped at the rate asked for, whatever the span; rows sum to 1", () => {
  const [rate, shape] = [0.2, [800, 2, 5, 24]];
  for (const mode of ["train", "sample"] as const) {
    for (const form of ["element", "column"] as const) {
      for (const span of [1, 2, 3, 5]) {
        const y = equalWeights({ rate, form, span }, shape, mode);
        y.sum(-1).floats.forEach((sum) => assertAlmostEquals(sum, 1, 1e-12));
        // Queries of a column share their draw.
        const rows = shape[0] * shape[1] * (form === "column" ? 1 : shape[2]);
        const error = Math.sqrt(rate * (1 - rate) / rows);
        droppedAt(y).forEach((share, key) => within(share, rate, error, `${form}, span ${span}, key ${key}`));
      }
    }
  }
});

Deno.test("the paper's windows drop at 1 - (1 - rate / w)^w inside of a row, and at rate / w at its first key", () => {
  const [rate, shape] = [0.2, [2000, 2, 5, 12]];
  for (const [span, published] of [[1, 0.2], [2, 0.19], [4, 0.185494]]) {
    const inside = 1 - (1 - rate / span) ** span;
    assertAlmostEquals(inside, published, 1e-6);
    const rows = shape[0] * shape[1] * shape[2];
    droppedAt(equalWeights({ rate, span, windows: "paper" }, shape)).forEach((share, key) => {
      const expected = key < span - 1 ? 1 - (1 - rate / span) ** (key + 1) : inside;
      within(share, expected, Math.sqrt(expected * (1 - expected) / rows), `span ${span}, key ${key}`);
    });
  }
});

Deno.test("dropped keys lie in windows of the span, and a column is the same for all queries of a head", () => {
  const [span, keys] = [4, 20];
  for (const windows of ["exact", "paper"] as const) {
    const y = equalWeights({ rate: 0.5, span, windows, form: "column" }, [50, 2, 3, keys]);
    close(y, y.slice([], [50, 2, 1, keys]).broadcastTo(y.shape), "queries");
    const rows = y.slice([], [50, 2, 1, keys]).reshape([100, keys]).toArray() as number[][];
    for (const row of rows) {
      const text = row.map((value) => value === 0 ? "x" : ".").join("");
      const inner = windows === "exact" ? text.replace(/^x+|x+$/g, "") : text.replace(/x+$/, "");
      for (const run of inner.match(/x+/g) ?? []) assert(run.length >= span, text);
    }
    assert(new Set(rows.map(String)).size > 50, "heads and examples have draws of their own");
  }
});

Deno.test("with the same mask it is DropKey, values and gradients, under causal and padding masks", () => {
  const mask = Tensor.of([[1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 0]], "float64");
  for (const rate of [0.1, 0.5, 0.9]) {
    const layer = (attention: LayerOptions["attention"]) =>
      built(multiHeadAttention(2, { attention, causal: true }), [[4, 6], [4]]);
    const [ours, theirs] = [layer(dropAttention({ rate })), layer(dropKey({ rate }))];
    const x = random([3, 4, 6], 5).withGradient();
    const [found, expected] = [ours, theirs].map((model) => model.forward([x, mask], train));
    close(found, expected, `rate ${rate}`);
    const all = [ours, theirs].map((model, i) =>
      gradients([found, expected][i].square().sum(), [x, ...model.parameters().map(({ tensor }) => tensor)])
    );
    all[0].forEach((gradient, i) => close(gradient, all[1][i], `gradient ${i} at rate ${rate}`));
    assertNotEquals(found.toArray(), ours.forward([x, mask]).toArray());
  }
});

Deno.test("a row that would lose all of its keys stays as it was", () => {
  const rate = 0.7;
  const model = built(attentionStage({ variant: dropAttention({ rate }), stage: "weights" }), [1, 1, 2]);
  const x = Tensor.of([0.25, 0.75], "float64").broadcastTo([20_000, 1, 1, 2]);
  const rows = model.forward(x, train).reshape([20_000, 2]).toArray() as number[][];
  const kinds = new Map<string, number>();
  for (const row of rows) kinds.set(String(row), (kinds.get(String(row)) ?? 0) + 1);
  assertEquals([...kinds.keys()].sort(), ["0,1", "0.25,0.75", "1,0"]);
  for (const [kind, share] of [["0.25,0.75", rate ** 2 + (1 - rate) ** 2], ["1,0", rate * (1 - rate)]] as const) {
    within(kinds.get(kind)! / 20_000, share, Math.sqrt(share * (1 - share) / 20_000), kind);
  }
});

Deno.test("weights that underflow beside a dropped one are finite, forward and backward, in float32", () => {
  const model = attentionStage({ variant: dropAttention({ rate: 0.5 }), stage: "weights" });
  for (const small of [0, 1e-45, 1e-38, 1e-30, 1e-20]) {
    const x = Tensor.of([1, small, small]).broadcastTo([200, 1, 1, 3]).clone().withGradient();
    const y = buildModel(model, { inputShape: [1, 1, 3] }).forward(x, train);
    const [slope] = gradients(y.mul(Tensor.of([1, 2, 3])).sum(), [x]);
    assert([...y.floats, ...slope.floats].every(Number.isFinite), `with ${small}`);
    y.sum(-1).floats.forEach((sum) => assertAlmostEquals(sum, 1, 1e-6));
  }
});

Deno.test("dropAttention() has the gradient that differences give, through the sum too", () => {
  for (const options of [{}, { form: "column" }, { span: 2 }, { form: "column", span: 2, windows: "paper" }] as const) {
    const attention = dropAttention({ rate: 0.4, ...options });
    checkModel(built(multiHeadAttention(2, { attention }), [4, 4]), random([2, 4, 4], 3));
  }
});

Deno.test("dropAttention() is softmax at rate 0 and in evaluation, and follows a schedule", () => {
  const x = random([2, 4, 4], 1);
  const layer = (attention: LayerOptions["attention"]) => built(multiHeadAttention(2, { attention }), [4, 4]);
  const plain = layer(undefined).forward(x);
  close(layer(dropAttention({ rate: 0 })).forward(x, train), plain, "rate 0");
  close(layer(dropAttention({ rate: 0.5 })).forward(x), plain, "evaluation");
  const later = layer(dropAttention({ rate: linear({ from: 0, to: 0.9 }), span: 2 }));
  const at = (step: number) =>
    later.forward(x, { mode: "train", step, progress: { step, stepsPerEpoch: 5, totalSteps: 10 } });
  close(at(0), plain, "first step");
  assertNotEquals(at(9).toArray(), plain.toArray());
});

Deno.test("dropAttention() takes a span longer than the row, and refuses what has no meaning, by name", () => {
  // With windows of 7 over 3 keys a row mostly loses none or all, and all means none.
  for (const windows of ["exact", "paper"] as const) {
    equalWeights({ rate: 0.3, span: 7, windows }, [400, 1, 1, 3]).sum(-1).floats
      .forEach((sum) => assertAlmostEquals(sum, 1, 1e-12));
  }
  for (const rate of [-0.1, 1, NaN]) assertThrows(() => dropAttention({ rate }), OptionError, "rate");
  for (const span of [0, 1.5]) assertThrows(() => dropAttention({ span }), OptionError, "span");
  assertThrows(() => dropAttention({ form: "row" as "column" }), OptionError, "form");
});
