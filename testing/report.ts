/** What an exam reports, and how a check says what it found. @module */

/** How a check went. */
export interface Check {
  /** What was examined, such as `same key, same bits`. */
  readonly name: string;
  /** `skipped`: it does not apply to this plugin. */
  readonly status: "passed" | "failed" | "skipped";
  /** What was found, or why it does not apply. */
  readonly message: string;
}

/** The report of an exam. */
export interface Examination {
  /** The plugin's name. */
  readonly plugin: string;
  /** Whether no check failed. */
  readonly passed: boolean;
  /** All checks, in the order they were made. */
  readonly checks: readonly Check[];
}

/** Thrown by a check that found a fault. */
export class Fault extends Error {
  override name = "Fault";
}

/** Thrown by a check that does not apply. */
export class NotApplicable extends Error {
  override name = "NotApplicable";
}

/** Throws a {@linkcode Fault} unless a condition holds. */
export function ensure(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) throw new Fault(typeof message === "string" ? message : message());
}

/** Throws {@linkcode NotApplicable} unless a condition holds. */
export function applies(condition: boolean, reason: string): asserts condition {
  if (!condition) throw new NotApplicable(reason);
}

/** Runs a check once for each trial: it fails where one of them does, and is skipped where it applies to none. */
export function makeCheck<T extends { readonly label: string }>(
  name: string,
  trials: readonly T[],
  body: (trial: T) => string,
): Check {
  const found: string[] = [];
  const skipped: string[] = [];
  for (const trial of trials) {
    try {
      found.push(body(trial));
    } catch (error) {
      if (error instanceof NotApplicable) skipped.push(error.message);
      else return { name, status: "failed", message: `${trial.label}: ${explain(error)}` };
    }
  }
  if (found.length > 0) return { name, status: "passed", message: distinct(found) };
  return { name, status: "skipped", message: distinct(skipped) };
}

/** Messages, each once. */
function distinct(messages: readonly string[]): string {
  return [...new Set(messages)].join("; ");
}

/** An error in one sentence; one that is no complaint names its kind. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof Fault || error.message.startsWith("model")
    ? error.message
    : `${error.name}: ${error.message}`;
}
