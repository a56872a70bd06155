import { assertEquals } from "@std/assert";
import { GrowingHistogram } from "../../../cli/report/histogram.ts";

/** The bins that have something in them: lower edge and count. */
function filled({ from, to, counts }: ReturnType<GrowingHistogram["histogram"]>): [number, number][] {
  const width = (to - from) / counts.length;
  return counts.flatMap((count, i): [number, number][] => count === 0 ? [] : [[from + i * width, count]]);
}

Deno.test("numbers fall into bins from 0 to the power of two above the largest, zeros apart", () => {
  const bins = new GrowingHistogram();
  bins.add(Float32Array.of(0, 0, 0.125, 0.13, 3));
  const { from, to, counts } = bins.histogram();
  assertEquals([from, to, counts.length, bins.zeros], [0, 4, 32, 2]);
  assertEquals(filled(bins.histogram()), [[0.125, 2], [3, 1]]);
  assertEquals(filled(bins.withZeros()), [[0, 2], [0.125, 2], [3, 1]]);
});

Deno.test("the same numbers in other pieces give the same bins, also where the range has to grow", () => {
  const values = Float64Array.from({ length: 500 }, (_, i) => ((i * 7919) % 503) ** 3 / 1e5 - 7);
  const [whole, pieces] = [new GrowingHistogram(), new GrowingHistogram()];
  whole.add(values);
  for (let i = 0; i < 500; i += 10) pieces.add(values.subarray(i, i + 10));
  assertEquals(pieces.histogram(), whole.histogram());
  assertEquals(whole.histogram().counts.reduce((a, b) => a + b), 500 - whole.zeros);
});

Deno.test("negative numbers have bins on the other side of 0, a number on an edge belongs above it, NaN nowhere", () => {
  const bins = new GrowingHistogram();
  bins.add(Float32Array.of(-0.5, -0.49, 0.5, NaN, Infinity, -Infinity));
  assertEquals([bins.histogram().from, bins.histogram().to], [-1, 1]);
  assertEquals(filled(bins.histogram()), [[-0.5, 2], [0.5, 1]]);
});

Deno.test("a number just below the range is in the last bin", () => {
  const bins = new GrowingHistogram();
  bins.add(Float64Array.of(1 - 2 ** -53));
  const { to, counts } = bins.histogram();
  assertEquals([to, counts.at(-1)], [1, 1]);
});
