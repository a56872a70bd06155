/** The study on tables, as its users run it. */
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readArguments } from "../../cli/arguments/read_arguments.ts";
import { ThinnedError } from "../../mod.ts";
import type { StudyHost } from "../../studies/mod.ts";
import { uciDropout } from "../../studies/uci_dropout/uci_dropout.ts";
import { cli, command, inFolder } from "../cli/_run.ts";
import { makeSet } from "./_made_set.ts";

/** Runs the study in this process. */
async function here(...args: string[]): Promise<unknown> {
  const host: StudyHost = {
    signal: new AbortController().signal,
    note: () => {},
    show: () => {},
    command: (line) => line,
  };
  return await uciDropout.run(readArguments(args, uciDropout), host);
}

const quick = ["--epochs-times", "2", "--samples", "50", "--workers", "2"];

Deno.test("a study ends with one object: means over the splits, their errors, and what is published", async () => {
  await inFolder(async (folder) => {
    await makeSet(`${folder}/UCI_Datasets/mine/data`);
    const out = `${folder}/out`;
    const args = ["study", "uci-dropout", "--set", "mine", "--data", folder, "--out", out, ...quick, "--json"];
    const { status, out: text, err } = await cli(args);
    assertEquals(status, 0, err);
    const { splits, ...summary } = JSON.parse(text);
    const over = (key: string) => {
      const [a, b] = splits.map((split: Record<string, number>) => split[key]);
      return [(a + b) / 2, Math.abs(a - b) / 2 / Math.sqrt(2)];
    };
    const { rmse, rmseError, logLikelihood, logLikelihoodError, ...rest } = summary;
    [[rmse, rmseError, "rmse"], [logLikelihood, logLikelihoodError, "logLikelihood"]].forEach(([mean, error, key]) => {
      const expected = over(key);
      assertAlmostEquals(mean, expected[0], 1e-9);
      assertAlmostEquals(error, expected[1], 1e-9);
    });
    assertEquals(rest, {
      set: "mine",
      published: null,
      rate: "grid",
      epochsTimes: 2,
      layers: 1,
      batchSize: 128,
      samples: 50,
      seed: 0,
      complete: true,
      out,
    });
    for (const split of splits) {
      assert([0.01, 0.1].includes(split.rates[0]) && [1, 4].includes(split.tau));
      assertEquals(split.steps, 6 * (4 * 1 + 1)); // 3 epochs times 2, four nets and the last, a step an epoch
    }
    // By the folder's path, one after the other: the same bits.
    const again = await cli([
      ...["study", "uci-dropout", "--set", `${folder}/UCI_Datasets/mine`, "--out", `${folder}/again`],
      ...["--epochs-times", "2", "--samples", "50", "--workers", "1", "--json"],
    ]);
    const figures = (json: string) =>
      JSON.parse(json).splits.map(({ seconds: _, ...split }: { seconds: number }) => split);
    assertEquals(figures(again.out), figures(text));
  });
});

Deno.test("a study that was stopped goes on with the splits that are left, and refuses another in its folder", async () => {
  await inFolder(async (folder) => {
    await makeSet(`${folder}/yacht`);
    const out = `${folder}/out`;
    const set = ["study", "uci-dropout", "--set", `${folder}/yacht/`, ...quick, "--out", out];
    const first = await cli([...set, "--splits", "1"]);
    assertEquals(first.status, 0, first.err);
    assertStringIncludes(first.out, "yacht: 1 split, 2 times the epochs");
    const kept = await Deno.readTextFile(`${out}/split-1.json`);
    const other = await cli([...set, "--seed", "7"]);
    assertEquals([other.status, other.out], [2, ""]);
    assertStringIncludes(other.err, "differs in seed, found 0");
    await Deno.writeTextFile(`${out}/split-0.json`, '{ "split": 0, '); // cut short
    const { status, out: json, err } = await cli(["study", "uci-dropout", "--resume", out, "--json"]);
    assertEquals(status, 0, err);
    assertStringIncludes(err, "1 of 2 splits are finished");
    assertEquals(JSON.parse(json).splits.map((split: { split: number }) => split.split), [0, 1]);
    assertEquals(await Deno.readTextFile(`${out}/split-1.json`), kept);
    assertEquals(JSON.parse(await Deno.readTextFile(`${out}/split-0.json`)).split, 0);
    await makeSet(`${folder}/yacht`, { "tau_values.txt": "9" });
    const changed = await cli(["study", "uci-dropout", "--resume", out]);
    assertEquals(changed.status, 2);
    assertStringIncludes(changed.err, "differs in the files of the set");
  });
});

Deno.test("a signal stops a study, which says how to go on", async () => {
  await inFolder(async (folder) => {
    await makeSet(`${folder}/set`);
    const out = `${folder}/out`;
    const args = ["--set", `${folder}/set`, "--out", out, "--epochs-times", "100000", "--json"];
    const child = command(["study", "uci-dropout", ...args]).spawn();
    const text = new TextDecoder();
    let err = "";
    let asked = false;
    const reading = (async () => {
      for await (const bytes of child.stderr) {
        err += text.decode(bytes);
        if (asked || !err.includes("side by side")) continue;
        asked = true;
        child.kill("SIGTERM");
      }
    })();
    const [{ code }, json] = [await child.status, await new Response(child.stdout).json()];
    await reading;
    assertEquals([code, json.complete, json.rmse, json.splits], [143, false, null, []]);
    assertStringIncludes(err, `To go on: deno task study uci-dropout --resume ${out}`);
  });
});

Deno.test("what is wrong with a set or an option is one sentence, and nothing is written", async () => {
  await inFolder(async (folder) => {
    const out = `${folder}/out`;
    const wrong: [changes: Record<string, string | null>, args: string[], sentence: string][] = [
      [{ "dropout_rates.txt": null }, [], "dropout_rates.txt: expected a file with numbers in [0, 1), found none."],
      [{ "dropout_rates.txt": "0.1\n1.5" }, [], 'dropout_rates.txt, line 2: expected numbers in [0, 1), found "1.5".'],
      [{ "tau_values.txt": "\n" }, [], "tau_values.txt: expected at least one number, found none."],
      [{ "tau_values.txt": "0" }, [], 'tau_values.txt, line 1: expected numbers above 0, found "0".'],
      [{ "n_splits.txt": "many" }, [], 'n_splits.txt, line 1: expected a whole number of at least 1, found "many".'],
      [{ "index_target.txt": "3 2" }, [], "index_target.txt: expected the column of one target, found 2."],
      [{ "index_test_1.txt": "99" }, [], "index_test_1.txt, line 1: expected whole numbers in [0, 40), found 99."],
      [{ "index_train_1.txt": null }, [], "index_train_1.txt: expected a file, found none."],
      [{}, ["--splits", "2"], '--splits: expected splits below 2, the number that the set has, found "2".'],
      [{}, ["--splits", "1-0"], "--splits: expected numbers of splits and ranges of them"],
      [{}, ["--samples", "99999"], "--samples: expected at most 16384 passes, found 99999."],
      [{}, ["--rate", "0.5"], '--rate: expected "grid" or "concrete", found "0.5".'],
      [{}, ["--epoch-times", "3"], 'did you mean "--epochs-times"?'],
    ];
    for (const [i, [changes, args, sentence]] of wrong.entries()) {
      await makeSet(`${folder}/${i}`, changes);
      const { message } = await assertRejects(
        () => here("--set", `${folder}/${i}`, "--out", out, ...args),
        ThinnedError,
      );
      assertStringIncludes(message, sentence);
    }
    assert(!await Deno.stat(out).then(() => true, () => false));
    const { status, err } = await cli(["study", "uci-dropout", "--set", "mine", "--data", folder, "--out", out]);
    assertEquals([status, err.trim().split("\n").length], [2, 1]);
    assertStringIncludes(err, 'error: --set: expected a set "mine" with a file data.txt in ');
    const unknown = await cli(["study", "uci-drop"]);
    assertEquals(unknown.status, 2);
    assertStringIncludes(unknown.err, 'did you mean "uci-dropout"?');
    const list = await cli(["study", "--json"], []);
    assert(JSON.parse(list.out).studies.some(({ name }: { name: string }) => name === "uci-dropout"));
  });
});
