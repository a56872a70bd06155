/** The rounds of a comparison, and who goes on, as known answers. */
import { assertEquals, assertThrows } from "@std/assert";
import { epochsWithin, readDuration, secondsOf } from "../../../cli/compare/_budget.ts";
import { planRounds, type Standing, survivors } from "../../../cli/compare/_halving.ts";
import { OptionError } from "../../../mod.ts";

const field = { variants: 5, settings: 4, finalists: 3, seeds: 3 };

Deno.test("rounds train twice as long each, for half the settings, and at last half the variants down to the finalists", () => {
  assertEquals(planRounds(field, 10), [
    { epochs: 3, variants: 5, settings: 4, seeds: 1 },
    { epochs: 5, variants: 5, settings: 2, seeds: 1 },
    { epochs: 10, variants: 3, settings: 1, seeds: 3 },
  ]);
  assertEquals(planRounds({ variants: 8, settings: 1, finalists: 1, seeds: 1 }, 8), [
    { epochs: 1, variants: 8, settings: 1, seeds: 1 },
    { epochs: 2, variants: 4, settings: 1, seeds: 1 },
    { epochs: 4, variants: 2, settings: 1, seeds: 1 },
    { epochs: 8, variants: 1, settings: 1, seeds: 1 },
  ]);
  assertEquals(planRounds({ variants: 9, settings: 8, finalists: 3, seeds: 2 }, 16), [
    { epochs: 2, variants: 9, settings: 8, seeds: 1 },
    { epochs: 4, variants: 9, settings: 4, seeds: 1 },
    { epochs: 8, variants: 5, settings: 2, seeds: 1 },
    { epochs: 16, variants: 3, settings: 1, seeds: 2 },
  ]);
  assertEquals(planRounds({ variants: 2, settings: 1, finalists: 2, seeds: 4 }, 7), [
    { epochs: 7, variants: 2, settings: 1, seeds: 4 },
  ]);
});

Deno.test("few epochs are spread so that each round has one more than the one before; fewer than rounds are refused", () => {
  assertEquals(planRounds(field, 3).map(({ epochs }) => epochs), [1, 2, 3]);
  assertEquals(planRounds(field, 4).map(({ epochs }) => epochs), [1, 2, 4]);
  const error = assertThrows(() => planRounds(field, 2), OptionError);
  assertEquals(error.message, "--epochs: expected at least 3, one for each round, found 2.");
});

const at = (variant: string, setting: number, error: number, loss = 0): Standing => ({ variant, setting, error, loss });

Deno.test("the best settings of the best variants go on, in their order; losses decide between equal errors", () => {
  const standings = [
    at("a", 0, 0.3),
    at("a", 1, 0.1, 2),
    at("a", 2, 0.2),
    at("b", 0, 0.9),
    at("b", 1, Infinity, Infinity),
    at("c", 0, 0.1, 1),
    at("c", 1, 0.5),
  ];
  assertEquals(survivors(standings, { variants: 2, settings: 2 }), [
    at("a", 1, 0.1, 2),
    at("a", 2, 0.2),
    at("c", 0, 0.1, 1),
    at("c", 1, 0.5),
  ]);
  assertEquals(survivors(standings, { variants: 1, settings: 1 }), [at("c", 0, 0.1, 1)]);
  // What has diverged everywhere is the last to go on, not the first.
  const diverged = [at("a", 0, Infinity, Infinity), at("b", 0, 0.9), at("c", 0, Infinity, Infinity)];
  assertEquals(survivors(diverged, { variants: 1, settings: 1 }), [at("b", 0, 0.9)]);
  assertEquals(survivors(diverged, { variants: 2, settings: 1 }), [diverged[0], diverged[1]]);
});

Deno.test("a time becomes the most epochs with which all rounds stay within it", () => {
  const small = { variants: 2, settings: 2, finalists: 1, seeds: 2 };
  const costs = { none: 1, variants: [2, 3] };
  // 4 epochs: two for (2 + 3) x 2 + 1, two more for 3 + 1, and four of a second seed for 3 + 1.
  assertEquals(secondsOf(small, 4, costs), 2 * 11 + 2 * 4 + 4 * 4);
  assertEquals(epochsWithin(small, 100, costs, 46), 4);
  assertEquals(epochsWithin(small, 100, costs, 45.9), 3);
  assertEquals(epochsWithin(small, 3, costs, 1000), 3);
  const error = assertThrows(() => epochsWithin(small, 100, costs, 10), OptionError);
  assertEquals(
    error.message,
    '--budget: expected at least 23 s, for 2 epochs of a full training, found "10 s"; fewer variants, settings or seeds take less.',
  );
});

Deno.test("durations are numbers with s, m or h", () => {
  assertEquals(["90s", "10m", "1.5h"].map((text) => readDuration(text, "--budget")), [90, 600, 5400]);
  for (const text of ["10", "m", "0s", "-1m", "1d", "1 m"]) {
    assertThrows(() => readDuration(text, "--budget"), OptionError);
  }
});
