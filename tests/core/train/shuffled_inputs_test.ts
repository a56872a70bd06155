/** Foreign examples made of one's own. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { shuffledInputs } from "../../../core/mod.ts";

Deno.test("shuffled examples have inputs of other examples, each at its own place, and nothing else changed", () => {
  const count = 50;
  const inputs = Uint8Array.from({ length: 2 * count }, (_, i) => i % 2 === 0 ? i / 2 : 100 + (i - 1) / 2);
  const split = { count, shape: [2], inputs, scale: 1, labels: new Int32Array(count) };
  const mixed = shuffledInputs(split);
  const pairs = Array.from({ length: count }, (_, i) => [mixed.inputs[2 * i], mixed.inputs[2 * i + 1]]);
  assert(pairs.every(([a, b]) => a < 50 && b >= 100 && b < 150));
  assert(pairs.filter(([a, b]) => a + 100 === b).length < 10);
  assertEquals(shuffledInputs(split).inputs, mixed.inputs);
  assertNotEquals(shuffledInputs(split, 1).inputs, mixed.inputs);
});
