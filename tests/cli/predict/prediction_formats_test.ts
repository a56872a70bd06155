/** Predictions as text for programs and people. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { printed } from "../../../cli/predict/prediction_formats.ts";

const rows = [
  { index: 0, file: 'a "b", c.png', prediction: "cat", probability: 0.75, probabilities: { cat: 0.75, dog: 0.25 } },
  { index: 1, file: "d.png", prediction: "dog", probability: 1, probabilities: { cat: 0, dog: 1 } },
];

async function text(given: readonly Record<string, unknown>[], format: "jsonl" | "csv" | "table") {
  return (await Array.fromAsync(printed(given, format))).join("");
}

Deno.test("JSON lines have an object a line; CSV has columns by path and quotes where they are needed", async () => {
  const lines = (await text(rows, "jsonl")).trimEnd().split("\n");
  assertEquals(lines.map((line) => JSON.parse(line)), rows);
  assertEquals(
    await text(rows, "csv"),
    "index,file,prediction,probability,probabilities.cat,probabilities.dog\r\n" +
      '0,"a ""b"", c.png",cat,0.75,0.75,0.25\r\n1,d.png,dog,1,0,1\r\n',
  );
  // One target is a number, several are numbered.
  const numbers = [{ index: 0, prediction: [1.5], quantiles: { "0.1": [1, 2] } }];
  assertEquals(await text(numbers, "csv"), "index,prediction,quantiles.0.1.0,quantiles.0.1.1\r\n0,1.5,1,2\r\n");
});

Deno.test("rows come out as they come in, and a table goes on below its first rows", async () => {
  const seen: string[] = [];
  function* given() {
    for (let index = 0; index < 250; index++) {
      seen.push(`row ${index}`);
      yield { index, prediction: index % 2 ? "yes" : "no", probability: 0.5 };
    }
  }
  for await (const piece of printed(given(), "jsonl")) seen.push(piece);
  assertEquals(seen.slice(0, 4).map((line) => line.slice(0, 5)), ["row 0", '{"ind', "row 1", '{"ind']);
  const table = (await Array.fromAsync(printed(given(), "table"))).join("");
  assertEquals(table.trimEnd().split("\n").length, 252);
  assertStringIncludes(table, "row  prediction  probability\n");
  assertEquals(table.split("prediction").length, 2);
});

Deno.test("a table shows white space and the quantiles of what is predicted", async () => {
  const tokens = [{ index: 0, token: "\n", next: " ", prediction: "a", quantiles: { "0.5": { a: 0.25, b: 0.5 } } }];
  const table = await text(tokens, "table");
  assertEquals(table.split("\n")[0], "row  token  next  prediction  quantile 0.5");
  assertStringIncludes(table, '"\\n"   " "   a               0.250000');
  const number = [{
    index: 0,
    prediction: [1],
    deviation: [2],
    epistemic: [4],
    aleatoric: [0.5],
    variance: [4.5],
    quantiles: { "0.5": [1] },
    predictiveQuantiles: { "0.5": [1.25] },
  }];
  const other = await text(number, "table");
  assertEquals(other.split("\n")[0], "row  prediction  deviation  aleatoric variance  quantile 0.5");
  assertStringIncludes(other, "1.25");
});
