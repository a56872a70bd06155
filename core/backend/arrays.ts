/** The arrays that kernels work on. @module */

/** The arrays that hold numbers with gradients. */
export type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** The arrays that hold labels and indices. */
export type Ints = Int32Array<ArrayBuffer>;
