/**
 * One pass through a model: runs layers at their places, lets variants act at their sites, and hands each its context.
 *
 * @module
 */
import type { Epilogue } from "../backend/epilogue.ts";
import { OptionError, PluginError, ShapeError, show, showShape } from "../errors.ts";
import type { Rows } from "../random/rows.ts";
import type { Mask } from "../tensor/ops/mask.ts";
import { sameShape, type Shape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { actAtSite, masked } from "./act_at_site.ts";
import { checkChild, checkOutput, oneNumber } from "./check_visit.ts";
import { mayGather, maySkip } from "./leave_out.ts";
import { locate } from "./locate.ts";
import { maskMoments } from "./mask_moments.ts";
import { maskOf } from "./mask_of.ts";
import { Outlook } from "./outlook.ts";
import type { PassSettings } from "./pass_settings.ts";
import type {
  Context,
  LayerContext,
  LayerPlugin,
  MaskPart,
  Mode,
  Moments,
  Place,
  Plugin,
  RunChild,
  SiteArguments,
  SiteResult,
  SiteRole,
} from "./plugin.ts";
import { RunningState } from "./running_state.ts";
import { describe, join, type Node, type PlaceRequest, same, type Tree } from "./tree.ts";

/** Sites whose first argument is a batch. */
const batched: ReadonlySet<Place> = new Set(["layer", "activation", "branch"]);

/** What a parent may say of how a child is run, but for which use it is. */
type HowRun = Omit<RunChild, "use">;

/** What is common to the two ways in which a plugin at its place is called. */
interface Visit {
  readonly given: Plugin;
  readonly path: string;
  readonly role: Place;
  readonly inputs: readonly Tensor[];
  readonly weight: Tensor | null;
  readonly how: HowRun;
  /** Names that children have taken in this call of their parent: only while building. */
  readonly siblings: Map<string, Plugin> | null;
  /** Whether the place may be visited again in one call of its parent. */
  readonly again: boolean;
}

/** One pass, or the part of it that belongs to one use of a shared layer. */
export class Pass {
  readonly #tree: Tree;
  readonly #settings: PassSettings;
  /** Which use of a shared layer this is, such as `0:1` for the second of the layer `0`; empty for the first. */
  readonly #use: string;
  readonly #penalized: Set<string>;
  readonly #running: RunningState;
  /** Rows that are computed now: those of the batch, or the ones that a branch has gathered. */
  readonly #scope: { rows: Rows };
  readonly #outlook: Outlook;

  constructor(tree: Tree, settings: PassSettings, outer?: { pass: Pass; use: string }) {
    this.#tree = tree;
    this.#settings = settings;
    this.#use = outer?.use ?? "";
    this.#penalized = outer === undefined ? new Set() : outer.pass.#penalized;
    this.#running = outer === undefined ? new RunningState(settings) : outer.pass.#running;
    this.#scope = outer === undefined ? { rows: settings.rows } : outer.pass.#scope;
    this.#outlook = new Outlook({
      tree,
      settings,
      modeAt: (path) => this.#modeAt(path),
      evaluates: (path) => this.#evaluates(path),
      calls: (path) => this.#calls(path),
      context: (node) => this.#context(node, [], null),
    });
  }

  /**
   * Runs a layer at its place.
   *
   * @param handedOn whether its output only becomes the input of other layers
   */
  run(
    given: Plugin,
    inputs: readonly Tensor[],
    path: string,
    siblings: Map<string, Plugin> | null = null,
    how: HowRun = {},
    handedOn = true,
  ): Tensor {
    const { outputs, reused, atLayers } = this.#settings;
    const place = `${path} ${this.#use}`;
    // Of rows that a branch has gathered there may be others in another pass.
    const whole = this.#scope.rows === this.#settings.rows && how.listen === undefined;
    if (reused !== null && !reused.reached) {
      reused.reached = path === reused.from;
      const holds = reused.from !== null && (path === "" || reused.from.startsWith(`${path}.`));
      const before = whole && !reused.reached && !holds ? reused.outputs.get(place) : undefined;
      if (before !== undefined) return handedOn ? before : reused.spread?.(before) ?? before;
    }
    const spread = given.definition.handsOn ? undefined : reused?.spread;
    const y = this.#layer(given, spread === undefined ? inputs : inputs.map(spread), path, siblings, how);
    if (whole) outputs?.set(place, y);
    if (whole && atLayers !== null) {
      const { epilogue = "none" } = how;
      atLayers({ path: this.#named(path), plugin: given.plugin, epilogue, output: y });
    }
    return y;
  }

  /** A place, with the use of a shared layer that this is. */
  #named(path: string): string {
    return this.#use === "" ? path : `${path} (use ${this.#use})`;
  }

  #layer(
    given: Plugin,
    inputs: readonly Tensor[],
    path: string,
    siblings: Map<string, Plugin> | null,
    how: HowRun,
  ): Tensor {
    const role = "layer" in given.serves ? "layer" : "activation";
    const again = this.#use !== "";
    const visit = { given, path, role, inputs, weight: null, how, siblings, again } as const;
    return this.#visit(visit, (node, context) => {
      const { definition } = node.plugin;
      if (role === "activation") return this.#activation(node, inputs[0], context);
      if (typeof definition.forward !== "function") throw this.#tree.misuse(node.plugin, role);
      return definition.forward(inputs[0], context as LayerContext<never>);
    })!;
  }

  /** Mean and variance of a layer's output. */
  moments(given: Plugin, x: Moments, path: string): Moments {
    const node = this.#tree.at(path, given);
    const where = describe(path, given);
    try {
      const context = this.#context(node, [x.mean], null);
      const { definition } = node.plugin;
      const mask = (definition.activation as Partial<MaskPart<never>> | undefined)?.mask;
      if (definition.moments === undefined && mask === undefined) {
        throw new PluginError("has no moments: a mean and a variance cannot pass through it.");
      }
      const found = definition.moments !== undefined
        ? definition.moments(x, context as LayerContext<never>)
        : maskMoments(x, maskOf(mask!(context as Context<never>, { shape: x.mean.shape })), this.#evaluates(path));
      for (const part of [found?.mean, found?.variance]) {
        if (!(part instanceof Tensor)) throw new PluginError(`expected a mean and a variance, found ${show(part)}.`);
      }
      if (!sameShape(found.mean.shape, found.variance.shape)) {
        const [mean, variance] = [found.mean, found.variance].map((part) => showShape(part.shape));
        throw new ShapeError(`expected a variance of the mean's shape ${mean}, found ${variance}.`);
      }
      return found;
    } catch (error) {
      throw locate(error, where);
    }
  }

  /** The mode in which the plugin at a place is run. */
  #modeAt(path: string): Mode {
    const { mode, sites, frozen } = this.#settings;
    if (mode === "train" && frozen?.rests(path)) return "eval";
    return mode === "sample" && sites !== null && !sites(path) ? "eval" : mode;
  }

  #evaluates(path: string): boolean {
    return this.#modeAt(path) === "eval";
  }

  #activation(node: Node, x: Tensor, context: Context<never>): Tensor {
    const part = node.plugin.definition.activation;
    if (part === undefined) throw this.#tree.misuse(node.plugin, "activation");
    const { variants } = this.#settings;
    if (variants !== null) {
      return variants(x, { path: this.#named(node.path), plugin: node.plugin.plugin, options: context.options });
    }
    if (this.#calls(node.path)) {
      return this.#called(node, "activation", [x], (given) => {
        const [value] = given as [Tensor];
        return typeof part === "function"
          ? part(value, context)
          : masked(value, part.mask(context, { shape: value.shape }), false);
      }, () => typeof part === "function" ? undefined : maskOf(part.mask(context, { shape: x.shape })))!;
    }
    if (typeof part === "function") return part(x, context);
    if (this.#outlook.isMasked(x, node.path)) return x;
    return masked(x, part.mask(context, { shape: x.shape }), this.#evaluates(node.path));
  }

  #serve<R extends SiteRole>(
    host: Node,
    role: R,
    variant: Plugin,
    args: readonly unknown[],
    name: string,
    epilogue: Epilogue,
    siblings: Map<string, Plugin> | null,
  ): SiteResult<R> {
    const weight = role === "product" ? args[1] : role === "weight" || role === "embedding" ? args[0] : null;
    const visit: Visit = {
      given: variant,
      path: join(host.path, name),
      role,
      inputs: [args[0] as Tensor],
      weight: weight as Tensor | null,
      how: { epilogue },
      siblings,
      again: true,
    };
    return this.#visit(visit, (node, context) => this.#act(host, node, role, args, context)) as SiteResult<R>;
  }

  /** Lets the variant at a site act. */
  #act(host: Node, node: Node, role: SiteRole, args: readonly unknown[], context: Context<never>): Tensor | null {
    if (role === "activation") return this.#activation(node, args[0] as Tensor, context);
    const { definition } = node.plugin;
    if (definition[role] === undefined) throw this.#tree.misuse(node.plugin, role);
    const site = {
      evaluates: this.#evaluates(node.path),
      gathered: <T>(rows: readonly number[] | null, body: () => T) => this.#gathered(rows, body),
      gathers: () => mayGather(this.#tree, this.#settings, host, (path) => this.#modeAt(path)),
      skips: () => maySkip(this.#tree, this.#settings, host),
    };
    if (!this.#calls(node.path)) return actAtSite(definition, role, args, context, site);
    const part = role === "weight" || role === "branch" ? definition[role] : undefined;
    const { shape } = args[0] as Tensor;
    return this.#called(
      node,
      role,
      args,
      (given, epilogue) =>
        actAtSite(definition, role, given, epilogue === undefined ? context : { ...context, epilogue } as never, site),
      () =>
        part === undefined || typeof part === "function"
          ? undefined
          : maskOf(part.mask(context, { shape: role === "branch" ? [shape[0]] : shape })),
    );
  }

  /** Whether something stands in for the variant at a place. */
  #calls(path: string): boolean {
    const { atSites, building } = this.#settings;
    return atSites !== null && !building && !this.#evaluates(path);
  }

  #called(
    { path, plugin: { plugin } }: Node,
    role: SiteRole,
    args: readonly unknown[],
    act: (args: readonly unknown[], epilogue?: Epilogue) => Tensor | null,
    mask: () => Mask | null | undefined,
  ): Tensor | null {
    return this.#settings.atSites!({ path: this.#named(path), role, plugin, args, mask: mask(), act });
  }

  /** Runs `body` while only some rows of the batch are computed. */
  #gathered<T>(rows: readonly number[] | null, body: () => T): T {
    if (rows === null) return body();
    const before = this.#scope.rows;
    this.#scope.rows = before.gather(rows);
    try {
      return body();
    } finally {
      this.#scope.rows = before;
    }
  }

  #visit(visit: Visit, body: (node: Node, context: Context<never>) => Tensor | null): Tensor | null {
    const { given, path, role, inputs, weight, how } = visit;
    const { building, penalties } = this.#settings;
    try {
      if (building) this.#build(visit);
      const node = this.#tree.at(path, given);
      const context = this.#context(node, inputs, building ? new Map() : null, how);
      const out = body(node, context);
      checkOutput(out, role, inputs);
      const { penalty } = node.plugin.definition;
      if (penalty !== undefined && penalties !== null && !this.#penalized.has(path)) {
        this.#penalized.add(path);
        const input = role === "weight" || role === "embedding" ? null : inputs[0];
        const added = penalty(context, { input, weight, output: out });
        penalties.push(oneNumber(added));
      }
      if (building && out !== null) node.outputShape = shapeOf(role, out, weight);
      return out;
    } catch (error) {
      throw locate(error, describe(path, given));
    }
  }

  /** Gives a plugin its place, when the model is built. */
  #build({ given, path, role, inputs, weight, siblings, again }: Visit): void {
    const taken = siblings?.get(path);
    // Within one call of its parent a place is visited once, but for sites and shared layers, which are the same each time.
    if (taken !== undefined && !(again && same(taken, given))) {
      throw new PluginError("two plugins have this place; give one another name.");
    }
    siblings?.set(path, given);
    const present = this.#tree.nodes.get(path);
    // A parent that is called at every step of a sequence runs its children again, which it may make anew.
    if (present !== undefined && same(present.plugin, given) && present.role === role) return;
    if (present !== undefined) throw new PluginError("two plugins have this place; give one another name.");
    const inputShapes = batched.has(role) ? inputs.map((input) => input.shape.slice(1)) : [(weight ?? inputs[0]).shape];
    const request: PlaceRequest = { role, inputShapes, weight };
    this.#tree.place(path, given, request);
  }

  #context(
    node: Node,
    inputs: readonly Tensor[],
    siblings: Map<string, Plugin> | null,
    how: HowRun = {},
  ): Context<never> {
    const { path } = node;
    const { epilogue = "none", listen, foresee, ahead } = how;
    const { progress, building, carry, emitted, drawn, frozen } = this.#settings;
    const mode = this.#modeAt(path);
    const key = node.keys[mode];
    const rows = drawn === null ? this.#scope.rows : this.#scope.rows.watched(() => void drawn.add(path));
    const variant: Context<never> = {
      mode,
      options: this.#tree.optionsOf(node.plugin, path, progress),
      key: (this.#use === "" ? key : key.at(`use ${this.#use}`)).withRows(
        key.isWhole ? rows.shared() : rows,
      ),
      params: frozen?.params(path) ?? node.params,
      state: this.#running.of(node),
      progress,
      path,
      inputs,
      setState: (name, value) => this.#running.set(node, name, value, this.#scope.rows),
      run: (child, x, name, how: RunChild = {}) => {
        checkChild(child, name);
        const inputs = x instanceof Tensor ? [x] : x;
        if (!Array.isArray(inputs) || !inputs.every((input) => input instanceof Tensor)) {
          throw new PluginError(
            `expected a tensor, or several, as the input of its child ${show(name)}, found ${show(x)}.`,
          );
        }
        const { use = 0 } = how;
        if (!Number.isSafeInteger(use) || use < 0) throw new OptionError("use", "a whole number of at least 0", use);
        const pass = use === 0 ? this : new Pass(this.#tree, this.#settings, {
          pass: this,
          use: join(this.#use, `${path}:${use}`),
        });
        return pass.run(child, inputs, join(path, name), siblings, how, node.plugin.definition.handsOn === true);
      },
      emit: (name, given) => {
        if (emitted === null && listen === undefined) return;
        const value = typeof given === "function" ? given() : given;
        listen?.(name, value);
        const use = this.#use === "" ? "" : ` (use ${this.#use})`;
        emitted?.set(join(path, name) + use, value);
      },
    };
    if (node.role !== "layer" && node.role !== "product") return Object.freeze(variant);
    if (node.role === "product") return Object.freeze({ ...variant, epilogue });
    const layer: LayerContext<never> = {
      ...variant,
      building,
      carry,
      use: this.#use,
      epilogue,
      foresee,
      foresees: (child, name) => this.#outlook.foresees(child, join(path, name)),
      // A penalty is told what the layer itself gave.
      ahead: node.plugin.definition.penalty === undefined ? ahead : undefined,
      masks: (child, name) => this.#outlook.masks(child, join(path, name)),
      serve: <R extends SiteRole>(role: R, given: Plugin<R>, args: SiteArguments<R>, name: string = role) => {
        checkChild(given, name);
        const fused = role === "product" && given.definition.fuses ? epilogue : "none";
        return this.#serve(node, role, given, args, name, fused, siblings);
      },
      acts: (role, given, name = role, has) => this.#outlook.acts(join(path, name), role, given, has),
      maskAt: (given, stage, shape, name = "attention") => {
        checkChild(given, name);
        return this.#outlook.maskAt(join(path, name), given, { stage, shape });
      },
      heard: emitted !== null || listen !== undefined,
      moments: (child: LayerPlugin, x: Moments, name: string) => {
        checkChild(child, name);
        return this.moments(child, x, join(path, name));
      },
    };
    return Object.freeze(layer);
  }
}

/** The shape that a summary shows. */
function shapeOf(role: Place, out: Tensor, weight: Tensor | null): Shape {
  if (batched.has(role)) return out.shape.slice(1);
  return role === "product" ? weight!.shape : out.shape;
}
