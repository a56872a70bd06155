/** Runs whose weights are updated straight from products: they stop and go on, and nobody sees an update that is half made. */
import { assertEquals } from "@std/assert";
import { z } from "zod";
import {
  adam,
  arrays,
  definePlugin,
  dense,
  dropout,
  type Factory,
  fit,
  type FitOptions,
  latestCheckpoint,
  type Model,
  part,
  type Plugin,
  relu,
  sequential,
  sgd,
  type Snapshot,
  useBackend,
  writeCheckpoint,
} from "../../mod.ts";
import { nativeTest, open } from "./_native.ts";

const width = 520;
const x = Array.from(
  { length: 96 },
  (_, i) => Array.from({ length: width }, (_, j) => Math.sin(i * 7 + j * (1 + i % 3))),
);
const data = arrays({ train: [x, x.map((_, i) => "abc"[i % 3])], test: 0.1 });
const root = () => sequential([dense(width), relu(), dropout({ rate: 0.5 }), dense(width), relu(), dense(3)]);
const optimizers = { sgd: sgd({ learningRate: 0.05, momentum: 0.9 }), adam: adam() };

/** What is called at each update of a parameter. */
interface Watch {
  /** Whether gradients are computed before they are used. */
  readonly looks?: boolean;
  before?(name: string, pending: boolean): void;
  after?(name: string): void;
}

/** An optimizer that tells when another one updates, and whether its gradient is still to be computed. */
function watched(inner: Plugin<"optimizer">, watch: Watch): Plugin<"optimizer"> {
  const watching = definePlugin({
    name: "watching",
    summary: "Tells of updates.",
    options: z.object({ inner: part("optimizer") }),
    positional: ["inner"],
    wraps: ({ inner }) => [inner],
    update({ gradient, options, inner, name }) {
      watch.before?.(name, gradient.storage.pending !== null);
      if (watch.looks) void gradient.floats;
      inner(options.inner);
      watch.after?.(name);
    },
  }) as Factory<"optimizer", { inner: Plugin<"optimizer"> }, ["inner"]>;
  return watching(inner);
}

/** An observer that is told of each step. */
function steps(step: (snapshot: Snapshot) => void): Plugin<"observer"> {
  const observer: Factory<"observer", Record<never, never>> = definePlugin({
    name: "seeing-steps",
    summary: "Sees steps.",
    options: z.object({}),
    observe: () => ({ step: (event) => step(event.snapshot()) }),
  });
  return observer();
}

const how = (changes: Partial<FitOptions>): FitOptions => ({
  data,
  optimizer: optimizers.sgd,
  epochs: 3,
  batchSize: 32,
  seed: 3,
  ...changes,
});

const bitsOf = (tensors: Iterable<readonly [string, { readonly floats: ArrayLike<number> }]>) =>
  new Map([...tensors].map(([name, { floats }]) => [name, new Int32Array(Float32Array.from(floats).buffer)]));

function native(name: string, body: () => Promise<void>): void {
  nativeTest(name, async () => {
    const before = useBackend(open());
    try {
      await body();
    } finally {
      useBackend(before);
    }
  });
}

for (const [name, optimizer] of Object.entries(optimizers)) {
  native(
    `a run with updates by products that was stopped within an epoch has the bits of one never stopped: ${name}`,
    async () => {
      const folder = await Deno.makeTempDir();
      try {
        let fused = 0;
        const own = watched(optimizer, { before: (_, pending) => fused += Number(pending) });
        const seen: Snapshot[] = [];
        const last = (into: Snapshot[]) => steps((snapshot) => into[0] = snapshot);
        const whole = await fit(root(), how({ optimizer: own, observers: [last(seen)] }));
        assertEquals(fused, 2 * 9, "two weights of nine steps are updated by products");
        const stop = new AbortController();
        let done = 0;
        const stopping = steps((snapshot) => {
          if (++done < 5) return;
          seen[1] = snapshot;
          stop.abort();
        });
        const first = await fit(root(), how({ optimizer: own, observers: [stopping], signal: stop.signal }));
        assertEquals([first.interrupted, done, seen[1].progress.stepInEpoch], [true, 5, 2]);
        await writeCheckpoint(folder, seen[1]);
        const { snapshot } = await latestCheckpoint(folder, () => {});
        const rest = await fit(root(), how({ optimizer: own, observers: [last(seen)], resume: snapshot }));
        assertEquals(fused, 2 * (9 + 5 + 4));
        const parameters = (model: Model) => model.parameters().map(({ name, tensor }) => [name, tensor] as const);
        assertEquals(bitsOf(parameters(rest.model)), bitsOf(parameters(whole.model)));
        assertEquals([rest.testLoss, rest.trainLoss], [whole.testLoss, whole.trainLoss]);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  );
}

native(
  "whoever reads parameters between updates sees each as it was before its own or after it, and slots with them",
  async () => {
    const parameters = (model: Model) =>
      bitsOf(model.parameters().map(({ name, tensor }) => [`model/${name}`, tensor]));
    // What there is after each step where each gradient is computed before it is used.
    const plain: Map<string, Int32Array>[] = [];
    const looked = how({
      optimizer: watched(optimizers.adam, { looks: true }),
      observers: [steps(({ tensors }) => plain.push(bitsOf(tensors)))],
      initialize: (model) => plain.push(parameters(model)),
      epochs: 1,
    });
    await fit(root(), looked);
    assertEquals(plain.length, 4);
    let [step, products, reads] = [0, 0, 0];
    let model: Model | undefined;
    const done = new Set<string>();
    const check = () => {
      for (const [name, bits] of parameters(model!)) {
        assertEquals(bits, plain[done.has(name) ? step + 1 : step].get(name), `${name}, step ${step + 1}`);
        reads++;
      }
    };
    const before = (_: string, pending: boolean) => {
      products += Number(pending);
      check();
    };
    const after = (name: string) => {
      done.add(`model/${name}`);
      check();
    };
    const seeing = steps(({ tensors }) => {
      step++;
      done.clear();
      assertEquals(bitsOf(tensors), plain[step], `all tensors after step ${step}`);
    });
    const optimizer = watched(optimizers.adam, { before, after });
    await fit(root(), how({ optimizer, observers: [seeing], initialize: (given) => model = given, epochs: 1 }));
    assertEquals(
      [products, reads],
      [2 * 3, 3 * 2 * 6 * 6],
      "both large weights by products, all six read twelve times a step",
    );
  },
);
