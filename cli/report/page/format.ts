/** Numbers as people read them. @module */
import type { Maybe } from "../report_data.ts";

/** What stands where there is no number. */
const NONE = "–";

/** A space that no line is broken at. */
const JOIN = "\u00a0";

/** A number with as many digits as are of use. */
export function brief(value: Maybe | undefined): string {
  if (value === null || value === undefined) return NONE;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2).replace("e+", "e").replace("-", "−");
  return signed(size >= 1000 ? value.toFixed(0) : size >= 100 ? value.toFixed(1) : value.toPrecision(3));
}

/** A number beside a scale: without zeros at its end. */
export function tick(value: number): string {
  return signed(String(Number(value.toPrecision(6))));
}

/** A share of one beside a scale, as in `2.5 %`. */
export function percentTick(value: number): string {
  return `${tick(value * 100)}${JOIN}%`;
}

/** A share of one in percent, with two decimals, as in `1.34 %`. */
export function percent(value: Maybe | undefined, digits = 2): string {
  return value === null || value === undefined ? NONE : `${signed((value * 100).toFixed(digits))}${JOIN}%`;
}

/** An error as its kind is read: wrong classes in percent, else a plain number. */
export function errorText(value: Maybe | undefined, classification: boolean): string {
  return classification ? percent(value) : brief(value);
}

/** A difference of two errors: in points of a percent for classes. */
export function gapText(value: Maybe | undefined, classification: boolean): string {
  if (value === null || value === undefined) return NONE;
  return classification ? `${signed((value * 100).toFixed(2))}${JOIN}points` : brief(value);
}

/** A whole number with its thousands apart. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** A number of things, as in `1 epoch`, `10 epochs`. */
export function several(value: number, what: string): string {
  return `${count(value)}${JOIN}${what}${value === 1 ? "" : "s"}`;
}

/** A stretch of time: `0.42 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: Maybe): string {
  if (seconds === null) return NONE;
  if (seconds < 60) return `${seconds < 10 ? seconds.toPrecision(2) : seconds.toFixed(0)}${JOIN}s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}${JOIN}min ${whole % 60}${JOIN}s`;
  return `${Math.floor(whole / 3600)}${JOIN}h ${Math.floor(whole % 3600 / 60)}${JOIN}min`;
}

/** The difference of two numbers, where there are both. */
export function difference(a: Maybe | undefined, b: Maybe | undefined): Maybe {
  return a === null || a === undefined || b === null || b === undefined ? null : a - b;
}

/** With a minus sign as long as a plus. */
function signed(text: string): string {
  return text.replace("-", "−");
}
