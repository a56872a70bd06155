/** The programs in examples/, each run as its user runs it: in a process of its own, with the flags that it names. */
import { assert, assertEquals } from "@std/assert";
import { inFolder } from "../cli/_run.ts";

const root = new URL("../../", import.meta.url).pathname;
const flags = (...more: string[]) => ["--allow-read", "--allow-env", `--allow-ffi=${root}.cache`, ...more];

/** The lines that a program prints. */
async function lines(name: string, permissions: readonly string[], ...args: string[]): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-q",
      "--no-prompt",
      "--config",
      `${root}deno.json`,
      ...permissions,
      `${root}examples/${name}`,
      ...args,
    ],
    env: { NO_COLOR: "1", THINNED_DATA: "" }, // drawn digits, whatever else there may be
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

/** The last percentage in a line. */
const percent = (line: string) => Number(line.match(/([\d.]+) %[^%]*$/)![1]);

Deno.test("two moons are learned from arrays, saved, and predicted by a second program", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/moons.safetensors`;
    const [trained] = await lines("two_moons_train.ts", flags(`--allow-write=${folder}`), file);
    assert(percent(trained) < 3, trained);
    const predicted = await lines("two_moons_predict.ts", ["--allow-read"], file);
    const kinds = predicted.slice(0, 4).map((line) => line.match(/: (\w+),/)![1]);
    assertEquals(kinds, ["upper", "lower", "upper", "lower"]);
    const deviations = predicted.map((line) => Number(line.match(/([\d.]+)$/)![1]));
    assertEquals(deviations.indexOf(Math.max(...deviations)), 4, "the point between the moons is the least certain");
  });
});

Deno.test("a loop of one's own learns to read digits", async () => {
  const epochs = await lines("own_loop.ts", flags());
  assertEquals(epochs.length, 10);
  assert(percent(epochs[9]) < 40 && percent(epochs[9]) < percent(epochs[0]), epochs.join("\n"));
});

Deno.test("a convolutional network learns to read digits given as images", async () => {
  const [result] = await lines("image_classifier.ts", flags());
  assert(percent(result) < 25, result);
});

Deno.test("three variants of one's own pass the exam, and networks with them learn", async () => {
  const printed = await lines("variants/main.ts", flags());
  const names = ["batch-dropout", "sign-flip", "weight-noise"];
  assertEquals(printed.slice(0, 3), names.map((name) => `${name} passes the exam`));
  assertEquals(printed.slice(3).map((line) => line.split(":")[0]), ["plain", ...names]);
  for (const line of printed.slice(3)) assert(percent(line) < 45, line);
});

Deno.test("a digit that is turned makes a net unsure, until it is another digit", async () => {
  const [, , , ...rows] = await lines("rotated_digits.ts", flags(), "1000", "5");
  const [entropies, informations] = [2, 3].map((column) => rows.map((row) => parseFloat(row.split("|")[column])));
  const at = (degrees: number) => degrees / 15;
  for (const [values, least] of [[entropies, 0.3], [informations, 0.1]] as const) {
    assertEquals(values.length, 13);
    const [upright, between, lying, after] = [0, 45, 90, 150].map((degrees) => values[at(degrees)]);
    assert(between > upright + least, `it rises: ${values}`);
    assert(lying < between - least, `it falls: ${values}`);
    assert(after > lying + least, `it rises again: ${values}`);
  }
  assert(rows[0].includes("| 1: ") && rows[at(90)].includes("| 4: "), rows.join("\n"));
});

Deno.test("letters and noise are told from digits", async () => {
  const rows = await lines("foreign_data.ts", flags(), "1000", "5", "1");
  const aurocs = new Map(
    rows.slice(2).map((row) => {
      const [kind, passes, ...cells] = row.split("|").map((cell) => cell.trim());
      return [`${kind}, ${passes}`, cells.map(parseFloat)];
    }),
  );
  assertEquals(aurocs.size, 6);
  const [letters, mixedUp] = [aurocs.get("letters, 50 passes")!, aurocs.get("mixed-up digits, 50 passes")!];
  assert(letters[2] > 0.7, `by mutual information: ${letters}`);
  assert(mixedUp[1] > 0.9, `by entropy: ${mixedUp}`);
  assertEquals(aurocs.get("noise, one pass")![2], 0.5, "a single pass has no mutual information");
});

/** Mean and standard error in each column behind the first, of the rows of a table that begin with a number. */
const curves = (rows: readonly string[]) =>
  rows.filter((row) => /^ *\d+ \|/.test(row)).map((row) => row.split("|").slice(1, -1).map(parseFloat));

Deno.test("labels that a net asks for lower its error", async () => {
  const printed = await lines("active_learning.ts", flags(), "3", "1", "300");
  const rows = curves(printed);
  assertEquals(rows.length, 4);
  const [first, last] = [rows[0], rows[3]];
  assert(first.every((error) => error === first[0]), `all begin with the same labels: ${first}`);
  assert(last.every((error) => error < first[0] - 5), `all learn: ${last}`);
  const [random, , information] = last;
  assert(information < random, `labels chosen by mutual information are worth more: ${last}`);
  const labels = printed.slice(-3).map((line) => Number(line.match(/: (\d+) labels$/)![1]));
  assert(labels[2] < labels[0] && labels[0] <= 80, `fewer labels for the same error: ${labels}`);
});

Deno.test("a head on frozen weights, and careful tuning, need fewer examples than a net from scratch", async () => {
  await inFolder(async (folder) => {
    const permissions = flags(`--allow-write=${folder}`);
    const [, told, scratch, head, tuned] = await lines("fine_tuning.ts", permissions, `${folder}/digits.safetensors`);
    assertEquals(told, "left as initialised: head.weight, head.bias; not used of the file: head.weight, head.bias");
    assert(head.includes("  258 numbers trained"), head);
    for (const line of [head, tuned]) assert(percent(line) < percent(scratch) - 5, `${scratch}; ${line}`);
  });
});

Deno.test("the next try that a dropout net proposes is no worse than one at random", async () => {
  const rows = curves(await lines("bayesian_optimisation.ts", flags(), "15", "2"));
  assertEquals(rows.length, 4);
  assertEquals(rows[0][0], rows[0][1], "both begin with the same tries");
  const [random, bayesian] = rows[3];
  assert(bayesian < rows[0][1] && bayesian < random + 0.02, rows.join("\n"));
});

Deno.test("the README's first program is the example of that name, and prints what the README says", async () => {
  const source = await Deno.readTextFile(`${root}examples/first_program.ts`);
  const readme = await Deno.readTextFile(`${root}README.md`);
  assert(readme.includes(source.slice(source.indexOf("import "))), "README.md has another program");
  const told = percent(readme.match(/It prints `(test error [\d.]+ %)`/)![1]);
  const [result] = await lines("first_program.ts", flags());
  // The last bits depend on the processor's kernels, and some images with them.
  assert(Math.abs(percent(result) - told) < 1.5, `${result}, ${told} % in the README`);
});

Deno.test("Monte Carlo tends to the mean of all masks, and weight scaling is their geometric mean", async () => {
  const printed = await lines("average_nets.ts", flags());
  const score = (name: string) => Number(printed.find((line) => line.startsWith(name))!.match(/(\d\.\d{4})/)![1]);
  const all = score("all 4096 masks");
  assert(Math.abs(score("Monte Carlo, T = 200") - all) < 0.02, printed.join("\n"));
  assert(score("Monte Carlo, T = 1 ") > all + 0.2);
  assert(Math.abs(score("weight scaling") - score("their geometric mean")) < 0.0005);
});
