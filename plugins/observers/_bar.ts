/** What the progress bar shows, and how several of them share a terminal. @module */
import type { EndEvent, EpochEvent, Observation, RunInfo, StepEvent } from "../../core/mod.ts";

/** Where lines go. */
export interface Screen {
  /** Whether text can be drawn over. */
  readonly terminal: boolean;
  /** Characters that fit in a line. */
  columns(): number;
  /** Writes text as it is. */
  write(text: string): void;
}

/** Milliseconds between two drawings of a bar. */
const PAUSE = 100;
const LONGEST_NAME = 24;
const LONGEST_BAR = 30;

/** Holds the place of the shortest bar. */
const BAR = "\0".repeat(8);

/**
 * The lines at the bottom of a terminal that change, one for each bar, below those that stay. The cursor rests at the
 * beginning of the first of them, so what others print goes over them and is not drawn over.
 */
export class Board {
  /** Where the lines go. */
  readonly screen: Screen;
  readonly #changing = new Map<object, string>();
  #nameWidth = 0;

  /** @param screen where the lines go */
  constructor(screen: Screen) {
    this.screen = screen;
  }

  /** Makes room for a name; those of all bars are padded to the same width. */
  join(name: string): void {
    this.#nameWidth = Math.max(this.#nameWidth, Math.min(name.length, LONGEST_NAME));
  }

  /** A name, cut and padded to the width of all. */
  name(name: string): string {
    const cut = name.length > LONGEST_NAME ? name.slice(0, LONGEST_NAME - 1) + "…" : name;
    return cut.padEnd(this.#nameWidth);
  }

  /** Draws a bar's changing line. */
  change(bar: object, line: string): void {
    this.#changing.set(bar, line);
    this.#draw("");
  }

  /** Takes a bar's changing line away, and leaves a line that stays if there is one. */
  settle(bar: object, line?: string): void {
    const was = this.#changing.delete(bar);
    const text = line === undefined ? "" : line + "\n";
    if (this.screen.terminal && (was || text !== "")) this.#draw(text);
    else if (text !== "") this.screen.write(text);
  }

  #draw(above: string): void {
    const lines = [...this.#changing.values()];
    const back = lines.length > 1 ? `\x1b[${lines.length - 1}A` : "";
    // To the beginning, clear all below, write, and back to the first changing line.
    this.screen.write(`\r\x1b[J${above}${lines.join("\n")}${back}\r`);
  }
}

/** Follows one run on a board. */
export class ProgressBar implements Observation {
  readonly #run: RunInfo;
  readonly #board: Board;
  readonly #now: () => number;
  #began: { readonly at: number; readonly step: number } | undefined;
  #drawn = -Infinity;
  #lastStep: StepEvent | undefined;

  /**
   * @param run what is followed
   * @param board where it is shown
   * @param now milliseconds
   */
  constructor(run: RunInfo, board: Board, now: () => number = () => performance.now()) {
    this.#run = run;
    this.#board = board;
    this.#now = now;
    board.join(run.name);
  }

  /** Draws the line that changes, at most ten times a second. */
  step(event: StepEvent): void {
    const now = this.#now();
    this.#lastStep = event;
    this.#began ??= { at: now, step: event.step };
    if (!this.#board.screen.terminal || now - this.#drawn < PAUSE) return;
    this.#drawn = now;
    this.#board.change(this, this.#progress(event, now, this.#board.screen.columns() - 1));
  }

  /** Leaves the line of a finished epoch. */
  epoch(event: EpochEvent): void {
    const { screen } = this.#board;
    const parts: Part[] = [
      ...this.#title(event.epoch),
      `train loss ${number(event.trainLoss)}`,
      `test loss ${number(event.testLoss)}`,
      this.#quality(event.testError, "test "),
      event.validationError === undefined ? "" : this.#quality(event.validationError, "validation "),
      this.#lastStep === undefined ? "" : speed(this.#lastStep),
      event.seconds < 1 ? `${Math.round(1000 * event.seconds)} ms` : `${event.seconds.toFixed(1)} s`,
    ];
    this.#lastStep = undefined;
    this.#board.settle(this, fit(parts, [6, 7, 2], screen.terminal ? screen.columns() : Infinity));
  }

  /** Says so when the run was stopped. */
  end(event: EndEvent): void {
    const { epochs } = this.#run;
    const line = `${this.#board.name(this.#run.name)}  stopped after step ${whole(event.step)}, ` +
      `${event.history.length} of ${epochs} epochs`;
    this.#board.settle(this, event.interrupted ? line : undefined);
  }

  #title(epoch: number): [string, Part] {
    const { name, epochs } = this.#run;
    const short = `${String(epoch).padStart(String(epochs).length)}/${epochs}`;
    return [this.#board.name(name), [`epoch ${short}`, short]];
  }

  #quality(error: number, of: string): Part {
    if (!this.#run.classification) return `${of}error ${number(error)}`;
    const percent = `${(100 - 100 * error).toFixed(2)}%`;
    return [`${of}accuracy ${percent}`, `${of}acc ${percent}`];
  }

  #progress(event: StepEvent, now: number, width: number): string {
    const { stepsPerEpoch, epochs } = this.#run;
    const { at, step } = this.#began!;
    const toDo = stepsPerEpoch * epochs - event.step;
    const parts: Part[] = [
      ...this.#title(event.epoch),
      BAR,
      `${String(event.stepInEpoch).padStart(String(stepsPerEpoch).length)}/${stepsPerEpoch}`,
      `loss ${number(event.loss)}`,
      this.#quality(event.error, ""),
      speed(event),
      event.step > step ? `${clock((now - at) / 1000 / (event.step - step) * toDo)} left` : "",
    ];
    const text = fit(parts, [2, 6, 3, 5, 7], width);
    // What is left of the line is the bar's.
    const room = Math.max(0, Math.min(LONGEST_BAR, BAR.length + width - text.length));
    return text.replace(BAR, bar(event.stepInEpoch / stepsPerEpoch, room)).slice(0, Math.max(width, 0));
  }
}

/** A piece of a line: as it is, or with a short form. */
type Part = string | readonly [long: string, short: string];

/** The parts beside each other: long, else short, else without some, in the order in which they can be spared. */
function fit(parts: readonly Part[], spared: readonly number[], width: number): string {
  const join = (texts: readonly string[]) => texts.filter((text) => text !== "").join("  ");
  const long = join(parts.map((part) => typeof part === "string" ? part : part[0]));
  if (long.length <= width) return long;
  const short = parts.map((part) => typeof part === "string" ? part : part[1]);
  for (const i of spared) {
    if (join(short).length <= width) break;
    short[i] = "";
  }
  return join(short);
}

function bar(done: number, width: number): string {
  const full = Math.min(width, Math.round(done * width));
  return "━".repeat(full) + "─".repeat(width - full);
}

function speed({ examples, seconds }: StepEvent): Part {
  if (!(seconds > 0)) return "";
  const rate = examples / seconds;
  return [
    `${whole(Math.round(rate))} examples/s`,
    rate < 9999.5 ? `${rate.toFixed(0)}/s` : `${(rate / 1000).toFixed(1)}k/s`,
  ];
}

/** 1234567 as 1,234,567. */
function whole(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

function number(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size === 0 || (size >= 0.001 && size < 1000)) return value.toFixed(4);
  return value.toExponential(2);
}

/** Seconds as 0:07, 12:34 or 1:02:03. */
function clock(seconds: number): string {
  const total = Math.max(0, Math.ceil(seconds));
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor(total / 60) % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${minutes}:${two(total % 60)}`;
}
