/** The command line explains itself. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { commandHelps } from "../../../cli/arguments/commands.ts";
import { invocation } from "../../../cli/arguments/invocation.ts";
import { version } from "../../../cli/version.ts";
import { cli } from "../_run.ts";

Deno.test("help lists every command, and each explains its options with --help, without any permission", async () => {
  for (const args of [["help"], ["--help"], ["-h"]]) {
    const all = await cli(args, []);
    assertEquals([all.status, all.err], [0, ""]);
    for (const { name, summary } of commandHelps) {
      assertStringIncludes(all.out, `  ${name}`);
      assertStringIncludes(all.out.replace(/\s+/g, " "), summary);
    }
  }
  for (const { name, options, examples } of commandHelps) {
    const one = await cli([...name.split(" "), "--help"], []);
    assertEquals([one.status, one.err], [0, ""], name);
    assertStringIncludes(one.out, `usage: deno task ${name}`);
    const text = one.out.replace(/\s+/g, " ");
    for (const option of options) {
      assertStringIncludes(text, `--${option.name}`);
      assertStringIncludes(text, option.meaning);
      if (option.default !== undefined) assertStringIncludes(text, `(default: ${option.default})`);
    }
    for (const [line] of examples) assertStringIncludes(one.out, `deno task ${line}`);
    assert(one.out.split("\n").every((line) => line.length <= 100), `${name}: a line is longer than 100 characters`);
    assertEquals((await cli(["help", ...name.split(" ")], [])).out, one.out);
  }
});

Deno.test("help --json is one object, and an unknown command of help is refused with a guess", async () => {
  const json = JSON.parse((await cli(["train", "--help", "--json"], [])).out);
  assertEquals([json.name, json.options[0].name], ["train", "config"]);
  assertEquals(JSON.parse((await cli(["help", "--json"], [])).out).commands.length, commandHelps.length);
  const wrong = await cli(["help", "tain"], []);
  assertEquals(wrong.status, 2);
  assertStringIncludes(wrong.err, 'did you mean "train"?');
});

Deno.test("--version tells the version of deno.json", async () => {
  const config = JSON.parse(await Deno.readTextFile(new URL("../../../deno.json", import.meta.url)));
  assertEquals(version, config.version);
  assertEquals((await cli(["--version"], [])).out.split(",")[0], `thinned ${version}`);
  assertEquals(JSON.parse((await cli(["--version", "--json"], [])).out), { version });
});

Deno.test("what to run next is said as the command line was started", () => {
  assertEquals(invocation("help", "file:///home/me/dropout/cli/invocation.ts"), "deno task help");
  const jsr = `https://jsr.io/@thinned/dropout/${version}/cli/invocation.ts`;
  assertEquals(invocation("train --seed 2", jsr), `deno run -A jsr:@thinned/dropout@${version}/cli train --seed 2`);
  const served = "http://127.0.0.1:8000/dropout/cli/invocation.ts";
  assertEquals(invocation("help", served), "deno run -A http://127.0.0.1:8000/dropout/cli/mod.ts help");
});
