/** What does and what does not depend on the number of threads, over whole training runs. */
import { assertEquals } from "@std/assert";
import { z } from "zod";
import {
  type Backend,
  crossEntropy,
  definePlugin,
  dense,
  digits,
  dropout,
  type Factory,
  fit,
  type FitOptions,
  Key,
  type Observation,
  reference,
  relu,
  sequential,
  sgd,
  type Snapshot,
  Tensor,
  useBackend,
} from "../../mod.ts";
import { copy } from "../core/_runs.ts";
import { hasBlas, nativeTest, open } from "./_native.ts";

const data = digits({ train: 256, test: 64, seed: 1 });

const watching = (observation: Observation) =>
  (definePlugin({
    name: "watcher",
    options: z.object({}),
    observe: () => observation,
  }) as Factory<"observer", Record<never, never>>)();

const hidden = () => [dense(200), relu(), dropout({ rate: 0.5 })];
const options = (changes: Partial<FitOptions>): FitOptions => ({
  data,
  loss: crossEntropy(),
  optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
  epochs: 2,
  batchSize: 128,
  seed: 3,
  ...changes,
});

/** What is left of a run on a backend, with products that are large enough to be divided between threads. */
async function weights(backend: Backend, changes: Partial<FitOptions> = {}): Promise<Map<string, number[]>> {
  useBackend(backend);
  try {
    const { model } = await fit(sequential([...hidden(), ...hidden(), dense(10)]), options(changes));
    return new Map(model.parameters().map(({ name, tensor }) => [name, [...tensor.floats]]));
  } finally {
    useBackend(reference);
  }
}

/** Fails unless two runs left the same numbers, naming the parameters that differ. */
function assertSame(actual: Map<string, number[]>, expected: Map<string, number[]>, what: string): void {
  const differs = ([name, numbers]: [string, number[]]) => actual.get(name)!.some((value, i) => value !== numbers[i]);
  assertEquals([...expected].filter(differs).map(([name]) => name), [], what);
}

for (const blas of hasBlas ? [true, false] : [false]) {
  const what = blas ? "with OpenBLAS" : "without OpenBLAS";
  nativeTest(`${what} a training run ends in the same bits with 1 to 4 threads`, async () => {
    const expected = await weights(open("auto", { blas, threads: 1 }));
    for (const threads of [2, 3, 4]) {
      assertSame(await weights(open("auto", { blas, threads })), expected, `${threads} threads`);
    }
  });
}

nativeTest("masks are the same bits with 1 to 4 threads, with OpenBLAS or without", () => {
  const mask = (blas: boolean, threads: number) => {
    useBackend(open("auto", { blas, threads }));
    return [...Tensor.ones([100, 1001]).dropout(Key.seed(5), 0.5).floats];
  };
  try {
    const expected = mask(false, 1);
    for (const threads of [1, 2, 3, 4]) assertEquals(mask(hasBlas, threads), expected, `${threads} threads`);
  } finally {
    useBackend(reference);
  }
});

nativeTest("a run repeats, and resumes after any step with another number of threads, in the same bits", async () => {
  const backend = (threads: number) => open("auto", { threads });
  const snapshots: Snapshot[] = [];
  const keep = ({ snapshot }: { snapshot(): Snapshot }) => void snapshots.push(copy(snapshot()));
  const expected = await weights(backend(2), { observers: [watching({ step: keep })] });
  assertSame(await weights(backend(2)), expected, "repeated");
  assertEquals(snapshots.length, 4);
  for (const [i, resume] of snapshots.slice(0, 3).entries()) {
    assertSame(await weights(backend(i + 1), { resume }), expected, `resumed with ${i + 1} threads`);
  }
});

nativeTest("a run that goes on elsewhere is told what computed its first steps", async () => {
  const snapshots: Snapshot[] = [];
  const keep = ({ snapshot }: { snapshot(): Snapshot }) => void snapshots.push(copy(snapshot()));
  await weights(open("auto", { threads: 2 }), { observers: [watching({ step: keep })] });
  const before = async (backend: Backend) => {
    let told: string | undefined;
    const observer = (definePlugin({
      name: "teller",
      options: z.object({}),
      observe: ({ run }) => {
        told = run.computedBefore;
        return {};
      },
    }) as Factory<"observer", Record<never, never>>)();
    await weights(backend, { resume: snapshots[1], observers: [observer] });
    return told;
  };
  assertEquals(await before(open("auto", { threads: 1 })), undefined);
  assertEquals(await before(reference), snapshots[1].progress.computedBy);
});
