import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import type { Floats } from "../../core/backend/arrays.ts";
import type { Backend } from "../../core/backend/backend.ts";
import { binaryOps, unaryOps } from "../../core/backend/elementwise.ts";
import type { UnaryOp } from "../../core/backend/elementwise.ts";
import { epilogues } from "../../core/backend/epilogue.ts";
import { reduceOps } from "../../core/backend/reductions.ts";
import { BackendError } from "../../core/errors.ts";
import { reference } from "../../core/backend/backend.ts";
import { broadcastShapes, planBroadcast, sizeOf, stridesOf } from "../../core/tensor/shape.ts";
import { openLibrary } from "../../native/library.ts";
import { compilationUnits, guestUnits, sources } from "../../native/sources.ts";
import { assertClose, type Draws, forSeeds, instructionSets, nativeTest, on, open } from "./_native.ts";

const backends: Backend[] = instructionSets.map((instructions) => open(instructions));

/** Lengths with no tail, a tail, less than a vector, and enough for several threads. */
const lengths = [1, 3, 16, 37, 1000, 70_001];

/** Runs one kernel on the reference and on each native backend, and compares what it leaves in `outputs`. */
function compare(
  what: string,
  outputs: readonly Floats[],
  run: (backend: Backend, outputs: Floats[]) => void,
  relative = 1e-6,
  absolute = 1e-6,
): void {
  const expected = outputs.map((array) => array.slice());
  run(reference, expected);
  for (const backend of backends) {
    const actual = outputs.map((array) => array.slice());
    run(backend, actual);
    actual.forEach((array, i) =>
      assertClose(array, expected[i], relative, absolute, `${what} (${backend.info().instructions}), output ${i}`)
    );
  }
}

/** Parameters p and q with which a function is tried. */
function parametersOf(op: UnaryOp, draws: Draws): [number, number] {
  if (op === "power") return [draws.pick([2, 3, 0.5, -1, 1.7, 0]), 0];
  if (op === "clamp") return [-1, 0.5];
  return [Math.fround(draws.next() * 2), Math.fround(draws.next())];
}

/** Operands inside the domain of a function. */
function operandOf(op: UnaryOp, n: number, draws: Draws): Float32Array<ArrayBuffer> {
  const x = draws.floats(n, draws.pick([0.01, 1, 8]));
  const positive = op === "log" || op === "sqrt" || op === "power" || op === "log1p" || op === "reciprocal";
  return positive ? x.map((v) => Math.abs(v) + 1e-3) : x;
}

for (const op of unaryOps) {
  nativeTest(`${op}: value and gradient agree with the reference, also in place`, () => {
    forSeeds(4, (draws) => {
      for (const n of lengths) {
        const [p, q] = parametersOf(op, draws);
        const x = operandOf(op, n, draws);
        const dy = draws.floats(n);
        compare(op, [new Float32Array(n)], (backend, [out]) => on(backend).unary(op, x, out, p, q), 2e-6, 1e-7);
        compare(`${op} in place`, [x], (backend, [out]) => on(backend).unary(op, out, out, p, q), 2e-6, 1e-7);
        const y = new Float32Array(n);
        on(reference).unary(op, x, y, p, q);
        compare(
          `${op} gradient`,
          [dy],
          (backend, [dx]) => on(backend).unaryGradient(op, x, y, dx, dx, p, q),
          3e-6,
          3e-6,
        );
      }
    });
  });
}

nativeTest("elementwise functions give what IEEE 754 asks for at infinities, NaN and zeros", () => {
  const x = Float32Array.of(Infinity, -Infinity, NaN, 0, -0, 1e-40, 3e38, -3e38, 89, -105, 1e-8);
  for (const op of unaryOps) {
    if (op === "gelu" || op === "gelu-tanh" || op === "silu") continue; // infinity times zero in the reference
    compare(op, [new Float32Array(x.length)], (backend, [out]) => on(backend).unary(op, x, out, 0.5, 1), 2e-6, 1e-38);
  }
  for (const op of ["gelu", "gelu-tanh", "silu"] as const) {
    const finite = x.filter((v) => !(Math.abs(v) > 1e30));
    const out = new Float32Array(finite.length);
    compare(op, [out], (backend, [out]) => on(backend).unary(op, finite, out, 0, 0), 2e-6, 1e-7);
  }
});

nativeTest("exp, sigmoid and tanh are right over their whole range", () => {
  const x = Float32Array.from({ length: 20_001 }, (_, i) => (i - 10_000) / 95);
  for (const op of ["exp", "sigmoid", "tanh", "elu", "gelu", "erf", "softplus"] as const) {
    const absolute = op === "gelu" ? 1e-14 : 1e-37; // the reference itself cancels in gelu's left tail
    compare(op, [new Float32Array(x.length)], (backend, [out]) => on(backend).unary(op, x, out, 1, 0), 1e-6, absolute);
  }
});

for (const op of binaryOps) {
  nativeTest(`${op}: broadcasts as the reference does`, () => {
    forSeeds(30, (draws) => {
      const full = Array.from({ length: draws.whole(0, 4) }, () => draws.pick([1, 2, 3, 5, 33]));
      const stretched = () => full.slice(draws.whole(0, full.length)).map((extent) => draws.next() < 0.3 ? 1 : extent);
      const [aShape, bShape] = draws.next() < 0.5 ? [full, stretched()] : [stretched(), full];
      const shape = broadcastShapes(aShape, bShape);
      const plan = planBroadcast(aShape, bShape, shape);
      const round = (x: Float32Array<ArrayBuffer>) =>
        op === "power" ? x.map(Math.abs) : x.map((v) => Math.round(v * 4) / 4);
      const a = round(draws.floats(sizeOf(aShape)));
      const b = round(draws.floats(sizeOf(bShape)));
      const out = new Float32Array(sizeOf(shape));
      compare(`${op} ${aShape} ${bShape}`, [out], (backend, [out]) => on(backend).binary(op, a, b, out, plan));
    });
  });
}

nativeTest("binary: large operands are shared between threads", () => {
  forSeeds(2, (draws) => {
    const a = draws.floats(300 * 401);
    const b = draws.floats(401);
    const column = draws.floats(300);
    const out = new Float32Array(a.length);
    for (const [operand, shape] of [[b, [401]], [column, [300, 1]], [a, [300, 401]]] as const) {
      const plan = planBroadcast([300, 401], shape, [300, 401]);
      compare(
        `multiply ${shape}`,
        [out],
        (backend, [out]) => on(backend).binary("multiply", a, operand, out, plan),
        0,
        0,
      );
    }
  });
});

nativeTest("mask selects: a dropped infinity or NaN gives 0", () => {
  const plan = planBroadcast([4], [4], [4]);
  for (const backend of backends) {
    const out = new Float32Array(4);
    on(backend).binary("mask", Float32Array.of(Infinity, NaN, 2, -Infinity), Float32Array.of(0, 0, 3, 0), out, plan);
    assertEquals([...out], [0, 0, 6, 0]);
  }
});

nativeTest("fill and accumulate agree with the reference", () => {
  forSeeds(3, (draws) => {
    for (const n of lengths) {
      const x = draws.floats(n);
      compare("fill", [new Float32Array(n)], (backend, [out]) => on(backend).fill(out, 0.1), 0, 0);
      compare("accumulate", [draws.floats(n)], (backend, [y]) => on(backend).accumulate(x, y, 0.3), 1e-6, 1e-6);
    }
  });
});

for (const op of reduceOps) {
  nativeTest(`reduce ${op}: agrees with the reference on any axis`, () => {
    forSeeds(40, (draws) => {
      const [outer, n, inner] = [
        draws.pick([1, 2, 7, 40]),
        draws.pick([0, 1, 5, 64, 1031]),
        draws.pick([1, 1, 3, 10, 300]),
      ];
      const x = draws.floats(outer * n * inner);
      const out = new Float32Array(outer * inner);
      const run = (backend: Backend, [out]: Floats[]) => on(backend).reduce(op, x, out, outer, n, inner, 0.25);
      compare(`${op} [${outer}, ${n}, ${inner}]`, [out], run, 1e-6, 1e-6);
    });
    forSeeds(2, (draws) => {
      for (const [n, inner] of [[500_003, 1], [60_000, 10], [9000, 300]]) {
        const x = draws.floats(n * inner);
        const run = (backend: Backend, [out]: Floats[]) => on(backend).reduce(op, x, out, 1, n, inner, 1);
        compare(`${op} [${n}, ${inner}]`, [new Float32Array(inner)], run, 1e-6, 1e-5);
      }
    });
  });
}

nativeTest("sums have the same bits for any number of threads", () => {
  const native = open();
  forSeeds(3, (draws) => {
    const x = draws.floats(300_007);
    const results = [1, 2, 3].map((threads) => {
      native.setThreads(threads);
      const out = new Float32Array(1 + 7 + 100);
      on(native).reduce("sum", x, out.subarray(0, 1), 1, x.length, 1, 1);
      on(native).reduce("sum", x, out.subarray(1, 8), 1, 42_858, 7, 1);
      on(native).biasActivationGradient(x, x, new Float32Array(x.length), out.subarray(8), "relu", 3000, 100);
      return out;
    });
    assertEquals(results[1], results[0]);
    assertEquals(results[2], results[0]);
  });
  native.setThreads(2);
});

nativeTest("argmax gives the first of the largest entries", () => {
  forSeeds(20, (draws) => {
    const [rows, cols] = [draws.whole(1, 300), draws.whole(1, 40)];
    const x = draws.floats(rows * cols).map(Math.round);
    const expected = new Int32Array(rows);
    on(reference).argmax(x, expected, rows, cols);
    for (const backend of backends) {
      const actual = new Int32Array(rows);
      on(backend).argmax(x, actual, rows, cols);
      assertEquals(actual, expected);
    }
  });
});

/** A shape, and the strides of the same box with its axes permuted. */
function permuted(draws: Draws, extents: readonly number[]): { dims: number[]; strides: number[]; size: number } {
  const dims = Array.from({ length: draws.whole(0, 4) }, () => draws.pick(extents));
  const strides = stridesOf(dims);
  const order = dims.map((_, axis) => axis);
  for (let i = order.length - 1; i > 0; i--) {
    const j = draws.whole(0, i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return { dims: order.map((axis) => dims[axis]), strides: order.map((axis) => strides[axis]), size: sizeOf(dims) };
}

nativeTest("copyStrided and addStrided walk permuted, stretched and overlapping boxes", () => {
  forSeeds(150, (draws) => {
    const { dims, strides, size } = permuted(draws, [1, 2, 7, 9, 33]);
    for (let axis = 0; axis < dims.length; axis++) if (draws.next() < 0.15) strides[axis] = draws.pick([0, 1]);
    const offset = draws.whole(0, 5);
    const box = draws.floats(size + offset + 40);
    const dense = draws.floats(sizeOf(dims));
    const what = `[${dims}] by [${strides}]`;
    compare(
      `copy ${what}`,
      [dense],
      (backend, [out]) => on(backend).copyStrided(box, out, { dims, x: strides }, offset),
      0,
      0,
    );
    compare(
      `add ${what}`,
      [box],
      (backend, [out]) => on(backend).addStrided(dense, out, { dims, out: strides }, offset),
      0,
      0,
    );
  });
  forSeeds(3, (draws) => {
    const x = draws.floats(301 * 403);
    const out = new Float32Array(x.length);
    compare(
      "transpose",
      [out],
      (backend, [out]) => on(backend).copyStrided(x, out, { dims: [403, 301], x: [1, 403] }, 0),
      0,
      0,
    );
    compare(
      "adjoint",
      [out],
      (backend, [out]) => on(backend).addStrided(x, out, { dims: [403, 301], out: [1, 403] }, 0),
      0,
      0,
    );
  });
});

nativeTest("gatherRows and scatterAddRows agree with the reference, repeated rows included", () => {
  forSeeds(20, (draws) => {
    const [rows, count, cols] = [draws.whole(1, 50), draws.pick([0, 1, 77, 900]), draws.pick([1, 5, 64, 300])];
    const index = Int32Array.from({ length: count }, () => draws.whole(0, rows - 1));
    const table = draws.floats(rows * cols);
    const dense = draws.floats(count * cols);
    compare("gather", [dense], (backend, [out]) => on(backend).gatherRows(table, index, out, cols), 0, 0);
    compare("scatter", [table], (backend, [out]) => on(backend).scatterAddRows(dense, index, out, cols), 0, 0);
  });
});

for (const epilogue of epilogues) {
  nativeTest(`bias and ${epilogue}: value, gradient and the bias's gradient agree with the reference`, () => {
    forSeeds(12, (draws) => {
      const [rows, cols] = [draws.pick([1, 2, 33, 130]), draws.pick([1, 10, 257, 800])];
      const [x, dy, bias] = [draws.floats(rows * cols), draws.floats(rows * cols), draws.floats(cols)];
      const none = draws.next() < 0.3;
      const forward = (backend: Backend, [x]: Floats[]) =>
        on(backend).biasActivation(x, none ? null : bias, epilogue, rows, cols);
      compare(`${epilogue} [${rows}, ${cols}]`, [x], forward);
      const y = x.slice();
      forward(reference, [y]);
      const outputs = [dy, new Float32Array(cols)];
      const backward = (backend: Backend, [dx, dBias]: Floats[]) =>
        on(backend).biasActivationGradient(dx, y, dx, none ? null : dBias, epilogue, rows, cols);
      compare(`${epilogue} gradient [${rows}, ${cols}]`, outputs, backward, 1e-6, 2e-6);
    });
  });
}

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

nativeTest("sgd agrees with the reference in all its forms", () => {
  forSeeds(24, (draws) => {
    const n = draws.pick(lengths);
    const gradient = draws.floats(n);
    const momentum = draws.pick([0, 0.9]);
    const settings = {
      learningRate: 0.1,
      momentum,
      dampening: draws.pick([0, 0.3]),
      nesterov: draws.next() < 0.5,
      weightDecay: draws.pick([0, 0.01]),
      first: draws.next() < 0.3,
    };
    compare(JSON.stringify(settings), [draws.floats(n), draws.floats(n)], (backend, [weight, velocity]) => {
      on(backend).sgd(weight, gradient, momentum === 0 ? null : velocity, settings);
    });
  });
});

nativeTest("adam agrees with the reference in all its forms", () => {
  forSeeds(24, (draws) => {
    const n = draws.pick(lengths);
    const gradient = draws.floats(n);
    const settings = {
      learningRate: 0.01,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: draws.pick([0, 0.01]),
      decoupled: draws.next() < 0.5,
      iteration: draws.pick([1, 2, 1000]),
    };
    const outputs = [draws.floats(n), draws.floats(n), draws.floats(n).map((v) => v * v)];
    compare(JSON.stringify(settings), outputs, (backend, [weight, first, second]) => {
      on(backend).adam(weight, gradient, first, second, settings);
    });
  });
});

nativeTest("maxNorm shrinks the long rows and leaves the others as they are", () => {
  forSeeds(10, (draws) => {
    const [rows, cols] = [draws.whole(1, 200), draws.whole(1, 300)];
    const weight = draws.floats(rows * cols, draws.pick([0.1, 1]));
    compare("maxNorm", [weight], (backend, [weight]) => on(backend).maxNorm(weight, rows, cols, 2));
  });
});

nativeTest("empty arrays are left alone", () => {
  const none = new Float32Array(0);
  for (const backend of backends) {
    on(backend).fill(none, 1);
    on(backend).unary("exp", none, none, 0, 0);
    on(backend).binary("add", none, none, none, planBroadcast([0, 3], [0, 3], [0, 3]));
    on(backend).softmax(none, none, 0, 10, false);
    const draw = { header: new Uint32Array(3), table: new Uint32Array(0), offset: 0 };
    on(backend).mask(none, none, draw, 0, 5, 5, 16, 2, 0, 0);
    on(backend).copyStrided(none, none, { dims: [0, 2], x: [2, 1] }, 0);
  }
});

nativeTest("an operation that is unknown is an error that names the kernel", () => {
  const x = new Float32Array(4);
  for (const backend of backends) {
    const unknown = () => on(backend).unary("frobnicate" as UnaryOp, x, x, 0, 0);
    assertThrows(unknown, BackendError, "The kernel unary: expected op to be one of copy, ");
  }
});

nativeTest("too many axes are refused", () => {
  const dims = new Array(17).fill(1);
  assertThrows(
    () => on(backends[0]).copyStrided(new Float32Array(1), new Float32Array(1), { dims, x: dims }, 0),
    BackendError,
  );
});

nativeTest("info() tells the instruction set, the threads and the reason", () => {
  const info = open("portable", { threads: 2 }).info();
  assertEquals([info.name, info.instructions, info.threads, info.reason], ["native", "portable", 2, "a test"]);
  assertMatch(open("auto", { blas: false }).info().blas, /^own blocked product/);
  assertThrows(() => open("vmx" as "avx2"), BackendError, "does not run the vmx kernels");
});

Deno.test("a library that is not there is an error that names it", () => {
  const options = { blas: [], threads: 1, instructions: "auto", reason: "" } as const;
  const path = `${Deno.cwd()}/.cache/native/nowhere.so`; // inside what the tests may open
  assertThrows(() => openLibrary(path, options), BackendError, path);
});

Deno.test("every C file is compiled, and each only once for an instruction set", () => {
  for (const architecture of ["x86_64", "aarch64"] as const) {
    const units = compilationUnits(architecture);
    // The plugins' side is compiled with each plugin's kernels.
    assertEquals(guestUnits(architecture, [], () => true).map(({ file }) => file), ["guest.c"]);
    const files = Object.keys(sources).filter((name) => name.endsWith(".c") && name !== "guest.c").sort();
    assertEquals([...new Set(units.map(({ file }) => file))].sort(), files);
    assertEquals(new Set(units.map(({ output }) => output)).size, units.length);
  }
});
