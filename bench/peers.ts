/** Peers as contestants: processes that run training steps when they are asked to. @module */

/** A running peer. */
export interface Peer {
  /** Its name, version, threads, and who does its products. */
  readonly name: string;
  /** Milliseconds of a training step of a net, over some steps; undefined for a net that it does not have. */
  time(net: string, steps: number): Promise<number | undefined>;
  /** Ends it. */
  close(): Promise<void>;
}

/**
 * Starts a process that says its name in one line, and answers a line `NET STEPS` by the milliseconds of a step, or by
 * `none`.
 *
 * @returns undefined when it ends before it has said its name
 */
async function start(command: string, args: readonly string[]): Promise<Peer | undefined> {
  const process = new Deno.Command(command, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = process.stdin.getWriter();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const line = async (): Promise<string | undefined> => {
    while (!text.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) return undefined;
      text += value;
    }
    const end = text.indexOf("\n");
    const found = text.slice(0, end);
    text = text.slice(end + 1);
    return found;
  };
  const name = await line();
  if (name === undefined) {
    await process.status;
    return undefined;
  }
  return {
    name,
    time: async (net, steps) => {
      await writer.write(new TextEncoder().encode(`${net} ${steps}\n`));
      const answer = await line();
      if (answer === undefined) throw new Error(`${name} ended while it ran ${net}.`);
      return answer === "none" ? undefined : Number(answer);
    },
    close: async () => {
      await writer.close();
      await process.status;
    },
  };
}

/** What peers there are, and a line for each that there is not. */
export interface Peers {
  /** Those that run. */
  readonly peers: readonly Peer[];
  /** Why others do not. */
  readonly missing: readonly string[];
}

const path = (name: string) => new URL(`peers/${name}`, import.meta.url).pathname;

/**
 * Starts the peers: PyTorch with one thread and with as many as ours, since more can make it slower, and TensorFlow.js with
 * its WASM backend.
 */
export async function startPeers(threads: number): Promise<Peers> {
  const peers: Peer[] = [];
  const missing: string[] = [];
  const attempt = async (command: string, args: readonly string[], why: string) => {
    try {
      const peer = await start(command, args);
      if (peer === undefined) missing.push(why);
      else peers.push(peer);
    } catch (error) {
      missing.push(`${why} ${(error as Error).message}`);
    }
  };
  for (const count of new Set([1, threads])) {
    const why = `PyTorch with threads: ${count} is not measured: python3 cannot import torch.`;
    await attempt("python3", [path("torch_steps.py"), String(count)], why);
  }
  const tfjs = ["run", "-q", "--no-lock", "--no-config", "-A", path("tfjs_steps.ts")];
  await attempt("deno", tfjs, "TensorFlow.js is not measured: it cannot be loaded from npm.");
  return { peers, missing };
}
