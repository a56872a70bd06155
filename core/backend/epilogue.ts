/** Activations that are fused behind a bias, in products and convolutions alike. @module */

/** Activations that can be fused behind a bias, in the order of their native codes. Their gradient needs `y` alone. */
export const epilogues = ["none", "relu", "sigmoid", "tanh"] as const;

/** The name of an activation that can be fused behind a bias. */
export type Epilogue = typeof epilogues[number];
