/** What a plugin gives to the driver, checked. @module */
import { PluginError, ShapeError, show, showShape } from "../errors.ts";
import { sameShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isPlugin } from "./is_plugin.ts";
import type { Place } from "./plugin.ts";

/** Sites whose method returns what has the shape of its first argument. */
const keepsShape: ReadonlySet<Place> = new Set(["activation", "weight", "recurrent", "attention"]);

/** Refuses a child that is no plugin, and a name that would not stand in a path of its own. */
export function checkChild(child: unknown, name: unknown): void {
  if (typeof name !== "string" || name === "" || name.includes(".") || name.includes("/")) {
    throw new PluginError(`expected a name for its child, without "." and "/", found ${show(name)}.`);
  }
  if (!isPlugin(child)) throw new PluginError(`expected a plugin as its child ${show(name)}, found ${show(child)}.`);
}

/** Refuses what is no tensor of the shape that belongs to a role. */
export function checkOutput(out: unknown, role: Place, inputs: readonly Tensor[]): void {
  if (!(out instanceof Tensor)) {
    if (out === null && role === "branch") return;
    throw new PluginError(`expected a tensor from its method for ${role}, found ${show(out)}.`);
  }
  if (!keepsShape.has(role)) return;
  const [{ shape }] = inputs;
  if (sameShape(out.shape, shape)) return;
  throw new ShapeError(`expected an output of the input's shape ${showShape(shape)}, found ${showShape(out.shape)}.`);
}

/** A penalty, as one number. */
export function oneNumber(added: unknown): Tensor {
  if (added instanceof Tensor && added.size === 1) return added.rank === 0 ? added : added.reshape([]);
  const found = added instanceof Tensor ? `one of shape ${showShape(added.shape)}` : show(added);
  throw new PluginError(`expected a tensor with one number from its method penalty, found ${found}.`);
}
