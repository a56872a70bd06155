/** Going on with a sequence: greedy, drawn, carried states and a sliding window. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  generate,
  languageModel,
  type LayerPlugin,
  type Model,
  OptionError,
  PluginError,
  Tensor,
} from "../../../core/mod.ts";
import {
  dense,
  dropout,
  embedding,
  encoderBlock,
  flatten,
  learnedPositions,
  lstm,
  reshape,
  sequential,
} from "../../../plugins/mod.ts";

const CLASSES = 7;
const net = (layers: LayerPlugin[], length = 6) =>
  buildModel(sequential([embedding(CLASSES, 8), ...layers, dense(CLASSES)]), { inputShape: [length], seed: 5 });

const recurrent = () => net([lstm(12), dropout({ rate: 0.4 })]);
const transformer = () =>
  net([learnedPositions({ length: 6, deviation: 1 }), encoderBlock(2, { causal: true, norm: "pre" })]);

/** The most probable token after some, by one pass over all of them. */
function best(model: Model, tokens: readonly number[]): number {
  const { model: any } = languageModel(model);
  const outputs = any.forward(Tensor.from(tokens, [1, tokens.length], "float32"));
  const last = [...outputs.floats.subarray(outputs.size - CLASSES)];
  return last.indexOf(Math.max(...last));
}

Deno.test("at temperature 0 each token is the most probable one after all before it, whose state is carried", () => {
  const model = recurrent();
  assertEquals(languageModel(model).carries, true);
  const prompt = [1, 2, 3];
  const added = [...generate(model, prompt, { length: 20, temperature: 0 })];
  added.forEach((token, i) => assertEquals(token, best(model, [...prompt, ...added.slice(0, i)]), `token ${i}`));
});

Deno.test("a transformer's window slides: it reads as many tokens as it was trained on", () => {
  const model = transformer();
  const { carries, window, least } = languageModel(model);
  assertEquals([carries, window, least], [false, 6, 1]);
  const prompt = [1, 2, 3];
  const added = [...generate(model, prompt, { length: 12, temperature: 0 })];
  added.forEach((token, i) =>
    assertEquals(token, best(model, [...prompt, ...added.slice(0, i)].slice(-6)), `token ${i}`)
  );
});

Deno.test("the same seed draws the same tokens, another one others; fewer tokens are the first of more", () => {
  for (const model of [recurrent(), transformer()]) {
    const draw = (seed: number, length = 30) => [...generate(model, [4], { length, seed })];
    assertEquals(draw(1), draw(1));
    assertEquals(draw(1, 10), draw(1).slice(0, 10));
    assert(draw(1).join() !== draw(2).join());
  }
});

Deno.test("tokens are drawn with their probabilities, at any temperature, among the most probable, without the excluded", () => {
  // Logits are the row of a table, whatever came before.
  const model = buildModel(sequential([embedding(3, 3)]), { inputShape: [4] });
  const logits = [0, Math.log(2), Math.log(5)]; // 1/8, 2/8, 5/8
  model.parameters()[0].tensor.assign(Tensor.of([logits, logits, logits]));
  const n = 4000;
  const shares = (options: { temperature?: number; topK?: number; exclude?: number[] }) => {
    const counts = [0, 0, 0];
    for (const token of generate(model, [0], { length: n, seed: 3, ...options })) counts[token]++;
    return counts.map((count) => count / n);
  };
  const near = (found: number[], expected: number[]) =>
    found.forEach((share, i) => {
      const deviation = Math.sqrt(expected[i] * (1 - expected[i]) / n);
      assert(Math.abs(share - expected[i]) <= 4 * deviation, `${found} for ${expected}, seed 3`);
    });
  near(shares({}), [1 / 8, 2 / 8, 5 / 8]);
  near(shares({ temperature: 0.5 }), [1 / 30, 4 / 30, 25 / 30]); // squares
  near(shares({ topK: 2 }), [0, 2 / 7, 5 / 7]);
  near(shares({ exclude: [2] }), [1 / 3, 2 / 3, 0]);
  assertEquals(shares({ topK: 1 }), [0, 0, 1]);
  assertEquals(shares({ temperature: 0, exclude: [2] }), [0, 1, 0]);
});

Deno.test("passes are averaged, each with masks that stay; without dropout they are what one pass is", () => {
  const model = recurrent();
  const draw = (samples: number) => [...generate(model, [1], { length: 40, samples })];
  assert(draw(1).join() !== draw(0).join());
  assertEquals(draw(5), draw(5));
  const still = [...generate(model, [1], { length: 40, samples: 2, sites: ["^1$"] })];
  assertEquals(still, draw(0));
  const other = transformer();
  assertEquals(
    [...generate(other, [1], { length: 10, samples: 3 })],
    [...generate(other, [1], { length: 10 })],
  );
});

Deno.test("a net that takes one length only goes on from a prompt of that length", () => {
  // Positions of which there are as many as the model was built for.
  const model = net([learnedPositions(), encoderBlock(2, { causal: true })]);
  assertEquals(languageModel(model).least, 6);
  const prompt = [1, 2, 3, 4, 5, 6, 0];
  const added = [...generate(model, prompt, { length: 5, temperature: 0 })];
  added.forEach((token, i) => assertEquals(token, best(model, [...prompt, ...added.slice(0, i)].slice(-6))));
  assertThrows(() => [...generate(model, [1, 2], { length: 1 })], OptionError, "at least 6 tokens");
});

Deno.test("layers that carry their state are not enough where places count: then the window slides as well", () => {
  const model = net([learnedPositions({ length: 6, deviation: 1 }), lstm(12)]);
  assertEquals(languageModel(model).carries, false);
  const added = [...generate(model, [1, 2], { length: 10, temperature: 0 })];
  added.forEach((token, i) => assertEquals(token, best(model, [1, 2, ...added.slice(0, i)].slice(-6))));
});

Deno.test("what was configured since a model was built holds for it at any length, too", () => {
  const model = net([lstm(12), dropout({ rate: 0.4 })]);
  model.configure("2", { rate: 0 });
  assertEquals(languageModel(model).model.drawingSites(), []);
});

Deno.test("models that are no language models, and tokens that are none, are refused", () => {
  const classifier = buildModel(sequential([dense(3)]), { inputShape: [4] });
  assertThrows(() => [...generate(classifier, [1], { length: 1 })], PluginError, "found one that gives [3] for [4].");
  const sees = net([encoderBlock(2)]);
  assertThrows(() => [...generate(sees, [1], { length: 1 })], PluginError, "depend on tokens to come");
  const mixes = net([flatten(), dense(6 * 4), reshape([6, 4])]);
  assertThrows(() => [...generate(mixes, [1, 2, 3, 4, 5, 6], { length: 1 })], PluginError, "depend on tokens to come");
  for (const prompt of [[7], [-1], [0.5], []]) {
    assertThrows(() => [...generate(recurrent(), prompt, { length: 1 })], OptionError, "generate: prompt");
  }
  for (const [name, value] of [["temperature", -1], ["topK", 0], ["length", -1], ["samples", 0.5], ["seed", NaN]]) {
    const options = { length: 1, [name]: value };
    assertThrows(() => [...generate(recurrent(), [1], options)], OptionError, `generate: ${name}`);
  }
});

Deno.test("members of an ensemble are averaged at each token, each with states of its own, whatever its window is", () => {
  const single = [recurrent(), net([lstm(12), dropout({ rate: 0.1 })], 9), transformer()];
  const [prompt, classes] = [[1, 2, 3], [...Array(CLASSES).keys()]];
  const added = [...generate([single[0], { model: single[1] }, single[2]], prompt, { length: 8, temperature: 0 })];
  added.forEach((token, i) => {
    const tokens = [...prompt, ...added.slice(0, i)];
    const mean = classes.map(() => 0);
    for (const model of single) {
      const own = model === single[2] ? tokens.slice(-6) : tokens;
      const outputs = languageModel(model).model.forward(Tensor.from(own, [1, own.length], "float32")).softmax();
      classes.forEach((k) => mean[k] += outputs.floats[outputs.size - CLASSES + k]);
    }
    assertEquals(token, mean.indexOf(Math.max(...mean)), `token ${i}`);
  });
  const drawn = (models: Model[]) => [...generate(models, prompt, { length: 30, samples: 3, seed: 2 })].join();
  assertEquals(drawn([single[0], single[0]]), drawn([single[0]]));
  assert(drawn(single) !== drawn([single[0]]));
  const other = buildModel(sequential([embedding(3, 3)]), { inputShape: [4] });
  assertThrows(() => [...generate([single[0], other], [1], { length: 1 })], OptionError, "models of the same 7 tokens");
  assertThrows(() => [...generate([], [1], { length: 1 })], OptionError, "generate: models: expected at least one");
});
