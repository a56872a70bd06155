/** The address of a draw as kernels take it. The mapping is written down in `core/random/key.ts`. @module */

/**
 * Where the random numbers for `[rows, cols]` lie. Element j of row r stands at position `offset + j` of the row that
 * `table` names.
 */
export interface DrawAddress {
  /** Seed low, seed high, site. */
  readonly header: Uint32Array<ArrayBuffer>;
  /** Three words a row: counter words 0 and 1 with block 0 (the row's pass and sample), and the step. */
  readonly table: Uint32Array<ArrayBuffer>;
  /** Position of each row's first element, a whole number from 0. */
  readonly offset: number;
}

/** Blocks in a row. */
export const ROW_BLOCKS: number = 2 ** 26;

/** Positions in a row for decisions of 16 bits, and for words of 32. */
export function rowPositions(bits: number): number {
  return ROW_BLOCKS * (bits === 16 ? 8 : 4);
}
