/** Option schemas that optimizers share. @module */
import { z } from "zod";
import { type Scheduled, scheduled } from "../../core/mod.ts";

const text = "expected a number of at least 0";

/** A learning rate, or a schedule of it. */
export function learningRateSchema(otherwise: number): z.ZodType<number, Scheduled | undefined> {
  return scheduled(z.number(text).min(0, text)).default(otherwise).describe("learning rate");
}

/** A weight decay, or a schedule of it. */
export function weightDecaySchema(otherwise: number): z.ZodType<number, Scheduled | undefined> {
  return scheduled(z.number(text).min(0, text)).default(otherwise).describe("L2 penalty");
}
