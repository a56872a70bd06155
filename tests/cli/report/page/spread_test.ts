import { assertAlmostEquals, assertEquals } from "@std/assert";
import { deviationOf, meanOf } from "../../../../cli/report/page/spread.ts";

Deno.test("means and deviations are of the numbers that there are", () => {
  assertEquals([meanOf([]), meanOf([null, undefined]), meanOf([1, null, 3])], [null, null, 2]);
  assertEquals([deviationOf([]), deviationOf([1, null])], [null, null]);
  assertAlmostEquals(deviationOf([1, 2, 3, undefined, 6])!, Math.sqrt(14 / 3), 1e-12);
});
