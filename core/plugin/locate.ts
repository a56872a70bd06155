/** Errors of plugins, told once with the place of the plugin. @module */
import { OptionError, PluginError, ThinnedError } from "../errors.ts";

/** Errors that name their place already: the innermost plugin's. */
const located = new WeakSet<Error>();

/**
 * An error of a plugin with the plugin's place in its message. Errors that name a place already are left alone.
 *
 * @param error what was thrown
 * @param where the plugin and its place, such as `model.3 (dropout)`
 */
export function locate(error: unknown, where: string): Error {
  if (!(error instanceof Error)) {
    return locate(new PluginError(`threw ${String(error)}, which is no error.`), where);
  }
  if (located.has(error)) return error;
  if (isOverflow(error)) {
    return remember(
      new PluginError("model: expected layers nested less deeply: the call stack is full.", { cause: error }),
    );
  }
  if (!(error instanceof ThinnedError)) {
    return remember(new PluginError(`${where}: failed with ${error.name}: ${error.message}`, { cause: error }));
  }
  const joint = error instanceof OptionError ? "." : ": ";
  const message = `${where}${joint}${error.message}`;
  if (Object.isFrozen(error)) return remember(new PluginError(message, { cause: error }));
  error.message = message;
  if (error instanceof OptionError) (error as { path: string }).path = `${where}.${error.path}`;
  return remember(error);
}

/**
 * Whether an error says that the call stack is full. A regular expression would need room of its own on it, and says so with
 * a SyntaxError.
 */
export function isOverflow(error: unknown): boolean {
  return error instanceof Error && !(error instanceof ThinnedError) && error.message.includes("call stack size");
}

function remember(error: Error): Error {
  located.add(error);
  return error;
}
