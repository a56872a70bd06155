/** A plugin of a user's own, in a folder of its own, with a kernel in C. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  buildModel,
  dense,
  Key,
  type LayerPlugin,
  reference,
  Registry,
  sequential,
  Tensor,
  useBackend,
} from "../../mod.ts";
import { isFactory, type Kernel } from "../../core/mod.ts";
import { groupKernels, type GuestOptions, type Guests, prepareGuests } from "../../native/guests.ts";
import { instructionSets, missing, open } from "./_native.ts";

const cacheRoot = new URL("../../.cache", import.meta.url).pathname;

const c = `
#include "kernel.h"
typedef struct { const float *x; float *out; float factor; } Job;
static void range(void *context, int64_t begin, int64_t end) {
  const Job *job = context;
  for (int64_t i = begin; i < end; i++) job->out[i] = job->x[i] * job->x[i] * job->factor + MARK;
}
KERNEL(scaled_square)(const float *x, float *out, double factor, double n) {
  if (!is_size(n)) return BAD_ARGUMENT;
  Job job = {x, out, (float)factor};
  pool_run((int64_t)n, GRAIN, range, &job);
  return OK;
}
`;

const plugin = (door: string) => `
import { defineKernel, definePlugin, parameters, record, Tensor } from ${JSON.stringify(door)};
import text from "./scaled_square.c" with { type: "text" };
import { z } from "zod";

const { input, number, output } = parameters;
export const scaledSquare = defineKernel({
  name: "scaledSquare",
  parameters: [input("x", ["n"]), output("out", ["n"], { mayBe: ["x"] }), number("factor")],
  twin: (x, out, factor) => { for (let i = 0; i < x.length; i++) out[i] = x[i] * x[i] * factor; },
  source: { file: "scaled_square.c", text },
});

export const squareNoise = definePlugin({
  name: "square-noise",
  summary: "Squares.",
  options: z.object({}),
  kernels: [scaledSquare],
  activation(x) {
    const out = Tensor.empty(x.shape, x.dtype);
    scaledSquare(x.floats, out.floats, 0.5);
    return record("scaledSquare", [x], out, (dy) => [dy.mul(x)]);
  },
});
`;

/** Runs a test on a plugin in a folder outside of the project; `mark` is added by C alone, to tell who computed. */
function doorTest(
  name: string,
  mark: string,
  body: (exports: Record<string, unknown>, cache: string) => Promise<void>,
) {
  Deno.test({
    name,
    ignore: missing !== undefined,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      const cache = await Deno.makeTempDir({ dir: cacheRoot, prefix: "test-" });
      try {
        await Deno.writeTextFile(`${folder}/scaled_square.c`, c.replace("MARK", mark));
        const zod = import.meta.resolve("zod");
        const text = plugin(new URL("../../mod.ts", import.meta.url).href).replace('"zod"', JSON.stringify(zod));
        await Deno.writeTextFile(`${folder}/plugin.ts`, text);
        await body(await import(`file://${folder}/plugin.ts`), cache);
      } finally {
        useBackend(reference);
        await Deno.remove(folder, { recursive: true });
        await Deno.remove(cache, { recursive: true });
      }
    },
  });
}

async function compiled(kernels: readonly Kernel[], options: GuestOptions): Promise<Guests> {
  const guests = await prepareGuests(kernels, options);
  if ("missing" in guests) throw new Error(guests.missing);
  return guests;
}

function output(factory: unknown): Tensor {
  if (!isFactory(factory)) throw new Error("the file exports no plugin");
  const activation = new Registry([factory]).create({ plugin: "square-noise" }, "activation") as LayerPlugin;
  const model = buildModel(sequential([dense(8), activation, dense(3)]), { inputShape: [4], seed: 1 });
  return model.forward(Tensor.normal([5, 4], Key.seed(2)), { mode: "eval" });
}

doorTest(
  "a plugin's own kernel is compiled, agrees with its twin, and serves a model",
  "0.0f",
  async (exports, cache) => {
    const { scaledSquare, squareNoise } = exports;
    const [kernels] = groupKernels([scaledSquare as never]);
    const expected = [...output(squareNoise).floats];
    const guests = await compiled(kernels, { cache, compile: true });
    assertEquals((await compiled(kernels, { cache })).library, guests.library);
    for (const backend of instructionSets.map((instructions) => open(instructions))) {
      backend.addGuests(guests);
      useBackend(backend);
      const x = Float32Array.from({ length: 50_001 }, (_, i) => Math.fround(Math.sin(i)));
      const [found, wanted] = [new Float32Array(x.length), new Float32Array(x.length)];
      kernels[0](x, found, 3);
      kernels[0].twin(x, wanted, 3);
      assert(found.every((value, i) => Math.abs(value - wanted[i]) <= 1e-6));
      const actual = output(squareNoise).floats;
      assert(expected.every((value, i) => Math.abs(value - actual[i]) <= 1e-5));
    }
  },
);

doorTest("without its library a plugin's kernel is its twin; with it, it is not", "1.0f", async (exports, cache) => {
  const [kernels] = groupKernels([exports.scaledSquare as never]);
  assert("missing" in await prepareGuests(kernels, { cache }));
  const backend = open();
  useBackend(backend);
  const out = new Float32Array(1);
  kernels[0](Float32Array.of(2), out, 3);
  assertEquals(out[0], 12);
  const guests = await compiled(kernels, { cache, compile: true });
  backend.addGuests(guests);
  useBackend(backend);
  kernels[0](Float32Array.of(2), out, 3);
  assertNotEquals(out[0], 12);
  assertEquals(out[0], 13);
});
