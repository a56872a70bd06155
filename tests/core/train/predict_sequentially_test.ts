/** Passes that stop once a class is settled. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  adam,
  buildModel,
  dense,
  digits,
  dropout,
  fit,
  Key,
  loadDataset,
  mnist,
  OptionError,
  predict,
  predictSequentially,
  reference,
  relu,
  samplesOf,
  sequential,
  ShapeError,
  Tensor,
  useBackend,
} from "../../../mod.ts";
import { missing, open } from "../../native/_native.ts";

const net = () => sequential([dense(32), relu(), dropout({ rate: 0.5 }), dense(4)]);

Deno.test("each example's passes are the first ones that predict makes, whatever the batch", () => {
  const model = buildModel(net(), { inputShape: [6], seed: 2 });
  const x = Tensor.normal([12, 6], Key.seed(2).at("x")).mul(2);
  const options = { samples: 200, error: 0.05, seed: 9 };
  const found = predictSequentially(model, x, options);
  assert(found.settled.includes(true) && new Set(found.passes).size > 1, String(found.passes));
  const passes = samplesOf(model, x, { samples: 200, seed: 9, softmax: true }).floats;
  found.passes.forEach((count, row) => {
    for (let k = 0; k < 4; k++) {
      let sum = 0;
      for (let pass = 0; pass < count; pass++) sum += passes[(pass * 12 + row) * 4 + k];
      assertAlmostEquals(found.mean.floats[row * 4 + k], sum / count, 1e-5);
    }
    if (!found.settled[row]) assertEquals(count, 200);
  });
  const small = predictSequentially(model, x, { ...options, batchSize: 5 });
  assertEquals([small.classes, small.passes, small.settled], [found.classes, found.passes, found.settled]);
  const tail = predictSequentially(model, x.slice([4], [12]), { ...options, first: 4 });
  assertEquals(tail.passes, found.passes.slice(4));
});

Deno.test("Monte Carlo passes can begin at any number", () => {
  const model = buildModel(net(), { inputShape: [6], seed: 2 });
  const x = Tensor.normal([3, 6], Key.seed(2).at("x"));
  const all = samplesOf(model, x, { samples: 7 });
  const seen: number[] = [];
  model.sample(x, { passes: 3, from: 4, rows: Key.seed(0).rows }, (output, pass) => {
    seen.push(pass);
    output.floats.forEach((value, i) => assertAlmostEquals(value, all.floats[pass * 12 + i], 1e-5));
  });
  assertEquals(seen, [4, 5, 6]);
});

Deno.test("a net without draws is settled at its class, and one with a tie stays open", () => {
  const model = buildModel(dense(2), { inputShape: [2] });
  model.load(
    new Map([["model/weight", Tensor.from([9, 0, 0, 9], [2, 2])], ["model/bias", Tensor.zeros([2])]]),
  );
  const found = predictSequentially(model, Tensor.from([1, 0, 0, 1, 1, 1], [3, 2]), { samples: 30, error: 0.05 });
  assertEquals(found.settled, [true, true, false]);
  assertEquals(found.classes.slice(0, 2), [0, 1]);
  assertEquals(found.passes[2], 30);
});

Deno.test("options out of range and other outputs are refused", () => {
  const model = buildModel(net(), { inputShape: [6] });
  const x = Tensor.ones([1, 6]);
  assertThrows(() => predictSequentially(model, x, { error: 0 }), OptionError, "error");
  assertThrows(() => predictSequentially(model, x, { samples: 0 }), OptionError, "samples");
  assertThrows(() => predictSequentially(model, x, { samples: 16385 }), OptionError, "[1, 16384]");
  const numbers = buildModel(dense(1), { inputShape: [6] });
  assertThrows(() => predictSequentially(numbers, x), ShapeError, "at least 2 classes");
});

Deno.test("of digits, most are settled after a fraction of the passes, at the class of all of them", async () => {
  // The masks are the same everywhere; in C there are more of them in a second.
  const before = useBackend(missing === undefined ? open() : reference);
  try {
    await settleDigits();
  } finally {
    useBackend(before);
  }
});

async function settleDigits(): Promise<void> {
  const data = Deno.env.get("THINNED_DATA") === undefined
    ? await loadDataset(digits({ train: 400, test: 300 }))
    : await loadDataset(mnist());
  const most = Math.min(data.train.count, 2000);
  const width = data.train.inputs.length / data.train.count;
  const [inputs, labels] = [data.train.inputs.slice(0, most * width), data.train.labels!.slice(0, most)];
  const train = { ...data.train, count: most, inputs, labels };
  const few = { ...data, train };
  const settings = { data: few, optimizer: adam({ learningRate: 0.003 }), epochs: 8, seed: 1 };
  const { model } = await fit(sequential([dense(64), relu(), dropout({ rate: 0.25 }), dense(10)]), settings);
  const count = 300;
  const size = few.test.shape.reduce((a, b) => a * b);
  const x = Tensor.from(Float32Array.from(few.test.inputs.slice(0, count * size)), [count, ...few.test.shape]);
  const samples = 400;
  const { passes, classes, settled } = predictSequentially(model, x, { samples, error: 0.01 });
  const mean = passes.reduce((a, b) => a + b) / count;
  assert(mean < samples / 2, `${mean} passes in the mean`);
  const all = predict(model, x, { samples, softmax: true }).mean.argmax().ints;
  const other = classes.filter((found, i) => settled[i] && found !== all[i]).length;
  assert(other <= 0.01 * count, `${other} of ${count} are settled at another class`);
}
