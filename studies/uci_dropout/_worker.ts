/** A worker that runs splits, one after the other, on one thread. See `_workers.ts`. @module */
import { openNative, reference, tryOpenNative, useBackend } from "../../mod.ts";
import { runSplit } from "./_protocol.ts";
import type { Answer, Order } from "./_workers.ts";

/** The worker's side of the channel, as far as it is used. */
const channel = globalThis as unknown as {
  onmessage: ((event: MessageEvent<Order>) => void) | null;
  postMessage(message: Answer): void;
};

/** Milliseconds between two words of how far it has come. */
const EVERY = 500;

async function open(backend: string | undefined): Promise<Answer> {
  if (backend === "reference") {
    useBackend(reference);
    return { kind: "open", backend: reference.info(), reason: "as asked" };
  }
  const { backend: opened, reason } = backend === "native"
    ? { backend: await openNative({ threads: 1 }), reason: "" }
    : await tryOpenNative({ threads: 1 });
  return { kind: "open", backend: opened.info(), reason };
}

function run({ protocol, split, rows }: Extract<Order, { kind: "run" }>): Answer {
  let last = performance.now();
  const result = runSplit(protocol, split, rows, (steps) => {
    if (performance.now() - last < EVERY) return;
    last = performance.now();
    channel.postMessage({ kind: "steps", split, steps });
  });
  return { kind: "done", result };
}

channel.onmessage = async ({ data }) => {
  try {
    channel.postMessage(data.kind === "open" ? await open(data.backend) : run(data));
  } catch (error) {
    const { name, message, stack } = error as Error;
    channel.postMessage({ kind: "failed", name, message, stack: stack ?? "" });
  }
};
