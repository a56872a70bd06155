/** Text as a data set: tokens, vocabulary, parts, examples, and what is refused. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DataError, type Dataset, loadDataset, OptionError, PermissionError } from "../../../core/mod.ts";
import { numbersOfTokens, textOf, tokensOf, UNKNOWN, vocabularyOf } from "../../../plugins/datasets/_tokens.ts";
import { text, type TextOptions } from "../../../plugins/datasets/text.ts";
import { gzip, inFolder } from "./_idx_bytes.ts";

/** Loads a text through a file. */
async function load(content: string, options: TextOptions): Promise<Dataset> {
  let data: Dataset | undefined;
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/some.txt`, content);
    data = await loadDataset(text({ ...options, path: `${folder}/some.txt` }));
  });
  return data!;
}

/** The tokens that numbers stand for. */
function read(data: Dataset, numbers: ArrayLike<number>): string {
  return Array.from(numbers, (number) => data.classNames![number]).join("");
}

Deno.test("text() cuts characters into examples whose labels are the characters that follow", async () => {
  const data = await load("abcdefghijklmnopqrstuvwxyzabcdefghijklm", { length: 4, testFraction: 13 / 39 });
  assertEquals([data.name, data.classes, data.outputs, data.order], ["some.txt", 27, 0, "shuffled"]);
  assertEquals(data.classNames!.slice(0, 3), [UNKNOWN, "a", "b"]);
  const { train, test } = data;
  assertEquals([train.count, train.shape, train.labelsPerExample, train.scale], [6, [4], 4, 1]);
  assert(train.inputs instanceof Uint8Array);
  assertEquals(read(data, train.inputs), "abcdefghijklmnopqrstuvwx");
  assertEquals(read(data, train.labels!), "bcdefghijklmnopqrstuvwxy");
  // The test part begins with its own first token, and none of its labels lies in the training part.
  assertEquals(read(data, test.inputs), "abcdefghijkl");
  assertEquals(read(data, test.labels!), "bcdefghijklm");
});

Deno.test("text() with a stride lets examples overlap or leave gaps", async () => {
  const overlapping = await load("abcdefghij", { length: 3, stride: 1, testFraction: 0.4 });
  assertEquals(read(overlapping, overlapping.train.inputs), "abcbcdcde");
  assertEquals(read(overlapping, overlapping.train.labels!), "bcdcdedef");
  const sparse = await load("abcdefghijklmnop", { length: 2, stride: 5, testFraction: 0.2 });
  assertEquals(read(sparse, sparse.train.inputs), "abfgkl");
  // 13 tokens for training: an example needs its last label, too.
  assertEquals(sparse.train.count, Math.floor((13 - 1 - 2) / 5) + 1);
});

Deno.test("text() takes its vocabulary from the training part; what only the test part has is token 0", async () => {
  const data = await load("abababababXYab", { length: 3, testFraction: 4 / 14 });
  assertEquals(data.classNames, [UNKNOWN, "a", "b"]);
  assertEquals([...data.test.inputs], [0, 0, 1]);
  assertEquals([...data.test.labels!], [0, 1, 2]);
});

Deno.test("text() of words keeps the most frequent, and all others are token 0", async () => {
  const content = "the cat and the dog and the bird\nsaw the don't-care cat. ".repeat(3);
  const all = await load(content, { level: "word", length: 4, testFraction: 0.2 });
  assertEquals(all.classNames!.slice(0, 4), [UNKNOWN, "the", "and", "cat"]);
  assert(all.classNames!.includes("don't-care") && all.classNames!.includes("\n") && all.classNames!.includes("."));
  const few = await load(content, { level: "word", length: 4, testFraction: 0.2, maxWords: 2 });
  assertEquals(few.classNames, [UNKNOWN, "the", "and"]);
  assertEquals([...few.train.inputs.subarray(0, 8)], [1, 0, 2, 1, 0, 2, 1, 0]);
});

Deno.test("text() holds more than 256 different tokens as floats", async () => {
  const content = Array.from({ length: 300 }, (_, i) => `w${i}`).join(" ");
  const data = await load(content, { level: "word", length: 2, testFraction: 0.01 });
  assertEquals(data.classes, 298);
  assert(data.train.inputs instanceof Float32Array);
  assertEquals(Math.max(...data.train.inputs), 297);
});

Deno.test("a character outside of the basic plane is one token, and the spelling of the unknown token is unknown", () => {
  assertEquals(tokensOf("a😀b", "character"), ["a", "😀", "b"]);
  assertEquals(vocabularyOf(["b", "😀", "a", "b"], "character"), [UNKNOWN, "a", "b", "😀"]);
  assertEquals([...numbersOfTokens([UNKNOWN, "a"], [UNKNOWN, "a"])], [0, 1]);
});

Deno.test("text() reads a file packed by gzip", async () => {
  await inFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.txt.gz`, await gzip(new TextEncoder().encode("abcabcabcabc")));
    const data = await loadDataset(text({ path: `${folder}/a.txt.gz`, length: 2, testFraction: 0.3 }));
    assertEquals(data.classes, 4);
  });
});

Deno.test("text() refuses parts that are too short, other bytes than UTF-8, and no file", async () => {
  await assertRejects(() => load("abcdefghij", { length: 9 }), DataError, "training part: expected at least 10 tokens");
  const short = () => load("abcdefghij".repeat(4), { length: 9 });
  await assertRejects(short, DataError, "test part: expected at least 10 tokens, found 4.");
  await inFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.txt`, Uint8Array.of(0xff, 0xfe, 0x00));
    await assertRejects(() => loadDataset(text({ path: `${folder}/a.txt` })), DataError, "expected text in UTF-8");
    await assertRejects(() => loadDataset(text({ path: `${folder}/b.txt` })), DataError, "expected a file, found none");
  });
});

Deno.test("text() refuses options out of range, and those that exclude each other", async () => {
  assertThrows(() => text({ length: 1 }), OptionError, "text.length: expected a whole number of at least 2, found 1.");
  assertThrows(() => text({ testFraction: 1 }), OptionError, "text.testFraction: expected a number between 0 and 1");
  const strided = () => load("abcabcabc", { length: 2, stride: 1, order: "lanes" });
  await assertRejects(strided, OptionError, "text.stride: expected 2, the length, in the order lanes, found 1.");
  await assertRejects(() => load("abc", { maxWords: 3 }), OptionError, "text.maxWords: expected none");
});

Deno.test({
  name: "text() names the flag when it may not read the file",
  permissions: { read: false },
  fn: async () => {
    const error = await assertRejects(() => loadDataset(text({ path: "some.txt" })), PermissionError);
    assert(error.message.includes("--allow-read=some.txt"), error.message);
  },
});

const real = Deno.env.get("THINNED_DATA");
Deno.test({
  name: `text() reads tiny Shakespeare${real ? "" : " (skipped: THINNED_DATA is not set)"}`,
  ignore: !real,
  fn: async () => {
    const data = await loadDataset(text({ length: 100 }));
    assertEquals([data.name, data.classes], ["input.txt", 66]);
    assertEquals(data.classNames!.slice(0, 4), [UNKNOWN, "\n", " ", "!"]);
    assertEquals([data.train.count, data.test.count], [
      Math.floor((1003855 - 1) / 100),
      Math.floor((111539 - 1) / 100),
    ]);
    assertEquals(read(data, data.train.inputs.subarray(0, 14)), "First Citizen:");
    assert(!data.test.labels!.includes(0), "every character of the test part is known");
    const words = await loadDataset(text({ level: "word", maxWords: 1000, length: 20 }));
    assertEquals(words.classes, 1001);
    assertEquals(words.classNames!.slice(1, 3), ["\n", ","]);
  },
});

Deno.test("text() holds a validation part back between the training and the test part", async () => {
  const options = { length: 3, testFraction: 0.25, validationFraction: 0.25 };
  const data = await load("abcabcabcabcabdeabde", { ...options, order: "lanes" });
  const { train, validation, test } = data;
  assertEquals(data.classNames, [UNKNOWN, "a", "b", "c"]); // of the training part alone
  assertEquals([read(data, train.inputs), train.count], ["abcabcabc", 3]);
  assertEquals([read(data, validation!.inputs), read(data, validation!.labels!)], ["bca", "cab"]);
  assertEquals(test.count, 1);
  const without = await load("abcabcabcabcabdeabde", { length: 3, testFraction: 0.25 });
  assertEquals([without.validation, without.train.count], [undefined, 4]);
  const all = { ...options, validationFraction: 0.75 };
  await assertRejects(() => load("abcabc", all), OptionError, "text.validationFraction: expected a number below 0.75");
});

Deno.test("textOf() writes words as people do: spaces between them, none before signs, behind brackets and at line ends", () => {
  const tokens = ["Hark", "!", "(", "he", "said", ")", "\n", "To", "be", ",", "or", "<unk>", "."];
  const text = tokens.reduce((text, token) => text + textOf(token, text, "word"), "");
  assertEquals(text, "Hark! (he said)\nTo be, or <unk>.");
  assertEquals(textOf("or", "To be ", "word"), "or");
  assertEquals(textOf("b", "a", "character"), "b");
});
