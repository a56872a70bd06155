/** The calls of kernels that are written from their descriptions. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { reference, useBackend } from "../../../core/backend/backend.ts";
import { Boundary } from "../../../core/backend/boundary.ts";
import { fastCall } from "../../../core/backend/fast_call.ts";
import { isKernel, type Kernel } from "../../../core/backend/kernel.ts";
import * as all from "../../../core/backend/kernels.ts";
import { BackendError } from "../../../core/errors.ts";
import { builtinKernels } from "../../../plugins/builtins.ts";
import { spoil, validArguments } from "../../native/_arguments.ts";
import { Draws } from "../../native/_draws.ts";

const kernels: Kernel[] = [...Object.values(all).filter(isKernel), ...builtinKernels];
const root = new URL("../../../", import.meta.url);

/** A boundary of its own for a kernel, with a call that says which way it took. */
function spied(kernel: Kernel): { boundary: Boundary; call: (...args: unknown[]) => void; ways: string[] } {
  const boundary = new Boundary(kernel.kernel, kernel.parameters);
  const ways: string[] = [];
  const call = fastCall(boundary, {
    implementation: () => () => ways.push("fast"),
    generation: () => 1,
    slow: (...args: unknown[]) => {
      ways.push("slow");
      boundary.check(args);
    },
  });
  if (call === undefined) throw new Error("no function was made");
  return { boundary, call, ways };
}

for (const kernel of kernels) {
  Deno.test(`${kernel.kernel}: valid arguments take the short way, with the numbers that the boundary reads`, () => {
    for (let seed = 0; seed < 20; seed++) {
      const args = validArguments(kernel, new Draws(seed));
      const { boundary, call, ways } = spied(kernel);
      call(...args);
      assertEquals(ways, ["fast"], `seed ${seed}`);
      const careful = new Boundary(kernel.kernel, kernel.parameters);
      careful.check(args);
      for (const part of ["sizes", "blocks", "codes", "header", "table", "offset"] as const) {
        assertEquals(boundary[part], careful[part], `${part}, seed ${seed}`);
      }
    }
  });

  Deno.test(`${kernel.kernel}: what the boundary refuses never takes the short way`, () => {
    for (let seed = 0; seed < 100; seed++) {
      const draws = new Draws(seed);
      const args = spoil(validArguments(kernel, draws), draws);
      const { call, ways } = spied(kernel);
      let refused = false;
      try {
        new Boundary(kernel.kernel, kernel.parameters).check(args);
      } catch {
        refused = true;
      }
      try {
        call(...args);
      } catch (error) {
        assert(error instanceof BackendError);
      }
      if (refused) assertEquals(ways, ["slow"], `seed ${seed}`);
    }
  });
}

Deno.test("a call that begins while another reads its arguments takes nothing from that one", () => {
  const before = useBackend(reference);
  try {
    const words = new Uint32Array(3);
    const [small, large] = [new Float32Array(1), new Float32Array(64)];
    const nested = {
      header: words,
      table: words,
      get offset() {
        all.bernoulli(small, { header: words, table: words, offset: 0 }, 1, 1, 0, 16, 1);
        return 0;
      },
    };
    const call = () => all.bernoulli(large, nested, 1, 64, 0, 16, 1);
    assertThrows(call, BackendError, "before the next one begins");
  } finally {
    useBackend(before);
  }
});

Deno.test("a threshold must fit into the bits of a decision", () => {
  const draw = { header: new Uint32Array(3), table: new Uint32Array(3), offset: 0 };
  const [x, out] = [new Float32Array(4), new Float32Array(4)];
  const mask = (threshold: number, bits: 16 | 32) => () => all.mask(x, out, draw, 1, 4, threshold, bits, 1, 0, 0);
  mask(65535, 16)();
  mask(65536, 32)();
  assertThrows(mask(65536, 16), BackendError, "threshold to be a whole number in [0, 65535] for 16 bits, found 65536");
  const bitsOf = builtinKernels.find(({ kernel }) => kernel === "dropConnectBits")!;
  const shape = { batch: 1, rows: 1, inputs: 4, units: 1, threshold: 65536, bits: 16, scale: 1, add: false };
  const decide = (changes: Partial<typeof shape>) => () => bitsOf(new Int32Array(4), draw, { ...shape, ...changes });
  decide({ threshold: 7 })();
  assertThrows(decide({}), BackendError, "for 16 bits, found 65536");
  assertThrows(decide({ bits: 20 }), BackendError, "shape.bits to be 16 or 32, found 20");
});

Deno.test("where no function may be made from text, kernels are checked and called all the same", async () => {
  const text = `
    import { kernels, tryOpenNative } from ${JSON.stringify(new URL("mod.ts", root).href)};
    await tryOpenNative();
    const [x, out] = [Float32Array.of(-1, 2, -3), new Float32Array(3)];
    kernels.unary("relu", x, out, 0, 0);
    console.log(out.join());
    kernels.copyStrided(x, out, { dims: [3], x: [0] }, 1);
    console.log(out.join());
    try { kernels.unary("relu", x, out.subarray(1), 0, 0); } catch (error) { console.log(error.message); }`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, text);
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-q",
        "-A",
        "--no-check",
        `--config=${new URL("deno.json", root).pathname}`,
        "--v8-flags=--disallow-code-generation-from-strings",
        file,
      ],
    }).output();
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    assertEquals(lines, ["0,2,0", "2,2,2", "The kernel unary: expected out with 3 numbers, found 2."]);
  } finally {
    await Deno.remove(file);
  }
});
