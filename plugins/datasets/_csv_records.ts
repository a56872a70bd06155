/** The records of comma-separated text (RFC 4180), one after the other as they are read. @module */
import { CsvParseStream } from "@std/csv";
import { DataError, show } from "../../core/mod.ts";
import { unpacked } from "./_files.ts";

/** One record of a file. */
export interface CsvRecord {
  /** The line on which it begins, counted from 1. */
  readonly line: number;
  /** Its fields, without quotes. */
  readonly cells: readonly string[];
}

/** Most characters of a record: a quote that is never closed must not gather the whole file. */
const LONGEST = 2 ** 24;

/**
 * Splits text into records as it arrives. Fields may be quoted; a quoted field may hold the delimiter, line breaks, and
 * quotes, which are doubled. Lines end with LF or CRLF. Empty lines are no records.
 *
 * @param bytes the text in UTF-8, plain or packed by gzip
 * @param delimiter the character between fields
 * @param name the file's name in errors
 * @throws {DataError} for a quote in the wrong place or one that is never closed, with its line; for bytes that are no
 *   text in UTF-8; for damaged gzip data
 */
export async function* csvRecords(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
  delimiter: string,
  name: string,
): AsyncGenerator<CsvRecord> {
  const starts = new RecordStarts(name);
  const parser: TransformStream<string, string[]> = new CsvParseStream({ separator: delimiter });
  const records = unpacked(bytes, name).pipeThrough(decoder(name)).pipeThrough(starts.stream()).pipeThrough(parser);
  try {
    for await (const cells of records) yield { line: starts.next(), cells };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const place = `${name}, line ${starts.next()}`;
    const [expected, found] = error.message.includes("bare")
      ? ["quotes around the whole field", "one inside it"]
      : [`a closing quote before ${show(delimiter)} or the line's end`, "none"];
    throw new DataError(`${place}: expected ${expected}, found ${found}.`, { cause: error });
  }
}

/** Bytes to text; a byte order mark is no part of it. */
function decoder(name: string): TransformStream<Uint8Array<ArrayBuffer>, string> {
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  const decode = (bytes?: Uint8Array<ArrayBuffer>) => {
    try {
      return utf8.decode(bytes, { stream: bytes !== undefined });
    } catch (error) {
      throw new DataError(`${name}: expected text in UTF-8, found other bytes.`, { cause: error });
    }
  };
  return new TransformStream({
    transform: (bytes, controller) => controller.enqueue(decode(bytes)),
    flush: (controller) => controller.enqueue(decode()),
  });
}

/** Notes on which line each record begins, which the parser does not tell. */
class RecordStarts {
  readonly #name: string;
  /** Lines of records that have passed and were not asked for, from `#read` on. */
  #lines: number[] = [];
  #read = 0;
  #line = 1;
  /** Characters of the current record so far, and whether a quote of it is open. */
  #length = 0;
  #open = false;
  /** Whether the current line holds nothing but perhaps a carriage return. */
  #empty = true;

  constructor(name: string) {
    this.#name = name;
  }

  /** The line of the next record. */
  next(): number {
    if (this.#read > 4096) {
      this.#lines = this.#lines.slice(this.#read);
      this.#read = 0;
    }
    return this.#lines[this.#read++];
  }

  /** Lets text through. */
  stream(): TransformStream<string, string> {
    return new TransformStream({
      transform: (text, controller) => {
        this.#note(text);
        controller.enqueue(text);
      },
    });
  }

  #note(text: string): void {
    let quote = text.indexOf('"');
    for (let from = 0; from < text.length;) {
      const end = text.indexOf("\n", from);
      const to = end < 0 ? text.length : end;
      if (this.#empty && to > from && !(to === from + 1 && text[from] === "\r")) {
        this.#empty = false;
        if (!this.#open) this.#lines.push(this.#line);
      }
      for (; quote >= 0 && quote < to; quote = text.indexOf('"', quote + 1)) this.#open = !this.#open;
      this.#length += to - from;
      if (this.#length > LONGEST) this.#refuse();
      if (end >= 0) this.#endLine();
      from = to + 1;
    }
  }

  #endLine(): void {
    this.#line++;
    this.#empty = true;
    if (!this.#open) this.#length = 0;
  }

  #refuse(): never {
    throw new DataError(
      `${this.#name}, line ${this.#line}: expected a record of at most ${LONGEST} characters, found more; perhaps a ` +
        "quote is never closed.",
    );
  }
}
