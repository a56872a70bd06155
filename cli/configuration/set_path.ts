/** Changing one entry of a configuration. @module */
import { didYouMean, OptionError } from "../../core/mod.ts";

/**
 * A copy of a JSON value with one entry changed. `null` removes the entry.
 *
 * @param json the value
 * @param path where the entry stands: `model.3.rate`
 * @throws {OptionError} when there is nothing at the path's beginning
 */
export function setPath(json: unknown, path: string, value: unknown): unknown {
  const [head, ...rest] = path.split(".");
  return change(json, head, rest, value, "", path);
}

function change(json: unknown, head: string, rest: string[], value: unknown, at: string, path: string): unknown {
  const here = at === "" ? head : `${at}.${head}`;
  if (typeof json === "string" && at !== "") json = { plugin: json }; // the short form of a part
  if (typeof json !== "object" || json === null || head === "") {
    throw new OptionError(path, `a path into the configuration; ${at || "its beginning"} has no entries`, head);
  }
  const copy = (Array.isArray(json) ? [...json] : { ...json }) as Record<string, unknown>;
  if (Array.isArray(json) && !(/^\d+$/.test(head) && Number(head) < json.length)) {
    throw new OptionError(path, `an index in [0, ${json.length}) for ${at}`, head);
  }
  if (rest.length > 0) {
    if (!(head in copy)) {
      throw new OptionError(
        path,
        `a path into the configuration; there is no ${here}`,
        head,
        didYouMean(head, Object.keys(copy)),
      );
    }
    copy[head] = change(copy[head], rest[0], rest.slice(1), value, here, path);
  } else if (value === null && !Array.isArray(json)) {
    delete copy[head];
  } else if (value === null) {
    return (json as unknown[]).filter((_, i) => i !== Number(head));
  } else {
    copy[head] = value;
  }
  return copy;
}
