/** Whose work is in a bundle besides the library's own. @module */

/** Reads a file that may not be there. */
async function read(file: URL): Promise<string> {
  return await Deno.readTextFile(file).catch(() => "");
}

/**
 * The packages that a bundle was made of: name, version, licence and holder, a line each.
 *
 * @param sources where its modules lie, as a source map has them; those of npm lie in Deno's cache
 * @param base what they are relative to
 */
export async function notices(sources: readonly string[], base: URL): Promise<string[]> {
  const folders = new Set<string>();
  for (const source of sources) {
    const [folder] = /^.*\/npm\/[^/]+\/(?:@[^/]+\/)?[^/]+\/[^/]+\//.exec(new URL(source, base).href) ?? [];
    if (folder !== undefined) folders.add(folder);
  }
  const lines = await Promise.all([...folders].map(async (folder) => {
    const { name, version, license } = JSON.parse(await read(new URL("package.json", folder)) || "{}");
    const texts = await Promise.all(["LICENSE", "LICENSE.md", "license"].map((file) => read(new URL(file, folder))));
    const holder = /^\s*copyright (?:\(c\)|©|\d).*$/im.exec(texts.join("\n"))?.[0].trim();
    return [`${name ?? folder} ${version ?? ""}`.trim(), license, holder].filter(Boolean).join(", ");
  }));
  return lines.sort();
}
