/** Masks on a table of embeddings, as each example sees it. @module */
import { OptionError } from "../errors.ts";
import { applyMask, keptEntries, type Mask, maskEntries } from "../tensor/ops/mask.ts";
import { normalizeAxis } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";

/**
 * Rows of a table under a mask.
 *
 * @param table `[vocabulary, features]`
 * @param indices int32, `[batch, ...]`
 * @param mask its draw is `[batch, vocabulary, features]`
 * @param evaluates whether nothing is drawn
 */
export function maskedEmbedding(table: Tensor, indices: Tensor, mask: Mask | null, evaluates: boolean): Tensor {
  const rows = table.take(indices);
  if (mask === null) return rows;
  if (mask.empty === "kept") throw new OptionError("empty", "lost at an embedding", mask.empty);
  if (evaluates || mask.rate === 0 || mask.rate === 1) return applyMask(rows, { ...mask, share: [] }, evaluates);
  const [words, features] = table.shape;
  const batch = indices.shape[0] ?? 1;
  const share = (mask.share ?? []).map((axis) => normalizeAxis(axis, 3, "share"));
  const kept = keptEntries({ ...mask, share }, [batch, words, features], rows.floatType);
  const [owners, types, width] = kept.shape;
  const each = Math.max(1, indices.size / Math.max(batch, 1));
  const places = indices.ints.map((word, i) =>
    (owners === 1 ? 0 : Math.floor(i / each) * types) + (types === 1 ? 0 : word)
  );
  const found = kept.reshape([owners * types, width]).take(Tensor.from(places, indices.shape));
  return maskEntries(rows, found, mask);
}
