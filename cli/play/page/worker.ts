/// <reference lib="webworker" />
/** The page's worker: the library trains in it, so that the page stays free to draw. @module */
import { ThinnedError } from "../../../core/mod.ts";
import type { Answer, Field, Request, Shown } from "./messages.ts";
import { GRID } from "./plane.ts";
import { Playground } from "./playground.ts";
import { firstScene, type Scene } from "./scene.ts";
import { fittingVariants } from "./variants.ts";

/** Milliseconds that a request may train for. */
const SLICE = 12;

/** Milliseconds between two fields, and between two measurements: at least so many, and at least as long as they took, times 3. */
const PAUSES = { field: 90, losses: 60 } as const;

const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
const variants = fittingVariants();
let playground: Playground | undefined;
const due = { field: 0, losses: 0 };

function answer(message: Answer): void {
  scope.postMessage(message);
}

/** Places along a side of a field while training goes on, if a whole one takes more than this many milliseconds. */
const [COARSE, SLOW] = [20, 60];

/** Milliseconds that a whole field took, or would have taken. */
let cost = 0;

/** The field, coarser where a variant is slow and the next one follows soon. */
function field(net: Playground, fresh: boolean): Field {
  const size = fresh || cost < SLOW ? GRID : COARSE;
  const began = performance.now();
  const found = net.field(size);
  cost = (performance.now() - began) * (GRID / size) ** 2;
  return found;
}

/** Runs what is done now and then; undefined if it is not yet time. */
function nowAndThen<T>(what: keyof typeof due, always: boolean, body: () => T): T | undefined {
  const before = performance.now();
  if (!always && before < due[what]) return undefined;
  const found = body();
  const after = performance.now();
  due[what] = after + Math.max(PAUSES[what], 3 * (after - before));
  return found;
}

function setScene(scene: Scene): void {
  cost = 0;
  let refused: string | undefined;
  try {
    if (playground === undefined) playground = new Playground(scene, variants);
    else playground.change(scene);
  } catch (error) {
    if (!(error instanceof ThinnedError)) throw error;
    refused = error.message;
    playground ??= new Playground(firstScene, variants);
  }
  answer({ type: "scene", points: playground.points, rates: playground.rates, refused });
  advance(0, true);
}

function advance(steps: number, fresh: boolean): void {
  const net = playground!;
  const began = performance.now();
  let shown: Shown | undefined;
  let stopped: string | undefined;
  let done = 0;
  try {
    for (; done < steps; done++) {
      const last = done === steps - 1 || performance.now() - began > SLICE;
      shown = net.train(last);
      if (last) {
        done++;
        break;
      }
    }
  } catch (error) {
    if (!(error instanceof ThinnedError)) throw error;
    stopped = error.message;
  }
  const spent = [performance.now() - began, done] as const;
  answer({
    type: "frame",
    step: net.step,
    epoch: net.epoch,
    shown,
    weights: net.weights(),
    losses: nowAndThen("losses", fresh, () => net.measure()),
    ...nowAndThen("field", fresh, () => ({ field: field(net, fresh), views: net.views() })),
    spent,
    stopped,
  });
}

scope.onmessage = ({ data }: MessageEvent<Request>) => {
  if (data.type === "scene") return setScene(data.scene);
  if (playground === undefined) return;
  if (data.type === "advance") return advance(data.steps, data.fresh);
  playground.reset();
  advance(0, true);
};

answer({ type: "ready", variants });
