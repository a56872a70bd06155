import { assertEquals } from "@std/assert";
import * as format from "../../../../cli/report/page/format.ts";

const plain = (text: string) => text.replaceAll("\u00a0", " ").replaceAll("\u202f", " ");

Deno.test("numbers keep the digits that are of use", () => {
  assertEquals([0, 0.012345, -1.5, 12345.6, 1e-7, 2.5e9, null, undefined].map(format.brief), [
    "0",
    "0.0123",
    "−1.50",
    "12346",
    "1.00e−7",
    "2.50e9",
    "–",
    "–",
  ]);
  assertEquals([0, 0.02, 0.1 + 0.2, -5].map(format.tick), ["0", "0.02", "0.3", "−5"]);
});

Deno.test("shares, gaps, counts and times read as people write them", () => {
  assertEquals(plain(format.percent(0.01337)), "1.34 %");
  assertEquals(plain(format.percentTick(0.025)), "2.5 %");
  assertEquals(plain(format.gapText(-0.009, true)), "−0.90 points");
  assertEquals(format.gapText(0.25, false), "0.250");
  assertEquals(plain(format.count(1276811)), "1 276 811");
  assertEquals([1, 2].map((n) => plain(format.several(n, "epoch"))), ["1 epoch", "2 epochs"]);
  assertEquals([0.4242, 42.4, 200, 7500].map((n) => plain(format.duration(n))), [
    "0.42 s",
    "42 s",
    "3 min 20 s",
    "2 h 5 min",
  ]);
});
