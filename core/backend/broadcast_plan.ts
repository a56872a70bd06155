/** How elementwise kernels walk operands of different shapes. @module */

/** How two operands are walked to fill an output: extents, and a stride for each operand along each axis. */
export interface BroadcastPlan {
  /** Extents of the output, with axes merged where all operands allow it. */
  readonly dims: readonly number[];
  /** Strides of the first operand, in elements. */
  readonly a: readonly number[];
  /** Strides of the second operand, in elements. */
  readonly b: readonly number[];
}
