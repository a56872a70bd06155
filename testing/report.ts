/** What an exam reports, and how a check says what it found. @module */

import { trapped } from "./traps.ts";

/** How a check went. */
export interface Check {
  /** What was examined, such as `same key, same bits`. */
  readonly name: string;
  /** `not verified`: nothing is claimed that it could verify, or it does not apply to this plugin. */
  readonly status: "passed" | "failed" | "not verified";
  /** What was found, or why it was not verified. */
  readonly message: string;
  /** Of a check that passed: where it did not apply, and why; empty if it applied everywhere. */
  readonly unverified: string;
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

/** A check that was made, as `plugin check --json` prints it. */
export interface CheckRecord {
  /** What was examined. */
  readonly name: string;
  /** Whether it passed. */
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
}

/** An exam as data: what `plugin check --json` prints. */
export interface ExamRecord {
  /** The plugin's name; of several, separated by commas. */
  readonly plugin: string;
  /** Number of checks that passed. */
  readonly passed: number;
  /** Number of checks that failed. */
  readonly failed: number;
  /** The checks that were made. */
  readonly checks: readonly CheckRecord[];
  /** What could not be verified, wholly or in part, and why. */
  readonly notVerified: readonly { readonly name: string; readonly detail: string }[];
}

/** Exams as one record: of several plugins, each check is named behind its plugin. */
export function examRecord(examinations: readonly Examination[]): ExamRecord {
  const all = examinations.flatMap(({ plugin, checks }) =>
    checks.map((check) => ({ ...check, name: examinations.length > 1 ? `${plugin}: ${check.name}` : check.name }))
  );
  const count = (status: Check["status"]) => all.filter((check) => check.status === status).length;
  return {
    plugin: examinations.map(({ plugin }) => plugin).join(", "),
    passed: count("passed"),
    failed: count("failed"),
    checks: all.filter(({ status }) => status !== "not verified").map(({ name, status, message }) => ({
      name,
      ok: status === "passed",
      detail: message,
    })),
    notVerified: all.flatMap(({ name, status, message, unverified }) => {
      const detail = status === "not verified" ? message : unverified;
      return detail === "" ? [] : [{ name, detail }];
    }),
  };
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

/**
 * Runs a check once for each trial: it fails where one of them does, and is not verified where it applies to none. Whatever
 * it throws is a fault of the plugin.
 *
 * @param tell receives every call of a clock or of a source of chance
 */
export function makeCheck<T extends { readonly label: string }>(
  name: string,
  trials: readonly T[],
  body: (trial: T) => string,
  tell: (call: string) => void,
): Check {
  const found: string[] = [];
  const reasons: string[] = [];
  for (const trial of trials) {
    try {
      found.push(trapped(tell, () => body(trial)));
    } catch (error) {
      if (error instanceof NotApplicable) reasons.push(error.message);
      else return { name, status: "failed", message: `${trial.label}: ${explain(error)}`, unverified: "" };
    }
  }
  const unverified = distinct(reasons);
  if (found.length > 0) return { name, status: "passed", message: distinct(found), unverified };
  return {
    name,
    status: "not verified",
    message: unverified === "" ? "there is nothing to examine" : unverified,
    unverified: "",
  };
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
