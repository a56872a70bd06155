/** Staging: the folder that is published, which holds what is published and nothing else. @module */
import { configuration, importMaps, root, type StdHome } from "./configuration.ts";

/** Paths of all files that are published, counted from the project's folder, in order. */
export async function publishedFiles(): Promise<string[]> {
  const files: string[] = [];
  const visit = async (path: string): Promise<void> => {
    const { isFile, isDirectory } = await Deno.lstat(new URL(path, root));
    if (isFile) files.push(path);
    else if (!isDirectory) throw new Error(`${path} is neither a file nor a folder: it cannot be published.`);
    else for await (const entry of Deno.readDir(new URL(path, root))) await visit(`${path}/${entry.name}`);
  };
  for (const path of configuration.publish.include) await visit(path);
  return files.sort();
}

/** The configuration as it is published: without what only developing needs. */
export function publishedConfiguration(std: StdHome): Record<string, unknown> {
  const { name, version, license, exports, compilerOptions } = configuration;
  return { name, version, license, exports, imports: importMaps[std], compilerOptions };
}

/**
 * Copies what is published into a folder, with the standard library from one of its homes. `deno publish` in that folder
 * makes the release.
 *
 * @param folder a folder that exists; what is in it under the same names is overwritten
 */
export async function stage(folder: string, std: StdHome): Promise<void> {
  for (const file of await publishedFiles()) {
    const to = `${folder}/${file}`;
    await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
    await Deno.copyFile(new URL(file, root), to);
  }
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(publishedConfiguration(std), null, 2) + "\n");
}
