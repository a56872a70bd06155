/** Resident memory of processes of their own: one that only opened the library, one that trains. @module */
import type { Rounds } from "./measure.ts";
import { mlpBatch, mlpWidths } from "./nets.ts";

/** What a process says of its memory, in bytes. */
interface Resident {
  /** Peak since it began. */
  readonly peak: number;
  /** Before the steps that count. */
  readonly before: number;
  /** After them. */
  readonly after: number;
}

/** Runs a process that opens the library and trains for some steps on batches of a size, some of which do not count. */
async function resident(warmUp: number, steps: number, batch = mlpBatch): Promise<Resident> {
  const script = new URL("resident_process.ts", import.meta.url).pathname;
  // With all permissions, which what the system says of its peak asks for.
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "-q", "-A", "--v8-flags=--expose-gc", script, ...[warmUp, steps, batch].map(String)],
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`A process whose memory is measured failed: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

const MIB = 2 ** 20;

/** Bytes of parameters, gradients, velocity and activations: inputs, dropped inputs, hidden units and logits. */
function held(): number {
  const parameters = mlpWidths.slice(1).reduce((sum, units, i) => sum + units * (mlpWidths[i] + 1), 0);
  const activations = mlpBatch * mlpWidths.reduce((sum, units) => sum + units, mlpWidths[0]);
  return 4 * (3 * parameters + activations);
}

/** Peak of a training process less that of one that only opened the library, over what has to be held, in MiB. */
export async function peak(): Promise<Rounds> {
  const found = { ours: [] as number[], floor: [] as number[] };
  await resident(0, 1); // what is transpiled or measured once has then been
  for (let round = 0; round < 5; round++) {
    const [idle, training] = [await resident(0, 0), await resident(0, 100)];
    found.ours.push((training.peak - idle.peak) / MIB);
    found.floor.push(held() / MIB);
  }
  return found;
}

/**
 * Resident memory after 5,000 steps over that before, in MiB: of small batches, since what grows would with any. The steps
 * that do not count are so many because V8 goes on compiling until then, which takes some MiB once.
 */
export async function drift(): Promise<Rounds> {
  const { before, after } = await resident(8000, 5000, 16);
  return { ours: [after / MIB], floor: [before / MIB] };
}
