/** The progress of a run in a notebook: one output that changes in place. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { currentNotebook, definePlugin, type DisplayBundle, type Factory, fit, type Plugin } from "../../core/mod.ts";
import { type RunInfo, Trainer } from "../../core/mod.ts";
import { notebookOf } from "../../core/display/jupyter.ts";
import { NotebookProgress } from "../../plugins/observers/_notebook_progress.ts";
import { copy, network, options } from "../core/_runs.ts";

interface Told {
  readonly type: string;
  readonly id: string;
  readonly data: DisplayBundle;
}

/** A progress bar as in a notebook, and what the notebook's kernel is told. */
function inNotebook(): { observer: Plugin<"observer">; told: Told[] } {
  const told: Told[] = [];
  const notebook = notebookOf({
    broadcast(type, content) {
      const { data, transient } = content as { data: DisplayBundle; transient: { display_id: string } };
      told.push({ type, id: transient.display_id, data });
      return Promise.resolve();
    },
  });
  const factory: Factory<"observer", Record<never, never>> = definePlugin({
    name: "notebook-progress",
    options: z.object({}),
    observe: ({ run, stop }) => new NotebookProgress(run, notebook, stop),
  });
  return { observer: factory(), told };
}

Deno.test("a run in a notebook shows one output, which grows with the epochs and ends full", async () => {
  assertEquals(currentNotebook(), undefined, "this is none");
  const { observer, told } = inNotebook();
  await fit(network(), options({ observers: [observer], name: "a<b" }));
  assertEquals(new Set(told.map(({ id }) => id)).size, 1);
  assertEquals(told.map(({ type }) => type), ["display_data", ...told.slice(1).map(() => "update_display_data")]);
  const { data } = told.at(-1)!;
  assertEquals(data["text/plain"], "a<b  ·  4 epochs");
  assertStringIncludes(data["text/html"], "a&lt;b");
  assertStringIncludes(data["text/html"], '<progress value="28" max="28"');
  assertEquals([...data["text/html"].matchAll(/<svg /g)].length, 2);
  assertEquals([...data["text/html"].matchAll(/<tr /g)].length, 5);
  await fit(network(), options({ observers: [observer], epochs: 1 }));
  assertEquals(new Set(told.map(({ id }) => id)).size, 2, "each run has an output of its own");
});

Deno.test("steps are shown at most four times a second, with the time that is left; a run that goes on shows all epochs", async () => {
  let now = 0;
  const shown: DisplayBundle[] = [];
  const notebook = { show: (_id: string, data: DisplayBundle) => Promise.resolve(void shown.push(data)) };
  const run = { name: "run", epochs: 2, stepsPerEpoch: 10, classification: true } as RunInfo;
  const progress = new NotebookProgress(run, notebook, () => {}, () => now);
  const event = { epoch: 1, loss: 1.5, error: 0.25, examples: 100, seconds: 2, snapshot: () => ({}) as never };
  for (let step = 1; step <= 10; step++, now += 100) await progress.step({ ...event, step, stepInEpoch: step });
  assertEquals(shown.length, 4);
  await progress.end({ interrupted: true, step: 10, history: [], snapshot: () => ({}) as never });
  assertEquals(
    shown[1]["text/plain"],
    "run  ·  epoch 1 of 2  ·  loss 1.5000  ·  error 25.0 % in training  ·  50 examples/s  ·  2 s left",
  );
  const first = await Trainer.create(network(), options());
  await first.runEpoch();
  const resume = copy(first.snapshot());
  const { observer, told } = inNotebook();
  await fit(network(), options({ resume, observers: [observer] }));
  assertEquals([...told.at(-1)!.data["text/html"].matchAll(/<tr /g)].length, 5);
  assert(told.every(({ data }) => !data["text/html"].includes("NaN")));
});

Deno.test("an interrupt ends the run after its step and leaves the program alive, which goes on with what was learnt", async () => {
  // In a process of its own, since an interrupt ends that of the tests.
  const program = `
    import { definePlugin, fit } from "./core/mod.ts";
    import { NotebookProgress } from "./plugins/observers/_notebook_progress.ts";
    import { network, options } from "./tests/core/_runs.ts";
    import { z } from "zod";
    const shown = [];
    const notebook = { show: (_, data) => Promise.resolve(void shown.push(data["text/plain"])) };
    let steps = 0;
    const observer = definePlugin({
      name: "interrupted",
      options: z.object({}),
      observe({ run, stop }) {
        const progress = new NotebookProgress(run, notebook, stop);
        return {
          async step(event) {
            await progress.step(event);
            if (++steps !== 10) return;
            Deno.kill(Deno.pid, "SIGINT");
            await new Promise((resolve) => setTimeout(resolve, 50)); // it arrives when the event loop has its turn
          },
          epoch: (event) => progress.epoch(event),
          end: (event) => progress.end(event),
        };
      },
    });
    const run = await fit(network(), options({ observers: [observer()] }));
    console.log(JSON.stringify([run.interrupted, run.step, run.history.length, shown.at(-1)]));`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "-q", program],
    cwd: new URL("../../", import.meta.url).pathname,
  }).output();
  const text = new TextDecoder();
  assertEquals(
    text.decode(stdout).trim(),
    JSON.stringify([true, 10, 1, "run  ·  stopped after step 10, 1 of 4 epochs"]),
    text.decode(stderr),
  );
});
