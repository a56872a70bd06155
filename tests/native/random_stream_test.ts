import { assertEquals } from "@std/assert";
import { philox4x32 } from "../../core/random/philox.ts";
import { reference } from "../../core/backend/backend.ts";
import type { Address } from "../../core/backend/stream.ts";
import type { Backend, Floats } from "../../core/backend/backend.ts";
import { compilationUnits, sources } from "../../native/sources.ts";
import { type Draws, forSeeds, instructionSets, missing, nativeTest, on, open } from "./_native.ts";

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

/** Every native kernel that draws, by name. */
const kernels: Record<string, (backend: Backend, out: Floats, x: Floats, address: Address) => void> = {
  dropout: (backend, out, x, address) => on(backend).streamDropout(x, out, address, 0x60000000, 1 / 0.625),
  bernoulli: (backend, out, _x, address) => on(backend).streamBernoulli(out, address, 0xc0000001, 1.1),
  uniform: (backend, out, _x, address) => on(backend).streamUniform(out, address),
  normal: (backend, out, _x, address) => on(backend).streamNormal(out, address),
};

/** An address whose first element is anything below 2^52, often near a multiple of 2^32. */
function anyAddress(draws: Draws): Address {
  const word = () => draws.whole(0, 0xffffffff);
  const low = draws.pick([draws.whole(0, 9), 0xffffffff - draws.whole(0, 99), word()]);
  return Uint32Array.of(word(), word(), low, draws.pick([0, 1, draws.whole(0, 0xfffff)]), word(), word());
}

const bitsOf = (x: Float32Array<ArrayBuffer>) => new Int32Array(x.buffer, x.byteOffset, x.length);

for (const [name, draw] of Object.entries(kernels)) {
  nativeTest(`${name}: the same bits as the reference for any first element, threads and instruction set`, () => {
    const backends = instructionSets.map((instructions) => open(instructions));
    forSeeds(12, (draws) => {
      const n = draws.pick([1, 2, 3, 5, 31, 1023, 4099, 40_003]);
      const shift = draws.whole(0, 7); // arrays that begin anywhere in memory
      const x = draws.floats(n + shift).subarray(shift);
      const address = anyAddress(draws);
      const expected = new Float32Array(n);
      draw(reference, expected, x, address);
      for (const backend of backends) {
        for (const threads of [1, 2, 3]) {
          backend.setThreads(threads);
          const room = new Float32Array(n + shift + 1).fill(7);
          const out = room.subarray(shift, shift + n);
          draw(backend, out, x, address);
          assertEquals(bitsOf(out.slice()), bitsOf(expected), `${backend.info().instructions}, ${threads} threads`);
          assertEquals([room[shift - 1] ?? 7, room[shift + n]], [7, 7], "wrote outside its array");
        }
        backend.setThreads(2);
      }
    });
  });

  nativeTest(`${name}: an array drawn in parts, at any cut, is the array drawn at once`, () => {
    const backend = open();
    forSeeds(10, (draws) => {
      const n = draws.whole(2, 5000);
      const cut = draws.whole(1, n - 1);
      const x = draws.floats(n);
      const start = draws.pick([0, 4294967296 - 7, 2 ** 40 + 3]);
      const at = (element: number) => Uint32Array.of(1, 2, element >>> 0, Math.floor(element / 4294967296), 3, 4);
      const whole = new Float32Array(n);
      const parts = new Float32Array(n);
      draw(backend, whole, x, at(start));
      draw(backend, parts.subarray(0, cut), x.subarray(0, cut), at(start));
      draw(backend, parts.subarray(cut), x.subarray(cut), at(start + cut));
      assertEquals(parts, whole);
    });
  });
}

nativeTest("large arrays, which are written past the caches, have the same bits", () => {
  const n = (1 << 22) + 13;
  const address = Uint32Array.of(5, 6, 4294967290, 7, 8, 9);
  const [fast, slow] = [open("auto"), open("portable")];
  const x = new Float32Array(n + 3).subarray(3);
  on(fast).streamUniform(x, address);
  for (const draw of Object.values(kernels)) {
    const [a, b] = [new Float32Array(n + 1).subarray(1), new Float32Array(n)];
    draw(fast, a, x, address);
    draw(slow, b, x, address);
    // Compared as bytes: element by element would take a while.
    assertEquals(Boolean(a.every((value, i) => value === b[i])), true);
    draw(reference, b.subarray(0, 2000), x.subarray(0, 2000), address);
    assertEquals(a.slice(0, 2000), b.slice(0, 2000));
  }
});

nativeTest("normal numbers are exact to the last bit for words in both tails", () => {
  const expected = new Float32Array(60_000);
  const actual = new Float32Array(60_000);
  for (let block = 0; block < 3; block++) {
    const address = Uint32Array.of(block, 11, 4_000_000 * block, 0, 0, 0);
    on(reference).streamNormal(expected, address);
    for (const instructions of instructionSets) {
      on(open(instructions)).streamNormal(actual, address);
      assertEquals(bitsOf(actual), bitsOf(expected), instructions);
    }
  }
});

nativeTest("a dropped infinity or NaN gives 0, and x may be out", () => {
  for (const backend of instructionSets.map((instructions) => open(instructions))) {
    const n = 5000;
    const address = Uint32Array.of(1, 0, 0, 0, 0, 0);
    const kept = new Float32Array(n);
    on(backend).streamBernoulli(kept, address, 0x80000000, 1);
    for (const bad of [Infinity, -Infinity, NaN]) {
      const x = new Float32Array(n).fill(bad);
      on(backend).streamDropout(x, x, address, 0x80000000, 2);
      assertEquals(x, kept.map((keep) => keep === 1 ? bad : 0));
    }
  }
});

/** A program that prints what this library draws, for processors that are only emulated here. */
const program = `
#include <stdint.h>
#include <stdio.h>
#include <string.h>
int32_t thinned_set_threads(int32_t);
#define DECLARE(v) \\
  int32_t thinned_philox_##v(const uint32_t *, const uint32_t *, uint32_t *, int32_t); \\
  int32_t thinned_dropout_##v(const float *, float *, const uint32_t *, uint32_t, double, float); \\
  int32_t thinned_uniform_##v(float *, const uint32_t *, double); \\
  int32_t thinned_normal_##v(float *, const uint32_t *, double); \\
  int32_t thinned_unary_##v(int32_t, const float *, float *, double, float, float); \\
  int32_t thinned_gemm_##v(const float *, const float *, float *, const double *);
#define SHOW(v) \\
  thinned_philox_##v(counter, key, words, 10); \\
  for (int i = 0; i < 4; i++) printf("%u ", words[i]); \\
  thinned_uniform_##v(x, address, N), show(x); \\
  thinned_dropout_##v(x, y, address, 0x80000000u, N, 2.0f), show(y); \\
  thinned_normal_##v(y, address, N), show(y); \\
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
  const uint32_t counter[4] = {1, 2, 3, 4}, key[2] = {5, 6}, address[6] = {1, 2, 4294967291u, 3, 4, 5};
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
  const address = Uint32Array.of(1, 2, 4294967291, 3, 4, 5);
  const words = new Uint32Array(4);
  philox4x32(1, 2, 3, 4, 5, 6, words);
  const hash = (x: Float32Array<ArrayBuffer>) => {
    let hash = 0;
    for (const bits of bitsOf(x)) hash = Math.imul(hash ^ bits, 16777619);
    return hash >>> 0;
  };
  const [x, dropped, y] = [0, 1, 2].map(() => new Float32Array(n));
  on(reference).streamUniform(x, address);
  on(reference).streamDropout(x, dropped, address, 0x80000000, 2);
  on(reference).streamNormal(y, address);
  const product = new Float32Array(97 * 31);
  const shape = { m: 97, n: 31, k: 301, transposeA: false, transposeB: true, alpha: 1, beta: 0, batch: 1 };
  on(reference).gemm(y, x, product, { ...shape, strideA: 0, strideB: 0, strideC: 0 });
  const tanh = new Float32Array(4);
  on(reference).unary("tanh", y, tanh, 0, 0);
  return [...words, hash(x), hash(dropped), hash(y), ...product.slice(0, 4), ...tanh];
}
