/**
 * `deno task release-check [--std jsr|npm]`: checks everything that a release needs, says of each thing whether it is
 * right, and leaves the staged folder in which `deno publish` makes the release. The standard library comes from its
 * official home, `jsr`; with `--std npm`, where that is out of reach, from a copy, which is not for publishing.
 *
 * Exit status: 0 when all is right, 1 when something is wrong, 2 for a mistake in the arguments.
 *
 * @module
 */
import { version } from "../cli/version.ts";
import * as checks from "./checks.ts";
import { configuration, importMaps, root, type StdHome } from "./configuration.ts";
import { publishedFiles, stage } from "./stage.ts";

/** Runs a program and gives what is wrong: the end of what it said, if it failed. */
async function programProblems(command: string, args: readonly string[], cwd: string): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (success) return [];
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n").trim();
  return [`${command.split("/").at(-1)} ${args.join(" ")} failed:\n${text.split("\n").slice(-20).join("\n")}`];
}

/** That nothing is published that is not committed. */
async function commitProblems(): Promise<string[]> {
  const args = ["status", "--porcelain"];
  const { success, stdout } = await new Deno.Command("git", { args, cwd: root.pathname }).output();
  if (!success) return ["git status failed: a release is made from a clone."];
  const changed = new TextDecoder().decode(stdout).trimEnd();
  return changed === "" ? [] : [`expected everything to be committed, found\n${changed}`];
}

function home(args: readonly string[]): StdHome {
  if (args.length === 0) return "jsr";
  const [option, value] = args.flatMap((arg) => arg.split("="));
  if (option === "--std" && (value === "jsr" || value === "npm") && args.length <= 2) return value;
  console.error(`error: expected --std jsr or --std npm, found ${args.join(" ")}.`);
  Deno.exit(2);
}

const std = home(Deno.args);
const read = (path: string) => Deno.readTextFile(new URL(path, root));
const files: checks.Files = new Map(
  await Promise.all((await publishedFiles()).map(async (path) => [path, await read(path)] as const)),
);
const folder = await Deno.makeTempDir({ prefix: "thinned-release-" });
const deno = Deno.execPath();

const steps: readonly [what: string, check: () => string[] | Promise<string[]>][] = [
  ["version", () => checks.versionProblems(configuration.version, version, files.get("CHANGELOG.md") ?? "")],
  ["version of Deno", async () => {
    const texts = ["README.md", ".ci/run"].map(async (path) => [path, await read(path)] as const);
    return checks.denoProblems(new Map(await Promise.all(texts)));
  }],
  ["licence", () => checks.licenceProblems(configuration, files)],
  ["exports", () => checks.exportProblems(configuration, files)],
  ["imports", () => checks.importProblems(importMaps.jsr, importMaps.npm)],
  ["paths", () => checks.pathProblems(files)],
  ["limits of the registry", () => checks.registryProblems(files)],
  ["everything committed", commitProblems],
  [`deno publish --dry-run, the standard library from ${std}`, async () => {
    await stage(folder, std);
    return await programProblems(deno, ["publish", "--dry-run"], folder);
  }],
  ["deno task ok", () => programProblems(deno, ["task", "ok"], root.pathname)],
];

let wrong = 0;
for (const [what, check] of steps) {
  const problems = await check();
  console.log(`${problems.length === 0 ? "right" : "wrong"}  ${what}`);
  for (const problem of problems) console.log(`       ${problem.replaceAll("\n", "\n       ")}`);
  wrong += problems.length;
}
if (wrong > 0) {
  await Deno.remove(folder, { recursive: true });
  console.error(`error: expected a release in which all is right, found ${wrong} wrong.`);
} else if (std === "npm") {
  await Deno.remove(folder, { recursive: true });
  console.log("All is right but for the standard library's official home, which was not tried: see --std jsr.");
} else {
  console.log(`All is right. To publish:\n\n  cd ${folder} && deno publish`);
}
Deno.exit(wrong > 0 ? 1 : 0);
