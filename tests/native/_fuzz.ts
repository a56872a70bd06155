/**
 * Calls every kernel of a library with arguments made from its description: `_fuzz.ts LIBRARIES SECONDS [SEED]`, the main library and those of
 * the built-in plugins, with colons between. Right
 * arguments must pass; wrong ones must be refused or do no harm; numbers that are no sizes must be refused by C itself.
 * The last call's kernel and seed are told when a sanitizer ends the process.
 */
import { useBackend } from "../../core/backend/backend.ts";
import * as all from "../../core/backend/kernels.ts";
import { isKernel, type Kernel } from "../../core/backend/kernel.ts";
import { BackendError } from "../../core/errors.ts";
import { groupKernels } from "../../native/guests.ts";
import { openLibrary } from "../../native/library.ts";
import { variants } from "../../native/symbols.ts";
import { builtinKernels } from "../../plugins/builtins.ts";
import { absurd, spoil, validArguments } from "./_arguments.ts";
import { Draws } from "./_draws.ts";

const [libraries, seconds, chosen] = Deno.args;
const [library, ...guests] = libraries.split(":");
const kernels: Kernel[] = [...Object.values(all).filter(isKernel), ...builtinKernels];
const backends = variants.flatMap((instructions) => {
  try {
    const backend = openLibrary(library, { blas: [], threads: 2, instructions, reason: "fuzzing" });
    groupKernels(builtinKernels).forEach((kernels, i) =>
      backend.addGuests({ library: guests[i], kernels, built: false })
    );
    return [backend];
  } catch {
    return [];
  }
});

/** Runs a call that may be refused, and only that. */
function mayRefuse(call: () => void): boolean {
  try {
    call();
    return false;
  } catch (error) {
    if (error instanceof BackendError || error instanceof RangeError) return true;
    throw error;
  }
}

/** Numbers in a block or among the arguments that C must refuse by itself. */
function direct(kernel: Kernel, args: readonly unknown[], draws: Draws, run: (...args: unknown[]) => void): void {
  kernel.boundary.check(args);
  for (const [at, parameter] of kernel.parameters.entries()) {
    const bad = draws.pick(absurd);
    if (parameter.kind === "whole") {
      const refused = mayRefuse(() => run(...args.with(at, bad)));
      if (!refused) throw new Error(`${kernel.kernel} took ${bad} for ${parameter.name}.`);
    }
    if (parameter.kind !== "block") continue;
    const numbers = kernel.boundary.blocks[at]!;
    let next = 0;
    for (const [name, { kind }] of Object.entries(parameter.fields)) {
      const places = kind === "triple" ? 3 : kind === "optional" ? 2 : 1;
      if (kind === "whole" || kind === "triple") {
        const place = next + draws.whole(0, places - 1);
        const before = numbers[place];
        numbers[place] = bad;
        const refused = mayRefuse(() => run(...args));
        numbers[place] = before;
        // A pool looks at no dilation; an optimizer's count of updates is no size.
        if (!refused && name !== "dilation" && name !== "iteration") {
          throw new Error(`${kernel.kernel} took ${bad} for ${name}.`);
        }
      }
      next += places;
    }
  }
}

const first = chosen === undefined ? Math.floor(Math.random() * 1e9) : Number(chosen);
const end = performance.now() + Number(seconds) * 1000;
const log = Deno.env.get("FUZZ_LOG");
let seed = first;
for (; performance.now() < end || seed < first + 20; seed++) {
  for (const kernel of kernels) {
    const draws = new Draws(seed);
    const backend = draws.pick(backends);
    useBackend(backend);
    if (log !== undefined) {
      Deno.writeTextFileSync(log, `${kernel.kernel}, seed ${seed}, ${backend.info().instructions}`);
    }
    try {
      const args = validArguments(kernel, draws);
      kernel(...args);
      for (let i = 0; i < 3; i++) {
        const wrong = spoil(args, draws);
        mayRefuse(() => kernel(...wrong));
      }
      direct(kernel, args, draws, backend.implement(kernel)!);
    } catch (error) {
      throw new Error(`${kernel.kernel}, seed ${seed}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
    if (chosen !== undefined) console.log(kernel.kernel);
  }
  if (chosen !== undefined) break;
}
console.log(`${(seed - first) * kernels.length} rounds over ${kernels.length} kernels, seeds from ${first}`);
