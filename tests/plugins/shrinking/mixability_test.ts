/** Error by how much of a net is removed, and pairs of units that depend on each other. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  adam,
  arrays,
  buildModel,
  dense,
  digits,
  dropout,
  evaluate,
  fit,
  loadDataset,
  meanSquaredError,
  mixability,
  type Model,
  OptionError,
  PluginError,
  relu,
  sequential,
  Tensor,
} from "../../../mod.ts";

/** A net that adds up its hidden units with weights of its own; x is 1 in all examples. */
function summing(hidden: readonly number[], output: readonly number[]): Model {
  const model = buildModel(sequential([dense(hidden.length, { bias: false }), relu(), dense(1, { bias: false })]), {
    inputShape: [1],
  });
  model.load(
    new Map([
      ["model/0.weight", Tensor.from(hidden, [hidden.length, 1])],
      ["model/2.weight", Tensor.from(output, [1, output.length])],
    ]),
  );
  return model;
}

const four = () => loadDataset(arrays({ train: [[[1], [1]], [4, 4]], test: [[[1], [1]], [4, 4]], classes: false }));

Deno.test("interactions of pairs are the loss of both less that of each, by hand", async () => {
  // The sum is 1 + 1 + 2 = 4, as the targets are: without units it is short of what they add.
  const model = summing([1, 1, 2], [1, 1, 1]);
  const { pairs, whole, layers } = mixability(model, await four(), { loss: meanSquaredError(), draws: 2 });
  assertEquals([whole.error, layers], [0, [{ path: "0", units: 3 }]]);
  const { loss } = evaluate(summing([0, 1, 2], [1, 1, 1]), await four(), meanSquaredError());
  const found = pairs.map(({ units, alone, both, interaction }) => ({ units, alone, both, interaction }));
  // Short of a and b: (a + b)^2 - a^2 - b^2 = 2 a b times the loss of an error of 1.
  assertEquals(found, [
    { units: [0, 2], alone: [loss, 4 * loss], both: 9 * loss, interaction: 4 * loss },
    { units: [1, 2], alone: [loss, 4 * loss], both: 9 * loss, interaction: 4 * loss },
    { units: [0, 1], alone: [loss, loss], both: 4 * loss, interaction: 2 * loss },
  ]);
});

Deno.test("what is left is scaled up: of units that say the same, any subset gives what the whole net does", async () => {
  const model = summing([1, 1, 1, 1], [1, 1, 1, 1]);
  const before = model.parameters().map(({ tensor }) => tensor.toArray());
  const { curve, area } = mixability(model, await four(), { draws: 3, pairs: 0 });
  for (const { error } of curve) assertAlmostEquals(error.mean, 0, 1e-6);
  assertAlmostEquals(area.error, 0, 1e-6);
  assertEquals(curve.map(({ removed }) => removed), [0, 0, 0.25, 0.25, 0.5, 0.5, 0.5, 0.75, 0.75, 0.75]);
  assertEquals(model.parameters().map(({ tensor }) => tensor.toArray()), before, "the model stays as it is");
});

Deno.test("subsets of units that differ give a curve with errors of its own, and its mean height as the score", async () => {
  // Of two units, 3 and 1, one is left and doubled: the error is 2 either way.
  const model = summing([3, 1], [1, 1]);
  const { curve, area } = mixability(model, await four(), { rates: [0, 0.5, 0.9], draws: 8, pairs: 0 });
  assertEquals(curve.map(({ error }) => error.mean), [0, 2, 2]);
  assertEquals(curve.map(({ error }) => error.standardError), [0, 0, 0]);
  assertAlmostEquals(area.error, (0.5 * 1 + 0.4 * 2) / 0.9, 1e-12);
  // Of 4 and 0 it is 4 or 4; of 4, 0 and 0 the two that are left are scaled by 3/2: 2, or 4 where the first is gone.
  const uneven = mixability(summing([4, 0, 0], [1, 1, 1]), await four(), { rates: [0, 0.3], draws: 40, pairs: 0 });
  const [, { error, removed }] = uneven.curve;
  assertAlmostEquals(removed, 1 / 3, 1e-12);
  const share = (error.mean - 2) / 2; // of the draws that lost the first
  assert(share > 0.1 && share < 0.6, String(share));
  assertAlmostEquals(error.standardError, 2 * Math.sqrt(share * (1 - share) / 39), 1e-6);
});

Deno.test("a net that was trained with dropout mixes better than one without", async () => {
  const data = await loadDataset(digits({ train: 500, test: 300 }));
  const score = async (rate: number) => {
    const net = sequential([dense(64), relu(), dropout({ rate }), dense(10)]);
    const { model } = await fit(net, { data, optimizer: adam({ learningRate: 0.003 }), epochs: 6, seed: 3 });
    return mixability(model, data, { rates: [0, 0.3, 0.6, 0.9], draws: 4, pairs: 3 });
  };
  const [without, dropped] = [await score(0), await score(0.5)];
  assert(dropped.area.error < without.area.error, `${dropped.area.error} ${without.area.error}`);
  assert(dropped.area.loss < without.area.loss);
  assertEquals(without.pairs.length, 3);
  assert(Math.abs(without.pairs[0].interaction) >= Math.abs(without.pairs[2].interaction));
});

Deno.test("wrong options, and models without hidden units, are refused", async () => {
  const data = await four();
  const model = summing([1, 1], [1, 1]);
  assertThrows(() => mixability(model, data, { rates: [0.5, 0.2] }), OptionError, "mixability: rates");
  assertThrows(() => mixability(model, data, { rates: [0, 1] }), OptionError, "[0, 1)");
  assertThrows(() => mixability(model, data, { draws: 1 }), OptionError, "mixability: draws");
  assertThrows(() => mixability(model, data, { pairs: -1 }), OptionError, "mixability: pairs");
  const alone = buildModel(dense(1), { inputShape: [1] });
  assertThrows(() => mixability(alone, data), PluginError, "hidden units");
});
