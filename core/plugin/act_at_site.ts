/** What becomes of a host's tensor at a site: the variant's method is called, or the mask that it draws is applied. @module */
import { applyMask } from "../tensor/ops/mask.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { gatherRows, maskedBranch } from "./branch.ts";
import { maskedEmbedding } from "./embedding_mask.ts";
import { maskOf } from "./mask_of.ts";
import { denseMultiply, type Multiply } from "./multiply.ts";
import type { AnyDefinition, AttentionStage, Context, ProductContext, RecurrentStep, SiteRole } from "./plugin.ts";

/** What a site knows of the pass that it stands in. */
export interface SiteOfPass {
  /** Whether the variant is run as in evaluation. */
  readonly evaluates: boolean;
  /** Whether rows may be left out in a branch of the host. */
  gathers(): boolean;
  /** Whether a branch of the host may be left out as a whole. */
  skips(): boolean;
  /** Runs `body` while only some rows of the batch are computed; all for null. */
  gathered<T>(rows: readonly number[] | null, body: () => T): T;
}

/** Applies what a method `mask` gave; null is no mask. */
export function masked(x: Tensor, found: unknown, evaluates: boolean): Tensor {
  const mask = maskOf(found);
  return mask === null ? x : applyMask(x, mask, evaluates);
}

/**
 * Lets the variant at a site other than `activation` act.
 *
 * @param definition that of a plugin which serves the site
 * @param args what the host hands to the site
 * @returns what the host goes on with; null for a branch that is gone
 */
export function actAtSite(
  definition: AnyDefinition,
  role: Exclude<SiteRole, "activation">,
  args: readonly unknown[],
  context: Context<never>,
  site: SiteOfPass,
): Tensor | null {
  const [x, second, third, multiply = denseMultiply] = args as [Tensor, never, never, Multiply | undefined];
  const { shape } = x;
  const { evaluates } = site;
  switch (role) {
    case "weight": {
      const part = definition.weight!;
      if (typeof part === "function") return part(x, context);
      return masked(x, part.mask(context, { shape }), evaluates);
    }
    case "product":
      return definition.product!(
        x,
        second,
        third,
        Object.freeze({ ...context, multiply }) as ProductContext<never>,
      );
    case "recurrent": {
      const part = definition.recurrent!;
      const step = second as RecurrentStep;
      if (typeof part === "function") return part(x, step, context);
      return masked(x, part.mask(context, { shape, ...step }), evaluates);
    }
    case "attention": {
      const part = definition.attention!;
      const stage = second as AttentionStage;
      if (typeof part === "function") return part(x, stage, context);
      return masked(x, part.mask(context, { shape, stage }), evaluates);
    }
    case "branch": {
      const part = definition.branch!;
      const [block, rest] = [second as (inputs: readonly Tensor[]) => Tensor, third as readonly Tensor[]];
      if (typeof part === "function") return part(x, (input) => block([input, ...rest]), context);
      return maskedBranch(x, maskOf(part.mask(context, { shape: [shape[0]] })), {
        run: (input, rows) =>
          site.gathered(rows, () => {
            return block([input, ...(rows === null ? rest : rest.map((more) => gatherRows(more, rows)))]);
          }),
        gathers: site.gathers(),
        skips: site.skips(),
        evaluates,
      });
    }
    case "embedding": {
      const part = definition.embedding!;
      if (typeof part === "function") return part(x, second, context);
      return maskedEmbedding(x, second, maskOf(part.mask(context, { shape })), evaluates);
    }
  }
}
