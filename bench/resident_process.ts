/**
 * A process whose memory is measured: `resident_process.ts WARM_UP STEPS BATCH` trains, or only opens the library where the
 * steps are 0.
 *
 * @module
 */
import { tryOpenNative } from "../mod.ts";
import { nets, stepOf } from "./nets.ts";

const [warmUp, steps, batch] = Deno.args.map(Number);

/** What stays when the garbage has been collected, of which there may be any amount. Pages go back after some turns. */
async function settled(): Promise<number> {
  let least = Infinity;
  for (let turn = 0; turn < 10; turn++) {
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
    least = Math.min(least, resident());
  }
  return least;
}

/** The peak that the system has seen, where it says so; else the largest that was looked at. */
let largest = 0;
function resident(): number {
  const { rss } = Deno.memoryUsage();
  largest = Math.max(largest, rss);
  return rss;
}
function peak(): number {
  try {
    const line = /VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"));
    if (line !== null) return Number(line[1]) * 1024;
  } catch { /* another system */ }
  return largest;
}

await tryOpenNative();
let before = resident();
if (warmUp + steps > 0) {
  const step = stepOf({ ...nets.mlp(), batch });
  for (let i = 0; i < warmUp + steps; i++) {
    if (i === warmUp && warmUp > 0) before = await settled();
    step();
    // As in training, the event loop gets a turn now and then.
    if (i % 20 === 0) {
      resident();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
}
const after = warmUp > 0 ? await settled() : resident();
console.log(JSON.stringify({ peak: peak(), before, after }));
