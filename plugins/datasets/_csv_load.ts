/** From the files of a table to a data set. @module */
import { DataError, type Dataset, Key, OptionError, shuffledOrder, type Split } from "../../core/mod.ts";
import type { CsvOptions } from "./csv.ts";
import {
  type ColumnEncoding,
  encodeRows,
  type Encoding,
  type Filling,
  inputsOf,
  learnEncoding,
  valuesOf,
} from "./_csv_encoding.ts";
import { labelsOf, type Part, refuseBinary } from "./_csv_labels.ts";
import { csvRecords } from "./_csv_records.ts";
import type { TableReading } from "./_csv_rows.ts";
import { columnOf, type ColumnPlan, type Heading, readTable, type Table } from "./_csv_table.ts";
import { openFile } from "./_files.ts";
import { momentsOf } from "./_standardize.ts";

/** Options with their defaults. */
type Options = CsvOptions & Required<Omit<CsvOptions, "columns" | "testPath" | "validationPath">>;

/** Means and deviations. */
interface Units {
  readonly mean: number[];
  readonly deviation: number[];
}

/** What the options say of the columns of a file, by their places. */
interface Chosen {
  readonly targets: readonly number[];
  readonly features: readonly number[];
  readonly encodings: ReadonlyMap<number, Encoding>;
  readonly missing: (index: number) => Filling;
}

/** Reads the files, learns how columns become inputs from the training rows, and makes all parts. */
export async function loadCsv(options: Options): Promise<Dataset> {
  let chosen: Chosen | undefined;
  const table = await readFile(options.path, options, options.header, (heading) => {
    chosen = choose(heading, options);
    return planOf(chosen, options, heading);
  });
  const parts = await partsOf(table, chosen!, options);
  const encodings = chosen!.features.map((index) => learn(parts[0], index, chosen!, options));
  const scaled = (what: "inputs" | "targets") => options.standardize === true || options.standardize === what;
  const inputUnits = scaled("inputs") ? unitsOf(parts[0], encodings) : undefined;
  const width = encodings.reduce((sum, encoding) => sum + inputsOf(encoding), 0);
  const splits = parts.map((part): Split => ({
    count: part.rows.length,
    shape: [width],
    inputs: encodeRows(
      part,
      encodings,
      (length) => new Float32Array(length),
      inputUnits && ((value, i) => (value - inputUnits.mean[i]) / inputUnits.deviation[i]),
    ),
    scale: 1,
  }));
  const reading: TableReading = {
    plugin: "csv",
    delimiter: options.delimiter,
    missingValues: options.missingValues,
    width: table.width,
    targets: chosen!.targets,
    columns: encodings,
  };
  return {
    name: table.name.replace(/^.*[\\/]/, ""),
    ...(inputUnits && { inputUnits }),
    ...withTargets(parts, chosen!.targets, options.classes, scaled("targets"), splits),
    rows: { ...reading },
  };
}

async function readFile(
  path: string,
  { delimiter, missingValues }: Options,
  header: boolean | "auto",
  plan: (heading: Heading) => ReadonlyMap<number, ColumnPlan>,
): Promise<Table> {
  const records = csvRecords(await openFile(path), delimiter, path);
  return await readTable({ name: path, header, records }, plan, missingValues);
}

/** Finds the columns that options name. */
function choose(heading: Heading, options: Options): Chosen {
  const wanted = [options.target].flat();
  const targets = wanted.map((target) => columnOf(heading, target, "csv.target"));
  refuseRepeated(targets, wanted, "csv.target");
  const given = options.columns?.map((column, i) => columnOf(heading, column, `csv.columns.${i}`));
  if (given !== undefined) {
    refuseRepeated(given, options.columns!, "csv.columns");
    const both = given.findIndex((index) => targets.includes(index));
    if (both >= 0) throw new OptionError(`csv.columns.${both}`, "a column that is no target", options.columns![both]);
  }
  const all = Array.from({ length: heading.width }, (_, index) => index);
  const features = given ?? all.filter((index) => !targets.includes(index));
  if (features.length === 0) throw new DataError(`${heading.name}: expected a column beside the targets, found none.`);
  const byColumn = <V>(option: Record<string, V>, path: string) =>
    new Map(
      Object.entries(option).map(([key, value]): [number, V] => {
        const named = heading.header?.includes(key);
        const index = columnOf(heading, !named && /^-?\d+$/.test(key) ? Number(key) : key, `${path}.${key}`);
        if (features.includes(index)) return [index, value];
        throw new OptionError(`${path}.${key}`, "a column that is an input", key);
      }),
    );
  const { missing } = options;
  const fillings = typeof missing === "string" ? undefined : byColumn<Filling>(missing, "csv.missing");
  return {
    targets,
    features,
    encodings: byColumn(options.encodings, "csv.encodings"),
    missing: (index) => fillings === undefined ? missing as Filling : fillings.get(index) ?? "refuse",
  };
}

function refuseRepeated(indices: readonly number[], given: readonly unknown[], path: string): void {
  const repeated = indices.findIndex((index, i) => indices.indexOf(index) < i);
  if (repeated >= 0) throw new OptionError(`${path}.${repeated}`, "each column once", given[repeated]);
}

/** How the cells of the training file are read. */
function planOf({ targets, features, encodings, missing }: Chosen, { classes }: Options, heading: Heading) {
  const plans = new Map<number, ColumnPlan>();
  for (const index of targets) {
    const reading = classes === false || targets.length > 1 ? "number" : classes === "auto" ? "auto" : "text";
    const hint = reading === "auto" ? "the option classes to be the number of labels" : undefined;
    plans.set(index, { reading, missing: false, hint });
  }
  for (const index of features) {
    const encoding = encodings.get(index);
    const reading = encoding === undefined ? "auto" : encoding === "number" ? "number" : "text";
    plans.set(index, {
      reading,
      missing: missing(index) !== "refuse",
      hint: reading === "auto" ? `the option encodings to say what ${nameOf(heading, index)} becomes` : undefined,
      missingHint: "the option missing to say what takes its place",
    });
  }
  return plans;
}

/** The parts: of training, testing, and perhaps validation. */
async function partsOf(table: Table, chosen: Chosen, options: Options): Promise<Part[]> {
  const whole = (table: Table): Part => ({ table, rows: Uint32Array.from({ length: table.count }, (_, row) => row) });
  const more = async (path: string) =>
    whole(
      await readFile(path, options, table.header !== undefined, (heading) => {
        requireSameColumns(table, heading);
        // What the first cells of the training file have decided stays so.
        return new Map([...planOf(chosen, options, heading)].map(([index, plan]) => {
          const words = table.columns.get(index)!.words !== undefined;
          return [index, plan.reading === "auto" ? { ...plan, reading: words ? "word" : "number" } : plan];
        }));
      }),
    );
  const parts = options.testPath === undefined
    ? splitTable(table, options.testFraction, options.seed)
    : [whole(table), await more(options.testPath)];
  return options.validationPath === undefined ? parts : [...parts, await more(options.validationPath)];
}

/** Holds back a random part of the rows; both parts keep the order of the file. */
function splitTable(table: Table, testFraction: number, seed: number): Part[] {
  const { count } = table;
  const held = Math.max(1, Math.round(count * testFraction));
  if (count - held < 1) {
    throw new DataError(`${table.name}: expected a row for training and one for testing, found ${count} in all.`);
  }
  const order = shuffledOrder(count, Key.seed(seed).at("csv"));
  return [order.subarray(held), order.subarray(0, held)].map((rows) => ({ table, rows: rows.toSorted() }));
}

function requireSameColumns(train: Heading, test: Heading): void {
  const columns = (table: Heading) => table.header?.join(", ") ?? `${table.width} columns`;
  if (test.width !== train.width || columns(train) !== columns(test)) {
    throw new DataError(`${test.name}: expected ${columns(train)} as in ${train.name}, found ${columns(test)}.`);
  }
}

function learn(part: Part, index: number, { encodings, missing }: Chosen, options: Options): ColumnEncoding {
  const { words } = part.table.columns.get(index)!;
  const filling = missing(index);
  if (words === undefined && typeof filling === "object" && typeof filling.constant !== "number") {
    const path = `csv.missing.${nameOf(part.table, index)}.constant`;
    throw new OptionError(path, "a number, as others in the column", filling.constant);
  }
  const encoding = encodings.get(index) ?? (words === undefined ? "number" : "one-hot");
  return learnEncoding(part, index, encoding, filling, words !== undefined && options.unknown === "slot");
}

function nameOf({ header }: Heading, index: number): string {
  return header?.[index] ?? `column ${index}`;
}

/** Means and deviations of the inputs; those that stand for categories stay as they are. */
function unitsOf(part: Part, encodings: readonly ColumnEncoding[]): Units {
  const all = encodings.flatMap((how) => {
    if (how.encoding !== "number") return Array.from({ length: inputsOf(how) }, () => ({ mean: 0, deviation: 1 }));
    const value = valuesOf(part.table, how);
    return momentsOf(part.rows.length, (i) => value(part.rows[i]));
  });
  return { mean: all.map(({ mean }) => mean), deviation: all.map(({ deviation }) => deviation) };
}

/** Adds labels or target numbers to the parts. */
function withTargets(
  parts: readonly Part[],
  targets: readonly number[],
  classes: "auto" | number | false,
  scaled: boolean,
  splits: readonly Split[],
): Omit<Dataset, "name"> {
  if (typeof classes === "number" && targets.length > 1) {
    throw new OptionError("csv.classes", "auto or false with several targets", classes);
  }
  const named = ([train, test, validation]: readonly Split[]) => ({ train, test, ...(validation && { validation }) });
  const columns = targets.map((index) => (part: Part) => part.table.columns.get(index)!);
  if (columns[0](parts[0]).words !== undefined) {
    const labels = labelsOf(parts, targets[0], classes as "auto" | number);
    return {
      classes: labels.classes,
      outputs: 0,
      ...(labels.names && { classNames: labels.names }),
      ...named(splits.map((split, i) => ({ ...split, labels: labels.parts[i] }))),
    };
  }
  const value = (part: Part, row: number, output: number) => columns[output](part).values.at(part.rows[row]);
  if (classes === "auto" && targets.length === 1) {
    refuseBinary("csv", allOf(parts, (part, row) => value(part, row, 0)), classes);
  }
  const units = scaled
    ? targetUnitsOf(targets.length, parts[0].rows.length, (row, i) => value(parts[0], row, i))
    : null;
  const width = targets.length;
  const numbers = (part: Part) =>
    Float32Array.from({ length: part.rows.length * width }, (_, at) => {
      const output = at % width;
      const number = value(part, (at - output) / width, output);
      return units === null ? number : (number - units.mean[output]) / units.deviation[output];
    });
  return {
    classes: 0,
    outputs: width,
    ...(units !== null && { targetUnits: units }),
    ...named(splits.map((split, i) => ({ ...split, targets: numbers(parts[i]) }))),
  };
}

function* allOf(parts: readonly Part[], value: (part: Part, row: number) => number): Generator<number> {
  for (const part of parts) for (let row = 0; row < part.rows.length; row++) yield value(part, row);
}

/** By what targets are shifted and scaled; those that may be probabilities, and constant ones, keep their units. */
function targetUnitsOf(outputs: number, count: number, value: (row: number, output: number) => number): Units | null {
  const all = Array.from({ length: outputs }, (_, output) => {
    const { mean, deviation } = momentsOf(count, (row) => value(row, output));
    let between = true;
    for (let row = 0; row < count && between; row++) between = value(row, output) >= 0 && value(row, output) <= 1;
    if (between) return { mean: 0, deviation: 1 };
    return { mean, deviation: Number.isFinite(deviation) ? deviation : 1 };
  });
  if (all.every(({ mean, deviation }) => mean === 0 && deviation === 1)) return null;
  return { mean: all.map(({ mean }) => mean), deviation: all.map(({ deviation }) => deviation) };
}
