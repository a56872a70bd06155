/** Broken: masks come back from example to example. @module */
import { z } from "zod";
import { definePlugin, type Factory, type Key, rateSchema, Rows } from "../../mod.ts";

export const fails: readonly string[] = ["no period along examples"];

/** Rows whose samples come back. */
function every(key: Key, count: number, period: number): Rows {
  const rows = Array.from({ length: count }, (_, row) => key.rows.at(row));
  return Rows.of(rows.map(({ sample, ...rest }) => ({ ...rest, sample: sample % period })));
}

export const examplePeriod: Factory<"activation", { rate?: number }> = definePlugin({
  name: "example-period",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: {
    mask: ({ key, options: { rate } }, { shape }) => ({ key: key.withRows(every(key, shape[0], 32)), rate }),
  },
  claims: { mean: "kept", eval: "identity" },
});

export const longExamplePeriod: Factory<"activation", { rate?: number }> = definePlugin({
  name: "long-example-period",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(key.withRows(every(key, x.shape[0], 100)), rate),
});
