/** Some examples of a part. */
import { assertEquals, assertThrows } from "@std/assert";
import { OptionError, pickExamples, type Split } from "../../../core/mod.ts";

Deno.test("pickExamples() copies examples in the given order with all that belongs to them", () => {
  const bytes: Split = {
    count: 3,
    shape: [2],
    inputs: Uint8Array.of(0, 1, 10, 11, 20, 21),
    scale: 0.5,
    labels: Int32Array.of(0, 1, 2, 3, 4, 5),
    labelsPerExample: 2,
  };
  const picked = pickExamples(bytes, [2, 0, 2]);
  assertEquals(picked, {
    ...bytes,
    inputs: Uint8Array.of(20, 21, 0, 1, 20, 21),
    labels: Int32Array.of(4, 5, 0, 1, 4, 5),
  });
  picked.inputs[0] = 99;
  assertEquals(bytes.inputs[4], 20, "they are copies");
  const numbers: Split = {
    count: 2,
    shape: [1],
    inputs: Float32Array.of(1, 2),
    scale: 1,
    targets: Float32Array.of(3, 4, 5, 6),
  };
  assertEquals(pickExamples(numbers, Uint32Array.of(1)), {
    ...numbers,
    count: 1,
    inputs: Float32Array.of(2),
    targets: Float32Array.of(5, 6),
  });
});

Deno.test("pickExamples() refuses numbers that no example has", () => {
  const split: Split = { count: 2, shape: [1], inputs: Float32Array.of(1, 2), scale: 1 };
  for (const wrong of [-1, 2, 0.5, NaN]) {
    assertThrows(() => pickExamples(split, [0, wrong]), OptionError, "examples.1: expected a whole number in [0, 2)");
  }
});
