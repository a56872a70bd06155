/** The native softmax and cross-entropy against their plain twins. */
import type { Floats } from "../../core/backend/arrays.ts";
import { type Backend, reference } from "../../core/backend/backend.ts";
import { compare } from "./_compare.ts";
import { forSeeds, nativeTest, on } from "./_native.ts";

nativeTest("softmax, its logarithm and their gradients agree with the reference", () => {
  forSeeds(20, (draws) => {
    const [rows, cols] = [draws.pick([1, 5, 200]), draws.pick([1, 2, 10, 37, 1000])];
    const x = draws.floats(rows * cols, draws.pick([0.1, 3, 30]));
    const dy = draws.floats(rows * cols);
    for (const log of [false, true]) {
      const out = new Float32Array(x.length);
      compare(
        "softmax",
        [out],
        (backend, [out]) => on(backend).softmax(x, out, rows, cols, log),
        1e-6,
        log ? 1e-7 : 1e-38,
      );
      on(reference).softmax(x, out, rows, cols, log);
      const gradient = (backend: Backend, [dx]: Floats[]) => on(backend).softmaxGradient(out, dy, dx, rows, cols, log);
      compare("softmax gradient", [dy], gradient, 1e-6, 1e-6 * Math.sqrt(cols));
    }
  });
});

nativeTest("softmax gives 0 to entries of minus infinity", () => {
  const x = Float32Array.of(1, -Infinity, 2, -Infinity, -Infinity, 0, -1, 3, 4, 5);
  compare("softmax", [new Float32Array(10)], (backend, [out]) => on(backend).softmax(x, out, 1, 10, false), 1e-6, 0);
});

nativeTest("cross-entropy and its gradient agree with the reference, with every option", () => {
  forSeeds(60, (draws) => {
    const [rows, cols] = [draws.pick([1, 7, 128, 700]), draws.pick([2, 10, 101])];
    const logits = draws.floats(rows * cols, draws.pick([1, 20]));
    const labels = Int32Array.from({ length: rows }, () => draws.whole(-1, cols - 1));
    const ignore = draws.next() < 0.5 ? -1 : null;
    if (ignore === null) { for (let r = 0; r < rows; r++) labels[r] = Math.max(labels[r], 0); }
    const weights = draws.next() < 0.5 ? draws.floats(cols).map((w) => Math.abs(w)) : null;
    const shape = { rows, cols, smoothing: draws.pick([0, 0, 0.1, 1]), ignore };
    const outputs = [new Float32Array(rows), new Float32Array(rows * cols)];
    const run = (backend: Backend, [losses, gradient]: Floats[]) =>
      on(backend).crossEntropy(logits, labels, weights, losses, gradient, shape);
    compare(JSON.stringify(shape), outputs, run, 1e-6, 1e-6);
  });
});
