/** A process that has locked a folder. @module */
import { assertEquals } from "@std/assert";

const config = new URL("../../../deno.json", import.meta.url).pathname;
const core = new URL("../../../core/mod.ts", import.meta.url).href;

/** A process that has locked the folder, until it is killed. */
export async function holder(folder: string): Promise<Deno.ChildProcess> {
  const program = `import { lockFolder } from "${core}";
    await lockFolder(${JSON.stringify(folder)});
    console.log("locked");
    setInterval(() => {}, 1000);`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, program);
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", "--config", config, file],
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.getReader();
  assertEquals(new TextDecoder().decode((await reader.read()).value), "locked\n");
  await reader.cancel();
  await Deno.remove(file);
  return process;
}
