/** The page on uncertainty: each of its commands, in their order, as a user runs them. Its programs run with the documentation. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { cli, inFolder } from "../cli/_run.ts";

const root = new URL("../../", import.meta.url).pathname;

Deno.test("the page on uncertainty has commands that run and name the numbers that it explains", async () => {
  const page = await Deno.readTextFile(`${root}examples/uncertainty.md`);
  const commands = [...page.matchAll(/```sh\n([^`]*)```/g)].flatMap(([, block]) => block.trim().split("\n"));
  assertEquals(commands.length, 6);
  assertStringIncludes(await Deno.readTextFile(`${root}deno.json`), "examples/uncertainty.md");
  await inFolder(async (folder) => {
    const printed: string[] = [];
    for (const command of commands) {
      const [, rest] = command.match(/^deno task (.*)$/)!;
      const { status, out, err } = await cli(rest.split(" "), undefined, folder);
      assertEquals(status, 0, `${command}: ${err}`);
      printed.push(out);
    }
    const [first] = printed[2].split("\n");
    for (const [, name] of page.matchAll(/^\| `(\w+)`/gm)) assert(name in JSON.parse(first), name);
    const scores = [...page.matchAll(/^\| ([a-zA-Z][a-zA-Z -]+[a-z]) +\|/gm)].map(([, name]) => name);
    const rows = scores.filter((name) => name !== "number" && name !== "score");
    assertEquals(rows.length, 4);
    for (const name of rows) assertStringIncludes(printed[3], name);
    assert(JSON.parse(printed[4]).scores.negativeLogLikelihood > 0);
  });
});
