/** The kernel that stretches seeds to blocks. @module */
import { defineKernel, type Floats, type Kernel, parameters, type Spatial } from "../../../core/mod.ts";
import text from "./drop_block.c" with { type: "text" };

const { block, field, input, output } = parameters;

/** Maps and their seeds. */
export interface BlockShape {
  /** Number of maps. */
  readonly planes: number;
  /** Places of seeds in a map. */
  readonly seeds: Spatial;
  /** Cells of a map. */
  readonly cells: Spatial;
  /** Extents of a block, at most those of the map. */
  readonly block: Spatial;
  /** Whether a block that leaves a map on one side comes in on the other; else all lie inside. */
  readonly wrap: boolean;
}

/** Zeroes blocks in maps of ones. */
function twin(seeds: Floats, out: Floats, { planes, seeds: places, cells, block, wrap }: BlockShape): void {
  out.fill(1);
  let at = 0;
  for (let plane = 0; plane < planes; plane++) {
    for (let d = 0; d < places[0]; d++) {
      for (let h = 0; h < places[1]; h++) {
        for (let w = 0; w < places[2]; w++) if (seeds[at++] !== 0) paint(plane, [d, h, w]);
      }
    }
  }

  function paint(plane: number, [d, h, w]: Spatial): void {
    const place = (at: number, axis: number) => wrap && at >= cells[axis] ? at - cells[axis] : at;
    for (let i = d; i < d + block[0]; i++) {
      for (let j = h; j < h + block[1]; j++) {
        const row = ((plane * cells[0] + place(i, 0)) * cells[1] + place(j, 1)) * cells[2];
        for (let k = w; k < w + block[2]; k++) out[row + place(k, 2)] = 0;
      }
    }
  }
}

/** Every block must end inside of its map, or after one turn around it. */
function refuse(_sizes: unknown, numbers: ArrayLike<number>): string | undefined {
  for (let axis = 0; axis < 3; axis++) {
    // In the order of the fields: the number of planes, triples, and the flag.
    const [seeds, cells, block] = [1, 4, 7].map((at) => numbers[at + axis]);
    const [most, turns] = numbers[10] === 1 ? [cells, "a turn around it"] : [cells - block + 1, "its end"];
    if (block > cells || seeds > most) {
      return `expected blocks that end in a map of ${cells} cells, or at most at ${turns}, found ${seeds} places of ` +
        `blocks of ${block}`;
    }
  }
  return undefined;
}

const shape = block<BlockShape>("shape", {
  planes: field.size(),
  seeds: field.triple(),
  cells: field.triple(),
  block: field.triple(1),
  wrap: field.flag,
}, refuse);

/**
 * `out: [planes, ...cells]` is 0 where a block covers a cell, else 1. There is a block from the place of each number of
 * `seeds: [planes, ...seeds]` that is not 0, onwards along each axis.
 */
export const dropBlocks: Kernel<typeof twin> = defineKernel({
  name: "dropBlocks",
  parameters: [input("seeds", ["planes", "seeds"]), output("out", ["planes", "cells"]), shape],
  twin,
  source: { file: "drop_block.c", text },
});
