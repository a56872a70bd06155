import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { OptionError } from "../../../mod.ts";
import { Dashboard } from "../../../cli/dashboard/dashboard.ts";
import { exampleReport } from "../report/_example.ts";
import { events, type Heard, watched } from "./_trained.ts";

/** The status of an answer, its body read. */
async function status(url: string, options: RequestInit = {}): Promise<number> {
  const response = await fetch(url, options);
  await response.body?.cancel();
  return response.status;
}

const post = (url: string, origin = new URL(url).origin) => status(url, { method: "POST", headers: { origin } });

Deno.test("a dashboard answers those alone who know its token, and changes nothing for pages of others", async () => {
  await using serving = await watched();
  const { url, asked, dashboard } = serving;
  for (const path of ["", "report.json", "events", "stop"]) {
    assertEquals(await status(url(path, "0".repeat(32))), 403);
    assertEquals(await status(url(path).split("?")[0]), 403);
  }
  assertEquals(await post(url("stop"), "http://example.org"), 403);
  assertEquals(await status(url("stop"), { method: "POST" }), 403);
  assertEquals(await post(url("stop", "0".repeat(32))), 403);
  assertEquals(asked, { stops: 0, reports: 0 });
  assertEquals(await status(url("stop")), 404);
  assertEquals(await status(url("nothing")), 404);
  // Another site's name that points to this machine is refused, a tunnel's other port is not.
  const { port } = new URL(dashboard.url);
  const raw = async (host: string) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    const { pathname, search } = new URL(url("report.json"));
    await connection.write(new TextEncoder().encode(
      `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    ));
    const text = await new Response(connection.readable).text();
    return text.split("\r\n")[0];
  };
  assertEquals(await raw("evil.example"), "HTTP/1.1 403 Forbidden");
  assertEquals(await raw("localhost:9999"), "HTTP/1.1 200 OK");
});

Deno.test("a dashboard's page holds the report, and may load nothing from elsewhere", async () => {
  await using serving = await watched();
  const response = await fetch(serving.dashboard.url);
  assertStringIncludes(await response.text(), exampleReport.runs[1].name);
  assertStringIncludes(response.headers.get("content-security-policy")!, "default-src 'none'");
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertEquals(await (await fetch(serving.url("report.json"))).json(), JSON.parse(JSON.stringify(exampleReport)));
});

Deno.test("a listener hears where training stands, the steps of an epoch, news, and the end with a report", async () => {
  const { dashboard, trainer, url } = await watched();
  const heard: Heard[] = [];
  const response = await fetch(url("events"));
  const listening = (async () => {
    for await (const event of events(response)) heard.push(event);
  })();
  await trainer.runEpoch();
  dashboard.news();
  await trainer.runEpoch();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await dashboard.close("done", exampleReport);
  await listening;
  assertEquals(heard[0], { name: "progress", data: { state: "training", runs: [] } });
  const steps = heard.filter(({ name }) => name === "run").map(({ data }) => data);
  const [last] = steps.filter(({ epoch, step }) => epoch === 2 && step === 20);
  assertEquals(last.loss, trainer.history[1].runningLoss);
  assertEquals(last.error, trainer.history[1].runningError);
  assertEquals([last.name, last.epochs, last.steps, last.classification], ["dropout", 4, 20, true]);
  assert(heard.some(({ name }) => name === "report"));
  assertEquals(heard.at(-1)!.name, "end");
  assertEquals(heard.at(-1)!.data.progress.state, "done");
  assertEquals(heard.at(-1)!.data.report.runs.length, 2);
  await assertRejects(() => fetch(url("report.json")));
});

Deno.test("a pause holds training until it is resumed, and a stop ends a pause, too", async () => {
  await using serving = await watched();
  const { trainer, url, asked, dashboard } = serving;
  await trainer.open();
  assertEquals(await post(url("pause")), 200);
  const until = async (step: number) => {
    while (trainer.step < step) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const running = trainer.runEpoch();
  await until(1);
  await new Promise((resolve) => setTimeout(resolve, 110));
  assertEquals(trainer.step, 1);
  assertEquals(await post(url("resume")), 200);
  await running;
  assertEquals(trainer.step, 20);
  assert(dashboard.pausedSeconds > 0.1);
  assertEquals(await post(url("pause")), 200);
  const stopped = trainer.runEpoch();
  await until(21);
  assertEquals(await post(url("stop")), 200);
  await stopped;
  assertEquals([trainer.step, trainer.interrupted, asked.stops], [21, true, 1]);
});

Deno.test("what a dashboard watches, pauses and resumes has the bits of what it does not", async () => {
  const weights = async (serve: boolean) => {
    await using serving = await watched();
    const { trainer, url } = serving;
    if (serve) {
      const response = await fetch(url("events"));
      await trainer.runEpoch();
      await post(url("pause"));
      setTimeout(() => post(url("resume")), 30);
      await trainer.runEpoch();
      await response.body!.cancel();
    } else for (let i = 0; i < 2; i++) await trainer.runEpoch();
    return [...trainer.snapshot().tensors].map(([name, tensor]) => [name, tensor.toArray()]);
  };
  assertEquals(await weights(true), await weights(false));
});

Deno.test("the end waits a moment at most for those who do not hear it", async () => {
  const { dashboard, url } = await watched();
  const { port, pathname, search } = new URL(url("events"));
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  const asking = `GET ${pathname}${search} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
  await connection.write(new TextEncoder().encode(asking));
  await connection.read(new Uint8Array(100));
  const started = performance.now();
  // More than the buffers of sockets hold.
  await dashboard.close("done", { ...exampleReport, title: "x".repeat(20_000_000) });
  const ms = performance.now() - started;
  assert(ms > 900 && ms < 5000, `${ms} ms`);
  connection.close();
  await dashboard.finished;
});

Deno.test("a port that is taken is refused in one sentence", async () => {
  await using serving = await watched();
  const port = Number(new URL(serving.dashboard.url).port);
  const error = assertThrows(() =>
    new Dashboard({
      port,
      report: () => Promise.resolve(exampleReport),
      stop: () => {},
      signal: new AbortController().signal,
      resume: "",
    }), OptionError);
  assertEquals(error.message, `--dashboard: expected a port that is free and may be used, found ${port}.`);
});
