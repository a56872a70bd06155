/** The native elementwise functions against their plain twins. */
import { assertEquals } from "@std/assert";
import { reference } from "../../core/backend/backend.ts";
import { binaryOps, type UnaryOp, unaryOps } from "../../core/backend/elementwise.ts";
import { broadcastShapes, planBroadcast, sizeOf } from "../../core/tensor/shape.ts";
import { backends, compare, lengths } from "./_compare.ts";
import { type Draws, forSeeds, nativeTest, on } from "./_native.ts";

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
