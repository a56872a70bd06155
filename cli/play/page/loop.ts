/// <reference lib="dom" />
/** The worker at work: how many steps it is asked for, and when. @module */
import type { Answer, Request } from "./messages.ts";
import type { Scene } from "./scene.ts";

/** Steps a second that can be chosen: as fast as it goes is Infinity. */
export const speeds: readonly (readonly [perSecond: number, text: string])[] = [
  [1, "1 step a second"],
  [4, "4 steps a second"],
  [15, "15 steps a second"],
  [60, "60 steps a second"],
  [300, "300 steps a second"],
  [Infinity, "as fast as it goes"],
];

/** Training in the worker: asked for a frame's steps at a time, and only when it has done those before. */
export class Loop {
  readonly #worker: Worker;
  #busy = true;
  /** The last scene that has been asked for while the worker was at work: those in between are left out. */
  #waiting: Scene | undefined;
  #owed = 0;
  #last = 0;
  /** Whether training goes on. */
  playing = false;
  /** Steps a second. */
  speed = 15;

  /**
   * @param source the worker's program
   * @param hear called with each answer
   * @param fail called when the worker ends by a fault
   */
  constructor(source: string, hear: (answer: Answer) => void, fail: (message: string) => void) {
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    this.#worker = new Worker(address);
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      if (data.type !== "scene") this.#busy = false;
      hear(data);
      if (!this.#busy) this.#askWaiting();
    };
    this.#worker.onerror = (event) => fail(event.message);
  }

  /** Says something to the worker; a scene that waits comes first. */
  ask(request: Request): void {
    this.#askWaiting();
    this.#send(request);
  }

  #askWaiting(): void {
    const scene = this.#waiting;
    this.#waiting = undefined;
    if (scene !== undefined) this.#send({ type: "scene", scene });
  }

  #send(request: Request): void {
    this.#busy = true;
    this.#worker.postMessage(request);
  }

  /** Changes the scene, as soon as the worker has done what it is at. */
  show(scene: Scene): void {
    this.#waiting = scene;
    if (!this.#busy) this.#askWaiting();
  }

  /** One step, whether or not training goes on. */
  step(): void {
    this.ask({ type: "advance", steps: 1, fresh: true });
  }

  /** What a picture's time asks for: called with each. */
  tick(now: number): void {
    const passed = Math.min(0.25, (now - this.#last) / 1000);
    this.#last = now;
    if (!this.playing) return void (this.#owed = 0);
    // At one step a second the first comes at once.
    this.#owed = this.speed === Infinity
      ? 1e6
      : Math.min(this.#owed + passed * this.speed, Math.max(1, this.speed / 4));
    if (this.#busy || this.#owed < 1) return;
    const steps = Math.floor(this.#owed);
    this.#owed -= steps;
    this.ask({ type: "advance", steps, fresh: this.speed < 10 });
  }
}
