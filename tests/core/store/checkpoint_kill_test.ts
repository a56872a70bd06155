import { assert, assertEquals } from "@std/assert";
import { latestCheckpoint, readCheckpoint } from "../../../core/mod.ts";

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
}

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
function numbersFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Writes checkpoints without end, each of them twice, and says when one is there. */
const WRITER = `
  import { Tensor, writeCheckpoint } from ${JSON.stringify(new URL("../../../core/mod.ts", import.meta.url).href)};
  const [folder, first] = JSON.parse("ARGUMENTS");
  for (let step = first;; step++) {
    for (const value of [step, -step]) {
      const progress = { step, epoch: 0, stepInEpoch: step, stepsPerEpoch: 9, totalSteps: 9, lossSum: NaN, errorSum: 0, examples: 1, seconds: 0,
        history: [], seed: 1, schedules: {}, model: {} };
      const tensors = new Map([["model/w", Tensor.full([50000], value)]]);
      await writeCheckpoint(folder, { tensors, progress }, { keep: 3 });
      Deno.stdout.writeSync(new TextEncoder().encode(step + "\\n"));
    }
  }`;

Deno.test("when a process is killed while it writes, all checkpoints are whole and the newest is there", async () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  const random = numbersFrom(seed);
  const caught = { leftovers: 0, setAside: 0 };
  const folder = await Deno.makeTempDir();
  try {
    let acknowledged = 0;
    for (let round = 0; round < 24; round++) {
      const args = JSON.stringify(JSON.stringify([folder, acknowledged + 1])).slice(1, -1);
      const child = new Deno.Command(Deno.execPath(), {
        args: ["eval", "--no-lock", WRITER.replace("ARGUMENTS", () => args)],
        cwd: new URL("../../..", import.meta.url),
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      let killing: Promise<void> | undefined;
      let output = "";
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        output += text;
        killing ??= new Promise<void>((resolve) => setTimeout(resolve, random() * 60)).then(() =>
          child.kill("SIGKILL")
        );
      }
      await killing;
      await child.status;
      acknowledged = Number(output.trim().split("\n").at(-1));
      const where = `seed ${seed}, round ${round}, ${names(folder)}`;
      assert(acknowledged > 0, where);
      for (const name of names(folder)) {
        if (name.startsWith(".")) caught.leftovers++;
        if (name.endsWith(".old")) caught.setAside++;
        if (name.startsWith(".") || name.endsWith(".old")) continue;
        const { tensors, progress } = await readCheckpoint(`${folder}/${name}`).catch((error) => {
          throw new Error(where, { cause: error });
        });
        assertEquals(name, `checkpoint-${progress.step}`, where);
        assertEquals(new Set(tensors.get("model/w")!.floats.map(Math.abs)), new Set([progress.step]), where);
      }
      const { snapshot } = await latestCheckpoint(folder, (line) => assert(false, `${where}: ${line}`));
      assert(snapshot.progress.step >= acknowledged, `${where}: the newest is ${snapshot.progress.step}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  console.log(`  killed with seed ${seed}: ${caught.leftovers} leftovers, ${caught.setAside} set aside`);
});
