/** A small set in the layout of the authors' repository, made up. @module */

/** What is written otherwise than usual: texts of files by their names; null for a file that is not there. */
export type Changes = Readonly<Record<string, string | null>>;

/** Targets `3 + 2 a - b` of 40 rows with a column that is constant, and two splits. */
export async function makeSet(folder: string, changes: Changes = {}): Promise<void> {
  const rows = Array.from({ length: 40 }, (_, i) => {
    const [a, b] = [Math.sin(i), Math.cos(3 * i)];
    return [a, 7, b, 3 + 2 * a - b];
  });
  const test = (split: number) => Array.from({ length: 8 }, (_, i) => (5 * i + split) % 40);
  const train = (split: number) => Array.from({ length: 40 }, (_, i) => i).filter((i) => !test(split).includes(i));
  const lines = (numbers: readonly number[]) => numbers.map((number) => `${number}\n`).join("");
  const files: Record<string, string | null> = {
    "data.txt": "# a, the same everywhere, b, the target\r\n" + rows.map((row) => row.join(" \t ") + "\r\n").join(""),
    "index_features.txt": lines([0, 1, 2]),
    "index_target.txt": "3",
    "n_splits.txt": "2\n",
    "dropout_rates.txt": "0.01 0.1",
    "tau_values.txt": "1.0e+0\n4\n\n",
    "n_hidden.txt": "6\n",
    "n_epochs.txt": "3\n",
    ...Object.fromEntries([0, 1].flatMap((split) => [
      [`index_train_${split}.txt`, lines(train(split))],
      [`index_test_${split}.txt`, test(split).map((row) => row.toFixed(1)).join("\n")],
    ])),
    ...changes,
  };
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    if (text !== null) await Deno.writeTextFile(`${folder}/${name}`, text);
  }
}
