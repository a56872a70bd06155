/**
 * The places of a model: which plugin stands where, with its parameters, its running state and its keys.
 *
 * @module
 */
import { OptionError, PluginError, show } from "../errors.ts";
import { Key } from "../random/key.ts";
import type { Shape } from "../tensor/shape.ts";
import { type FloatType, Tensor } from "../tensor/tensor.ts";
import { instantiate, rolesOf } from "./define.ts";
import { isPlugin } from "./is_plugin.ts";
import type { Parameter, SummaryRow } from "./model_options.ts";
import { optionsAt } from "./options.ts";
import type { Mode, ParameterSpec, Place, Plugin, Progress } from "./plugin.ts";
import { ScheduleMemory, type SchedulePlace, schedulesIn } from "./schedule_memory.ts";

/** One plugin in its place in a model. */
export interface Node {
  /** Where it stands. */
  readonly path: string;
  /** The plugin; `configure` replaces it by one with other options. */
  plugin: Plugin;
  /** The role in which it stands there. */
  readonly role: Place;
  /** Learned parameters. */
  readonly params: Record<string, Tensor>;
  /** Running state. */
  readonly state: Record<string, Tensor>;
  /** Shape of its output, without the batch axis. */
  outputShape: Shape;
  /** Where its random numbers lie. */
  readonly keys: Record<Mode, Key>;
}

/** What a plugin's place is made from. */
export interface PlaceRequest {
  /** The role in which it stands there. */
  readonly role: Place;
  /** Shapes of its inputs without the batch axis; for a weight site, the weight's. */
  readonly inputShapes: readonly Shape[];
  /** The weight that it stands at, if any. */
  readonly weight: Tensor | null;
}

/** Progress before the first step. */
export const beginning: Progress = Object.freeze({ step: 0, stepsPerEpoch: 1, totalSteps: 1 });

/** A name under a path. */
export function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** A plugin at its place, for messages. */
export function describe(path: string, plugin: Plugin): string {
  return path === "" ? `model (${plugin.plugin})` : `model.${path} (${plugin.plugin})`;
}

/** Whether a value is, or holds, a plugin that has taken its place when the model was built: any but a schedule. */
function holdsPlace(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (isPlugin(value)) return !isPlugin(value, "schedule");
  return Object.values(value).some(holdsPlace);
}

/** What schedules have in common that are counted together: their name, or what is written; they are immutable. */
const groups = new WeakMap<Plugin, string>();

function groupOf(schedule: Plugin): string {
  let group = groups.get(schedule);
  if (group === undefined) {
    const { plugin, name } = schedule;
    groups.set(schedule, group = name === undefined ? JSON.stringify(schedule) : `${plugin} ${name}`);
  }
  return group;
}

/** Whether two plugins are the same one, or descriptions of the same. */
export function same(a: Plugin, b: Plugin): boolean {
  return a === b || (a.definition === b.definition && JSON.stringify(a) === JSON.stringify(b));
}

/** The places of one model. */
export class Tree {
  /** The places, in the order in which they are run. */
  readonly nodes = new Map<string, Node>();
  /** All learned parameters, in the order of the layers. */
  readonly parameters: Parameter[] = [];
  /** What schedules among the options remember. */
  readonly schedules: ScheduleMemory = new ScheduleMemory((path, schedule) => this.#placeOf(path, schedule));
  /** Where schedules that belong together stand: the number of the place by path, and how many there are. */
  #schedulePlaces: Map<string, { readonly numbers: Map<string, number>; count: number }> | undefined;
  readonly #dtype: FloatType;
  readonly #key: Key;

  /**
   * @param seed what initial parameters and draws follow from
   * @param dtype element type
   */
  constructor(seed: number | bigint, dtype: FloatType) {
    this.#key = Key.seed(seed);
    this.#dtype = dtype;
  }

  /** The plugin's place. */
  at(path: string, given: Plugin): Node {
    const node = this.nodes.get(path);
    if (node === undefined) throw new PluginError("this place did not exist when the model was built.");
    // Another plugin of the same kind at the place is the one that was configured since.
    if (node.plugin.definition !== given.definition) {
      throw new PluginError(`the model was built with ${node.plugin.plugin} at this place.`);
    }
    return node;
  }

  /** Which of the places of all schedules that belong together a path is. */
  #placeOf(path: string, schedule: Plugin<"schedule">): SchedulePlace {
    if (this.#schedulePlaces === undefined) {
      this.#schedulePlaces = new Map();
      for (const node of this.nodes.values()) {
        const here = new Set<string>();
        for (const [at, found] of schedulesIn({ ...node.plugin.options }, node.path)) {
          const group = groupOf(found);
          const alike = this.#schedulePlaces.get(group) ?? { numbers: new Map(), count: 0 };
          this.#schedulePlaces.set(group, alike);
          if (!here.has(group)) alike.count++;
          here.add(group);
          alike.numbers.set(at, alike.count - 1);
        }
      }
    }
    const alike = this.#schedulePlaces.get(groupOf(schedule));
    const index = alike?.numbers.get(path);
    return alike === undefined || index === undefined ? { index: 0, count: 1 } : { index, count: alike.count };
  }

  /** Options of the plugin at a place, at a point of training. Errors name the option; the driver adds the place. */
  optionsOf(plugin: Plugin, path: string, progress: Progress): never {
    return optionsAt(plugin, progress, "", this.schedules, path) as never;
  }

  /** Gives a plugin its place and its parameters, when the model is built. */
  place(path: string, plugin: Plugin, { role, inputShapes, weight }: PlaceRequest): void {
    const where = path === "" ? "(root)" : path;
    const initial = plugin.definition.init?.({
      options: this.optionsOf(plugin, path, beginning),
      inputShape: inputShapes[0],
      inputShapes,
      key: this.#key.at("init").at(where),
      dtype: this.#dtype,
      path,
      role,
      weight,
    });
    for (const [name, value] of Object.entries(initial?.state ?? {})) {
      if (value instanceof Tensor) continue;
      throw new PluginError(
        `expected a tensor for the state ${show(name)} from its method init, found ${show(value)}.`,
      );
    }
    const params: Record<string, Tensor> = {};
    for (const [name, given] of Object.entries(initial?.params ?? {})) {
      const spec: Partial<ParameterSpec> = given instanceof Tensor ? { value: given } : given ?? {};
      if (!(spec.value instanceof Tensor)) {
        throw new PluginError(
          `expected a tensor for the parameter ${show(name)} from its method init, found ${show(given)}.`,
        );
      }
      params[name] = spec.value.withGradient();
      this.parameters.push({ name: join(path, name), tensor: params[name], constraint: spec.constraint });
    }
    const keyed = (mode: Mode) => {
      const key = this.#key.at(mode).at(where);
      return role === "weight" ? key.whole() : key;
    };
    this.#schedulePlaces = undefined;
    this.nodes.set(path, {
      path,
      plugin,
      role,
      params,
      state: { ...initial?.state },
      outputShape: [],
      keys: { train: keyed("train"), eval: keyed("eval"), sample: keyed("sample") },
    });
  }

  /** Running state by name, such as `4.mean`. */
  state(): Map<string, Tensor> {
    const all = new Map<string, Tensor>();
    for (const node of this.nodes.values()) {
      for (const name in node.state) all.set(join(node.path, name), node.state[name]);
    }
    return all;
  }

  /** Whether a path is that of a layer, or of a variant at a layer position. */
  isLayer(path: string): boolean {
    const role = this.nodes.get(path)?.role;
    return role === "layer" || role === "activation";
  }

  /** The path of the last variant at a layer position, if there is one. */
  lastVariant(): string | undefined {
    return [...this.nodes.values()].findLast(({ role }) => role === "activation")?.path;
  }

  /** Whether what becomes of an example may depend on the others of its batch, somewhere in the model. */
  mixesRows(mode: Mode, progress: Progress): boolean {
    return [...this.nodes.values()].some(({ path, plugin }) => {
      const { mixesRows = false, claims } = plugin.definition;
      const options = this.optionsOf(plugin, path, progress);
      if (typeof mixesRows === "boolean" ? mixesRows : mixesRows(options, mode)) return true;
      // A variant that looks at values may look at those of the whole batch.
      const found = typeof claims === "function" ? claims(options) : claims;
      return found?.adaptive === true && found.draw === "batch";
    });
  }

  /** One row for each plugin, in the order in which they are run. */
  summary(): SummaryRow[] {
    return [...this.nodes.values()].map(({ path, plugin, outputShape, params, role }) => ({
      path,
      plugin: plugin.plugin,
      shape: outputShape,
      parameters: Object.values(params).reduce((sum, tensor) => sum + tensor.size, 0),
      site: role === "layer" ? null : role,
    }));
  }

  /** Changes options of the plugin at a place. */
  configure(path: string, changes: Readonly<Record<string, unknown>>): void {
    const node = this.nodes.get(path);
    if (node === undefined) {
      throw new OptionError("path", `one of ${[...this.nodes.keys()].map((p) => JSON.stringify(p)).join(", ")}`, path);
    }
    const { plugin } = node;
    const where = describe(path, plugin);
    if ("name" in changes) {
      throw new OptionError(`${where}.name`, "no change of the name, which addresses it", changes.name);
    }
    for (const [name, value] of Object.entries(changes)) {
      if (!holdsPlace(value) && !holdsPlace(plugin.options[name])) continue;
      throw new OptionError(
        `${where}.${name}`,
        "options of its own: its parts are configured at their own paths",
        value,
      );
    }
    const options = { ...plugin.options, ...changes, name: plugin.name };
    node.plugin = instantiate(plugin.definition, options, where);
    this.#schedulePlaces = undefined;
  }

  /** What is wrong with a plugin at a site that it does not serve. */
  misuse(plugin: Plugin, role: Place): PluginError {
    return new PluginError(`serves ${rolesOf(plugin.definition).join(", ")}, not ${role}.`);
  }
}
