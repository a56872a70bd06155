/** What a host may know of the variants at its sites before they act. @module */
import { PluginError, show } from "../errors.ts";
import type { MaskAhead } from "../tensor/mask_ahead.ts";
import { checkMask, keptUnits, type Mask, plainMask } from "../tensor/ops/mask.ts";
import type { Shape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Foresee } from "../tensor/thinning.ts";
import { locate } from "./locate.ts";
import { maskOf } from "./mask_of.ts";
import type { PassSettings } from "./pass_settings.ts";
import {
  type AttentionMaskSite,
  attentionStages,
  type Context,
  type Mode,
  type Plugin,
  type RecurrentPlace,
  recurrentPlaces,
} from "./plugin.ts";
import { describe, type Node, type Tree } from "./tree.ts";

/** What is needed of a pass. */
export interface Looking {
  readonly tree: Tree;
  readonly settings: PassSettings;
  /** The mode in which the plugin at a place is run. */
  modeAt(path: string): Mode;
  /** Whether that is evaluation. */
  evaluates(path: string): boolean;
  /** Whether something stands in for the variant at a place. */
  calls(path: string): boolean;
  /** What a variant is given, but for inputs. */
  context(node: Node): Context<never>;
}

/** Looks at variants before they act. */
export class Outlook {
  readonly #pass: Looking;
  /** Outputs to which the mask of the place that comes next has been applied already. */
  readonly #premasked = new WeakMap<Tensor, string>();

  constructor(pass: Looking) {
    this.#pass = pass;
  }

  /** Whether the mask of a place has been applied to a tensor by the op before it. */
  isMasked(x: Tensor, path: string): boolean {
    return this.#premasked.get(x) === path;
  }

  /** What the variant at a place keeps of whatever it will be given, if it is a mask that whole groups of examples share. */
  foresees(given: Plugin, path: string): Foresee | undefined {
    const look = this.#looksAhead(given, path);
    return look && ((shape) => look(shape, keptUnits));
  }

  /** The mask of the variant at a place, for the op before it. */
  masks(given: Plugin, path: string): MaskAhead | undefined {
    const look = given.definition.penalty === undefined ? this.#looksAhead(given, path) : undefined;
    return look && {
      plain: (shape) => look(shape, plainMask),
      applied: (y) => {
        this.#premasked.set(y, path);
        return y;
      },
    };
  }

  /** What can be told of the mask that the variant at a place will draw for an input of a shape, if that may be used. */
  #looksAhead(
    given: Plugin,
    path: string,
  ): (<T>(shape: Shape, tell: (mask: Mask, shape: Shape) => T | null) => T | null) | undefined {
    const part = given.definition.activation;
    if (this.#pass.evaluates(path) || part === undefined || typeof part === "function") return undefined;
    // Whoever collects what layers hand out may look at all of it, a further pass reads outputs under another mask, and
    // what stands in for a variant takes its input as it is.
    const { emitted, outputs, variants, atSites } = this.#pass.settings;
    if (emitted !== null || outputs !== null || variants !== null || atSites !== null) return undefined;
    return (shape, tell) => {
      const node = this.#pass.tree.at(path, given);
      try {
        const mask = maskOf(part.mask(this.#pass.context(node), { shape }));
        return mask === null ? null : tell(mask, shape);
      } catch (error) {
        throw locate(error, describe(path, given));
      }
    };
  }

  /** The mask that the variant at an attention site draws, if that is all there is to it. */
  maskAt(path: string, given: Plugin, site: AttentionMaskSite): Mask | null | undefined {
    const { building, penalties } = this.#pass.settings;
    if (building || this.#pass.calls(path)) return undefined;
    try {
      const node = this.#pass.tree.at(path, given);
      const { attention: part, penalty } = node.plugin.definition;
      // A penalty may look at what the variant gives.
      if (part === undefined || typeof part === "function" || (penalty !== undefined && penalties !== null)) {
        return undefined;
      }
      const mask = maskOf(part.mask(this.#pass.context(node), site));
      if (mask === null) return null;
      checkMask(mask, site.shape.length);
      if (this.#pass.evaluates(path)) return mask.eval === "mean" ? undefined : null;
      return mask;
    } catch (error) {
      throw locate(error, describe(path, given));
    }
  }

  /**
   * Where the variant at a recurrent or attention site acts; undefined where nobody says.
   *
   * @param has the places that the host has
   */
  acts(
    path: string,
    role: "recurrent" | "attention",
    given: Plugin,
    has?: readonly RecurrentPlace[],
  ): readonly string[] | undefined {
    const { building, progress } = this.#pass.settings;
    const mode = building ? "train" : this.#pass.modeAt(path);
    const plugin = this.#pass.tree.nodes.get(path)?.plugin ?? given;
    const { places, stages } = plugin.definition;
    try {
      const options = this.#pass.tree.optionsOf(plugin, path, progress);
      const found: readonly string[] | undefined = role === "recurrent"
        ? places?.(options, mode, has)
        : stages?.(options, mode);
      const known: readonly string[] = role === "recurrent" ? recurrentPlaces : attentionStages;
      if (found !== undefined && !(Array.isArray(found) && found.every((name) => known.includes(name)))) {
        const method = role === "recurrent" ? "places" : "stages";
        throw new PluginError(`expected some of ${known.join(", ")} from its method ${method}, found ${show(found)}.`);
      }
      // While the model is built the variant gets its place, whatever its rate is at the beginning.
      return building && found?.length === 0 ? undefined : found;
    } catch (error) {
      throw locate(error, describe(path, given));
    }
  }
}
