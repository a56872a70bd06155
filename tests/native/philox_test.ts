import { assertEquals } from "@std/assert";
import { philox4x32 } from "../../core/random/philox.ts";
import * as kernels from "../../core/backend/kernels.ts";
import { compilationUnits, sources } from "../../native/sources.ts";
import { instructionSets, missing, nativeTest, open } from "./_native.ts";

/** The published answers, as numbers. */
async function publishedVectors(): Promise<{ rounds: number; counter: number[]; key: number[]; words: number[] }[]> {
  const text = await Deno.readTextFile(new URL("../vectors/philox4x32.txt", import.meta.url));
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
    const [rounds, ...hex] = line.trim().split(/\s+/);
    const numbers = hex.map((word) => parseInt(word, 16));
    return {
      rounds: Number(rounds),
      counter: numbers.slice(0, 4),
      key: numbers.slice(4, 6),
      words: numbers.slice(6),
    };
  });
}

Deno.test("Philox4x32 in TypeScript gives the published words", async () => {
  for (const { rounds, counter, key, words } of await publishedVectors()) {
    const out = new Uint32Array(4);
    philox4x32(counter[0], counter[1], counter[2], counter[3], key[0], key[1], out, 0, rounds);
    assertEquals([...out], words);
  }
});

nativeTest("Philox4x32 in C gives the published words, with every instruction set", async () => {
  for (const backend of instructionSets.map((instructions) => open(instructions))) {
    for (const { rounds, counter, key, words } of await publishedVectors()) {
      assertEquals([...backend.philox(Uint32Array.from(counter), Uint32Array.from(key), rounds)], words);
    }
  }
});

const bitsOf = (x: Float32Array<ArrayBuffer>) => new Int32Array(x.buffer, x.byteOffset, x.length);

/** A program that prints what this library draws, for processors that are only emulated here. */
const program = `
#include <stdint.h>
#include <stdio.h>
#include <string.h>
int32_t thinned_set_threads(int32_t);
#define DECLARE(v) \\
  int32_t thinned_philox_##v(const uint32_t *, const uint32_t *, uint32_t *, int32_t); \\
  int32_t thinned_mask_##v( \\
      const float *, float *, const uint32_t *, const uint32_t *, double, double, double, double, double, double, \\
      double, double); \\
  int32_t thinned_uniform_##v(float *, const uint32_t *, const uint32_t *, double, double, double); \\
  int32_t thinned_normal_##v(float *, const uint32_t *, const uint32_t *, double, double, double); \\
  int32_t thinned_unary_##v(int32_t, const float *, float *, double, double, double); \\
  int32_t thinned_gemm_##v(const float *, const float *, float *, const double *);
#define SHOW(v) \\
  thinned_philox_##v(counter, key, words, 10); \\
  for (int i = 0; i < 4; i++) printf("%u ", words[i]); \\
  thinned_uniform_##v(x, header, table, 3, 1, N), show(x); \\
  thinned_mask_##v(x, y, header, table, 3, 1, N, 0x8000, 16, 2, 0, 0), show(y); \\
  thinned_normal_##v(y, header, table, 3, 1, N), show(y); \\
  thinned_gemm_##v(y, x, z, shape); \\
  for (int i = 0; i < 4; i++) printf("%.9g ", z[i]); \\
  thinned_unary_##v(19, y, z, 4, 0, 0); \\
  for (int i = 0; i < 4; i++) printf("%.9g ", z[i]); \\
  puts("");
enum { N = 40003 };
static float x[N], y[N], z[N];
static void show(const float *a) {
  uint32_t hash = 0;
  for (int i = 0; i < N; i++) {
    uint32_t bits;
    memcpy(&bits, a + i, 4);
    hash = (hash ^ bits) * 16777619u;
  }
  printf("%u ", hash);
}
DECLARE(portable) DECLARE(neon)
int main(void) {
  const uint32_t counter[4] = {1, 2, 3, 4}, key[2] = {5, 6}, header[3] = {1, 2, 5};
  const uint32_t table[3] = {0xf0000000u, 3, 4};
  const double shape[12] = {97, 31, 301, 0, 1, 1, 0, 1, 0, 0, 0, 0};
  uint32_t words[4];
  thinned_set_threads(3);
  SHOW(portable)
  SHOW(neon)
  return 0;
}
`;

const compiler = "aarch64-linux-gnu-gcc";
const emulator = "qemu-aarch64";

async function canRun(command: string): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args: ["--version"], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

const canEmulate = await canRun(compiler) && await canRun(emulator);
const why = canEmulate ? missing : `${compiler} and ${emulator} are not both installed`;

Deno.test({
  name: `on ARM, with and without NEON, the same random bits and the same numbers${why ? ` (skipped: ${why})` : ""}`,
  ignore: why !== undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      for (const [name, text] of Object.entries({ ...sources, "main.c": program })) {
        await Deno.writeTextFile(`${folder}/${name}`, text);
      }
      const run = async (command: string, args: string[]) => {
        const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd: folder }).output();
        assertEquals(success, true, new TextDecoder().decode(stderr));
        return new TextDecoder().decode(stdout);
      };
      const units = compilationUnits("aarch64");
      await Promise.all(units.map(({ file, flags, output }) => run(compiler, [...flags, "-c", file, "-o", output])));
      const objects = units.map(({ output }) => output);
      await run(compiler, ["-static", "-o", "main", "main.c", ...objects, "-lpthread", "-ldl", "-lm"]);
      const lines = (await run(emulator, ["main"])).trim().split("\n").map((line) =>
        line.trim().split(" ").map(Number)
      );
      const expected = expectedOfProgram();
      for (const line of lines) {
        assertEquals(line.slice(0, 7), expected.slice(0, 7));
        line.slice(7).forEach((value, i) => {
          const wanted = expected[7 + i];
          assertEquals(Math.abs(value - wanted) <= 2e-6 * (1 + Math.abs(wanted)), true, `${value}, not ${wanted}`);
        });
      }
      assertEquals(lines.length, 2);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** What the program above must print, computed here. */
function expectedOfProgram(): number[] {
  const n = 40003;
  const draw = { header: Uint32Array.of(1, 2, 5), table: Uint32Array.of(0xf0000000, 3, 4), offset: 3 };
  const words = new Uint32Array(4);
  philox4x32(1, 2, 3, 4, 5, 6, words);
  const hash = (x: Float32Array<ArrayBuffer>) => {
    let hash = 0;
    for (const bits of bitsOf(x)) hash = Math.imul(hash ^ bits, 16777619);
    return hash >>> 0;
  };
  const [x, dropped, y] = [0, 1, 2].map(() => new Float32Array(n));
  kernels.uniform.twin(x, draw, 1, n);
  kernels.mask.twin(x, dropped, draw, 1, n, 0x8000, 16, 2, 0, 0);
  kernels.normal.twin(y, draw, 1, n);
  const product = new Float32Array(97 * 31);
  const shape = { m: 97, n: 31, k: 301, transposeA: false, transposeB: true, alpha: 1, beta: 0, batch: 1 };
  kernels.gemm.twin(y, x, product, { ...shape, strideA: 0, strideB: 0, strideC: 0 });
  const tanh = new Float32Array(4);
  kernels.unary.twin("tanh", y, tanh, 0, 0);
  return [...words, hash(x), hash(dropped), hash(y), ...product.slice(0, 4), ...tanh];
}
