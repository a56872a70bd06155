/** PyTorch as a contestant: a Python process that runs training steps when it is asked to. @module */

/** A running peer. */
export interface Peer {
  /** Its name and version. */
  readonly name: string;
  /** Milliseconds of a training step of a net, over some steps. */
  time(net: string, steps: number): Promise<number>;
  /** Ends it. */
  close(): Promise<void>;
}

/**
 * Starts PyTorch.
 *
 * @param threads threads it may use
 * @returns the peer, or one line that says why there is none
 */
export async function startTorch(threads: number): Promise<Peer | string> {
  const script = new URL("peers/torch_steps.py", import.meta.url).pathname;
  let process: Deno.ChildProcess;
  try {
    process = new Deno.Command("python3", {
      args: [script, String(threads)],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (error) {
    return `PyTorch is not measured: python3 cannot be run (${(error as Error).message}).`;
  }
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
    return "PyTorch is not measured: python3 has no module torch (Debian: apt-get install python3-torch).";
  }
  return {
    name,
    time: async (net, steps) => {
      await writer.write(new TextEncoder().encode(`${net} ${steps}\n`));
      const answer = await line();
      if (answer === undefined) throw new Error(`PyTorch ended while it ran ${net}.`);
      return Number(answer);
    },
    close: async () => {
      await writer.close();
      await process.status;
    },
  };
}
