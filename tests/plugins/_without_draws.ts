/** A backend that draws nothing. */
import { assertThrows } from "@std/assert";
import { currentBackend, type Kernel, Key, Tensor, useBackend } from "../../core/mod.ts";

/** Runs `body` on a backend that throws when a float32 number is drawn. */
export function withoutDraws(body: () => void): void {
  const before = currentBackend();
  const drawsAt = (kernel: Kernel) => kernel.parameters.findIndex(({ kind }) => kind === "draw");
  /** A kernel that may draw, of no rows at most. */
  const refusing = (kernel: Kernel) => (...args: unknown[]) => {
    if ((args[drawsAt(kernel)] as { table: Uint32Array }).table.length > 0) throw new Error("a number was drawn");
    (before.implement(kernel) ?? kernel.twin)(...args);
  };
  useBackend({ ...before, implement: (kernel) => drawsAt(kernel) < 0 ? before.implement(kernel) : refusing(kernel) });
  try {
    assertThrows(() => Tensor.ones([2]).dropout(Key.seed(1), 0.5), Error, "a number was drawn");
    body();
  } finally {
    useBackend(before);
  }
}
