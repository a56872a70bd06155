/** Traps for numbers that do not follow from the key: the clock and JavaScript's own sources of chance. @module */

/** Puts another property in an object's place; what it returns puts the old one back. */
function replace(owner: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, {
    value,
    configurable: true,
    writable: true,
    enumerable: before?.enumerable ?? false,
  });
  return () => {
    if (before === undefined) delete (owner as Record<string, unknown>)[name];
    else Object.defineProperty(owner, name, before);
  };
}

/** What code that should follow from its arguments alone has no use for, by the name of the call. */
function sources(): [call: string, owner: object, name: string][] {
  const { Temporal, process } = globalThis as { Temporal?: { Now?: object }; process?: object };
  const found: [string, object, string][] = [
    ["Math.random()", Math, "random"],
    ["performance.now()", performance, "now"],
    ["crypto.getRandomValues()", crypto, "getRandomValues"],
    ["crypto.randomUUID()", crypto, "randomUUID"],
  ];
  if (process !== undefined && "hrtime" in process) found.push(["process.hrtime()", process, "hrtime"]);
  for (const name of Object.getOwnPropertyNames(Temporal?.Now ?? {})) {
    found.push([`Temporal.Now.${name}()`, Temporal!.Now!, name]);
  }
  return found;
}

/**
 * Runs `body` while every call of a clock or of a source of chance is told, and then done as usual; the sources are put back
 * whatever happens.
 *
 * @param tell receives the name of each call, such as `Math.random()`
 */
export function trapped<T>(tell: (call: string) => void, body: () => T): T {
  const undo: (() => void)[] = [];
  try {
    for (const [call, owner, name] of sources()) {
      const plain = (owner as Record<string, unknown>)[name];
      if (typeof plain !== "function") continue;
      const watched = new Proxy(plain as (...args: unknown[]) => unknown, {
        apply(target, _self, args) {
          tell(call);
          return Reflect.apply(target, owner, args);
        },
        get(target, part) {
          if (part === "bigint") tell(`${call.slice(0, -2)}.bigint()`);
          return Reflect.get(target, part);
        },
      });
      undo.push(replace(owner, name, watched));
    }
    const now = () => {
      tell("Date.now()");
      return plainDate.now();
    };
    const plainDate = Date;
    const watchedDate: DateConstructor = new Proxy(plainDate, {
      apply(target, _self, args) {
        tell("Date()");
        return Reflect.apply(target, undefined, args);
      },
      construct(target, args, made) {
        if (args.length === 0) tell("new Date()");
        return Reflect.construct(target, args, made === watchedDate ? target : made);
      },
      get: (target, part) => part === "now" ? now : Reflect.get(target, part),
    });
    undo.push(replace(globalThis, "Date", watchedDate));
    return body();
  } finally {
    for (const back of undo.reverse()) back();
  }
}
