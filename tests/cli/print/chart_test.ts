import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { curves } from "../../../cli/print/curves.ts";
import { table } from "../../../cli/print/table.ts";

// deno-lint-ignore no-control-regex
const plain = (text: string): string => text.replace(/\x1b\[\d+m/g, "");
const lines = (text: string): string[] => text.split("\n");
const falling = (epochs: number, from: number, to: number): number[] =>
  Array.from({ length: epochs }, (_, i) => to + (from - to) * Math.exp(-i / 3));

Deno.test("table() puts numbers to the right and texts to the left, under headings and a rule", () => {
  assertEquals(
    table([["plain", "1,276,810", "1.93 %", "12.1 ms"], ["dropout", 7, "12.50 %", "NaN ms"]], [
      "run",
      "parameters",
      "error",
      "time",
    ]),
    [
      "run      parameters    error     time",
      "───────  ──────────  ───────  ───────",
      "plain     1,276,810   1.93 %  12.1 ms",
      "dropout           7  12.50 %   NaN ms",
    ].join("\n"),
  );
});

Deno.test("table() aligns as it is told, fills up short rows, and does not count colours as characters", () => {
  assertEquals(
    table([["\x1b[31mred\x1b[0m", "x"], ["a"]], [{ title: "one", align: "right" }, { title: "second" }, "third"]),
    "one  second  third\n───  ──────  ─────\n\x1b[31mred\x1b[0m  x\n  a",
  );
  assertEquals(table([], ["a", "b"]), "a  b\n─  ─");
});

Deno.test("curves() draws a falling curve from the top left to the bottom right, between its axes", () => {
  const drawn = curves([{ name: "test", values: [40, 30, 20, 10, 0] }], { width: 30, height: 8, title: "error, %" });
  assertEquals(lines(drawn), [
    "       error, %",
    "   40 ┤●⠢⣀",
    "      │   ⠑⠦⡀",
    "      │     ⠈⠑⠤⡀",
    "      │        ⠈⠑⠤⡀",
    "   20 ┤           ⠈⠒⢄⡀",
    "      │              ⠈⠒⢄●",
    "      │                 ⠈⠒⢄",
    "    0 ┤                    ⠉⠢●",
    "      └┬────┬───────────┬─────",
    "epoch  1    2           4",
    "       ─●─ test 0",
  ]);
});

Deno.test("curves() fits in its width and height for any number of epochs and curves", () => {
  for (const epochs of [1, 2, 3, 7, 40, 365, 1000]) {
    for (const count of [1, 4, 9]) {
      for (const [width, height] of [[72, 16], [40, 8], [100, 30]]) {
        const series = Array.from({ length: count }, (_, i) => ({
          name: `run ${i}`,
          values: falling(epochs, 90 - i, 1 + i),
        }));
        const drawn = lines(curves(series, { width, height, title: "error", unit: "%" }));
        const where = `${epochs} epochs, ${count} curves, ${width} x ${height}\n${drawn.join("\n")}`;
        assert(drawn.every((line) => [...line].length <= width), where);
        assertEquals(drawn.filter((line) => /[│┤]/.test(line)).length, height, where);
        for (let i = 0; i < count; i++) assertStringIncludes(drawn.join("\n"), `run ${i} `, where);
        const numbers = drawn.find((line) => line.trimStart().startsWith("epoch"))!.trim().split(/\s+/).slice(1).map(
          Number,
        );
        assertEquals(numbers[0], 1, where);
        assert(numbers.every((value, i) => i === 0 || value > numbers[i - 1]) && numbers.at(-1)! <= epochs, where);
      }
    }
  }
});

Deno.test("curves() tells curves apart without colours, and colours change nothing else", () => {
  const series = [
    { name: "plain, test", values: falling(20, 10, 3) },
    { name: "plain, train", values: falling(20, 10, 1) },
    { name: "dropout, test", values: falling(20, 14, 2) },
  ];
  const text = curves(series);
  for (const mark of ["●", "▲", "■"]) {
    assert(text.split(mark).length > 3, `${mark} is in the plot and the legend\n${text}`);
  }
  assertStringIncludes(text, "─●─ plain, test 3.01   ╌▲╌ plain, train 1.02");
  assert(!text.includes("\x1b"));
  const coloured = curves(series, { colour: true });
  assert(coloured.includes("\x1b[36m●\x1b[0m"));
  assertEquals(plain(coloured), text);
});

Deno.test("curves() cuts off the peak of the first epochs and says so, but only when there are more epochs", () => {
  const values = [92, 30, 12, 8, 7.5, 7, 6.8, 6.6, 6.4, 6.3, 6.2, 6.1];
  const text = curves([{ name: "test", values }], { title: "error, %" });
  assertStringIncludes(lines(text)[0], "error, % (peak 92 not shown)");
  assertStringIncludes(curves([{ name: "test", values }]), "       (peak 92 not shown)");
  assert(!curves([{ name: "test", values: values.slice(0, 4) }]).includes("peak"));
});

Deno.test("curves() leaves gaps for NaN and infinities, and says when there is nothing to draw", () => {
  const text = curves([{ name: "test", values: [4, NaN, 2, Infinity, 1] }], { height: 8 });
  assertStringIncludes(text, "test 1");
  assertStringIncludes(curves([{ name: "short", values: [1, 2] }, { name: "none", values: [] }]), "╌▲╌ none");
  assertEquals(curves([{ name: "test", values: [NaN] }], { title: "error" }), "error\n(no values to draw)");
  assertEquals(curves([]), "(no values to draw)");
});

Deno.test("curves() labels its axis with distinct round numbers, from tiny to huge and for a flat curve", () => {
  for (const values of [[0, 0, 0], [5, 5], [-3, -1], [1e-6, 3e-6], [1e5, 9e6], [0.0123, 0.0127], [-1e4, 1e4], [7]]) {
    const text = curves([{ name: "x", values }]);
    const labels = lines(text).flatMap((line) => /^\s*(-?[\d.]+) ┤/.exec(line)?.[1] ?? []).map(Number);
    assert(labels.length >= 2, text);
    assert(labels.every((label, i) => i === 0 || label < labels[i - 1]), text);
    assert(Math.min(...values) >= labels.at(-1)! - 1e-12 && Math.max(...values) <= labels[0] + 1e-12, text);
  }
});
