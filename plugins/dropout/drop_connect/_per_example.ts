/** A dense product with another mask on the weight for each example, with its gradient. @module */
import {
  decisionBits,
  type Floats,
  type Ints,
  isRecording,
  keepProbability,
  type Key,
  rateThreshold,
  record,
  ShapeError,
  showShape,
  Tensor,
} from "../../../core/mod.ts";
import {
  dropConnectBits,
  dropConnectInputGradient,
  dropConnectProduct,
  dropConnectWeightGradient,
} from "./_kernels.ts";
import { type DropConnectShape, wordsOf } from "./_twins.ts";

/** So many words of 32 bits are kept from a product to its gradients at most, 32 MiB. */
const MOST_KEPT = 2 ** 23;
/** Those of so many are drawn at a time where none are kept, 2 MiB: they stay in the cache until they are used. */
const MOST_DRAWN = 2 ** 19;

/**
 * `x (M * W)^T` with a mask M for each example, which all its rows share. A mask takes a bit for each connection. Those of
 * the whole batch are kept until the gradients are computed if they take 32 MiB or less; else they are drawn again, some
 * examples at a time.
 *
 * @param x `[batch, ..., inputs]`
 * @param weight `[units, inputs]`
 * @param key where the masks lie; the same as those of `Tensor.bernoulli([batch, units, inputs], key, rate)`
 * @param rate probability of dropping a connection, in (0, 1)
 * @param inverted whether kept weights are divided by the keep probability
 */
export function exampleProduct(x: Tensor, weight: Tensor, key: Key, rate: number, inverted: boolean): Tensor {
  const [units, inputs] = weight.shape;
  if (x.rank < 2 || x.shape[x.rank - 1] !== inputs) {
    throw new ShapeError(`expected an input [batch, ..., ${inputs}], found ${showShape(x.shape)}.`);
  }
  const threshold = rateThreshold(rate);
  const bits = decisionBits(threshold);
  const batch = x.shape[0];
  const shape: DropConnectShape = {
    batch,
    rows: x.shape.slice(1, -1).reduce((rows, extent) => rows * extent, 1),
    inputs,
    units,
    threshold: bits === 16 ? threshold / 65536 : threshold,
    bits,
    scale: inverted ? 1 / keepProbability(threshold) : 1,
    add: false,
  };
  const words = wordsOf(units * inputs);
  const differentiated = isRecording() && (x.requiresGradient || weight.requiresGradient);
  const keeps = differentiated && batch * words <= MOST_KEPT;
  const together = Math.max(1, keeps ? batch : Math.min(batch, Math.floor(MOST_DRAWN / words)));
  const { header, table, offset } = key.draw(batch, units * inputs, bits);
  /** Masks of `examples` examples from `first` on. */
  const drawInto = (kept: Tensor, first: number, examples: number): Tensor => {
    dropConnectBits(kept.ints, { header, table: table.subarray(3 * first), offset }, { ...shape, batch: examples });
    return kept;
  };
  const kept = keeps ? drawInto(Tensor.empty([batch * words], "int32"), 0, batch) : null;

  /** Calls `body` with some examples' masks and what else is theirs, until all have been there. */
  const inPieces = (body: (piece: DropConnectShape, kept: Ints, theirs: (all: Floats) => Floats) => void) => {
    const masks = kept ?? Tensor.empty([together * words], "int32");
    for (let first = 0; first === 0 || first < batch; first += together) {
      const examples = Math.min(together, batch - first);
      if (kept === null) drawInto(masks, first, examples);
      body({ ...shape, batch: examples, add: first > 0 }, masks.ints, (all) => {
        const one = batch === 0 ? 0 : all.length / batch;
        return all.subarray(first * one, (first + examples) * one);
      });
    }
  };
  const out = Tensor.empty([...x.shape.slice(0, -1), units], x.dtype);
  inPieces((piece, kept, theirs) => {
    dropConnectProduct(theirs(x.floats), weight.floats, theirs(out.floats), kept, piece);
  });
  return record("dropConnect", [x, weight], out, (dy, needs) => {
    const dx = needs[0] ? Tensor.empty(x.shape, x.dtype) : null;
    const dWeight = needs[1] ? Tensor.empty(weight.shape, weight.dtype) : null;
    inPieces((piece, kept, theirs) => {
      const theirDy = theirs(dy.floats);
      if (dx !== null) {
        dropConnectInputGradient(weight.floats, theirDy, theirs(dx.floats), kept, { ...piece, add: false });
      }
      if (dWeight !== null) dropConnectWeightGradient(theirs(x.floats), theirDy, dWeight.floats, kept, piece);
    });
    return [dx, dWeight];
  });
}
