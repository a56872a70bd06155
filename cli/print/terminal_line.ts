/** A line that tells how far something has come. @module */
import { note } from "../arguments/deliver.ts";

/** The last line of a terminal, which is written over; nothing where standard error is no terminal. */
export class TerminalLine {
  readonly #terminal = Deno.stderr.isTerminal();
  #shown = false;

  /** Shows a text in place of the one before. */
  show(text: string): void {
    if (!this.#terminal) return;
    Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
    this.#shown = true;
  }

  /** Says something on a line that stays. */
  note(text: string): void {
    this.clear();
    note(text);
  }

  /** Takes the text away. */
  clear(): void {
    if (this.#shown) Deno.stderr.writeSync(new TextEncoder().encode("\r\x1b[K"));
    this.#shown = false;
  }
}
