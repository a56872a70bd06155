/**
 * What masks as data and rows as addresses make possible, each worked out beside the ordinary way: work that is skipped
 * because the mask is known before the layer is computed, many passes at once, and masks inside tiles.
 */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  applyMask,
  buildModel,
  definePlugin,
  type Factory,
  keptEntries,
  Key,
  type LayerPlugin,
  type Mask,
  maskedScore,
  maxPool,
  type Model,
  noGrad,
  OptionError,
  Rows,
  scaledDotProductAttention,
  type Shape,
  Tensor,
} from "../../../core/mod.ts";
import {
  batchNorm,
  conv2d,
  dense,
  dropConnect,
  dropout,
  embedding,
  embeddingDropout,
  flatten,
  gaussianDropout,
  lstm,
  maxPool2d,
  relu,
  residual,
  sequential,
  spatialDropout,
  stochasticDepth,
  weightDrop,
  zoneout,
} from "../../../plugins/mod.ts";
import { z } from "zod";
import { random } from "../_tensors.ts";

const built = (layer: LayerPlugin, inputShape: Shape, seed = 1) =>
  buildModel(layer, { inputShape, seed, dtype: "float64" });

/** The numbers of the entries that a mask keeps along its only axis that is not shared. */
function keptOf(mask: Mask, shape: Shape): number[] {
  const kept = keptEntries(mask, shape, "float64").floats;
  return Array.from(kept, (value, i) => value === 0 ? -1 : i).filter((i) => i >= 0);
}

const parameterOf = (model: Model, name: string) => model.parameters().find((p) => p.name === name)!.tensor;

/** Puts columns (axis 1) back to their places among `count`, zeros elsewhere. */
function spread(x: Tensor, columns: readonly number[], count: number): Tensor {
  const zero = Tensor.zeros([x.shape[0], 1, ...x.shape.slice(2)], x.dtype);
  const places = new Int32Array(count).fill(columns.length);
  columns.forEach((column, i) => places[column] = i);
  const swapped = Tensor.concat([x, zero], 1).transpose([1, 0, ...x.shape.slice(2).map((_, i) => i + 2)]);
  const rows = swapped.take(Tensor.from(places, [count]));
  return rows.transpose([1, 0, ...x.shape.slice(2).map((_, i) => i + 2)]);
}

Deno.test("a mask that the batch shares is known before the layer: through ReLU only kept columns are computed", () => {
  const model = built(sequential([dense(40), relu(), dropout({ rate: 0.5, share: ["batch"] }), dense(7)]), [9]);
  const x = random([6, 9], 1);
  for (const step of [0, 1, 2]) {
    const whole = model.forward(x, { mode: "train", step });
    // The variant's own draw, asked for without its input.
    const key = Key.seed(1).at("train").at("2").withRows(Rows.range({ step }));
    const columns = keptOf({ key, rate: 0.5, share: [0] }, [6, 40]);
    assert(columns.length > 5 && columns.length < 35);
    const index = Tensor.from(Int32Array.from(columns), [columns.length]);
    const [w1, b1] = [parameterOf(model, "0.weight").take(index), parameterOf(model, "0.bias").take(index)];
    const hidden = x.matmul(w1, { transposeB: true }).add(b1).relu().mul(2);
    const w2 = parameterOf(model, "3.weight").transpose().take(index);
    const skipped = hidden.matmul(w2).add(parameterOf(model, "3.bias"));
    skipped.floats.forEach((value, i) => assertAlmostEquals(value, whole.floats[i], 1e-12));
  }
});

Deno.test("a mask on channels that the batch shares goes through pooling and ReLU to the convolution before", () => {
  const share = ["batch"] as const;
  const layers = [conv2d(12, 3), relu(), maxPool2d(2), dropout({ rate: 0.5, share: [...share, "height", "width"] })];
  const model = built(sequential([...layers, flatten(), dense(4)]), [2, 8, 8]);
  const x = random([3, 2, 8, 8], 2);
  const [weight, bias] = [parameterOf(model, "0.weight"), parameterOf(model, "0.bias")];
  const step = 4;
  const key = Key.seed(1).at("train").at("3").withRows(Rows.range({ step }));
  const channels = keptOf({ key, rate: 0.5, share: [0, 2, 3] }, [3, 12, 3, 3]);
  assert(channels.length > 0 && channels.length < 12);
  const index = Tensor.from(Int32Array.from(channels), [channels.length]);
  const small = built(conv2d(channels.length, 3), [2, 8, 8]);
  parameterOf(small, "weight").assign(weight.take(index));
  parameterOf(small, "bias").assign(bias.take(index));
  const pooled = maxPool(small.forward(x).relu(), { kernel: [2, 2], stride: [2, 2], padding: [[0, 0], [0, 0]] });
  const masked = spread(pooled.mul(2), channels, 12);
  const y = masked.reshape([3, 12 * 9]).matmul(parameterOf(model, "5.weight"), { transposeB: true })
    .add(parameterOf(model, "5.bias"));
  const whole = model.forward(x, { mode: "train", step });
  y.floats.forEach((value, i) => assertAlmostEquals(value, whole.floats[i], 1e-12));
});

/** Models whose draws are masks or take the rows of their key, and the shape of an example. */
const batched: Record<string, [LayerPlugin, Shape]> = {
  "dropout": [sequential([dropout({ rate: 0.2 }), dense(8), relu(), dropout({ rate: 0.5 }), dense(3)]), [6]],
  "a mask that the batch shares": [sequential([dropout({ rate: 0.5, share: ["batch"] }), dense(3)]), [20]],
  "spatial dropout": [sequential([spatialDropout({ rate: 0.5 }), flatten(), dense(2)]), [6, 3, 3]],
  "Gaussian noise": [sequential([gaussianDropout({ rate: 0.3 }), dense(2)]), [5]],
  "Gaussian noise that the batch shares": [sequential([gaussianDropout({ rate: 0.3, share: ["batch"] })]), [5]],
  "DropConnect for each example": [sequential([dense(4, { weight: dropConnect() })]), [5]],
  "zoneout": [lstm(3, { recurrent: zoneout() }), [4, 2]],
  "stochastic depth": [residual(sequential([dense(5), dropout({ rate: 0.3 })]), { branch: stochasticDepth() }), [5]],
};

for (const [name, [layer, shape]] of Object.entries(batched)) {
  Deno.test(`ten Monte Carlo passes in one batch are ten single ones: ${name}`, () => {
    const model = built(layer, shape);
    const [batch, passes] = [4, 10];
    const x = random([batch, ...shape], 3);
    const rows = Rows.of(
      Array.from({ length: batch * passes }, (_, i) => ({
        sample: i % batch,
        pass: Math.floor(i / batch),
        step: 6,
      })),
    );
    const all = model.forward(Tensor.concat(Array.from({ length: passes }, () => x)), { mode: "sample", rows });
    for (let pass = 0; pass < passes; pass++) {
      const single = model.forward(x, { mode: "sample", step: 6, pass });
      const part = all.slice([pass * batch], [(pass + 1) * batch]);
      assertEquals(part.toArray(), single.toArray(), `pass ${pass}`);
    }
  });
}

Deno.test("several passes in one batch are refused at a weight, which cannot have several masks at once", () => {
  const model = built(dense(4, { weight: weightDrop() }), [3]);
  const rows = Rows.of([{ sample: 0, pass: 0 }, { sample: 0, pass: 1 }]);
  assertThrows(
    () => model.forward(random([2, 3], 1), { mode: "sample", rows }),
    OptionError,
    "model.weight (weight-drop).rows: expected a draw for 2 rows",
  );
});

Deno.test("word types that the batch shares are dropped for each pass of a batch by itself", () => {
  const model = built(embedding(9, 2, { embedding: embeddingDropout() }), [3]);
  const indices = Tensor.from(Int32Array.from({ length: 6 }, (_, i) => i), [2, 3]);
  const rows = Rows.of([{ sample: 0, pass: 0 }, { sample: 0, pass: 3 }]);
  const both = model.forward(indices, { mode: "sample", rows });
  for (const [row, pass] of [[0, 0], [1, 3]]) {
    const single = model.forward(indices.cast("float64").slice([row], [row + 1]), { mode: "sample", step: 0, pass });
    assertEquals(both.slice([row], [row + 1]).toArray(), single.toArray());
  }
});

/** Counts the rows that reach it. */
let computed: number[] = [];

const counted: Factory<"layer", Record<never, never>> = definePlugin({
  name: "counted",
  options: z.object({}),
  forward(x) {
    computed.push(x.shape[0]);
    return x;
  },
});

/** A branch that is never gathered, because it says that it mixes rows. */
const mixing: Factory<"layer", Record<never, never>> = definePlugin({
  name: "mixing",
  options: z.object({}),
  mixesRows: true,
  forward: (x) => x,
});

Deno.test("a branch whose surviving rows are gathered equals the ungathered one, with dropout inside, and so do gradients", () => {
  const branch = stochasticDepth({ rate: 0.5 });
  const block = (first: LayerPlugin) =>
    sequential([first, dense(6), relu(), dropout({ rate: 0.4 }), dense(4), gaussianDropout({ rate: 0.2 })]);
  const gathered = built(residual(block(counted()), { branch }), [4]);
  const whole = built(residual(block(mixing()), { branch }), [4]);
  const x = random([12, 4], 5);
  let fewer = 0;
  for (let step = 0; step < 20; step++) {
    computed = [];
    const y = gathered.forward(x, { mode: "train", step });
    assertEquals(y.toArray(), whole.forward(x, { mode: "train", step }).toArray(), `step ${step}`);
    if (computed.length > 0 && computed[0] < 12) fewer++;
  }
  assert(fewer > 15, `rows were left out in ${fewer} of 20 steps`);
});

Deno.test("nothing is gathered around a layer that mixes rows: batch norm in training, but not at inference", () => {
  const layers = sequential([counted(), batchNorm(), dense(4)]);
  const model = built(residual(layers, { branch: stochasticDepth({ rate: 0.5 }) }), [4]);
  const rowsIn = (mode: "train" | "sample") => {
    computed = [];
    for (let step = 0; step < 8; step++) model.forward(random([10, 4], 1), { mode, step });
    return computed;
  };
  assert(rowsIn("train").every((count) => count === 10));
  assert(rowsIn("sample").some((count) => count < 10));
});

Deno.test("DropKey inside tiled attention: masks of tiles come from addresses, a row that lost all its keys included", () => {
  const [batch, heads, time, width, rate] = [2, 2, 12, 4, 0.6];
  const [q, k, v] = [1, 2, 3].map((seed) => random([batch, heads, time, width], seed));
  const key = Key.seed(7).at("attention").withRows(Rows.range({ first: 3, step: 2 }));
  const mask: Mask = { key, rate, a: 1, c: maskedScore, empty: "kept" };
  const whole = scaledDotProductAttention(q, k, v, { causal: true, scores: (scores) => applyMask(scores, mask) });
  const tile = 5;
  let lost = 0;
  const decide = keptEntries(mask, [batch, heads, time, time], "float64").floats;
  /** One decision, from its own address: position `(head time + query) time + key` in the example's row. */
  const kept = (example: number, head: number, query: number, at: number): boolean => {
    const position = (head * time + query) * time + at;
    const own = key.withRows(Rows.range({ first: 3 + example, step: 2 })).later(position);
    return Tensor.bernoulli([1, 1], own, rate, 1, "float64").item() === 1;
  };
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let query = 0; query < time; query++) {
        const row = (
          x: Tensor,
          at: number,
        ): number[] => [...x.floats.subarray(((b * heads + h) * time + at) * width).slice(0, width)];
        const score = (at: number) =>
          row(q, query).reduce((sum, value, i) => sum + value * row(k, at)[i], 0) / Math.sqrt(width);
        const walk = (every: boolean) => {
          // The running maximum, sum and weighted values of softmax over tiles.
          let [top, sum, values] = [-Infinity, 0, new Float64Array(width)];
          for (let from = 0; from <= query; from += tile) {
            const seen = Array.from({ length: Math.min(tile, query + 1 - from) }, (_, i) => from + i)
              .filter((at) => every || kept(b, h, query, at));
            if (seen.length === 0) continue;
            const scores = seen.map(score);
            const next = Math.max(top, ...scores);
            const rescale = Math.exp(top - next);
            sum = sum * rescale + scores.reduce((all, value) => all + Math.exp(value - next), 0);
            values = values.map((value, i) =>
              value * rescale + seen.reduce((all, at, j) => all + Math.exp(scores[j] - next) * row(v, at)[i], 0)
            );
            top = next;
          }
          return { sum, values };
        };
        let result = walk(false);
        if (result.sum === 0) {
          lost++;
          result = walk(true);
        }
        const expected = row(whole, query);
        result.values.forEach((value, i) => assertAlmostEquals(value / result.sum, expected[i], 1e-12));
        assertEquals(kept(b, h, query, 0), decide[((b * heads + h) * time + query) * time] === 1);
      }
    }
  }
  assert(lost > 0, "some row lost all its keys");
  assert(noGrad(() => whole.abs().max().item()) > 0);
});
