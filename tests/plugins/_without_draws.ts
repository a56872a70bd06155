/** A backend that draws nothing. */
import { assertThrows } from "@std/assert";
import { currentBackend, type Kernel, Key, Tensor, useBackend } from "../../core/mod.ts";

/** Runs `body` on a backend that throws when a float32 number is drawn. */
export function withoutDraws(body: () => void): void {
  const refuse = () => {
    throw new Error("a number was drawn");
  };
  const before = currentBackend();
  const draws = (kernel: Kernel) => kernel.parameters.some(({ kind }) => kind === "draw");
  useBackend({ ...before, implement: (kernel) => draws(kernel) ? refuse : before.implement(kernel) });
  try {
    assertThrows(() => Tensor.ones([2]).dropout(Key.seed(1), 0.5), Error, "a number was drawn");
    body();
  } finally {
    useBackend(before);
  }
}
