/** Broken: it reads a clock or draws by chance. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["no clock, no chance but the key's"];

export const readsDateNow: Factory<"activation", { rate?: number }> = definePlugin({
  name: "reads-date-now",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, options: { rate } }) {
    const more = Date.now() < 0 ? 0.5 : 0;
    return mode === "eval" ? x : x.dropout(key, rate + more);
  },
  claims: { mean: "kept", eval: "identity" },
});

export const makesDate: Factory<"activation", { rate?: number }> = definePlugin({
  name: "makes-date",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, options: { rate } }) {
    const more = new Date().getTime() < 0 ? 0.5 : 0;
    return mode === "eval" ? x : x.dropout(key, rate + more);
  },
  claims: { mean: "kept", eval: "identity" },
});

export const readsPerformance: Factory<"activation", { rate?: number }> = definePlugin({
  name: "reads-performance",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, options: { rate } }) {
    const more = performance.now() < 0 ? 0.5 : 0;
    return mode === "eval" ? x : x.dropout(key, rate + more);
  },
  claims: { mean: "kept", eval: "identity" },
});

export const asksCrypto: Factory<"activation", { rate?: number }> = definePlugin({
  name: "asks-crypto",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, options: { rate } }) {
    const more = crypto.getRandomValues(new Uint8Array(1))[0] < 0 ? 0.5 : 0;
    return mode === "eval" ? x : x.dropout(key, rate + more);
  },
  claims: { mean: "kept", eval: "identity" },
});

export const asksMath: Factory<"activation", { rate?: number }> = definePlugin({
  name: "asks-math",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, options: { rate } }) {
    const more = Math.random() < 0 ? 0.5 : 0;
    return mode === "eval" ? x : x.dropout(key, rate + more);
  },
  claims: { mean: "kept", eval: "identity" },
});
