/** The folder that is published, and the switch between the homes of the standard library. */
import { assert, assertEquals } from "@std/assert";
import { importProblems, pathProblems } from "../../release/checks.ts";
import { configuration, importMaps, root, type StdHome } from "../../release/configuration.ts";
import { publishedFiles, stage } from "../../release/stage.ts";
import { importsOf } from "../_sources.ts";

const files = await publishedFiles();

Deno.test("a release and developing know the same bare names, for the same version of what is not the standard library", () => {
  assertEquals(importProblems(importMaps.jsr, importMaps.npm), []);
  const others = (std: StdHome) => Object.entries(importMaps[std]).filter(([name]) => !name.startsWith("@std/"));
  assertEquals(others("jsr"), others("npm"));
});

Deno.test("every bare name that a published file imports is in both maps", () => {
  const bare = files.filter((file) => file.endsWith(".ts")).flatMap((file) => importsOf(file)).filter((name) =>
    /^@?\w[\w-]*(\/[\w-]+)?$/.test(name)
  );
  assert(bare.includes("zod") && bare.includes("@std/cli"));
  for (const name of new Set(bare)) assert(name in importMaps.jsr && name in importMaps.npm, name);
});

Deno.test("a published file imports only what is published", () => {
  const imported = files.filter((file) => file.endsWith(".ts"))
    .flatMap((file) => importsOf(file).map((name) => ({ file, name })))
    // What a template of a plugin says is not imported here.
    .filter(({ name }) => /\.\w+$/.test(name) && !name.includes("$"));
  assert(imported.some(({ name }) => name.endsWith(".c")));
  assertEquals(imported.filter(({ name }) => !files.includes(name)), []);
});

Deno.test("nothing that is published points at a machine", async () => {
  const texts = files.map(async (file) => [file, await Deno.readTextFile(new URL(file, root))] as const);
  assertEquals(pathProblems(new Map(await Promise.all(texts))), []);
});

for (const std of ["jsr", "npm"] as const) {
  Deno.test(`the staged folder holds what is published, the standard library from ${std}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await stage(folder, std);
      const found: string[] = [];
      const visit = (path: string) => {
        for (const entry of Deno.readDirSync(`${folder}/${path}`)) {
          if (entry.isDirectory) visit(`${path}${entry.name}/`);
          else found.push(path + entry.name);
        }
      };
      visit("");
      assertEquals(found.sort(), files);
      const staged = JSON.parse(await Deno.readTextFile(`${folder}/deno.json`));
      assertEquals(staged.imports, importMaps[std]);
      assertEquals([staged.name, staged.version, staged.exports], [
        configuration.name,
        configuration.version,
        configuration.exports,
      ]);
      assertEquals(await Deno.readTextFile(`${folder}/mod.ts`), await Deno.readTextFile(new URL("mod.ts", root)));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("the switch is refused unless it names a home, status 2", async () => {
  for (const args of [["--std", "cdn"], ["--other"], ["--std"]]) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "-A", new URL("release/mod.ts", root).pathname, ...args],
      stdout: "null",
      stderr: "piped",
    }).output();
    assertEquals(code, 2);
    assert(new TextDecoder().decode(stderr).includes("expected --std jsr or --std npm"));
  }
});
