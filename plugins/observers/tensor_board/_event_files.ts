/** The event files of one run. @module */
import { PermissionError, ThinnedError } from "../../../core/mod.ts";
import { encodeEvent, readEvent } from "./_encode.ts";
import { framed, records } from "./_records.ts";
import type { TensorBoardEvent } from "./_values.ts";

/** The names of files that were written here; TensorBoard reads those of a folder in the order of their names. */
const NAME = /^events\.out\.tfevents\.\d+\.\d+\.thinned$/;

/** Milliseconds after which events are written that wait. */
const PAUSE = 1000;

/** Event files of a run in a folder, and the one that is written now. */
export class EventFiles {
  readonly #path: string;
  readonly #now: () => number;
  #waiting: Uint8Array[] = [];
  #written = -Infinity;

  private constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
  }

  /**
   * Begins a file. That of a new run takes the place of all that an earlier one left in the folder; for a run that goes on,
   * what earlier files say of later steps is cut off, so that no step is told twice.
   *
   * @param folder where they lie
   * @param step steps done
   * @param end a name with which the files of a run end, which one that goes on does not
   * @param now milliseconds
   * @returns the files, and the steps at which a value of that name was told before
   */
  static async begin(
    folder: string,
    step: number,
    end: string,
    now: () => number = Date.now,
  ): Promise<{ files: EventFiles; toldAt(tag: string): number }> {
    const last = new Map<string, number>();
    const files = await attempt(folder, async () => {
      await Deno.mkdir(folder, { recursive: true });
      const names = (await Array.fromAsync(Deno.readDir(folder))).filter((entry) =>
        entry.isFile && NAME.test(entry.name)
      );
      for (const { name } of names) {
        const path = `${folder}/${name}`;
        if (step === 0) await Deno.remove(path);
        else await cutBehind(path, step, end, last);
      }
      const seconds = String(Math.floor(now() / 1000)).padStart(10, "0");
      const begun = new EventFiles(
        `${folder}/events.out.tfevents.${seconds}.${String(step).padStart(10, "0")}.thinned`,
        now,
      );
      begun.add({ time: now() / 1000, step, version: true });
      if (step > 0) begun.add({ time: now() / 1000, step: step + 1, starts: true });
      await begun.flush();
      return begun;
    });
    return { files, toldAt: (tag) => last.get(tag) ?? -1 };
  }

  /** Takes an event; it is written with others within a second of the one before, as long as there are events. */
  add(event: TensorBoardEvent): void {
    this.#waiting.push(framed(encodeEvent(event)));
  }

  /** Whether events have waited for long. */
  get due(): boolean {
    return this.#waiting.length > 0 && this.#now() - this.#written > PAUSE;
  }

  /** Writes all events that wait. */
  async flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#written = this.#now();
    if (waiting.length === 0) return;
    const bytes = new Uint8Array(await new Blob(waiting as Uint8Array<ArrayBuffer>[]).arrayBuffer());
    await attempt(this.#path, () => Deno.writeFile(this.#path, bytes, { append: true }));
  }
}

/** Cuts off a file's events of later steps, and what is damaged; remembers when values were told last. */
async function cutBehind(path: string, step: number, end: string, last: Map<string, number>): Promise<void> {
  const bytes = await Deno.readFile(path);
  let kept = 0;
  for (const { record, end: behind } of records(bytes)) {
    const event = readEvent(record);
    if (event.step > step || event.tags.includes(end)) break;
    for (const tag of event.tags) last.set(tag, Math.max(event.step, last.get(tag) ?? -1));
    kept = behind;
  }
  if (kept < bytes.length) await Deno.truncate(path, kept);
}

async function attempt<T>(path: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof ThinnedError || error instanceof PermissionError) throw error;
    throw new ThinnedError(`tensor-board: ${path} cannot be written: ${(error as Error).message}.`, { cause: error });
  }
}
