/** The pool alone: size classes, the bound on what it holds, and what it gives back. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { reference, ThinnedError } from "../../../core/mod.ts";
import { buffersOf, type BufferSource, capacityFor, type DType, Pool } from "../../../core/tensor/pool.ts";
import { Dice, withSeed } from "../_tensors.ts";

const ordinaryArrays = buffersOf(reference);

/** One round: takes all buffers, and gives them back. */
function round(pool: Pool, sizes: readonly number[], dtype: DType = "float32"): void {
  pool.begin();
  const blocks = sizes.map((size) => pool.take(dtype, size));
  for (const block of blocks) pool.give(block);
  pool.end();
}

const bytes = (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + 4 * capacityFor(size), 0);

Deno.test("capacityFor() rounds up by less than a quarter, to four sizes an octave, and leaves small sizes alone", () => {
  for (let size = 0; size <= 8; size++) assertEquals(capacityFor(size), size);
  const seen = new Set<number>();
  for (let size = 9; size <= 4096; size++) {
    const capacity = capacityFor(size);
    assert(capacity >= size && capacity < 1.25 * size, `${size}: ${capacity}`);
    assertEquals(capacityFor(capacity), capacity);
    seen.add(capacity);
  }
  assertEquals(seen.size, 4 * 9);
});

Deno.test("take() hands out exactly the length asked for, over the memory of another length of the same class", () => {
  const pool = new Pool(ordinaryArrays);
  for (const [dtype, Class] of [["float32", Float32Array], ["float64", Float64Array], ["int32", Int32Array]] as const) {
    const first = pool.take(dtype, 100);
    assert(first.view instanceof Class);
    assertEquals([first.view.length, first.whole.length], [100, 112]);
    pool.give(first);
    const again = pool.take(dtype, 105);
    assertStrictEquals(again, first);
    assert(again.view instanceof Class);
    assertEquals([again.view.length, again.view.buffer], [105, first.whole.buffer]);
    again.view[104] = 7;
    assertEquals(first.whole[104], 7);
    assert(pool.take(dtype, 105) !== again, "a block in use was given out twice");
    pool.give(again);
    assert(pool.take(dtype, 113) !== again, "a block of another class was given out");
    const { view } = pool.take(dtype, 105);
    pool.give(again);
    assertStrictEquals(pool.take(dtype, 105).view, view, "a view of the same length was made anew");
  }
});

Deno.test("rounds that are alike allocate nothing after the first", () => {
  const pool = new Pool(ordinaryArrays);
  const sizes = [1000, 50, 50, 3, 1000, 2000];
  round(pool, sizes);
  const { allocated, heldBytes } = pool.statistics();
  assertEquals([allocated, heldBytes], [6, bytes(sizes)]);
  for (let i = 0; i < 200; i++) round(pool, i % 2 ? sizes : sizes.toReversed());
  const all = { freeBytes: heldBytes, heldBytes, highWater: heldBytes, workingBytes: heldBytes };
  assertEquals(pool.statistics(), { allocated, reused: 1200, ...all });
});

Deno.test("two kinds of rounds that take turns allocate nothing after the first of each", () => {
  const pool = new Pool(ordinaryArrays);
  const [training, evaluation] = [[1000, 2000, 3000], [500, 700, 4000]];
  for (let i = 0; i < 100; i++) round(pool, i % 10 === 9 ? evaluation : training);
  assertEquals(pool.statistics().allocated, 6);
  const even = new Pool(ordinaryArrays);
  for (let i = 0; i < 10; i++) round(even, [1024], i % 2 ? "int32" : "float32");
  assertEquals(even.statistics().allocated, 2);
});

Deno.test("what is held is at most twice the largest working set, whatever lengths come in whatever order", () => {
  withSeed((seed) => {
    for (const order of ["up", "down", "any"]) {
      const pool = new Pool(ordinaryArrays);
      const dice = new Dice(seed);
      let largest = 0;
      for (let i = 1; i <= 300; i++) {
        const length = order === "up" ? i : order === "down" ? 301 - i : 1 + dice.below(300);
        const sizes = [40, 40, 10, 160, 1].map((width) => width * length);
        largest = Math.max(largest, bytes(sizes));
        pool.begin();
        const blocks = sizes.map((size) => {
          const block = pool.take("float32", size);
          assert(pool.statistics().heldBytes <= 2 * largest, `${order}, length ${length}`);
          return block;
        });
        assertEquals(pool.statistics().heldBytes - pool.statistics().freeBytes, bytes(sizes));
        for (const block of blocks) pool.give(block);
        pool.end();
      }
    }
  });
});

Deno.test("rounds that need less than those before get what the others held given back", () => {
  const pool = new Pool(ordinaryArrays);
  round(pool, [100_000, 100_000]);
  const small = [100, 200];
  for (let i = 0; i < 400; i++) round(pool, small);
  const { heldBytes, highWater, allocated } = pool.statistics();
  assertEquals([heldBytes, allocated], [bytes(small), 4]);
  assert(highWater < 2 * bytes(small), String(highWater));
});

Deno.test("the blocks that have not been used for longest are given back first, and none of the round at hand", () => {
  const freed: number[] = [];
  const source: BufferSource = { allocate: ordinaryArrays.allocate, free: ({ length }) => void freed.push(length) };
  const pool = new Pool(source);
  round(pool, [1024]);
  round(pool, [512]);
  round(pool, [256]);
  assertEquals(freed, []);
  round(pool, [768]); // 10,240 bytes would be held, 8,192 may be
  assertEquals(freed, [1024]);
  round(pool, [256, 256, 128]);
  round(pool, [2048]); // more than may be held beside anything else
  assertEquals(freed, [1024, 512, 768, 256, 256, 128]);
  assertEquals(pool.statistics().heldBytes, 8192);
});

Deno.test("memory that is given back is free at once", () => {
  const array = ordinaryArrays.allocate("float32", 1000);
  ordinaryArrays.free(array);
  assertEquals([array.length, array.buffer.detached], [0, true]);
  ordinaryArrays.free(array);
  const part = new Float32Array(new ArrayBuffer(64), 0, 4); // others live in the same memory
  ordinaryArrays.free(part);
  assertEquals(part.length, 4);
});

Deno.test("a block that is parted with is no more counted, and not given out again", () => {
  const pool = new Pool(ordinaryArrays);
  pool.begin();
  const [kept, other] = [pool.take("float32", 1024), pool.take("float32", 512)];
  pool.part(kept);
  pool.give(other);
  pool.end();
  const left = { freeBytes: 2048, heldBytes: 2048, highWater: 2048, workingBytes: 2048 };
  assertEquals(pool.statistics(), { allocated: 2, reused: 0, ...left });
  assert(pool.take("float32", 1024) !== kept);
});

Deno.test("a block whose array has been transferred meanwhile is not given out again", () => {
  const pool = new Pool(ordinaryArrays);
  pool.begin();
  const block = pool.take("int32", 16);
  structuredClone(block.view, { transfer: [block.view.buffer] });
  pool.give(block);
  pool.end();
  assertEquals([pool.statistics().heldBytes, pool.statistics().freeBytes], [0, 0]);
  for (const size of [16, 0]) assert(pool.take("int32", size) !== block);
});

Deno.test("buffers go back to the source that they came from when another one is used", () => {
  const source = (): BufferSource & { freed: number } => {
    const own = { freed: 0, allocate: ordinaryArrays.allocate, free: () => void own.freed++ };
    return own;
  };
  const [first, second] = [source(), source()];
  const pool = new Pool(first);
  const [free, used] = [pool.take("float32", 10), pool.take("float32", 20)];
  pool.give(free);
  pool.use(first);
  assertEquals(first.freed, 0);
  pool.use(second);
  assertEquals(first.freed, 1);
  const own = pool.take("float32", 10);
  assert(own !== free);
  pool.give(used);
  assertEquals([first.freed, second.freed], [2, 0]);
  assertEquals(pool.statistics().heldBytes, 40);
});

Deno.test("a buffer that cannot be had is refused with the number that was asked for", () => {
  const pool = new Pool(ordinaryArrays);
  for (const size of [2 ** 45, Number.MAX_SAFE_INTEGER]) {
    assertThrows(() => pool.take("float32", size), ThinnedError, "of type float32 failed: ");
    assertThrows(() => ordinaryArrays.allocate("int32", size), ThinnedError, `for ${size} numbers of type int32`);
  }
  assertEquals(pool.statistics().heldBytes, 0);
});
