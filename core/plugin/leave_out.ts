/** Whether a branch, or rows of it, may be left out of a pass. @module */
import type { PassSettings } from "./pass_settings.ts";
import type { Mode } from "./plugin.ts";
import type { Node, Tree } from "./tree.ts";

/** The places inside a layer. */
function* inside(tree: Tree, host: Node): Iterable<Node> {
  const prefix = host.path === "" ? "" : `${host.path}.`;
  for (const node of tree.nodes.values()) if (node.path.startsWith(prefix)) yield node;
}

/** Whether a branch of this host may be left out as a whole: nothing in it carries states, hands out or adds a penalty. */
export function maySkip(tree: Tree, { carry, building, emitted, penalties }: PassSettings, host: Node): boolean {
  if (carry !== null || building || emitted !== null) return false;
  if (penalties === null) return true;
  for (const { plugin } of inside(tree, host)) if (plugin.definition.penalty !== undefined) return false;
  return true;
}

/**
 * Whether rows may be left out in a branch of this host: nothing in it mixes them, and it may be left out as a whole.
 *
 * @param modeAt the mode in which the plugin at a place is run
 */
export function mayGather(tree: Tree, settings: PassSettings, host: Node, modeAt: (path: string) => Mode): boolean {
  if (!maySkip(tree, settings, host)) return false;
  for (const { path, plugin } of inside(tree, host)) {
    const { mixesRows = false } = plugin.definition;
    const mixes = typeof mixesRows === "boolean"
      ? mixesRows
      : mixesRows(tree.optionsOf(plugin, path, settings.progress), modeAt(path));
    if (mixes) return false;
  }
  return true;
}
