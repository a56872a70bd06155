/**
 * The errors people can mend. Every one of them says what failed, what was expected and what was found, in one sentence;
 * the command line prints the message alone and exits with status 2. Any other error is a fault of this library.
 *
 * @module
 */
import { didYouMean } from "./did_you_mean.ts";

/** Base of every error whose cause is the caller's input or surroundings rather than a fault in this library. */
export class ThinnedError extends Error {
  /** The exit status of the command line for this error: always 2. */
  readonly exitStatus: number = 2;

  /**
   * An error with the name of its class.
   *
   * @param message one sentence: what failed, what was expected, what was found
   * @param options the error that caused it
   */
  constructor(message?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Tensors whose shapes do not fit together. The message names the shapes and, inside a model, the layer. */
export class ShapeError extends ThinnedError {}

/** An option, a configuration value or an argument outside what is allowed. */
export class OptionError extends ThinnedError {
  /** Where the wrong value stands, for example `model.3.rate`. */
  readonly path: string;

  /**
   * An error that says where a wrong value stands.
   *
   * @param path where the wrong value stands, for example `model.3.rate`
   * @param expected what would have been accepted
   * @param found the value received
   * @param hint the end of the sentence, such as `didYouMean` gives it. Default: a full stop
   */
  constructor(path: string, expected: string, found: unknown, hint: string = "") {
    super(`${path}: expected ${expected}, found ${show(found)}${hint || "."}`);
    this.path = path;
  }
}

/** A plugin that is unknown, ill defined, or used at a site that it does not serve. */
export class PluginError extends ThinnedError {}

/** A data set that is missing, truncated, empty or of another format. */
export class DataError extends ThinnedError {}

/** A checkpoint that is missing, corrupt, or of another architecture. */
export class CheckpointError extends ThinnedError {}

/**
 * A training run whose loss or gradients are not finite any more. The update that would have carried that into the weights
 * has not been made: they are those of the step before.
 */
export class DivergenceError extends ThinnedError {
  /** The step whose update was not made, from 1. */
  readonly step: number;
  /** The last finite loss of a batch that this run has seen; null when there was none, or nobody knows. */
  readonly lastLoss: number | null;

  /**
   * An error that says when a run diverged.
   *
   * @param step the step whose update was not made, from 1
   * @param what what is not finite, for example `the loss is NaN`
   * @param lastLoss the last finite loss of a batch; null when there was none, undefined when nobody knows
   */
  constructor(step: number, what: string, lastLoss?: number | null) {
    const before = lastLoss === null ? ", it was never finite" : `, the last finite loss was ${lastLoss}`;
    super(
      `Training diverged at step ${step}: ${what}${
        lastLoss === undefined ? "" : before
      }. The weights are those of the step before; ` +
        "a smaller learning rate, a warm-up or clipped gradients may help, or inputs of a smaller scale.",
    );
    this.step = step;
    this.lastLoss = lastLoss ?? null;
  }
}

/** A folder that another process is using. The message names that process. */
export class LockError extends ThinnedError {}

/** A Deno permission that is missing. The message names the flag that grants it. */
export class PermissionError extends ThinnedError {}

/** A backend that cannot be opened, or that was asked for something it does not do. */
export class BackendError extends ThinnedError {}

/** A tensor read after the training step that made it has ended. `keep()` inside the step makes it last. */
export class RecycledError extends ThinnedError {}

/** A value as a short piece of an error message. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? value.slice(0, 57) + "..." : value);
  if (typeof value === "number" || typeof value === "boolean" || value === null || value === undefined) {
    return String(value);
  }
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  try {
    const text = JSON.stringify(value);
    return text.length > 80 ? text.slice(0, 77) + "..." : text;
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** A shape as text: `[128, 784]`. */
export function showShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/**
 * Refuses an object with a key that nobody reads, so that a misspelt option does not pass for its default. A key whose
 * value is undefined counts too.
 *
 * @param object the options as they were given
 * @param known the keys there are
 * @param path where the object stands, for example `clip`; "" for the outermost
 * @throws {OptionError} naming the unknown key and those that are known; or when it is no object
 *
 * @example
 * ```ts
 * import { OptionError, refuseUnknown } from "@thinned/dropout";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => refuseUnknown({ nrom: 1 }, ["value", "norm"], "clip"), OptionError, "clip.nrom: expected one of");
 * ```
 */
export function refuseUnknown(object: unknown, known: readonly string[], path: string): void {
  if (typeof object !== "object" || object === null || Array.isArray(object)) {
    throw new OptionError(path || "options", "an object with options", object);
  }
  const unknown = Object.keys(object).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const at = path === "" ? unknown : `${path}.${unknown}`;
  throw new OptionError(at, `one of the options ${known.join(", ")}`, unknown, didYouMean(unknown, known));
}
