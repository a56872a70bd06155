/** Word dropout: the facts of Bowman et al. and of Iyyer et al. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { buildModel, gradients, type Model, OptionError, Tensor } from "../../../core/mod.ts";
import { dropout, embedding, linear, sequential, wordDropout, type WordDropoutOptions } from "../../../plugins/mod.ts";
import { mean } from "../../core/_statistics.ts";
import { close, parameter, train, within } from "./_sequences.ts";

const [words, features] = [7, 3];

/** An embedding with word dropout, whose table is distinct numbers. */
function table(options: WordDropoutOptions, padding?: number): Model {
  const layer = embedding(words, features, { embedding: wordDropout(options), padding });
  const model = buildModel(layer, { inputShape: [-1], inputType: "int32", dtype: "float64" });
  const values = Float64Array.from({ length: words * features }, (_, i) => i + 1);
  parameter(model, "weight").assign(Tensor.from(values, [words, features]));
  return model;
}

/** Sentences of the words 0 to 6 in turn. */
function sentences(rows: number, time: number): Tensor {
  return Tensor.from(Int32Array.from({ length: rows * time }, (_, i) => i % words), [rows, time]);
}

Deno.test("each occurrence is dropped by itself, with its whole vector, and kept ones are not scaled", () => {
  const [rate, rows, time] = [0.3, 400, 42];
  for (const mode of ["train", "sample"] as const) {
    const model = table({ rate });
    const x = sentences(rows, time);
    const y = model.forward(x, { mode, step: 0 });
    const plain = model.forward(x);
    const dropped = Float64Array.from({ length: x.size }, (_, i) => {
      const [own, whole] = [y, plain].map(({ floats }) => [...floats.subarray(i * features, (i + 1) * features)]);
      if (own[0] === 0) assertEquals(own, [0, 0, 0]);
      else assertEquals(own, whole);
      return own[0] === 0 ? 1 : 0;
    });
    within(mean(dropped), rate, Math.sqrt(rate * (1 - rate) / dropped.length), "dropped");
    for (let word = 0; word < words; word++) {
      const own = dropped.filter((_, i) => x.ints[i] === word);
      within(mean(own), rate, Math.sqrt(rate * (1 - rate) / own.length), `word ${word}`);
    }
    // The same word 7 places on, and the next word: pairs that do not overlap.
    for (const lag of [1, words]) {
      const pairs = Array.from(dropped.keys()).filter((i) => i % (2 * lag) < lag && i + lag < dropped.length);
      const both = mean(pairs.map((i) => dropped[i] * dropped[i + lag]));
      within(
        both,
        rate ** 2,
        Math.sqrt(rate ** 2 * (1 - rate ** 2) / pairs.length),
        `both of a pair at distance ${lag}`,
      );
    }
  }
});

Deno.test("a dropped word has the vector of the unknown symbol, which gets its gradient", () => {
  const model = table({ rate: 0.5, unknown: 4 });
  const x = sentences(20, 14);
  const y = model.forward(x, train);
  const weight = parameter(model, "weight");
  const unknown = [...weight.floats.subarray(4 * features, 5 * features)];
  let changed = 0;
  x.ints.forEach((word, i) => {
    const own = [...y.floats.subarray(i * features, (i + 1) * features)];
    if (own.join() === unknown.join()) changed += word === 4 ? 0 : 1;
    else assertEquals(own, [...weight.floats.subarray(word * features, (word + 1) * features)]);
  });
  const [slope] = gradients(y.sum(), [weight]);
  const own = x.ints.filter((word) => word === 4).length;
  assert(changed > 0);
  assertEquals(slope.floats[4 * features], own + changed);
  assertEquals(slope.sum().item(), x.size * features);
});

Deno.test("padding is never dropped, nor counted among words, and an embedding's own padding stays zero", () => {
  const x = sentences(50, 21);
  for (const options of [{}, { unknown: 4 }]) {
    const y = table({ rate: 1, padding: 0, ...options }).forward(x, train);
    x.ints.forEach((word, i) => {
      const first = y.floats[i * features];
      assertEquals(first, word === 0 ? 1 : "unknown" in options ? 4 * features + 1 : 0);
    });
  }
  const both = table({ rate: 1, unknown: 4 }, 0).forward(x, train);
  x.ints.forEach((word, i) => assertEquals(both.floats[i * features], word === 0 ? 0 : 4 * features + 1));
});

Deno.test("before an embedding it changes indices, int32 or whole numbers in floats, to the unknown symbol or 0", () => {
  for (const inputType of ["int32", "float32"] as const) {
    for (const unknown of [undefined, 4]) {
      const before = buildModel(wordDropout({ rate: 0.5, unknown, padding: 2 }), { inputShape: [-1], inputType });
      const x = sentences(30, 21);
      const y = before.forward(inputType === "int32" ? x : x.cast("float32"), train);
      assertEquals(y.dtype, inputType);
      const values = y.storage.array;
      x.ints.forEach((word, i) => assert(values[i] === word || (values[i] === (unknown ?? 0) && word !== 2)));
      assert(x.ints.some((word, i) => values[i] !== word));
      close(before.forward(x).cast("float64"), x.cast("float64"), "evaluation");
    }
  }
  // Together with a variant of the table's rows.
  const layers = sequential([wordDropout({ rate: 1, unknown: 3 }), embedding(words, features), dropout({ rate: 0 })]);
  const model = buildModel(layers, { inputShape: [5], inputType: "int32", dtype: "float64" });
  const expected = parameter(model, "1.weight").slice([3], [4]).reshape([1, 1, features]).broadcastTo([2, 5, features]);
  close(model.forward(sentences(2, 5), train), expected);
});

Deno.test("the same words are dropped whatever part of a batch is run, and others at each step", () => {
  const model = table({ rate: 0.5 });
  const x = sentences(6, 14);
  const y = model.forward(x, train);
  const part = Tensor.from(x.ints.slice(4 * 14), [2, 14]);
  close(model.forward(part, { ...train, sample: 4 }), y.slice([4]), "part of the batch");
  assertNotEquals(model.forward(x, { ...train, step: 1 }).toArray(), y.toArray());
});

Deno.test("wordDropout() at the ends of its range, under a schedule, and of a word that is infinite", () => {
  const x = sentences(2, 7);
  const plain = table({}).forward(x);
  close(table({ rate: 0 }).forward(x, train), plain, "rate 0");
  close(table({ rate: 0, unknown: 3 }).forward(x, train), plain, "rate 0, unknown");
  const none = table({ rate: 1 });
  parameter(none, "weight").assign(Tensor.full([words, features], Infinity, "float64"));
  const y = none.forward(x, train);
  assert(y.floats.every((value) => value === 0));
  assert(gradients(y.sum(), [parameter(none, "weight")])[0].floats.every((value) => value === 0));
  const later = table({ rate: linear({ from: 0, to: 1 }) });
  const at = (step: number) =>
    later.forward(x, { mode: "train", step, progress: { step, stepsPerEpoch: 5, totalSteps: 10 } });
  close(at(0), plain, "first step");
  assertNotEquals(at(5).toArray(), plain.toArray());
  assertEquals(table({ rate: 0.5 }).forward(Tensor.from(new Int32Array(0), [0, 3]), train).shape, [0, 3, features]);
});

Deno.test("wordDropout() refuses an unknown symbol beyond the table, and what is no index or rate, by name", () => {
  for (const mode of ["train", "eval"] as const) {
    assertThrows(() => table({ unknown: 7 }).forward(sentences(1, 7), { mode, step: 0 }), OptionError, "unknown");
  }
  for (const bad of [-1, 1.5]) {
    assertThrows(() => wordDropout({ unknown: bad }), OptionError, "unknown");
    assertThrows(() => wordDropout({ padding: bad }), OptionError, "padding");
    assertThrows(() => wordDropout({ rate: bad }), OptionError, "rate");
  }
});
