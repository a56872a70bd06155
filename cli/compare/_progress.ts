/** Telling a person how far a comparison has come. @module */
import type { TerminalLine } from "../print/terminal_line.ts";
import { showDuration, showEpochs } from "./_budget.ts";
import type { Comparison, Trained } from "./_kept.ts";
import type { Net } from "./_runs.ts";
import { NONE } from "./_variants.ts";

/** A net as a person calls it: the variant, and what is tuned of it. */
export function labelOf({ variants }: Pick<Comparison, "variants">, { variant, setting }: Net): string {
  const named = variants.find(({ name }) => name === variant);
  if (named === undefined) return variant;
  const { label, dial } = named;
  return dial === undefined || dial.option in named.options ? label : `${label} ${dial.option} ${dial.values[setting]}`;
}

/** Options as text. */
export function showOptions(options: Readonly<Record<string, unknown>>): string {
  const text = (value: unknown) => typeof value === "string" ? value : JSON.stringify(value);
  return Object.entries(options).map(([name, value]) => `${name} ${text(value)}`).join(", ") || "-";
}

/** An error as a person reads it: a share of wrong classes, or a root mean squared error. */
export function showError(error: number | null, classification: boolean): string {
  if (error === null) return "diverged";
  return classification ? `${(100 * error).toFixed(2)} %` : error.toPrecision(4);
}

/** Tells how far a comparison has come: in place on a terminal, and in a line for each training that is finished. */
export class Progress {
  readonly #line: TerminalLine;
  readonly #classification: boolean;
  readonly #started = performance.now();
  #comparison: Comparison | undefined;
  #round = 0;
  /** Measured seconds of what this process has trained, and of what is left. */
  #done = 0;
  #left = 0;
  #current: { net: Net; seed: number; from: number; epochs: number } | undefined;
  #best: { label: string; error: number } | undefined;
  #shown = 0;

  constructor(line: TerminalLine, classification: boolean) {
    this.#line = line;
    this.#classification = classification;
  }

  /** A round begins. */
  round(comparison: Comparison, index: number, nets: readonly Net[]): void {
    this.#comparison = comparison;
    this.#round = index;
    this.#best = undefined;
    this.#left = this.#secondsLeft(nets);
    const own = comparison.results.filter(({ round }) => round === index + 1);
    for (const result of own) this.#take(result);
    const { epochs, seeds } = comparison.rounds[index];
    this.#line.note(
      `round ${index + 1} of ${comparison.rounds.length}: ${nets.length} nets to ${showEpochs(epochs)}` +
        (seeds === 1 ? "" : `, with ${seeds} seeds`) + (own.length === 0 ? "" : `; ${own.length} are trained`),
    );
  }

  /** A training begins. */
  begin(net: Net, seed: number): void {
    this.#current = { net, seed, from: -1, epochs: 0 };
    this.#show();
  }

  /** It has come to so many epochs, with parts of one. */
  tell(epochs: number): void {
    const current = this.#current!;
    if (current.from < 0) current.from = Math.floor(epochs);
    current.epochs = epochs;
    if (performance.now() - this.#shown > 200) this.#show();
  }

  /** A training has come to the end of its round. */
  finished(result: Trained): void {
    const { net, from } = this.#current!;
    const { rounds } = this.#comparison!;
    this.#done += this.#cost(net) * Math.max(0, result.epochs - Math.max(0, from));
    this.#left -= this.#cost(net) * this.#epochsOf(result.seed);
    this.#take(result);
    const error = showError(result.validationError, this.#classification);
    const seed = rounds[this.#round].seeds > 1 ? `, seed ${result.seed}` : "";
    const time = this.#left > 0.5 ? `; about ${showDuration(this.#scaled(this.#left))} left` : "";
    this.#line.note(
      `  ${labelOf(this.#comparison!, net)}${seed}: validation error ${error} after ${
        showEpochs(result.epochs)
      }${time}`,
    );
  }

  /** A round is decided. */
  decided(before: readonly Net[], after: readonly Net[]): void {
    const names = (nets: readonly Net[]) => [...new Set(nets.map(({ variant }) => variant))];
    const out = names(before).filter((name) => !names(after).includes(name));
    const left = after.filter(({ variant }) => variant !== NONE).map((net) => labelOf(this.#comparison!, net));
    const labels = out.map((out) => this.#comparison!.variants.find(({ name }) => name === out)!.label);
    this.#line.note(`  goes on: ${left.join(", ")}${out.length === 0 ? "" : `; left behind: ${labels.join(", ")}`}`);
  }

  #take({ variant, setting, validationError }: Trained): void {
    if (variant === NONE || validationError === null || validationError >= (this.#best?.error ?? Infinity)) return;
    this.#best = { label: labelOf(this.#comparison!, { variant, setting }), error: validationError };
  }

  #cost({ variant }: Net): number {
    const { none, variants } = this.#comparison!;
    return (variants.find(({ name }) => name === variant)?.cost ?? none).epochSeconds;
  }

  /** Epochs of a training in this round: those after the round before, or all for a further seed. */
  #epochsOf(seed: number): number {
    const { rounds, seeds } = this.#comparison!;
    const before = seed === seeds[0] ? rounds[this.#round - 1]?.epochs ?? 0 : 0;
    return rounds[this.#round].epochs - before;
  }

  /** Measured seconds of what is left, at most: of this round, and of those after it. */
  #secondsLeft(nets: readonly Net[]): number {
    const { rounds, seeds, results } = this.#comparison!;
    const done = results.filter(({ round }) => round === this.#round + 1);
    let total = 0;
    for (const seed of seeds.slice(0, rounds[this.#round].seeds)) {
      for (const net of nets) {
        const is = (one: Trained) => one.variant === net.variant && one.setting === net.setting && one.seed === seed;
        if (!done.some(is)) total += this.#cost(net) * this.#epochsOf(seed);
      }
    }
    const costs = [...new Map(nets.slice(1).map((net) => [net.variant, this.#cost(net)])).values()]
      .toSorted((a, b) => b - a);
    const none = this.#cost({ variant: NONE, setting: 0 });
    for (let i = this.#round + 1; i < rounds.length; i++) {
      const { variants, settings, epochs } = rounds[i];
      const each = none + settings * costs.slice(0, variants).reduce((sum, cost) => sum + cost, 0);
      total += each * (epochs - rounds[i - 1].epochs + (rounds[i].seeds - 1) * epochs);
    }
    return total;
  }

  /** Measured seconds as they turn out in fact. */
  #scaled(seconds: number): number {
    const elapsed = (performance.now() - this.#started) / 1000;
    return this.#done < 0.5 ? seconds : seconds * elapsed / this.#done;
  }

  #show(): void {
    this.#shown = performance.now();
    const { net, from, epochs } = this.#current!;
    const { rounds } = this.#comparison!;
    const here = Math.max(0, epochs - Math.max(0, from)) * this.#cost(net);
    const left = this.#scaled(Math.max(0, this.#left - here));
    const best = this.#best === undefined
      ? ""
      : `; best so far ${this.#best.label}, ${showError(this.#best.error, this.#classification)}`;
    this.#line.show(
      `round ${this.#round + 1} of ${rounds.length}: ${labelOf(this.#comparison!, net)}, epoch ` +
        `${Math.floor(epochs)} of ${rounds[this.#round].epochs}${best}; about ${showDuration(left)} left`,
    );
  }
}
