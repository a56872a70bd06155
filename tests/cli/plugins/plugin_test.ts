/** The commands `plugin new` and `plugin check`. */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { plugin } from "../../../cli/plugins/plugin.ts";
import { templateSites } from "../../../cli/plugins/_templates.ts";
import { ThinnedError } from "../../../mod.ts";
import { cli, inFolder } from "../_run.ts";

const root = new URL("../../../", import.meta.url).pathname;

/** Runs Deno itself, with this project's configuration. */
async function deno(subcommand: string, args: readonly string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [subcommand, "--config", `${root}deno.json`, ...args],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, text: text(stdout) + text(stderr) };
}

/** A mistake in one line that matches; the command line gives it the status 2. */
async function refused(args: readonly string[], message: RegExp): Promise<void> {
  const error = await assertRejects(() => plugin(args), ThinnedError);
  assertMatch(error.message, message);
  assertEquals([error.exitStatus, error.message.split("\n").length], [2, 1]);
}

Deno.test("plugin new writes, for every site, a plugin and a test that pass at once, formatted and linted", () =>
  inFolder(async (folder) => {
    for (const site of templateSites) {
      const { json } = await plugin(["new", `my-${site}-variant`, "--site", site, "--out", `${folder}/new`]);
      const source = `${folder}/new/my_${site}_variant.ts`;
      assertEquals(json, {
        plugin: `my-${site}-variant`,
        site,
        factory: `my${site[0].toUpperCase()}${site.slice(1)}Variant`,
        files: [source, source.replace(".ts", "_test.ts")],
      });
    }
    // No flags: the exam needs no permission. Types are checked.
    const [tested, formatted, linted] = await Promise.all([
      deno("test", [`${folder}/new`]),
      deno("fmt", ["--check", `${folder}/new`]),
      deno("lint", [`${folder}/new`]),
    ]);
    assertEquals(tested.code, 0, tested.text);
    assertStringIncludes(tested.text, `${templateSites.length} passed | 0 failed`);
    assertEquals(formatted.code, 0, formatted.text);
    assertEquals(linted.code, 0, linted.text);
  }));

Deno.test("plugin new refuses to overwrite, and then writes neither file", () =>
  inFolder(async (folder) => {
    const args = ["new", "my-dropout", "--site", "weight", "--out", folder];
    await Deno.writeTextFile(`${folder}/my_dropout_test.ts`, "mine");
    await refused(args, /my_dropout_test\.ts is there already; nothing was written/);
    assertEquals([...Deno.readDirSync(folder)].map((entry) => entry.name), ["my_dropout_test.ts"]);
    assertEquals(await Deno.readTextFile(`${folder}/my_dropout_test.ts`), "mine");
  }));

Deno.test("plugin new refuses wrong names and sites", async () => {
  await Promise.all([
    refused(["new"], /plugin new: expected a name in kebab-case, such as my-dropout, found nothing/),
    refused(["new", "MyDropout", "--site", "weight"], /expected a name in kebab-case.*found "MyDropout"/),
    refused(["new", "dropout", "--site", "activation"], /a built-in plugin is named "dropout"/),
    refused(["new", "delete", "--site", "activation"], /a name other than delete, which the file cannot export/),
    refused(
      ["new", "my-dropout", "--site", "convolution"],
      /--site: expected one of activation, .*found "convolution"/,
    ),
    refused(["new", "my-dropout"], /--site: expected one of activation, .*found nothing/),
    refused([], /plugin: expected new or check, found nothing/),
  ]);
  const ran = await cli(["plugin", "new", "dropout", "--site", "activation", "--json"]);
  assertEquals([ran.status, Object.keys(JSON.parse(ran.out))], [2, ["error"]]);
});

Deno.test("plugin check prints a table of checks for a built-in plugin, status 0", async () => {
  const { status, text } = await plugin(["check", "dropout", "--backend", "reference"]);
  assertEquals(status, 0);
  assertMatch(text, /^dropout passes: \d+ passed, 0 failed, \d+ not verified\n/);
  assertMatch(text, /same key, same bits +passed +the same bits/);
});

Deno.test("plugin check --json gives one object for a file, status 1 when it fails", async () => {
  const ran = await cli(["plugin", "check", "tests/broken/nan_at_one.ts", "--json"]);
  assertEquals(ran.status, 1, ran.err);
  const { plugin, passed, failed, checks, notVerified, ...rest } = JSON.parse(ran.out);
  assertEquals([plugin, failed, rest], ["nan-at-one", 1, {}]);
  assertEquals(checks.length, passed + failed);
  for (
    const { name, ok, detail, ...more } of [...checks, ...notVerified.map((one: object) => ({ ...one, ok: true }))]
  ) {
    assertEquals([typeof name, typeof ok, typeof detail, more], ["string", "boolean", "string", {}]);
  }
  assertEquals(checks.filter(({ ok }: { ok: boolean }) => !ok).map(({ name }: { name: string }) => name), [
    "rates of 0 and 1",
  ]);
  assertEquals(notVerified.map(({ name }: { name: string }) => name).includes("claim: variance"), true);
});

Deno.test("plugin check --json names the checks of several plugins of a file behind them", async () => {
  const ran = await cli(["plugin", "check", "tests/broken/highest_rate.ts", "--json", "--backend", "reference"]);
  assertEquals(ran.status, 1, ran.err);
  const { plugin, checks } = JSON.parse(ran.out);
  assertEquals(plugin, "highest-rate, highest-rate-of-words");
  const failed = checks.filter(({ ok }: { ok: boolean }) => !ok).map(({ name }: { name: string }) => name);
  assertEquals(failed.includes("highest-rate: realised rate"), true);
  assertEquals(failed.includes("highest-rate-of-words: realised rate"), true);
});

Deno.test("plugin check refuses what it cannot examine, status 2", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/empty.ts`, "export const nothing = 1;");
    await Deno.writeTextFile(`${folder}/wrong.ts`, "export const = ;");
    await Promise.all([
      refused(["check"], /expected the name of a plugin, or a file that exports one, found nothing/),
      refused(["check", "dropuot"], /there is no plugin named "dropuot"/),
      refused(["check", "dense", "--backend", "reference"], /dense serves as layer/),
      refused(["check", `${folder}/none.ts`], /expected a file that exists, found .*none\.ts/),
      refused(["check", `${folder}/empty.ts`], /empty\.ts exports no plugin/),
      refused(["check", `${folder}/wrong.ts`], /wrong\.ts cannot be imported/),
      refused(["check", "dropout", "--backend", "gpu"], /--backend: expected "native" or "reference", found "gpu"/),
    ]);
  }));
