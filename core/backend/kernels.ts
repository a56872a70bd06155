/** All kernels of the core, by their families. @module */
export * from "./attention.ts";
export * from "./bias_activation.ts";
export * from "./convolution.ts";
export * from "./elementwise.ts";
export * from "./movement.ts";
export * from "./normalization.ts";
export * from "./pooling.ts";
export * from "./products.ts";
export * from "./random.ts";
export * from "./recurrent.ts";
export * from "./reductions.ts";
export * from "./softmax.ts";
export * from "./thinned_products.ts";
