/** The check of variants that are given as masks: what a layer makes of one is what the mask says, entry by entry. @module */
import {
  type Context,
  instantiate,
  keepProbability,
  keptEntries,
  type Mask,
  maskedScore,
  type MaskPart,
  type Plugin,
  rateThreshold,
  type SiteRole,
  Tensor,
} from "../../core/mod.ts";
import { applies, ensure } from "../report.ts";
import type { Trial } from "../trial.ts";

/** An operand of a mask as one number for each entry. */
function numbers(value: number | Tensor, like: Tensor): ArrayLike<number> {
  return value instanceof Tensor ? value.broadcastTo(like.shape).floats : new Float64Array(like.size).fill(value);
}

/** `kept ? a x + b : c` in a plain loop. `kept` gives 1 or 0 for each entry of x. */
function byEntries(x: Tensor, mask: Mask, kept: ArrayLike<number>): Tensor {
  const keep = mask.rate === 1 ? 0 : keepProbability(rateThreshold(mask.rate));
  const [a, b, c] = [mask.a ?? (keep === 0 ? 0 : 1 / keep), mask.b ?? 0, mask.c ?? 0].map((part) => numbers(part, x));
  const out = Tensor.empty(x.shape, x.dtype);
  const columns = x.shape[x.rank - 1] ?? 1;
  for (let from = 0; from < x.size; from += columns) {
    const entries = Array.from({ length: columns }, (_, i) => from + i);
    const lost = mask.empty === "kept" && !entries.some((i) => kept[i] === 1 && x.floats[i] > maskedScore / 2);
    for (const i of entries) out.floats[i] = lost ? x.floats[i] : kept[i] === 1 ? a[i] * x.floats[i] + b[i] : c[i];
  }
  return out;
}

/** What a mask makes of a tensor that is drawn as it is. */
function drawn(x: Tensor, mask: Mask | null): Tensor {
  return mask === null ? x : byEntries(x, mask, keptEntries(mask, x.shape, x.floatType).broadcastTo(x.shape).floats);
}

/** What a mask makes of a branch's output: one decision for each example. */
function ofBranch(y: Tensor, mask: Mask | null): Tensor {
  if (mask === null) return y;
  const batch = y.shape[0];
  const share = mask.share?.includes(0) ? [0] : [];
  const kept = keptEntries({ ...mask, share }, [batch], y.floatType).broadcastTo([batch]).floats;
  return byEntries(y, mask, Array.from({ length: y.size }, (_, i) => kept[Math.floor(i / (y.size / batch))]));
}

/** What a mask makes of a table's rows: the draw is `[batch, vocabulary, features]`. */
function ofTable(table: Tensor, indices: Tensor, mask: Mask | null): Tensor {
  const rows = table.take(indices);
  if (mask === null) return rows;
  const [batch, [words, features]] = [indices.shape[0], table.shape];
  const kept = keptEntries(mask, [batch, words, features], rows.floatType).broadcastTo([batch, words, features]).floats;
  const each = rows.size / Math.max(batch, 1);
  return byEntries(
    rows,
    mask,
    Array.from({ length: rows.size }, (_, i) => {
      const word = indices.ints[Math.floor(i / features)];
      return kept[(Math.floor(i / each) * words + word) * features + i % features];
    }),
  );
}

/** The plugin with a method that does in plain loops what its mask at a role says; undefined where that is a method. */
function byHand(plugin: Plugin, role: SiteRole): Plugin | undefined {
  const part = (plugin.definition as Partial<Record<SiteRole, unknown>>)[role];
  const mask = (part as Partial<MaskPart<never>> | undefined)?.mask as
    | ((...args: unknown[]) => Mask | null)
    | undefined;
  if (mask === undefined) return undefined;
  const methods: Partial<Record<SiteRole, (...args: never[]) => Tensor>> = {
    activation: (x: Tensor, context: Context<never>) => drawn(x, mask(context, { shape: x.shape })),
    weight: (x: Tensor, context: Context<never>) => drawn(x, mask(context, { shape: x.shape })),
    recurrent: (x: Tensor, step: object, context: Context<never>) =>
      drawn(x, mask(context, { shape: x.shape, ...step })),
    attention: (x: Tensor, stage: string, context: Context<never>) =>
      drawn(x, mask(context, { shape: x.shape, stage })),
    branch: (x: Tensor, block: (x: Tensor) => Tensor, context: Context<never>) =>
      ofBranch(block(x), mask(context, { shape: [x.shape[0]] })),
    embedding: (table: Tensor, indices: Tensor, context: Context<never>) =>
      ofTable(table, indices, mask(context, { shape: table.shape })),
  };
  return instantiate({ ...plugin.definition, [role]: methods[role] }, plugin.options, plugin.plugin);
}

/** A mask is applied as it says: the layer's output is that of the core's own draw, entry by entry. */
export function ownDraw(trial: Trial): string {
  const role = trial.site.group.split(" ")[0] as SiteRole;
  applies(trial.findMoment(), `${trial.site.label}: nothing is dropped here`);
  let compared = 0;
  for (const dtype of ["float64", "float32"] as const) {
    for (const rate of [0.05, 0.5, 0.95]) {
      const subject = trial.subject({ rate, dtype });
      const other = trial.subject({ rate, dtype, change: (plugin: Plugin) => byHand(plugin, role) });
      applies(other !== undefined, "the variant is given as a method");
      const tolerance = dtype === "float64" ? 1e-12 : 1e-6;
      for (const mode of ["train", "sample"] as const) {
        const x = subject.inputs(5);
        const [found, expected] = [subject, other].map((one) => one.output(x, { mode, step: 4, sample: 2, pass: 1 }));
        found.floats.forEach((value, i) => {
          const wanted = expected.floats[i];
          const near = value === wanted || Math.abs(value - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
          ensure(near, () => `expected ${wanted} at entry ${i} in mode ${mode}, as the mask says, found ${value}`);
        });
        compared += found.size;
      }
    }
  }
  return `${compared} entries are what the mask says`;
}
