import { assertEquals } from "@std/assert";
import { Listeners } from "../../../cli/dashboard/listeners.ts";
import { Pace } from "../../../cli/dashboard/pace.ts";
import { events } from "./_trained.ts";

Deno.test("listeners hear the first event and those that follow, until the streams are closed", async () => {
  const listeners = new Listeners();
  const one = new Response(listeners.add("hello", { text: "a\nb" }));
  listeners.tell("news", 1);
  const two = new Response(listeners.add("hello", null));
  listeners.tell("news", 2);
  listeners.close();
  assertEquals(await Array.fromAsync(events(one)), [
    { name: "hello", data: { text: "a\nb" } },
    { name: "news", data: 1 },
    { name: "news", data: 2 },
  ]);
  assertEquals((await Array.fromAsync(events(two))).map(({ data }) => data), [null, 2]);
  assertEquals(listeners.count, 0);
});

Deno.test("a listener who goes away is forgotten", async () => {
  const listeners = new Listeners();
  const stream = listeners.add("hello", null);
  await stream.cancel();
  assertEquals(listeners.count, 0);
  listeners.tell("news", 1);
});

Deno.test("a listener who takes nothing is dropped when as much waits as may; others hear on", async () => {
  const listeners = new Listeners();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: () => new Response() },
    () => new Response(listeners.add("hello", null)),
  );
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
  await connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  const good = await fetch(`http://127.0.0.1:${server.addr.port}/`);
  let heard = 0;
  const listening = (async () => {
    for await (const _ of events(good)) heard++;
  })();
  while (listeners.count < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  // Far more than the buffers of sockets hold.
  const text = "x".repeat(200_000);
  let told = 0;
  while (listeners.count === 2 && told < 500) {
    listeners.tell("news", text);
    told++;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assertEquals(listeners.count, 1);
  listeners.tell("news", "last");
  listeners.close();
  await listening;
  assertEquals(heard, told + 2);
  connection.close();
  await server.shutdown();
});

Deno.test("a pace holds work to its part of the time, what it may take once, and its least distance", () => {
  const pace = new Pace({ share: 0.01, allowanceMs: 2, leastMs: 100 });
  assertEquals(pace.wait(1000), 0);
  pace.done(1000, 2);
  assertEquals([pace.wait(1040), pace.wait(1100)], [60, 0]);
  pace.done(1100, 5);
  assertEquals([pace.wait(1200), pace.wait(1500)], [300, 0]);
});
