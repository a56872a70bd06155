/**
 * Masks that drop contiguous blocks of a feature map, at exactly the rate that is asked for.
 *
 * Seeds fall independently, each with probability gamma, and a cell is dropped when a block around any seed covers it; a
 * cell that n seeds can reach is kept with probability `(1 - gamma)^n`. Gamma is solved from that, not approximated.
 *
 * @module
 */
import { z } from "zod";
import {
  type FloatType,
  keepProbability,
  keptEntries,
  kernels,
  type Key,
  type Mask,
  rateSchema,
  rateThreshold,
  type Scheduled,
  scheduled,
  type Shape,
  ShapeError,
  showShape,
  sizeOf,
  type Spatial,
  Tensor,
} from "../../../core/mod.ts";
import { dropBlocks } from "./_kernel.ts";
import { eachAxis, type Extents } from "../../layers/_window.ts";

/** What becomes of blocks at the border of a map; see {@linkcode dropBlock}. */
export type BlockBorder = "wrap" | "inside";

/** Options of variants that drop blocks. */
export interface BlockOptions {
  /** Probability of dropping a cell, in [0, 1], or a schedule. */
  rate?: Scheduled;
  /**
   * Extent of a block in cells, at least 1: a number for all spatial axes, or one for each, outermost first. An extent above
   * the map's is taken as the map's.
   */
  block?: Extents;
  /**
   * `wrap` (default): a block that leaves the map on one side comes in on the other, so every cell is dropped with exactly
   * the probability `rate`. `inside`, as in the paper: blocks lie wholly inside of the map, so that cells near a border are
   * dropped less often and others more; `rate` is the mean over the map.
   */
  border?: BlockBorder;
  /** Whether each channel has blocks of its own, or all of an example's have the same. Default `independent`. */
  channels?: "independent" | "shared";
}

/** {@linkcode BlockOptions}, validated, at a point of training. */
export interface Blocks {
  /** Probability of dropping a cell. */
  readonly rate: number;
  /** Extent of a block. */
  readonly block: Extents;
  /** What becomes of blocks at the border. */
  readonly border: BlockBorder;
  /** Whether each channel has blocks of its own. */
  readonly channels: "independent" | "shared";
}

const wanted = "expected a whole number of at least 1, or an array of one to three";

/** Validates {@linkcode BlockOptions}. */
export function blockSchemas(rate: number, block: number): {
  rate: z.ZodDefault<z.ZodType<number, Scheduled>>;
  block: z.ZodDefault<z.ZodType<Extents, Extents>>;
  border: z.ZodDefault<z.ZodEnum<{ wrap: "wrap"; inside: "inside" }>>;
  channels: z.ZodDefault<z.ZodEnum<{ independent: "independent"; shared: "shared" }>>;
} {
  const extent = z.int(wanted).min(1, wanted);
  const extents = z.union([extent, z.array(extent, wanted).min(1, wanted).max(3, wanted).readonly()], wanted);
  return {
    rate: scheduled(rateSchema).default(rate).describe("probability of dropping a cell, in [0, 1]"),
    block: (extents as z.ZodType<Extents, Extents>).default(block)
      .describe("extent of a block in cells, a number or one for each spatial axis"),
    border: z.enum(["wrap", "inside"]).default("wrap").describe("what becomes of blocks at the border of a map"),
    channels: z.enum(["independent", "shared"]).default("independent")
      .describe("whether each channel has blocks of its own"),
  };
}

/** One spatial axis of a map: where seeds fall, and how many reach each cell. */
export interface BlockAxis {
  /** Cells along the map. */
  readonly cells: number;
  /** Extent of a block, at most that of the map. */
  readonly block: number;
  /** Places of seeds. Where a block is as long as the map, one place stands for all: any seed drops the whole axis. */
  readonly seeds: number;
  /** For each cell, the number of places from which a block reaches it. */
  readonly reach: readonly number[];
}

/** The spatial axes of `[batch, channels, ...]`. */
export function blockAxes(shape: Shape, { block, border }: Pick<Blocks, "block" | "border">): BlockAxis[] {
  const spatial = shape.slice(2);
  if (spatial.length < 1 || spatial.length > 3) {
    throw new ShapeError(
      `expected [batch, channels, ...] with one to three spatial axes, found ${showShape(shape)}; ` +
        "for [batch, features] use dropout.",
    );
  }
  if (typeof block !== "number" && block.length !== spatial.length) {
    throw new ShapeError(
      `expected an input with ${block.length} spatial axes, as block has, found ${showShape(shape)}.`,
    );
  }
  return eachAxis(block, spatial.length).map((wide, i): BlockAxis => {
    const cells = spatial[i];
    const extent = Math.min(wide, cells);
    if (extent === cells) return { cells, block: extent, seeds: 1, reach: new Array<number>(cells).fill(1) };
    if (border === "wrap") return { cells, block: extent, seeds: cells, reach: new Array<number>(cells).fill(extent) };
    const seeds = cells - extent + 1;
    const reach = Array.from(
      { length: cells },
      (_, cell) => Math.min(cell, seeds - 1) - Math.max(cell - extent + 1, 0) + 1,
    );
    return { cells, block: extent, seeds, reach };
  });
}

/** How many cells are reached by how many seeds: the products of the axes' numbers. */
function reaches(axes: readonly BlockAxis[]): Map<number, number> {
  let counts = new Map([[1, 1]]);
  for (const { reach } of axes) {
    const next = new Map<number, number>();
    for (const [n, cells] of counts) {
      for (const m of reach) next.set(n * m, (next.get(n * m) ?? 0) + cells);
    }
    counts = next;
  }
  return counts;
}

/**
 * The probability of a seed at which cells are dropped with a probability of `rate` in the mean over the map: the root of
 * `mean((1 - gamma)^n) = 1 - rate` over the numbers n of seeds that reach a cell.
 *
 * @param rate in [0, 1)
 */
export function seedProbability(rate: number, axes: readonly BlockAxis[]): number {
  const target = Math.log1p(-rate);
  const counts = [...reaches(axes)];
  const total = counts.reduce((sum, [, cells]) => sum + cells, 0);
  // With lambda = -log(1 - gamma), log(mean(e^(-lambda n))) is convex and falls from 0: from the left, Newton's steps never
  // leap over the root.
  let lambda = 0;
  for (let round = 0; round < 100; round++) {
    let [kept, slope] = [0, 0];
    for (const [n, cells] of counts) {
      const share = cells / total * Math.exp(-lambda * n);
      kept += share;
      slope += n * share;
    }
    const step = (Math.log(kept) - target) * kept / slope;
    lambda += step;
    if (!(step > 1e-15 * lambda)) break;
  }
  return -Math.expm1(-lambda);
}

/** Three numbers of spatial axes; those that are not there come first. */
function spatial(axes: readonly BlockAxis[], of: (axis: BlockAxis) => number): Spatial {
  return [...new Array<number>(3 - axes.length).fill(1), ...axes.map(of)] as unknown as Spatial;
}

/** Stretches seeds `[batch, channels, ...]` (not 0 where there is one) to blocks: 0 where one covers a cell, else 1. */
export function spread(seeds: Tensor, axes: readonly BlockAxis[], border: BlockBorder): Tensor {
  const [batch, channels] = seeds.shape;
  const kept = Tensor.empty([batch, channels, ...axes.map(({ cells }) => cells)], seeds.dtype);
  if (kept.size === 0) return kept;
  dropBlocks(seeds.floats, kept.floats, {
    planes: batch * channels,
    seeds: spatial(axes, ({ seeds }) => seeds),
    cells: spatial(axes, ({ cells }) => cells),
    block: spatial(axes, ({ block }) => block),
    wrap: border === "wrap",
  });
  return kept;
}

/** Blocks that were drawn. */
export interface DrawnBlocks {
  /** 1 where a cell is kept, else 0, in a shape that stretches to that of the map. It belongs to the caller. */
  readonly kept: Tensor;
  /** The probability with which a cell is kept: one for all, or one for each as `[1, 1, ...]`. */
  readonly keep: number | Tensor;
}

/**
 * The mask where no blocks overlap, since they are single cells or as long as the map: that of dropout or of spatial
 * dropout, bit for bit. Null where they may.
 *
 * @param shape `[batch, channels, ...]`
 */
export function maskOfCells(shape: Shape, key: Key, blocks: Blocks): Mask | null {
  const axes = blockAxes(shape, blocks);
  if (axes.some(({ seeds, block }) => seeds > 1 && block > 1)) return null;
  const share = axes.flatMap(({ seeds }, i) => seeds === 1 ? [2 + i] : []);
  return { key, rate: blocks.rate, share: blocks.channels === "shared" ? [1, ...share] : share };
}

/**
 * Draws blocks.
 *
 * @param shape `[batch, channels, ...]`
 * @param blocks of a rate in (0, 1)
 */
export function drawBlocks(shape: Shape, key: Key, blocks: Blocks, dtype: FloatType): DrawnBlocks {
  const cells = maskOfCells(shape, key, blocks);
  if (cells !== null) {
    return { kept: keptEntries(cells, shape, dtype), keep: keepProbability(rateThreshold(blocks.rate)) };
  }
  const axes = blockAxes(shape, blocks);
  // Decisions of 32 bits: gamma is small, and its error counts as often as seeds reach a cell.
  const threshold = Math.min(Math.round(seedProbability(blocks.rate, axes) * 2 ** 32), 2 ** 32 - 1);
  const channels = blocks.channels === "shared" ? 1 : shape[1];
  const seeds = Tensor.zeros([shape[0], channels, ...axes.map(({ seeds }) => seeds)], dtype);
  const [rows, cols] = [shape[0], sizeOf(seeds.shape.slice(1))];
  // What this draw keeps is a seed.
  if (threshold > 0) kernels.bernoulli(seeds.floats, key.draw(rows, cols), rows, cols, 2 ** 32 - threshold, 32, 1);
  return { kept: spread(seeds, axes, blocks.border), keep: keepProbabilities(axes, 1 - threshold / 2 ** 32, dtype) };
}

/**
 * For each example, the number of its cells over that of its kept ones, `[batch, 1, ...]`; 0 where none is kept.
 *
 * @param kept 1 where a cell is kept, else 0
 */
export function countScale(kept: Tensor): Tensor {
  const share = kept.mean(kept.shape.map((_, axis) => axis).slice(1), true);
  return share.greater(0).div(share.maximum(1 / sizeOf(kept.shape.slice(1))));
}

/** With which probability each cell is kept where a place has no seed with the probability `spared`. */
function keepProbabilities(axes: readonly BlockAxis[], spared: number, dtype: FloatType): number | Tensor {
  if (axes.every(({ reach }) => reach.every((n) => n === reach[0]))) {
    return spared ** axes.reduce((n, { reach }) => n * reach[0], 1);
  }
  let reached = [1];
  for (const { reach } of axes) reached = reached.flatMap((n) => reach.map((m) => n * m));
  // A cell that is kept less often than that is never met; float32 has a reciprocal of it.
  return Tensor.from(
    reached.map((n) => Math.max(spared ** n, 1e-30)),
    [1, 1, ...axes.map(({ cells }) => cells)],
    dtype,
  );
}
