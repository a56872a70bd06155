/** When a variant is to be used, as its documentation says: read from the sources that a bundle was made of. @module */

/**
 * The paragraphs that begin with `When:`, by the plugins' names.
 *
 * @param sources texts of modules; one that defines a plugin says its name, and when to use it, in a comment
 */
export function whenLines(sources: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const source of sources) {
    const [, name] = source.match(/definePlugin\(\{\s*name: "([a-z0-9-]+)"/) ?? [];
    const [, text] = source.match(/^[ /]\*+ When: ([^]*?)\n \*(?: Cost:|\s*\n|\/| @)/m) ?? [];
    if (name === undefined || text === undefined) continue;
    // Marks of code are for those who read the source.
    found[name] = text.replaceAll(/\n \* ?/g, " ").replaceAll("`", "").trim();
  }
  return found;
}
