/** Predictions as lines of JSON, as CSV, and as a table, each row as it comes. @module */
import { table } from "../print/table.ts";
import type { Format } from "./predict_choices.ts";

/** One prediction: plain data. */
export type Row = Readonly<Record<string, unknown>>;

/** Rows of a table that are laid out together. */
const TABLE_PART = 100;

/** Text of rows, piece after piece. */
export async function* printed(
  rows: AsyncIterable<Row> | Iterable<Row>,
  format: Exclude<Format, "json">,
): AsyncGenerator<string> {
  if (format === "table") return yield* printedTable(rows);
  let keys: readonly string[] | undefined;
  for await (const row of rows) {
    if (format === "jsonl") {
      yield JSON.stringify(row) + "\n";
      continue;
    }
    const cells = new Map(flattened(row));
    if (keys === undefined) {
      keys = [...cells.keys()];
      yield keys.map(quoted).join(",") + "\r\n";
    }
    yield keys.map((key) => quoted(cells.get(key) ?? "")).join(",") + "\r\n";
  }
}

/** The entries of nested data, by paths such as `probabilities.cat`; a list of one is its entry. */
export function flattened(value: unknown, path = ""): [path: string, text: string][] {
  if (typeof value !== "object" || value === null) return [[path, value === null ? "" : String(value)]];
  if (Array.isArray(value) && value.length === 1) return flattened(value[0], path);
  return Object.entries(value).flatMap(([key, inner]) => flattened(inner, path === "" ? key : `${path}.${key}`));
}

/** A field of CSV (RFC 4180). */
function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Columns that a person sees, with their headings; the rest is for programs. */
const shown: readonly (readonly [key: string, title: string])[] = [
  ["index", "row"],
  ["position", "position"],
  ["file", "file"],
  ["token", "token"],
  ["next", "next"],
  ["target", "target"],
  ["prediction", "prediction"],
  ["probability", "probability"],
  ["passes", "passes"],
  ["settled", "settled"],
  ["deviation", "deviation"],
  ["entropy", "entropy"],
  ["mutualInformation", "mutual information"],
  ["variationRatio", "variation ratio"],
  ["aleatoric", "aleatoric variance"],
];

async function* printedTable(rows: AsyncIterable<Row> | Iterable<Row>): AsyncGenerator<string> {
  let part: Row[] = [];
  let first = true;
  const text = () => {
    const lines = laidOut(part).split("\n").slice(first ? 0 : 2);
    first = false;
    part = [];
    return lines.join("\n") + "\n";
  };
  for await (const row of rows) {
    part.push(row);
    if (part.length === TABLE_PART) yield text();
  }
  if (part.length > 0) yield text();
}

function laidOut(rows: readonly Row[]): string {
  const passes = rows[0].epistemic !== undefined; // of one pass there is no deviation to show
  const columns = shown.filter(([key]) => {
    const value = rows[0][key];
    if (value === undefined || (key === "deviation" && !passes)) return false;
    return Array.isArray(value) || typeof value !== "object"; // what goes by classes takes too many columns
  });
  const levels = Object.keys((rows[0].quantiles ?? {}) as Record<string, unknown>);
  const quantiles = (row: Row, level: string) => {
    const found = (row.predictiveQuantiles ?? row.quantiles) as Record<string, unknown>;
    const value = found[level];
    return Array.isArray(value) ? value : (value as Record<string, unknown>)[String(row.prediction)];
  };
  const named = typeof rows[0].prediction === "string" || Array.isArray(rows[0].prediction);
  const ends = named ? levels : [];
  return table(
    rows.map((row) => [
      ...columns.map(([key]) => key === "probability" ? (row[key] as number).toFixed(4) : cell(row[key])),
      ...ends.map((level) => cell(quantiles(row, level))),
    ]),
    [...columns.map(([, title]) => title), ...ends.map((level) => `quantile ${level}`)],
  );
}

function cell(value: unknown): string {
  if (Array.isArray(value)) return value.map(cell).join(" ");
  if (typeof value !== "number") {
    if (value === undefined) return "";
    const text = String(value);
    return text.trim() === text && text !== "" ? text : JSON.stringify(text); // white space is to be seen
  }
  return Number.isInteger(value) ? String(value) : Math.abs(value) < 1e6 ? value.toPrecision(6) : value.toFixed(0);
}
