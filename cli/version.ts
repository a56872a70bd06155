/** The version of this package, that of deno.json. @module */

/** The version of this package. */
export const version = "0.1.0";
