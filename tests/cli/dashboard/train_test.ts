import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { cli, inFolder, writeConfig } from "../_run.ts";

Deno.test("train --dashboard refuses what is no port and one that is taken, in a sentence, and writes nothing", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder);
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr as Deno.NetAddr;
    for (
      const [value, expected] of [
        ["99999", "a port from 1 to 65535, or nothing"],
        ["often", "a port from 1 to 65535, or nothing"],
        [String(port), "a port that is free and may be used"],
      ]
    ) {
      const ran = await cli(["train", "--config", config, "--out", `${folder}/run`, "--dashboard", value]);
      assertEquals([ran.status, ran.out], [2, ""]);
      assertMatch(ran.err, new RegExp(`^error: --dashboard: expected ${expected}, found "?${value}"?\\.\n$`, "m"));
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["given.json"]);
    }
  }));

Deno.test("train --dashboard says where its page is on standard error, and ends though nobody looks", () =>
  inFolder(async (folder) => {
    const config = await writeConfig(folder);
    const ran = await cli(["train", "--dashboard", "--config", config, "--out", `${folder}/run`, "--json"]);
    assertEquals(ran.status, 0, ran.err);
    assertEquals(JSON.parse(ran.out).runs.length, 1);
    assertMatch(ran.err, /^Training is shown at http:\/\/127\.0\.0\.1:\d+\/\?token=[0-9a-f]{32}$/m);
  }));

Deno.test("the help of train names the page's option, whose value may be left out", async () => {
  const { out } = await cli(["train", "--help"]);
  assertStringIncludes(out, "--dashboard [PORT]");
});
