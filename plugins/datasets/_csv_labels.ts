/** From the cells of a target column to class indices. @module */
import { OptionError } from "../../core/mod.ts";
import { numberOf } from "./_csv_column.ts";
import { type Table, wrongCell } from "./_csv_table.ts";

/** Some rows of a table. */
export interface Part {
  /** The table. */
  readonly table: Table;
  /** The places of the rows in it. */
  readonly rows: Uint32Array;
}

/** Class indices of the parts. */
export interface Labels {
  /** Number of classes. */
  readonly classes: number;
  /** The words that the classes stand for, in their order; undefined where the cells hold numbers. */
  readonly names?: readonly string[];
  /** The class of each row of each part. */
  readonly parts: readonly Int32Array<ArrayBuffer>[];
}

/**
 * The classes of a column of words: they are mapped to their places in sorted order, whole numbers stand for themselves.
 *
 * @param parts the parts, the training part first
 * @param column which column, of words
 * @param classes the number of classes; "auto": as many as there are words
 * @throws {DataError} for a number that is no class
 * @throws {OptionError} for more words than classes were announced
 */
export function labelsOf(parts: readonly Part[], column: number, classes: "auto" | number): Labels {
  const words = [...new Set(parts.flatMap(({ table }) => table.columns.get(column)!.words!))];
  const labels = (place: (word: string, part: Part, row: number) => number) =>
    parts.map((part) => {
      const { values, words } = part.table.columns.get(column)!;
      return Int32Array.from(part.rows, (row) => place(words![values.at(row)], part, row));
    });
  if (typeof classes === "number" && words.every((word) => !Number.isNaN(numberOf(word)))) {
    return {
      classes,
      parts: labels((word, { table }, row) => {
        const label = numberOf(word);
        if (Number.isInteger(label) && label >= 0 && label < classes) return label;
        throw wrongCell(table, table.lines.at(row), column, `a class, a whole number in [0, ${classes})`, word);
      }),
    };
  }
  words.sort();
  if (typeof classes === "number" && words.length > classes) {
    throw new OptionError(
      "csv.classes",
      `at least ${words.length}, the number of labels in ${parts[0].table.name}`,
      classes,
    );
  }
  const places = new Map(words.map((word, place) => [word, place]));
  const named = classes === "auto" || classes === words.length;
  return {
    classes: named ? words.length : classes,
    ...(named && { names: words }),
    parts: labels((word) => places.get(word)!),
  };
}

/**
 * Refuses a target of zeros and ones of which nobody has said whether they are classes or numbers.
 *
 * @param dataset the name of the data set, which has the option `classes`
 * @param targets all its target numbers
 * @param given what the option says
 */
export function refuseBinary(dataset: string, targets: Iterable<number>, given?: unknown): void {
  for (const target of targets) if (target !== 0 && target !== 1) return;
  throw new OptionError(
    `${dataset}.classes`,
    "2 for classes or false for numbers, because the target is 0 or 1 in every row",
    given,
  );
}
