/** A small net in training, that can be looked at and changed at every step. @module */
import {
  type Batch,
  batchesOf,
  buildModel,
  type Dataset,
  evaluate,
  gradients,
  type LayerPlugin,
  lossOf,
  type Model,
  OptimizerDriver,
  type Progress,
  recycling,
  sameShape,
  type SiteCall,
  stepsPerEpoch,
  type Tensor,
} from "../../../core/mod.ts";
import { adamw, crossEntropy, dense, sequential } from "../../../plugins/mod.ts";
import { drawnAt } from "./masks.ts";
import type { Field, Losses, Shown, SiteFrame, Views } from "./messages.ts";
import { type Net, netOf } from "./net.ts";
import { datasetOf, type Points, pointsOf } from "./points.ts";
import { fieldOf, GRID, viewsOf } from "./plane.ts";
import type { Scene } from "./scene.ts";
import { fittingVariants, registry, type Variant } from "./variants.ts";

const loss = crossEntropy();

/** Parts of a scene by which a net begins anew. */
const beginning: readonly (keyof Scene)[] = ["layers", "activation", "seed"];

/** Parts of a scene that points follow from. */
const drawing: readonly (keyof Scene)[] = ["data", "points", "noise", "count", "share", "seed"];

/** Whether one of some parts differs. */
function differs(a: Scene, b: Scene, parts: readonly (keyof Scene)[]): boolean {
  return parts.some((part) => JSON.stringify(a[part]) !== JSON.stringify(b[part]));
}

/** A net of a scene in training. */
export class Playground {
  /** What can be played with. */
  readonly variants: readonly Variant[];
  #scene: Scene;
  #net!: Net;
  #model!: Model;
  #optimizer!: OptimizerDriver;
  #weights: readonly Tensor[] = [];
  #points!: Points;
  #data!: Dataset | null;
  #batches: Iterator<Batch> | undefined;
  #step = 0;
  /** The hidden layers one by one, with the weights that the net had when they were last looked at. */
  #layers: readonly Model[] = [];

  /** @throws {ThinnedError} for a scene that cannot be built */
  constructor(scene: Scene, variants: readonly Variant[] = fittingVariants()) {
    this.variants = variants;
    this.#scene = scene;
    this.#build(scene, false);
    this.#draw(scene);
  }

  /** Steps done. */
  get step(): number {
    return this.#step;
  }

  /** Passes over the training points done. */
  get epoch(): number {
    return this.#data === null ? 0 : Math.floor(this.#step / this.#stepsPerEpoch);
  }

  /** The points. */
  get points(): Points {
    return this.#points;
  }

  /** The variant's main option at each of its sites. */
  get rates(): number[] {
    return this.#net.sites.map(({ rate }) => rate);
  }

  /** Weights of each dense layer, `[outputs, inputs]`. */
  weights(): Float32Array<ArrayBuffer>[] {
    const found = new Map(this.#model.parameters().map(({ name, tensor }) => [name, tensor]));
    return this.#net.dense.map((path) => Float32Array.from(found.get(`${path}.weight`)!.floats));
  }

  get #stepsPerEpoch(): number {
    return stepsPerEpoch(this.#data!, this.#scene.batch);
  }

  /** How far training has come; it has no end. */
  get #progress(): Progress {
    const { train } = this.#data!;
    const stepsPerEpoch = this.#stepsPerEpoch;
    return { step: this.#step, stepsPerEpoch, totalSteps: Number.MAX_SAFE_INTEGER, examples: train.count };
  }

  /**
   * Changes the scene. Layers, activation and seed begin training anew; whatever else changes, weights, what the optimizer
   * remembers, and the number of the step go on.
   *
   * @throws {ThinnedError} for a scene that cannot be built; the one before stays
   */
  change(scene: Scene): void {
    const before = this.#scene;
    const anew = differs(before, scene, beginning);
    if (differs(before, scene, [...beginning, "variant", "rates", "options", "learningRate", "weightDecay"])) {
      this.#build(scene, !anew);
    }
    this.#scene = scene;
    if (differs(before, scene, drawing)) this.#draw(scene);
    if (before.batch !== scene.batch || anew) this.#batches = undefined;
  }

  /** Begins training anew: the first weights, step 0. */
  reset(): void {
    this.#build(this.#scene, false);
    this.#batches = undefined;
  }

  #draw(scene: Scene): void {
    this.#points = pointsOf(scene);
    this.#data = datasetOf(this.#points);
    this.#batches = undefined;
  }

  #build(scene: Scene, goesOn: boolean): void {
    const variant = this.variants.find(({ name }) => name === scene.variant);
    // The registry says which plugins there are.
    const net = netOf(scene, variant ?? (registry.create({ plugin: scene.variant }, "variant"), this.variants[0]));
    const model = buildModel(net.root, { inputShape: [2], seed: scene.seed });
    const { learningRate, weightDecay } = scene;
    const optimizer = new OptimizerDriver(adamw({ learningRate, weightDecay }), model, [], scene.seed);
    if (goesOn) {
      this.#take(this.#net, this.#model, this.#optimizer, net, model, optimizer);
      optimizer.resume(this.#step);
    } else this.#step = 0;
    this.#net = net;
    this.#model = model;
    this.#optimizer = optimizer;
    this.#weights = model.parameters().map(({ tensor }) => tensor);
    this.#layers = scene.layers.map((units, i) => {
      const activation = registry.create({ plugin: scene.activation }, "activation") as LayerPlugin;
      return buildModel(sequential([dense(units), activation]), { inputShape: [i === 0 ? 2 : scene.layers[i - 1]] });
    });
  }

  /** Takes over what two nets have in common: their dense layers, and what the optimizer keeps beside them. */
  #take(from: Net, old: Model, was: OptimizerDriver, to: Net, model: Model, optimizer: OptimizerDriver): void {
    const before = new Map(old.parameters().map(({ name, tensor }) => [name, tensor]));
    // The same variant stands at the same paths, with whatever it has learned.
    const same = from.sites.map(({ path }) => path).join() === to.sites.map(({ path }) => path).join();
    for (const { name, tensor } of model.parameters()) {
      const i = to.dense.findIndex((path) => name === `${path}.weight` || name === `${path}.bias`);
      const source = i >= 0 ? name.replace(to.dense[i], from.dense[i]) : same ? name : "";
      const found = before.get(source);
      if (found === undefined || !sameShape(found.shape, tensor.shape)) continue;
      tensor.assign(found);
      const slots = was.slotsOf(source);
      for (const [slot, value] of Object.entries(optimizer.slotsOf(name))) value.assign(slots[slot]);
    }
  }

  #next(): Batch {
    const { batch: batchSize, seed } = this.#scene;
    for (;;) {
      const epoch = this.epoch;
      if (this.#batches === undefined) {
        this.#batches = batchesOf(this.#data!, { epoch, batchSize, seed })[Symbol.iterator]();
        for (let done = this.#step % this.#stepsPerEpoch; done > 0; done--) this.#batches.next();
      }
      const { value, done } = this.#batches.next();
      if (done !== true) return value;
      this.#batches = undefined;
    }
  }

  /**
   * One step of training.
   *
   * @param watch whether what is drawn in it is told
   * @returns what was drawn; undefined if nobody watches, or there are no points to train on
   * @throws {DivergenceError} when the loss or a gradient is not finite; the weights are then as they were
   */
  train(watch = false): Shown | undefined {
    if (this.#data === null) return undefined;
    const progress = this.#progress;
    const variant = this.variants.find(({ name }) => name === this.#scene.variant)!;
    return recycling(() => {
      const { inputs, targets } = this.#next();
      const sites: SiteFrame[] = [];
      const atSites = watch
        ? (call: SiteCall) => {
          const site = this.#net.sites.find(({ path }) => path === call.path);
          if (site !== undefined) {
            const drawn = drawnAt(call, variant.adaptive);
            const dropped = drawn.factors.reduce((sum, factor) => sum + (factor === 0 ? 1 : 0), 0);
            sites.push({ path: site.path, layer: site.layer, ...drawn, dropped: dropped / drawn.factors.length });
          }
          return call.act(call.args);
        }
        : undefined;
      const [outputs, penalty] = this.#model.forwardWithPenalty(inputs, { mode: "train", progress, atSites });
      const mean = lossOf(loss, outputs, targets);
      this.#optimizer.update(gradients(penalty === null ? mean : mean.add(penalty), this.#weights), progress);
      const step = this.#step++;
      if (!watch) return undefined;
      const [x, y] = inputs.floats;
      return { step, example: [x, y, targets.ints[0]], sites };
    });
  }

  /** Loss and error of both parts, without dropout; undefined without points. */
  measure(): Losses | undefined {
    const data = this.#data;
    if (data === null) return undefined;
    const [train, test] = [data.train, data.test].map((split) => evaluate(this.#model, data, loss, { split }));
    return { step: this.#step, train, test };
  }

  /** What each unit answers to: see {@linkcode viewsOf}. */
  views(): Views {
    const found = new Map(this.#model.parameters().map(({ name, tensor }) => [name, tensor]));
    this.#layers.forEach((layer, i) => {
      for (const { name, tensor } of layer.parameters()) {
        tensor.assign(found.get(name.replace(/^0/, this.#net.dense[i]))!);
      }
    });
    return viewsOf(this.#layers);
  }

  /**
   * What the net says of the whole plane: see {@linkcode fieldOf}.
   *
   * @param size places along a side
   */
  field(size: number = GRID): Field {
    return fieldOf(this.#model, this.#scene, size, this.#data === null ? undefined : this.#progress);
  }
}
