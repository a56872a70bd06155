/** The worker that makes batches ahead; see `prefetch.ts`. @module */
import { isFactory } from "../plugin/define.ts";
import { OptionError, PluginError } from "../errors.ts";
import { FAILED, type PrefetchFailure, type PrefetchRequest, type PrefetchStart, READY } from "./prefetch.ts";
import { type AugmentationPart, BatchMaker } from "./prepare.ts";
import { recycling } from "../tensor/storage.ts";

/** The worker's side of the channel, as far as it is used. */
const channel = globalThis as unknown as {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
};

/** Loads an augmentation from its module. */
async function load({ module, name, label }: PrefetchStart["augmentations"][number]): Promise<AugmentationPart> {
  const exported: Record<string, unknown> = await import(module);
  for (const value of Object.values(exported)) {
    if (isFactory(value) && value.definition.name === name) return { definition: value.definition, label };
  }
  throw new PluginError(`prefetch: expected ${module} to export the factory of ${name}, found none.`);
}

function describe(step: number, error: unknown): PrefetchFailure {
  const path = error instanceof OptionError ? error.path : undefined;
  if (error instanceof Error) return { step, name: error.name, message: error.message, path };
  return { step, name: "Error", message: String(error), path };
}

channel.onmessage = ({ data: { source, augmentations, slots, states } }: MessageEvent<PrefetchStart>) => {
  const maker = new BatchMaker(source);
  // Requests that arrive while modules are loaded wait for them; all are served in their order.
  let last: Promise<unknown> = Promise.all(augmentations.map(load));
  const parts = last as Promise<AugmentationPart[]>;
  channel.onmessage = ({ data: { step, slot, options } }: MessageEvent<PrefetchRequest>) => {
    last = last.catch(() => {}).then(async () => {
      try {
        const { inputs, targets } = slots[slot];
        const loaded = await parts;
        recycling(() => {
          maker.gather(step, inputs, targets);
          maker.augment(step, inputs, targets, loaded, options);
        });
        Atomics.store(states, slot, READY);
      } catch (error) {
        channel.postMessage(describe(step, error));
        Atomics.store(states, slot, FAILED);
      }
      Atomics.notify(states, slot);
    });
  };
};
