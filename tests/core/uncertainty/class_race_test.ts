/** The race of classes: what it takes to be settled, and how often that is wrong. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ClassRace, Key, OptionError, Tensor } from "../../../mod.ts";

Deno.test("a class that is sure in every pass is settled after the fewest passes", () => {
  const race = new ClassRace(2, 10, 0.01);
  const sure = Array.from({ length: 10 }, (_, i) => i === 3 ? 1 : 0);
  const { fewest } = race;
  for (let pass = 1; pass < fewest; pass++) race.add(1, sure);
  assertEquals([race.winner(1), fewest], [-1, 11]);
  race.add(1, sure);
  assertEquals([race.winner(0), race.winner(1)], [-1, 3]);
  for (let pass = 0; pass < 50; pass++) race.add(1, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assertEquals(race.winner(1), 3, "what is settled stays");
});

Deno.test("wealth is what the stakes make of the differences, by hand", () => {
  // 1 + 0.5 d, then 1 + (0.5 + d) / (1 + d^2) d with d = 0.6: 1.3 * 1.4853 = 1.931.
  const after = (error: number) => {
    const race = new ClassRace(1, 2, error);
    race.add(0, [0.8, 0.2]);
    race.add(0, [0.8, 0.2]);
    return race.winner(0);
  };
  const wealth = 1.3 * (1 + 1.1 / 1.36 * 0.6);
  assertEquals([after(1 / (wealth - 1e-9)), after(1 / (wealth + 1e-9))], [0, -1]);
});

/** The share of races that a class other than the best wins, where each pass gives one class all, the best most often. */
function wrong(chances: readonly number[], error: number, races: number, passes: number): number {
  const draws = Tensor.uniform([races, passes], Key.seed(11).at("passes")).floats;
  let count = 0;
  for (let race = 0; race < races; race++) {
    const own = new ClassRace(1, chances.length, error);
    for (let pass = 0; pass < passes && own.winner(0) < 0; pass++) {
      const probabilities = new Array<number>(chances.length).fill(0);
      let drawn = draws[race * passes + pass];
      let at = 0;
      while (at < chances.length - 1 && drawn >= chances[at]) drawn -= chances[at++];
      probabilities[at] = 1;
      own.add(0, probabilities);
    }
    if (own.winner(0) > 0) count++;
  }
  return count / races;
}

Deno.test("a wrong class is settled no more often than stated, though one looks after every pass", () => {
  const error = 0.1;
  const races = 2000;
  const most = error + 3 * Math.sqrt(error * (1 - error) / races);
  for (const chances of [[0.5001, 0.4999], [0.34, 0.33, 0.33], [0.52, 0.48]]) {
    const found = wrong(chances, error, races, 300);
    assert(found <= most, `${chances}: ${found}`);
    assert(found > 0.002, `${chances}: ${found} of the races say that the bound is never used`);
  }
});

Deno.test("numbers out of range are refused", () => {
  assertThrows(() => new ClassRace(1, 2, 0), OptionError, "error");
  assertThrows(() => new ClassRace(1, 2, 1), OptionError, "error");
  assertThrows(() => new ClassRace(1, 1, 0.1), OptionError, "classes");
});
