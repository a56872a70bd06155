/** How a run is doing, in a notebook: one output that changes in place, with curves that grow. @module */
import {
  type EndEvent,
  type EpochEvent,
  type EpochMetrics,
  errorText,
  historyCurves,
  historyTable,
  type Notebook,
  type Observation,
  type RunInfo,
  type StepEvent,
} from "../../core/mod.ts";

/** Milliseconds between two changes. */
const PAUSE = 250;

/** Epochs whose numbers are shown. */
const LAST = 8;

/** Follows one run in a notebook. */
export class NotebookProgress implements Observation {
  readonly #run: RunInfo;
  readonly #notebook: Notebook;
  readonly #now: () => number;
  readonly #id = crypto.randomUUID();
  #history: EpochMetrics[] = [];
  #began: { readonly at: number; readonly step: number } | undefined;
  #shown = -Infinity;
  readonly #interrupt: () => void;

  /**
   * @param run what is followed
   * @param notebook where it is shown
   * @param stop ends the run
   * @param now milliseconds
   */
  constructor(run: RunInfo, notebook: Notebook, stop: () => void, now: () => number = () => performance.now()) {
    this.#run = run;
    this.#notebook = notebook;
    this.#now = now;
    // Without a listener the kernel ends, and everything in it is gone.
    this.#interrupt = stop;
    Deno.addSignalListener("SIGINT", this.#interrupt);
  }

  /** Moves the bar, at most four times a second. */
  step(event: StepEvent): void | Promise<void> {
    const now = this.#now();
    this.#began ??= { at: now, step: event.step };
    if (now - this.#shown < PAUSE) return;
    this.#shown = now;
    const { epochs, stepsPerEpoch, classification } = this.#run;
    const { at, step } = this.#began;
    const left = event.step > step
      ? (now - at) / 1000 / (event.step - step) * (epochs * stepsPerEpoch - event.step)
      : NaN;
    return this.#show([
      `epoch ${event.epoch} of ${epochs}`,
      `loss ${event.loss.toFixed(4)}`,
      `error ${errorText(event.error, classification)} in training`,
      event.seconds > 0 ? `${Math.round(event.examples / event.seconds).toLocaleString("en")} examples/s` : "",
      Number.isFinite(left) ? `${Math.ceil(left)} s left` : "",
    ], event.step);
  }

  /** Adds a finished epoch. */
  async epoch(event: EpochEvent): Promise<void> {
    // Those of a run that goes on were measured by another process.
    this.#history = this.#history.length === 0 ? [...event.snapshot().progress.history] : [...this.#history, event];
    const test = `test error ${errorText(event.testError, this.#run.classification)}`;
    await this.#show([`epoch ${event.epoch} of ${this.#run.epochs}`, test], event.step);
  }

  /** Says how it ended. */
  async end({ interrupted, step }: EndEvent): Promise<void> {
    Deno.removeSignalListener("SIGINT", this.#interrupt);
    const done = this.#history.length;
    await this.#show([
      interrupted ? `stopped after step ${step}, ${done} of ${this.#run.epochs} epochs` : `${done} epochs`,
    ], step);
  }

  #show(parts: readonly string[], step: number): Promise<void> {
    const { name, epochs, stepsPerEpoch, classification } = this.#run;
    const text = [name, ...parts.filter((part) => part !== "")].join("  ·  ");
    const total = epochs * stepsPerEpoch;
    const safe = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    const bar = `<progress value="${step}" max="${total}" style="width:100%;max-width:400px" aria-label="steps">` +
      `${Math.round(100 * step / total)} %</progress>`;
    const course = this.#history.length === 0
      ? ""
      : historyCurves(this.#history, classification) + historyTable(this.#history.slice(-LAST), classification);
    return this.#notebook.show(this.#id, {
      "text/plain": text,
      "text/html": `<div style="font-variant-numeric:tabular-nums">${safe}</div>${bar}${course}`,
    });
  }
}
