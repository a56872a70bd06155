/** From the targets of arrays to labels or numbers. @module */
import {
  DataError,
  isNumericArray,
  type NumberData,
  type NumberGrid,
  OptionError,
  placeOf,
  readNumbers,
  show,
  showShape,
  type Split,
  Tensor,
} from "../../core/mod.ts";

/** Targets as they are given: numbers, or the words of classes. */
export type TargetData = NumberData | readonly string[];

/** Targets of one part, with the name of the part for errors. */
export interface GivenTargets {
  /** What they are, such as `arrays.test: targets`. */
  readonly where: string;
  /** The targets. */
  readonly data: TargetData;
}

/** What the targets of all parts are. */
export interface Targets {
  /** Number of classes; 0 for numbers. */
  readonly classes: number;
  /** Numbers per target; 0 for classes. */
  readonly outputs: number;
  /** What the classes are called. */
  readonly classNames?: readonly string[];
  /** Labels or numbers of each part. */
  readonly parts: readonly Pick<Split, "count" | "labels" | "targets" | "labelsPerExample">[];
}

/** What the option `classes` may be. */
export type ClassesOption = "auto" | false | number | readonly string[];

/** Reads the targets of all parts, the training part first. */
export function readTargets(given: readonly GivenTargets[], classes: ClassesOption): Targets {
  if (given.some(({ data }) => Array.isArray(data) && typeof data[0] === "string")) return words(given, classes);
  const grids = given.map(({ data, where }) => readNumbers(data as NumberData, where));
  grids.forEach(({ shape }, i) => {
    if (shape.length === 1 || shape.length === 2) return;
    throw new DataError(
      `${given[i].where}: expected one number or one row of numbers for each example, found ${showShape(shape)}.`,
    );
  });
  const width = ({ shape }: NumberGrid) => shape[1] ?? 1;
  const other = grids.findIndex((grid) => width(grid) !== width(grids[0]));
  if (other > 0) {
    throw new DataError(
      `${given[other].where}: expected ${width(grids[0])} for each example as in ${given[0].where}, ` +
        `found ${width(grids[other])}.`,
    );
  }
  const number = numberOfClasses(given, grids, classes);
  if (number === false) {
    const parts = grids.map(({ numbers, shape }) => ({ count: shape[0], targets: Float32Array.from(numbers) }));
    return { classes: 0, outputs: width(grids[0]), parts };
  }
  const parts = grids.map((grid, i) => ({
    count: grid.shape[0],
    labels: labels(grid, number, given[i].where),
    ...(width(grid) > 1 && { labelsPerExample: width(grid) }),
  }));
  return { classes: number, outputs: 0, ...(Array.isArray(classes) && { classNames: [...classes] }), parts };
}

/** Whether targets are of a type that only counts: int32 tensors, arrays of whole numbers. */
function isWhole(data: TargetData): boolean {
  if (data instanceof Tensor) return data.dtype === "int32";
  const row: unknown = Array.isArray(data) ? data[0] : data;
  return isNumericArray(row) && !(row instanceof Float32Array) && !(row instanceof Float64Array);
}

/** How many classes numbers stand for; false when they are to be predicted themselves. */
function numberOfClasses(
  given: readonly GivenTargets[],
  grids: readonly NumberGrid[],
  classes: ClassesOption,
): number | false {
  if (classes === false || typeof classes === "number") return classes;
  if (typeof classes === "object") return classes.length;
  if (given.every(({ data }) => isWhole(data))) {
    // Of the training part alone, so that a slip in another part is no class; what is below 0 the labels' check tells.
    let most = 2;
    for (const label of grids[0].numbers) most = Math.max(most, label + 1);
    return most;
  }
  if (!grids.every(({ numbers }) => numbers.every((value) => Number.isInteger(value) && value >= 0))) return false;
  throw new OptionError(
    "arrays.classes",
    "the number of classes, their names, or false for numbers, because every target is a whole number",
    classes,
  );
}

function labels({ numbers, shape }: NumberGrid, classes: number, where: string): Int32Array<ArrayBuffer> {
  const wrong = numbers.findIndex((label) => !Number.isInteger(label) || label < 0 || label >= classes);
  if (wrong < 0) return Int32Array.from(numbers);
  throw new DataError(
    `${where}: expected a class, a whole number in [0, ${classes}), in ${placeOf(wrong, shape)}, found ${
      numbers[wrong]
    }.`,
  );
}

/** Words as classes: in the order that the option gives, else those of the training part in sorted order. */
function words(given: readonly GivenTargets[], classes: ClassesOption): Targets {
  for (const { data, where } of given) {
    const wrong = Array.isArray(data) ? data.findIndex((word) => typeof word !== "string" || word === "") : 0;
    if (wrong < 0) continue;
    throw new DataError(
      `${where}: expected a word as in other rows in row ${wrong}, found ${
        show(Array.isArray(data) ? data[wrong] : data)
      }.`,
    );
  }
  const parts = given.map(({ data }) => data as readonly string[]);
  const found = [...new Set(parts[0])].sort();
  if (classes === false || (typeof classes === "number" && classes !== found.length)) {
    throw new OptionError("arrays.classes", `auto, or ${found.length} for the words that are the targets`, classes);
  }
  const names = typeof classes === "object" ? [...classes] : found;
  const places = new Map(names.map((name, place) => [name, place]));
  return {
    classes: names.length,
    outputs: 0,
    classNames: names,
    parts: parts.map((part, i) => ({
      count: part.length,
      labels: Int32Array.from(part, (word, row) => {
        const place = places.get(word);
        if (place !== undefined) return place;
        const known = names.map(show).join(", ");
        throw new DataError(`${given[i].where}: expected one of ${known} in row ${row}, found ${show(word)}.`);
      }),
    })),
  };
}
