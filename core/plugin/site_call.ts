/** Standing in for variants at all sites of a model, with what they draw in sight. @module */
import type { Epilogue } from "../backend/epilogue.ts";
import type { Mask } from "../tensor/ops/mask.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { SiteRole } from "./sites.ts";

/** A variant that is about to act at its site. */
export interface SiteCall {
  /** Where it stands, such as `3` or `0.weight`; the second use of a shared layer has `(use 1)` behind it. */
  readonly path: string;
  /** The site's role. */
  readonly role: SiteRole;
  /** The variant's name. */
  readonly plugin: string;
  /** What the site's method takes, without the context: see `SiteMethods`. */
  readonly args: readonly unknown[];
  /**
   * The mask that it draws, where there is no more to the variant than that: null where it draws none. Undefined for a
   * variant that computes something else, and inside recurrent and attention layers and at embeddings.
   */
  readonly mask: Mask | null | undefined;
  /**
   * What the variant itself makes of arguments, with the same draw however often it is called.
   *
   * @param args in the place of those that it was given
   * @param epilogue for a variant that applies the layer's activation, another in the place of that
   */
  act(args: readonly unknown[], epilogue?: Epilogue): Tensor | null;
}

/** What stands in for variants wherever they stand: from a call to what the host goes on with; null for no branch. */
export type AtSites = (call: SiteCall) => Tensor | null;
