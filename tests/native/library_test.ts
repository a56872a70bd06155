/** The library as a whole: empty arrays, refusals, what it tells of itself, what is compiled. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import type { UnaryOp } from "../../core/backend/elementwise.ts";
import { BackendError } from "../../core/errors.ts";
import { planBroadcast } from "../../core/tensor/shape.ts";
import { openLibrary } from "../../native/library.ts";
import { compilationUnits, guestUnits, sources } from "../../native/sources.ts";
import { backends } from "./_compare.ts";
import { nativeTest, on, open } from "./_native.ts";

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
