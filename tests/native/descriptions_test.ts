/** Every kernel against its twin, from its description alone. */
import { assert, assertEquals } from "@std/assert";
import { useBackend } from "../../core/backend/backend.ts";
import * as all from "../../core/backend/kernels.ts";
import { isKernel, type Kernel } from "../../core/backend/kernel.ts";
import * as random from "../../core/backend/random.ts";
import { builtinKernels } from "../../plugins/builtins.ts";
import { validArguments } from "./_arguments.ts";
import { assertClose, forSeeds, instructionSets, nativeTest, open } from "./_native.ts";

const kernels: Kernel[] = [...Object.values(all).filter(isKernel), ...builtinKernels];
const backends = instructionSets.map((instructions) => open(instructions));

/** Kernels that only draw: every bit agrees. */
const drawing: Kernel[] = Object.values(random).filter(isKernel);

function copied(args: readonly unknown[]): unknown[] {
  return args.map((arg) => arg instanceof Float32Array || arg instanceof Int32Array ? arg.slice() : arg);
}

nativeTest("the native library has every kernel", () => {
  for (const kernel of kernels) {
    for (const backend of backends) assert(backend.implement(kernel) !== undefined, kernel.kernel);
  }
  assertEquals(new Set(kernels.map(({ kernel }) => kernel)).size, kernels.length);
});

for (const kernel of kernels) {
  nativeTest(`${kernel.kernel}: agrees with its twin for arguments made from its description`, () => {
    forSeeds(30, (draws) => {
      const args = validArguments(kernel, draws);
      // What the gradient takes for the forward kernel's result.
      if (kernel.kernel === "unaryGradient") {
        const [op, x, y, , , p, q] = args as Parameters<typeof all.unaryGradient>;
        all.unary.twin(op, x, y, p, q);
      }
      if (kernel.kernel === "attentionGradient") {
        const [q, k, v, keyMask, out, sums, , , , , draw, shape] = args as Parameters<typeof all.attentionGradient>;
        all.attention.twin(q, k, v, keyMask, out, sums, draw, shape);
      }
      const expected = copied(args);
      kernel.twin(...expected);
      for (const backend of backends) {
        const actual = copied(args);
        const before = useBackend(backend);
        try {
          kernel(...actual);
        } finally {
          useBackend(before);
        }
        kernel.parameters.forEach((parameter, at) => {
          const [found, wanted] = [actual[at], expected[at]];
          if (parameter.kind === "ints") assertEquals(found, wanted, parameter.name);
          if (parameter.kind !== "floats" || found === null) return;
          const tolerance = drawing.includes(kernel) ? 0 : 1e-4;
          const what = `${kernel.kernel} (${backend.info().instructions}), ${parameter.name}, of ${
            JSON.stringify(args.filter((arg) => !ArrayBuffer.isView(arg)))
          }`;
          assertClose(
            found as Float32Array<ArrayBuffer>,
            wanted as Float32Array<ArrayBuffer>,
            tolerance,
            tolerance,
            what,
          );
        });
      }
    });
  });
}
