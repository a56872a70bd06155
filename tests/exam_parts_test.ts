/** The parts of the exam: its bounds are true, its choices follow from the seed, and its traps are put back. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { logBernstein, logChoose, logTail, meanAllowance, Picker } from "../testing/chance.ts";
import { makeCheck } from "../testing/report.ts";
import { examRecord } from "../testing/mod.ts";
import { trapped } from "../testing/traps.ts";

/** The probability of at least, or at most, so many of `trials` decisions of probability `p`, exactly. */
function exactTail(count: number, trials: number, p: number): number {
  let sum = 0;
  for (let k = 0; k <= trials; k++) {
    const counts = count >= trials * p ? k >= count : k <= count;
    if (counts) sum += Math.exp(logChoose(trials, k) + k * Math.log(p) + (trials - k) * Math.log(1 - p));
  }
  return sum;
}

Deno.test("the bound of a count is never below its probability, and not far above it", () => {
  for (const trials of [7, 60, 240]) {
    for (const p of [0.05, 0.3, 0.5, 0.93]) {
      for (let count = 0; count <= trials; count++) {
        const [bound, exact] = [Math.exp(logTail(count, trials, p)), exactTail(count, trials, p)];
        assert(bound >= exact * (1 - 1e-9), `${count} of ${trials} at ${p}: ${bound} is below ${exact}`);
        assert(Math.log(bound) <= Math.log(exact) + Math.log(trials + 1) + 1, `${bound} is far above ${exact}`);
      }
    }
  }
  assertEquals(logTail(3, 10, 0.2, 0.4), 0);
  assertEquals(logTail(1, 10, 0, 0), -Infinity);
});

Deno.test("Bernstein's bound is never below the probability that a sum of signs is as large", () => {
  const trials = 100;
  for (let count = 50; count <= trials; count++) {
    const exact = 2 * exactTail(count, trials, 0.5);
    assert(Math.exp(logBernstein(2 * count - trials, trials, 1)) >= Math.min(1, exact) * (1 - 1e-9), String(count));
  }
});

Deno.test("the allowance of a mean falls with the number of draws, and covers rare large values", () => {
  assert(meanAllowance(1, 2, 1000, -25) < meanAllowance(1, 2, 100, -25));
  // A value of 1 with probability 1e-3 that was met once too often or not at all in 240 draws.
  assert(meanAllowance(0, 1, 240, -23) > 1e-3);
});

Deno.test("what the exam chooses follows from the seed and the label", () => {
  const numbers = (seed: number, label: string) => {
    const pick = new Picker(seed, label);
    return Array.from({ length: 600 }, () => pick.whole(0, 2 ** 20));
  };
  assertEquals(numbers(7, "a"), numbers(7, "a"));
  assert(numbers(7, "a").join() !== numbers(7, "b").join());
  assert(numbers(7, "a").join() !== numbers(8, "a").join());
  assert(numbers(7, "a").every((value) => Number.isInteger(value) && value >= 0 && value <= 2 ** 20));
  // 600 of a million numbers are all different but for one pair in six exams.
  assert(new Set(numbers(7, "a")).size > 590);
  assertEquals(new Picker(1, "c").shuffled([1, 2, 3, 4]).sort(), [1, 2, 3, 4]);
  assertEquals(new Picker(1, "d").extents(3, 30).length, 3);
});

Deno.test("clocks and sources of chance are told while they are trapped, work as usual, and are put back", () => {
  const before = [Math.random, Date, performance.now, crypto.getRandomValues, crypto.randomUUID] as const;
  const calls: string[] = [];
  const body = () => {
    assert(Math.random() < 1);
    assert(Date.now() > 0 && new Date().getTime() > 0 && Date().length > 0 && new Date(7).getTime() === 7);
    assert(new Date(7) instanceof Date && performance.now() > 0 && crypto.randomUUID().length === 36);
    assertEquals(crypto.getRandomValues(new Uint8Array(2)).length, 2);
    throw new RangeError("fails");
  };
  assertThrows(() => trapped((call) => calls.push(call), body), RangeError);
  assertEquals(calls, [
    "Math.random()",
    "Date.now()",
    "new Date()",
    "Date()",
    "performance.now()",
    "crypto.randomUUID()",
    "crypto.getRandomValues()",
  ]);
  assertEquals(
    [Math.random, Date, performance.now, crypto.getRandomValues, crypto.randomUUID].map((call, i) =>
      call === before[i]
    ),
    [true, true, true, true, true],
  );
  assertEquals(trapped((call) => calls.push(call), () => 7), 7);
  assertEquals(calls.length, 7);
});

Deno.test("a check that throws fails, and exams as data count what was made", () => {
  const tell = () => {};
  const trials = [{ label: "one" }];
  const failed = makeCheck("throws", trials, () => {
    throw new TypeError("no such thing");
  }, tell);
  assertEquals([failed.status, failed.message], ["failed", "one: TypeError: no such thing"]);
  const odd = makeCheck("throws text", trials, () => {
    throw "text";
  }, tell);
  assertEquals([odd.status, odd.message], ["failed", "one: text"]);
  const none = makeCheck("of nothing", [], () => "", tell);
  const fine = makeCheck("fine", trials, () => "as it should be", tell);
  assertEquals(examRecord([{ plugin: "mine", passed: false, checks: [failed, none, fine] }]), {
    plugin: "mine",
    passed: 1,
    failed: 1,
    checks: [
      { name: "throws", ok: false, detail: "one: TypeError: no such thing" },
      { name: "fine", ok: true, detail: "as it should be" },
    ],
    notVerified: [{ name: "of nothing", detail: "there is nothing to examine" }],
  });
});
