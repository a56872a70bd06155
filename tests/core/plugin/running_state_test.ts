import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  type Dataset,
  fit,
  Key,
  type LayerPlugin,
  OptionError,
  type Plugin,
  Tensor,
} from "../../../core/mod.ts";
import {
  batchNorm,
  crossEntropy,
  dense,
  embedding,
  lstm,
  rDrop,
  repeat,
  sequential,
  sgd,
  text,
} from "../../../plugins/mod.ts";

const losses: Plugin<"loss">[] = [crossEntropy(), rDrop({ alpha: 2 })];

/** The final test loss and running state with each loss; without dropout, R-Drop's two passes are one and the same. */
async function both(model: () => LayerPlugin, data: Dataset | Plugin<"dataset">, batchSize: number) {
  const results = [];
  for (const loss of losses) {
    const run = await fit(model(), {
      data,
      loss,
      optimizer: sgd({ learningRate: 0.1 }),
      epochs: 2,
      batchSize,
      seed: 1,
    });
    const state = [...run.model.state().values()].flatMap((tensor) => [...tensor.floats]);
    results.push({ weights: run.model.parameters().flatMap(({ tensor }) => [...tensor.floats]), state });
  }
  return results;
}

function assertClose(a: readonly number[], b: readonly number[]): void {
  assertEquals(a.length, b.length);
  a.forEach((value, i) => assertAlmostEquals(value, b[i], 1e-5));
}

Deno.test("running statistics move once a step, however many passes the loss makes", async () => {
  const inputs = Tensor.normal([40, 3], Key.seed(1).at("x")).floats as Float32Array<ArrayBuffer>;
  const labels = Int32Array.from({ length: 40 }, (_, i) => i % 2);
  const split = { count: 40, shape: [3], inputs, scale: 1, labels };
  const data: Dataset = { name: "normal", classes: 2, outputs: 0, train: split, test: split };
  const [plain, twice] = await both(() => sequential([batchNorm(), dense(2)]), data, 10);
  assertClose(plain.state, twice.state);
  assertClose(plain.weights, twice.weights);
});

Deno.test("every pass of a loss starts from the state that the batch before left", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "one two three four five six seven eight nine ten. ".repeat(20));
    const data = text({ path, length: 10, order: "lanes" });
    const model = () => sequential([embedding(17, 4), lstm(5, { stateful: 4 }), dense(17)]);
    const [plain, twice] = await both(model, data, 4);
    assertClose(plain.state, twice.state);
    assertClose(plain.weights, twice.weights);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a stateful layer that is used several times is refused: its uses would share one state", () => {
  const shared = repeat(lstm(3, { stateful: 2 }), 2, { share: true });
  assertThrows(() => buildModel(shared, { inputShape: [4, 3] }), OptionError, "used once");
});

Deno.test("the uses of a shared layer carry states of their own", () => {
  const model = buildModel(repeat(lstm(3), 2, { share: true }), { inputShape: [-1, 3], seed: 1 });
  const x = Tensor.normal([2, 6, 3], Key.seed(2).at("x"));
  const whole = model.forward(x);
  const carry = new Map<string, Tensor>();
  const pieces = [0, 3].map((from) => model.forward(x.slice([0, from], [2, from + 3]), { carry }));
  assertClose([...Tensor.concat(pieces, 1).floats], [...whole.floats]);
  assertEquals(carry.size, 4); // hidden and cell, for each use
});
