import { assertEquals } from "@std/assert";
import type { ReportData, RunReport } from "../../../../cli/report/report_data.ts";
import { headline, lead } from "../../../../cli/report/page/headline.ts";
import { exampleReport } from "../_example.ts";

const [model] = exampleReport.runs;

/** A run with the given errors after its epochs. */
function run(name: string, errors: readonly (readonly [train: number, test: number])[], more: Partial<RunReport> = {}) {
  const history = errors.map(([trainError, testError], i) => ({
    ...model.history[0],
    epoch: i + 1,
    trainError,
    testError,
  }));
  const epochs = { done: errors.length, of: errors.length };
  return { ...model, name, variant: name, history, epochs, interrupted: false, ...more };
}

const words = (...runs: RunReport[]) => {
  const data: ReportData = { ...exampleReport, runs };
  return [headline(data), lead(data)].map((text) => text.replaceAll("\u00a0", " "));
};

Deno.test("the headline of one run tells its test error, its epochs and its gap", () => {
  assertEquals(words(run("a", [[0.5, 0.5], [0.0044, 0.0134]])), [
    "Test error 1.34 % after 2 epochs; the gap to training is 0.90 points.",
    "",
  ]);
  assertEquals(words(run("a", [[0.1, 0.25]], { classification: false })), [
    "Root mean squared test error 0.250 after 1 epoch; the gap to training is 0.150.",
    "",
  ]);
  assertEquals(words(run("a", [])), ["No epoch is done yet.", ""]);
});

Deno.test("the headline of a run that kept the weights of an earlier epoch is about that epoch", () => {
  assertEquals(
    words(run("a", [[0.01, 0.02], [0, 0.5]], { bestEpoch: 1 }))[0].slice(0, 31),
    "Test error 2.00 % after 1 epoch",
  );
});

Deno.test("the headline of several runs names the best, and by how much; which were stopped stands below", () => {
  const plain = run("plain", [[0, 0.0163]], { interrupted: true, epochs: { done: 1, of: 20 } });
  assertEquals(words(plain, run("dropout", [[0.0043, 0.0114]])), [
    "dropout is ahead: test error 1.14 %, 0.49 points below plain.",
    "After 1 epoch, the gap to training is 0.71 points for dropout and 1.63 points for plain. " +
    "plain was stopped after 1 epoch of 20.",
  ]);
  const stopped = { interrupted: true, epochs: { done: 2, of: 3 } };
  const three = ["a", "b", "c"].map((name) => run(name, [[0, 0.1]], name === "c" ? {} : stopped));
  assertEquals(words(...three)[1].split(". ")[1], "a and b were stopped after 2 epochs of 3.");
  assertEquals(words(three[0])[1], "Training was stopped after 2 epochs of 3.");
  assertEquals(words(run("a", [[0, 0.1]]), run("b", [[0, 0.1]]))[0], "a and b are level: test error 10.00 %.");
});

Deno.test("of many gaps the smallest and the largest are named", () => {
  const runs = [0.4, 0.1, 0.3, 0.2].map((error, i) => run(`r${i}`, [[0, error]]));
  assertEquals(
    words(...runs)[1],
    "After 1 epoch, the gap to training is from 10.00 points for r1 to 40.00 points for r0.",
  );
});

Deno.test("seeds of a variant count by their mean", () => {
  const seed = (name: string, error: number) => run(name, [[0, error]], { variant: "dropout" });
  assertEquals(words(seed("dropout-1", 0.01), seed("dropout-2", 0.03))[0].slice(0, 22), "Mean test error 2.00 %");
});
