import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Answer, Request } from "../../../cli/play/page/messages.ts";
import { firstScene } from "../../../cli/play/page/scene.ts";
import { cli, command } from "../_run.ts";
import { partOf, writtenPage } from "./_page.ts";

/** Runs the worker's program where there is no Deno, and talks with it. */
function startWorker(program: string): { ask(request: Request): void; readonly answers: Answer[] } {
  const answers: Answer[] = [];
  const scope = Object.create(globalThis, {
    Deno: { value: undefined },
    process: { value: undefined },
    postMessage: { value: (answer: Answer) => answers.push(structuredClone(answer)) },
    onmessage: { value: null, writable: true },
  });
  new Function("globalThis", "self", "Deno", "process", program)(scope, scope, undefined, undefined);
  return { answers, ask: (data) => scope.onmessage({ data }) };
}

Deno.test("play --write makes one file that asks nobody for anything, whose library runs where there is no Deno", async () => {
  const page = await writtenPage();
  assert(page.length < 2_000_000, `${page.length} characters`);
  const markup = page.replaceAll(/(<script[^>]*>)[^]*?<\/script>/g, "$1");
  assertEquals(markup.match(/<(?:script|link|img)[^>]*(?:src|href)="(?!data:)[^"]*"/g), null);
  assertMatch(page, /default-src 'none'/);
  assertMatch(page, /^zod [0-9.]+, MIT, Copyright .*$/m);
  const when: Record<string, string> = JSON.parse(partOf(page, "when"));
  assertStringIncludes(when.dropout, "the default for hidden units of dense layers that overfit");
  const { ask, answers } = startWorker(partOf(page, "worker"));
  const [ready] = answers.filter((answer) => answer.type === "ready");
  const silent = ready.variants.filter(({ name }) => !(name in when));
  assertEquals(silent, [], "variants of which the page does not say when they are used");
  ask({ type: "scene", scene: firstScene });
  for (let i = 0; i < 20; i++) ask({ type: "advance", steps: 30, fresh: true });
  const frames = answers.filter((answer) => answer.type === "frame");
  const [first, last] = [frames[0], frames.at(-1)!];
  assert(last.losses!.train.loss < 0.5 * first.losses!.train.loss);
  assert(last.step > 0 && last.shown!.step === last.step - 1);
});

Deno.test("play serves its page on this machine alone, and ends when it is asked to", async () => {
  const permissions = ["--unstable-bundle", "--allow-read", "--allow-net=127.0.0.1"];
  const child = command(["play", "0", "--json"], permissions).spawn();
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  let url: string | undefined;
  while (url === undefined) {
    const { value, done } = await reader.read();
    if (done) throw new Error(said);
    url = /http:\S+/.exec(said += value)?.[0];
  }
  const [page, other] = [await fetch(url), await fetch(`${url}other`)];
  assertEquals([page.status, other.status], [200, 404]);
  assertStringIncludes(await page.text(), "<title>Dropout playground</title>");
  await other.body?.cancel();
  child.kill("SIGTERM");
  await reader.cancel();
  const out = new Response(child.stdout).text();
  assertEquals((await child.status).code, 143);
  assertEquals(JSON.parse(await out), { url });
});

Deno.test("play refuses what it cannot do in one sentence", async () => {
  const cases: [string[], string[], RegExp][] = [
    [["play", "web"], [], /play: PORT: expected a whole number in \[0, 65535\].*"web"/],
    [["play", "99999"], [], /PORT: expected a whole number/],
    [["play", "--write", "a.html", "--open"], [], /--open: expected nothing beside --write/],
    [["play", "80", "--write", "a.html"], [], /PORT: expected nothing beside --write/],
    [
      ["play", "--write", "/nowhere/at/all.html"],
      ["--unstable-bundle"],
      /--write: expected a file in a folder that exists/,
    ],
    [["play"], [], /needs Deno's --unstable-bundle/],
  ];
  const ran = await Promise.all(
    cases.map(([args, flags]) => cli(args, ["--allow-read", "--allow-write=/nowhere", ...flags])),
  );
  ran.forEach(({ status, out, err }, i) => {
    assertEquals([status, out], [2, ""], err);
    assertMatch(err, cases[i][2]);
    assertEquals(err.trimEnd().split("\n").length, 1);
  });
});
