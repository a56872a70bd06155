/** Those who hear what happens, by server-sent events. One who does not keep up is dropped, and never waited for. @module */

/** Messages that may wait for a listener. */
const WAITING = 64;

/** Events as text: the protocol's, with data in JSON, which has no line feeds. */
function eventText(name: string, data: unknown): Uint8Array {
  return new TextEncoder().encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** Open streams of events. */
export class Listeners {
  readonly #open = new Set<ReadableStreamDefaultController<Uint8Array>>();

  /** How many there are. */
  get count(): number {
    return this.#open.size;
  }

  /**
   * A new listener's stream.
   *
   * @param name the first event that it hears
   * @param data what that tells
   */
  add(name: string, data: unknown): ReadableStream<Uint8Array> {
    let own: ReadableStreamDefaultController<Uint8Array>;
    return new ReadableStream({
      start: (controller) => {
        own = controller;
        this.#open.add(own);
        own.enqueue(eventText(name, data));
      },
      cancel: () => void this.#open.delete(own),
    }, { highWaterMark: WAITING });
  }

  /** Tells all of them, at once and without waiting. */
  tell(name: string, data: unknown): void {
    if (this.#open.size === 0) return;
    const text = eventText(name, data);
    for (const listener of this.#open) {
      if ((listener.desiredSize ?? 0) > 0) listener.enqueue(text);
      else this.#drop(listener);
    }
  }

  /** Ends all streams. */
  close(): void {
    for (const listener of this.#open) {
      this.#open.delete(listener);
      listener.close();
    }
  }

  #drop(listener: ReadableStreamDefaultController<Uint8Array>): void {
    this.#open.delete(listener);
    listener.error(new Error("This listener does not keep up."));
  }
}
