/** What the variants of a model draw in one pass over one example, as numbers: found by letting them act. @module */
import {
  Key,
  type Model,
  noGrad,
  PluginError,
  type Progress,
  Rows,
  sameShape,
  type Shape,
  type SiteCall,
  Tensor,
} from "../../core/mod.ts";
import { join } from "./_description.ts";
import { tensorsOf } from "./_rebuilt.ts";
import type { Tensors } from "./_units.ts";
import { weightAt } from "./_weight_at.ts";

/** A variant at a layer position: `factor * x + shift`, each of an example's shape. */
export interface FixedEntries {
  readonly shape: Shape;
  readonly factor: Float64Array;
  readonly shift: Float64Array;
}

/** What the variants of a model do in one pass, by their paths. */
export interface Fixed {
  /** At layer positions. */
  readonly entries: Map<string, FixedEntries>;
  /** At branches: by what the branch is multiplied. */
  readonly branches: Map<string, number>;
  /** At weights and embeddings. */
  readonly weights: Set<string>;
  /** All tensors of the model, with those weights as they were used. */
  readonly tensors: Tensors;
}

/** Which pass. */
export interface FixedPass {
  readonly mode: "train" | "sample";
  readonly step: number;
  readonly example: number;
  readonly pass: number;
  readonly progress: Progress | undefined;
}

/** Rows that stand for the example: two, since layers that mix the rows of a batch want more than one. */
const ROWS = 2;

/** The refusal of a variant that is more than a draw. */
function changes(what: string): PluginError {
  return new PluginError(
    `cannot stay as it was in that pass: ${what}. Only what follows from the draw alone can be made part of a net.`,
  );
}

/** Whether two tensors say the same up to rounding. */
function near(a: Tensor, b: Tensor): boolean {
  const [x, y] = [a.floats, b.floats];
  let scale = 1;
  for (const value of y) scale = Math.max(scale, Math.abs(value));
  return x.length === y.length && x.every((value, i) => Math.abs(value - y[i]) <= 1e-4 * scale);
}

/** Numbers to try a map on. */
function trial(shape: Shape, like: Tensor): Tensor {
  return Tensor.normal(shape, Key.seed(0).at("trial"), like.floatType);
}

function firstRow(x: Tensor): Tensor {
  return x.slice([0], [1]);
}

class Finder {
  readonly found: Fixed;

  constructor(model: Model) {
    this.found = { entries: new Map(), branches: new Map(), weights: new Set(), tensors: tensorsOf(model) };
  }

  /** Notes what a variant does, and lets it act. */
  at(call: SiteCall): Tensor | null {
    if (call.path.includes(" (use ")) {
      throw changes("its layer is used more than once, each time with a draw of its own");
    }
    switch (call.role) {
      case "activation":
        this.#activation(call);
        break;
      case "branch":
        this.#branch(call);
        break;
      case "weight":
        this.#weight(call.path, call.act(call.args)!);
        break;
      case "product":
        this.#product(call);
        break;
      case "embedding":
        this.#embedding(call);
        break;
      default:
        throw changes(`it acts inside of a layer, at its site ${call.role}`);
    }
    return call.act(call.args);
  }

  #activation({ path, args, act }: SiteCall): void {
    const [x] = args as [Tensor];
    if (x.dtype === "int32") throw changes("what it is given are whole numbers");
    const shift = act([Tensor.zeros(x.shape, x.dtype)])!;
    const factor = act([Tensor.ones(x.shape, x.dtype)])!.sub(shift);
    for (const size of [1, 5]) {
      const tried = trial(x.shape, x).mul(size);
      if (!near(act([tried])!, tried.mul(factor).add(shift))) throw changes("what it does depends on what it is given");
    }
    const numbers = (all: Tensor) => Float64Array.from(firstRow(all).floats);
    this.found.entries.set(path, { shape: x.shape.slice(1), factor: numbers(factor), shift: numbers(shift) });
  }

  #branch({ path, args, act }: SiteCall): void {
    const [x, , further] = args as [Tensor, unknown, unknown];
    const adds = (value: number) => act([x, () => Tensor.full(x.shape, value, x.floatType), further]);
    const [one, two] = [adds(1), adds(2)];
    const factor = one === null ? 0 : one.floats[0];
    const constant = (all: Tensor | null, value: number) =>
      all === null || firstRow(all).floats.every((entry) => Math.abs(entry - value) <= 1e-6 * Math.abs(value));
    if (!constant(one, factor) || !constant(two, 2 * factor)) throw changes("it does more than to scale its branch");
    this.found.branches.set(path, factor);
  }

  /** Writes a weight as the variant at a path leaves it, which stands at the parameter of the place's name. */
  #weight(path: string, used: Tensor, place = path): void {
    const dot = place.lastIndexOf(".");
    const { weight: name, rows } = weightAt(place.slice(0, Math.max(dot, 0)), place.slice(dot + 1), this.found.tensors);
    const whole = this.found.tensors.get(name);
    const part = whole === undefined || rows === undefined ? whole : whole.slice([rows[0]], [rows[1]]);
    if (whole === undefined || !sameShape(part!.shape, used.shape)) {
      throw changes(`the layer around it has no weight of shape [${used.shape.join(", ")}] that could be written`);
    }
    const parts = rows === undefined ? [used] : [whole.slice([0], [rows[0]]), used, whole.slice([rows[1]])];
    this.found.tensors.set(name, parts.length === 1 ? used.detach() : Tensor.concat(parts).detach());
    this.found.weights.add(path);
  }

  #product({ path, args, act }: SiteCall): void {
    const [x, weight, bias, multiply] = args as [Tensor, Tensor, Tensor | null, (...all: unknown[]) => Tensor];
    const [used, shift] = weight.rank === 2
      ? this.#dense(x, weight, bias, multiply, act)
      : this.#convolution(x, weight, bias, multiply, act);
    this.#weight(path, used);
    if (bias === null || shift === null) return;
    const host = path.slice(0, Math.max(path.lastIndexOf("."), 0));
    const name = `model/${join(host, "bias")}`;
    if (!this.found.tensors.has(name)) throw changes("the layer around it has no bias that could be written");
    this.found.tensors.set(name, shift);
  }

  /** Of rows that say which input is 1, the product is the weight. */
  #dense(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | null,
    multiply: unknown,
    act: SiteCall["act"],
  ): [Tensor, Tensor | null] {
    const [units, inputs] = weight.shape;
    const eye = Float64Array.from({ length: inputs * inputs }, (_, i) => i % (inputs + 1) === 0 ? 1 : 0);
    const [one] = [Tensor.from(eye, [1, inputs, inputs], x.floatType)];
    const run = (given: Tensor, b: Tensor | null) =>
      act([given.broadcastTo([ROWS, ...given.shape.slice(1)]), weight, b, multiply], "none")!;
    const used = firstRow(run(one, null)).reshape([inputs, units]).transpose([1, 0]);
    const shift = bias && firstRow(run(Tensor.zeros([1, 1, inputs], x.dtype), bias)).reshape([units]);
    const tried = trial([1, 3, inputs], x);
    const expected = tried.reshape([3, inputs]).matmul(used.transpose([1, 0]));
    const linear = shift === null ? expected : expected.add(shift);
    if (!near(firstRow(run(tried, bias)).reshape([3, units]), linear)) {
      throw changes("what it does depends on what it is given");
    }
    return [used.detach(), shift && shift.detach()];
  }

  /** A convolution's own product is watched for the weight that it is called with. */
  #convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | null,
    multiply: (...all: unknown[]) => Tensor,
    act: SiteCall["act"],
  ): [Tensor, Tensor | null] {
    const seen: [unknown, Tensor, Tensor | null, Tensor][] = [];
    const watched = (given: unknown, w: Tensor, b: Tensor | null, ...rest: unknown[]) => {
      const y = multiply(given, w, b, ...rest);
      seen.push([given, w, b, y]);
      return y;
    };
    const y = act([x, weight, bias, watched], "none");
    const [call] = seen;
    if (seen.length !== 1 || call[0] !== x || call[3] !== y) throw changes("it is more than another weight");
    const [, w, b] = call;
    const used = w.rank > weight.rank ? firstRow(w).reshape(weight.shape) : w;
    return [used.detach(), b && (b.rank === 2 ? firstRow(b).reshape([b.shape[1]]) : b).detach()];
  }

  #embedding({ path, args, act }: SiteCall): void {
    const [table] = args as [Tensor, Tensor];
    const words = table.shape[0];
    const rows = (order: readonly number[]) => {
      const index = Int32Array.from([...order, ...order]);
      return firstRow(act([table, Tensor.from(index, [ROWS, words])])!).reshape(table.shape);
    };
    const order = Array.from({ length: words }, (_, i) => i);
    const used = rows(order);
    const back = rows([...order].reverse()).take(Tensor.from(Int32Array.from(order.reverse()), [words]));
    if (!near(used, back)) throw changes("it drops words by where they stand");
    this.#weight(path, used, path.replace(/[^.]*$/, "weight"));
  }
}

/**
 * What the variants of a model do in a pass.
 *
 * @param model a model that may be run in training mode
 */
export function fixedIn(model: Model, { mode, step, example, pass, progress }: FixedPass): Fixed {
  const finder = new Finder(model);
  const { inputType } = model.built;
  const inputs = model.inputShapes.map((shape, i) => {
    const type = typeof inputType === "string" ? inputType : inputType[i] ?? model.dtype;
    return Tensor.zeros([ROWS, ...shape.map((extent) => extent === -1 ? 1 : extent)], type);
  });
  const row = { sample: example, step, pass };
  noGrad(() =>
    model.forward(inputs, {
      mode,
      rows: Rows.of([row, row]),
      progress,
      stateUpdates: new Map(),
      atSites: (call) => finder.at(call),
    })
  );
  return finder.found;
}
