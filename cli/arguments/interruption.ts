/** Ending a run when its process is asked to end. @module */
import { note } from "./deliver.ts";

/** The signals, and the exit status of a process that they end. */
const statuses = { SIGINT: 130, SIGTERM: 143 } as const;

type SignalName = keyof typeof statuses;

/** Ctrl-C (SIGINT) and SIGTERM, while they are listened for: the first ends the run after its step, the second at once. */
export class Interruption {
  readonly #stop = new AbortController();
  readonly #listeners: (readonly [SignalName, () => void])[] = [];
  readonly #what: string;
  #status = 0;

  /** @param what what the first signal ends, as in "Stopping after this step" */
  constructor(what = "Stopping after this step") {
    this.#what = what;
  }

  /** Begins to listen. */
  listen(): void {
    const names: readonly SignalName[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
    for (const name of names) {
      const listener = () => this.#hear(name);
      Deno.addSignalListener(name, listener);
      this.#listeners.push([name, listener]);
    }
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** The exit status that the first signal asks for; 0 when there was none. */
  get status(): number {
    return this.#status;
  }

  /** Ends the run as a first Ctrl-C does, asked for in another way; nothing more when it is ending. */
  ask(): void {
    if (this.#stop.signal.aborted) return;
    this.#status = statuses.SIGINT;
    note(`\n${this.#what}.`);
    this.#stop.abort();
  }

  /** Stops listening. */
  close(): void {
    for (const [name, listener] of this.#listeners.splice(0)) Deno.removeSignalListener(name, listener);
  }

  #hear(name: SignalName): void {
    if (this.#stop.signal.aborted) Deno.exit(statuses[name]);
    this.#status = statuses[name];
    note(
      name === "SIGINT" ? `\n${this.#what}; press Ctrl-C again to stop at once.` : `${this.#what}.`,
    );
    this.#stop.abort();
  }
}
