/** A model's plugins in short. @module */

/** The names of a model's plugins, nested as they are: what must agree for a checkpoint to fit, besides the shapes. */
export function outlineOf(json: unknown): string {
  if (typeof json !== "object" || json === null) return "";
  const inner = Object.values(json).map(outlineOf).filter((text) => text !== "").join(" ");
  const name = Array.isArray(json) ? "" : (json as { plugin?: unknown }).plugin;
  if (typeof name !== "string") return inner;
  return inner === "" ? name : `${name}(${inner})`;
}
