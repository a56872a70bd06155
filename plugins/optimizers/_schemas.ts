/** Option schemas that optimizers share. @module */
import { z } from "zod";
import { type Scheduled, scheduled } from "../../core/mod.ts";

/** A learning rate, or a schedule of it. */
export function learningRateSchema(otherwise: number): z.ZodType<number, Scheduled | undefined> {
  const text = "expected a number of at least 0";
  return scheduled(z.number(text).min(0, text)).default(otherwise).describe("learning rate");
}
