/** What the arguments of `predict` may say. */
import { assertEquals, assertThrows } from "@std/assert";
import { predictCommand } from "../../../cli/arguments/commands/predict.ts";
import { predictChoices } from "../../../cli/predict/predict_choices.ts";
import { readArguments } from "../../../cli/arguments/read_arguments.ts";
import { OptionError } from "../../../mod.ts";

const choices = (...args: string[]) => predictChoices(readArguments(args, predictCommand));

Deno.test("without arguments predict makes one pass and prints a table; all that is said is taken", () => {
  assertEquals(choices(), {
    samples: 0,
    sites: undefined,
    seed: 0,
    average: "arithmetic",
    quantiles: [],
    precision: undefined,
    temperature: undefined,
    weightScaling: false,
    limit: undefined,
    format: "table",
    laplace: false,
  });
  const given = ["--samples", "5", "--sites", "^0$", "--sites", "3", "--quantiles", "0.05, 1", "--precision", "1e-3"];
  const found = choices(...given, "--weight-scaling", "--format", "csv", "--average=geometric", "--seed", "7");
  assertEquals([found.samples, found.sites, found.quantiles], [5, ["^0$", "3"], [0.05, 1]]);
  assertEquals([found.precision, found.weightScaling, found.format], [1e-3, true, "csv"]);
  assertEquals([found.average, found.seed], ["geometric", 7]);
});

Deno.test("values out of range are refused under their option", () => {
  const refused: [string[], string][] = [
    [["--sites", "0"], "--sites: expected --samples beside it"],
    [["--samples", "16385"], "--samples: expected a whole number in [0, 16384]"],
    [["--seed", "4294967296"], "--seed: expected a whole number in [0, 2^32)"],
    [["--quantiles", "0.5,2"], "--quantiles: expected numbers in [0, 1] with commas between them"],
    [["--quantiles", "0.5,,1"], "--quantiles: expected numbers in [0, 1] with commas between them"],
    [["--format", "xml"], "--format: expected one of json, jsonl, csv, table"],
    [["--average", "median"], "--average: expected arithmetic or geometric"],
    [["--precision", "0"], "--precision: expected a number above 0"],
    [["--precision", "x"], "--precision: expected a number above 0"],
  ];
  for (const [args, message] of refused) assertThrows(() => choices(...args), OptionError, message);
});
