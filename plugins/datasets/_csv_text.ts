/** Comma-separated text as RFC 4180 describes it. @module */
import { DataError, show } from "../../core/mod.ts";

/** One record of a file. */
export interface Row {
  /** The line on which it begins, counted from 1. */
  readonly line: number;
  /** Its fields, without quotes. */
  readonly cells: readonly string[];
}

/**
 * Splits text into records. Fields may be quoted; a quoted field may hold the delimiter, line breaks, and quotes, which
 * are doubled. Lines end with LF or CRLF. Empty lines at the end are no records.
 *
 * @param text the file
 * @param delimiter the character between fields
 * @param name the file's name in errors
 * @throws {DataError} for a quote in the wrong place or one that is never closed, with its line and column
 */
export function parseCsv(text: string, delimiter: string, name: string): Row[] {
  const reader = new Reader(text, delimiter, name);
  const rows: Row[] = [];
  for (let row = reader.row(); row !== undefined; row = reader.row()) rows.push(row);
  return rows;
}

/** A place in the text. */
class Reader {
  readonly #text: string;
  readonly #delimiter: string;
  readonly #name: string;
  #at: number;
  #line = 1;
  #column = 1;

  constructor(text: string, delimiter: string, name: string) {
    this.#text = text.replace(/[\r\n]+$/, "");
    this.#delimiter = delimiter;
    this.#name = name;
    this.#at = text.startsWith("\ufeff") ? 1 : 0; // a byte order mark is no part of the first field
  }

  /** The next record, or undefined at the end. */
  row(): Row | undefined {
    if (this.#at >= this.#text.length) return undefined;
    const line = this.#line;
    const cells: string[] = [];
    for (this.#column = 1;; this.#column++) {
      cells.push(this.#text[this.#at] === '"' ? this.#quoted() : this.#plain());
      if (this.#text[this.#at] !== this.#delimiter) break;
      this.#at++;
    }
    this.#at += this.#text[this.#at] === "\r" ? 2 : 1;
    this.#line++;
    return { line, cells };
  }

  /** A field without quotes. */
  #plain(): string {
    const start = this.#at;
    while (!this.#atEndOfField()) {
      if (this.#text[this.#at] === '"') this.#fail("quotes around the whole field", "one inside it");
      this.#at++;
    }
    return this.#text.slice(start, this.#at);
  }

  /** A field in quotes. */
  #quoted(): string {
    let cell = "";
    do {
      const close = this.#text.indexOf('"', ++this.#at);
      if (close < 0) this.#fail("a closing quote", "the end of the file");
      cell += this.#text.slice(this.#at, close);
      this.#at = close + 1;
      if (this.#text[this.#at] === '"') cell += '"';
    } while (this.#text[this.#at] === '"');
    if (!this.#atEndOfField()) {
      this.#fail(`${show(this.#delimiter)} or a line end after the closing quote`, show(this.#text[this.#at]));
    }
    this.#line += cell.split("\n").length - 1;
    return cell;
  }

  #atEndOfField(): boolean {
    const next = this.#text[this.#at];
    return next === undefined || next === this.#delimiter || next === "\n" ||
      next === "\r" && this.#text[this.#at + 1] === "\n";
  }

  #fail(expected: string, found: string): never {
    throw new DataError(
      `${this.#name}, line ${this.#line}, column ${this.#column}: expected ${expected}, found ${found}.`,
    );
  }
}
