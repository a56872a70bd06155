/** What TypeScript can hand over never makes C read or write outside its arrays. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { reference, useBackend } from "../../core/backend/backend.ts";
import * as kernels from "../../core/backend/kernels.ts";
import { BackendError } from "../../core/errors.ts";
import { forSeeds, instructionSets, nativeTest, open } from "./_native.ts";

const root = new URL("../../", import.meta.url);

/** Runs a program on the native backend in a process of its own, which may crash: its status and what it printed. */
async function program(body: string): Promise<{ code: number; text: string }> {
  const url = (path: string) => JSON.stringify(new URL(path, root).href);
  const text = `
    import { kernels, openNative, Tensor } from ${url("mod.ts")};
    await openNative({ threads: 2 });
    const attempt = (body) => {
      try { body(); console.log("went through"); } catch (error) { console.log(error.name + ": " + error.message); }
    };
    const images = { kernel: [1, 2, 2], stride: [1, 1, 1], padding: [0, 0, 0], dilation: [1, 1, 1] };
    ${body}`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, text);
    const config = new URL("deno.json", root).pathname;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "-A", "--no-check", `--config=${config}`, file],
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, text: decode(stdout) + (code === 0 ? "" : decode(stderr)) };
  } finally {
    await Deno.remove(file);
  }
}

/** A program whose kernels must be refused with a message that includes a text. */
function refused(name: string, body: string, expected: string): void {
  nativeTest(name, async () => {
    const { code, text } = await program(body);
    assertEquals(code, 0, text);
    assertStringIncludes(text, expected);
  });
}

refused(
  "a buffer that was transferred is refused",
  `const values = new Float32Array(1 << 20);
   const out = new Float32Array(1 << 20);
   structuredClone(values.buffer, { transfer: [values.buffer] });
   attempt(() => kernels.unary("relu", values, out, 0, 0));
   attempt(() => kernels.unary("relu", out, values, 0, 0));`,
  "expected",
);

refused(
  "indices that change between take and its gradient are refused where they are used",
  `const index = Int32Array.of(0, 1);
   const [table, rows] = [new Float32Array(8), new Float32Array(8)];
   kernels.gatherRows(table, index, rows, 4);
   index[1] = 1 << 28;
   attempt(() => kernels.scatterAddRows(rows, index, table, 4));
   index[1] = -(1 << 28);
   attempt(() => kernels.gatherRows(table, index, rows, 4));`,
  "an index out of bounds",
);

refused(
  "strides that leave the array are refused",
  `attempt(() => kernels.copyStrided(new Float32Array(4), new Float32Array(4), { dims: [4], x: [16384] }, 0));
   attempt(() => kernels.copyStrided(new Float32Array(4), new Float32Array(4), { dims: [4], x: [1] }, 65536));
   attempt(() => kernels.addStrided(new Float32Array(4), new Float32Array(4), { dims: [4], out: [16384] }, 0));`,
  "expected x with 49153 numbers, found 4",
);

refused(
  "a convolution of no example gives nothing, and its weight's gradient is zero",
  `const none = new Float32Array(0);
   const weight = new Float32Array(4).fill(1);
   const shape = { batch: 0, groups: 1, inputs: 1, outputs: 1, input: [1, 3, 3], output: [1, 2, 2], ...images };
   kernels.convolution(none, weight, null, none, "none", shape);
   kernels.convolutionInputGradient(none, weight, none, shape);
   kernels.convolutionWeightGradient(none, none, weight, shape);
   console.log(weight.join());`,
  "0,0,0,0",
);

refused(
  "a window wholly in the padding is refused",
  `const x = new Float32Array(4);
   const shape = { planes: 1, input: [1, 2, 2], output: [1, 5, 5], ...images, padding: [0, 5, 5] };
   attempt(() => kernels.maxPool(x, new Float32Array(25), new Int32Array(25), shape));
   attempt(() => kernels.averagePoolGradient(new Float32Array(25), x, false, shape));`,
  "every window to reach into the input",
);

Deno.test("arrays that are too short, of another type, on a resizable buffer, or that overlap are refused", () => {
  const x = new Float32Array(8);
  const y = new Float32Array(8);
  const run = (x: unknown, y: unknown) => () =>
    kernels.softmax(x as Float32Array<ArrayBuffer>, y as never, 2, 4, false);
  run(x, y)();
  assertThrows(run(x.subarray(1), y), BackendError, "expected x with 8 numbers, found 7");
  assertThrows(run(x, new Float64Array(8)), BackendError, "out to be a Float32Array like the others");
  assertThrows(run(x, new Int32Array(8)), BackendError, "out to be");
  assertThrows(run(x, [0, 0]), BackendError, "out to be");
  assertThrows(run(x, new Float32Array(new ArrayBuffer(32, { maxByteLength: 64 }))), BackendError, "fixed size");
  assertThrows(run(new Float32Array(new SharedArrayBuffer(32)), y), BackendError, "fixed size");
  assertThrows(run(x, x), BackendError, "out and x apart");
  const room = new Float32Array(20);
  assertThrows(run(room.subarray(0, 8), room.subarray(4, 12)), BackendError, "out and x apart");
  run(room.subarray(0, 8), room.subarray(8, 16))();
  kernels.unary("exp", x, x, 0, 0);
  assertThrows(
    () => kernels.unary("exp", room.subarray(0, 8), room.subarray(1, 9), 0, 0),
    BackendError,
    "at one place",
  );
});

Deno.test("an array that lies about its length is measured by what it is", () => {
  class Liar extends Float32Array<ArrayBuffer> {
    override get length() {
      return 1e9;
    }
  }
  const out = new Float32Array(4);
  assertThrows(() => kernels.reduce("sum", new Liar(new ArrayBuffer(16)), out, 1, 1e6, 1, 1), BackendError, "found 4");
});

Deno.test("sizes that are no sizes are refused", () => {
  const x = new Float32Array(4);
  for (const rows of [-1, 0.5, NaN, Infinity, 2 ** 53, "2", null, undefined]) {
    assertThrows(
      () => kernels.argmax(x, new Int32Array(4), rows as number, 1),
      BackendError,
      "rows to be a whole number",
    );
  }
  assertThrows(() => kernels.argmax(x, new Int32Array(4), 2 ** 40, 2 ** 30), BackendError, "expected x with");
});

Deno.test("the twin refuses an index out of bounds, too", () => {
  const before = useBackend(reference);
  try {
    for (const bad of [-1, 2]) {
      const index = Int32Array.of(0, bad);
      assertThrows(
        () => kernels.gatherRows(new Float32Array(8), index, new Float32Array(8), 4),
        BackendError,
        "indices in [0, 2)",
      );
      assertThrows(
        () => kernels.gatherRows(new Float64Array(8), index, new Float64Array(8), 4),
        BackendError,
        "indices in [0, 2)",
      );
    }
  } finally {
    useBackend(before);
  }
});

nativeTest("places out of bounds are refused by every instruction set, and harm nothing", () => {
  for (const backend of instructionSets.map((instructions) => open(instructions))) {
    const before = useBackend(backend);
    try {
      forSeeds(5, (draws) => {
        const places = Int32Array.of(0, draws.pick([-1, 4, 2 ** 31 - 1, -(2 ** 31)]));
        const room = new Float32Array(12).fill(7);
        const triple = [1, 1, 1] as const;
        const shape = {
          planes: 1,
          input: [1, 1, 4],
          output: [1, 1, 2],
          kernel: [1, 1, 2],
          stride: [1, 1, 2],
          padding: [0, 0, 0],
          dilation: triple,
        } as const;
        const gradient = () => kernels.maxPoolGradient(Float32Array.of(1, 2), places, room.subarray(4, 8), shape);
        assertThrows(gradient, BackendError, "an index out of bounds");
        assertEquals([...room.subarray(0, 4), ...room.subarray(8)], new Array(8).fill(7));
      });
    } finally {
      useBackend(before);
    }
  }
});
