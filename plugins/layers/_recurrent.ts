/**
 * What the recurrent layers share: layers on top of each other, directions, states, sequences of different lengths, and
 * the variants at their sites. Inside, sequences lie with time first.
 *
 * @module
 */
import {
  affine,
  DataError,
  type Ints,
  isPlugin,
  type LayerContext,
  OptionError,
  PluginError,
  type RecurrentPlace,
  type SequenceOptions,
  ShapeError,
  showShape,
  Tensor,
  unstack,
} from "../../core/mod.ts";
import { product } from "./_product.ts";
import { type RecurrentSettings, suffixes } from "./_recurrent_options.ts";

/** Passes a value through the variant if it acts on this place. */
export type Act = (place: RecurrentPlace, value: Tensor, previous?: Tensor) => Tensor;

/** A state's share of a step's sums: `h W^T`, and the state's bias where the cell keeps it apart. */
export type StateProduct = (state: Tensor) => Tensor;

/** Weight and biases of one layer and direction. */
export interface CellParameters {
  /** `[gates units, units]`, after the variant at the weight. */
  readonly weight: Tensor;
  /** The state's bias, `[gates units]`, where it does not belong to the input's share of the sums. */
  readonly bias: Tensor | null;
}

/** What makes one kind of recurrent layer. */
export interface Cell {
  /** Number of gates. */
  readonly gates: number;
  /** Names of the states, the hidden one first. */
  readonly states: readonly string[];
  /** Places at which a variant can act inside the recurrence. */
  readonly inside: readonly RecurrentPlace[];
  /** Whether the state's bias is part of a product that a gate multiplies, and so cannot be added to the input's. */
  readonly separateBias: boolean;
  /** All steps at once: hidden states `[time, batch, units]`, and the final states. */
  sequence(projected: Tensor, parameters: CellParameters, initial: readonly Tensor[], options: SequenceOptions): {
    hidden: Tensor;
    final: Tensor[];
  };
  /** One step, from the input's share of the sums and the states before to the states after. */
  step(projected: Tensor, product: StateProduct, states: readonly Tensor[], act: Act): Tensor[];
}

/** Slices of a sequence's states, of which the initial one stands first, or last for a reverse walk. */
export function splitStates(states: Tensor, steps: number, reverse: boolean): { hidden: Tensor; final: Tensor } {
  const from = reverse ? 0 : 1;
  const last = reverse ? 0 : steps;
  return {
    hidden: states.slice([from], [from + steps]),
    final: states.slice([last], [last + 1]).reshape(states.shape.slice(1)),
  };
}

/** The number of steps of each sequence, or null when all have all. */
function lengthsOf(x: Tensor, context: LayerContext<RecurrentSettings>): Ints | null {
  const [batch, time, features] = x.shape;
  const given = context.inputs[1];
  if (given !== undefined) {
    if (given.size !== batch) {
      throw new ShapeError(`expected lengths of shape [${batch}], found ${showShape(given.shape)}.`);
    }
    return Int32Array.from(given.storage.array, (length, row) => {
      if (Number.isInteger(length) && length >= 0 && length <= time) return length;
      throw new DataError(`lengths: expected whole numbers in [0, ${time}], found ${length} at row ${row}.`);
    });
  }
  const padding = context.options.padding;
  if (padding === undefined) return null;
  const values = x.floats;
  return Int32Array.from({ length: batch }, (_, row) => {
    let end = (row + 1) * time * features;
    const start = row * time * features;
    while (end > start && values[end - 1] === padding) end--;
    return features === 0 ? time : Math.ceil((end - start) / features);
  });
}

/** Which rows have not ended: 1 or 0, `[time, batch, 1]`. */
function activeRows(time: number, lengths: Ints, like: Tensor): Tensor {
  const batch = lengths.length;
  const active = Tensor.empty([time, batch, 1], like.dtype);
  for (let i = 0; i < active.size; i++) active.floats[i] = Math.floor(i / batch) < lengths[i % batch] ? 1 : 0;
  return active;
}

/** The places at which the variant acts in this pass. */
function placesOf(cell: Cell, context: LayerContext<RecurrentSettings>, suffix: string): Set<RecurrentPlace> {
  const variant = context.options.recurrent;
  if (variant === undefined) return new Set();
  const known: RecurrentPlace[] = ["input", "input-by-gate", ...cell.inside, "output"];
  const named = context.acts("recurrent", variant, `recurrent${suffix}`, known);
  const wanted = (named as readonly RecurrentPlace[] | undefined) ??
    known.filter((place) => !place.endsWith("-by-gate"));
  const found = wanted.filter((place) => known.includes(place));
  if (wanted.length > 0 && found.length === 0) {
    throw new PluginError(
      `${variant.plugin} acts on ${wanted.join(", ")}; this layer has ${known.join(", ")}.`,
    );
  }
  return new Set(found);
}

/** The states before the first step: carried by the caller, left by the batch before, or the initial ones. */
function initialStates(
  cell: Cell,
  context: LayerContext<RecurrentSettings>,
  suffix: string,
  batch: number,
  like: Tensor,
) {
  const { options, params, state, progress, mode, building } = context;
  const goesOn = options.stateful !== undefined && mode === "train" && !building &&
    progress.step % progress.stepsPerEpoch !== 0;
  return cell.states.map((name) => {
    const carried = context.carry?.get(carryName(context, name + suffix)) ?? null;
    if (carried !== null && (carried.size !== batch * options.units || carried.shape[0] !== batch)) {
      const shape = showShape(carried.shape);
      throw new ShapeError(`expected a carried ${name} state [${batch}, ${options.units}], found ${shape}.`);
    }
    if (carried !== null) return carried;
    // The running state is overwritten at the end of this pass, before gradients are taken.
    if (goesOn && context.carry === null) return state[name + suffix].clone();
    const learned = params[`initial_${name}${suffix}`];
    if (learned !== undefined) return learned.broadcastTo([batch, options.units]);
    return Tensor.zeros([batch, options.units], like.dtype);
  });
}

function carryName({ path, use }: LayerContext<RecurrentSettings>, name: string): string {
  const own = use === "" ? name : `${name} (use ${use})`;
  return path === "" ? own : `${path}.${own}`;
}

function leaveStates(
  cell: Cell,
  context: LayerContext<RecurrentSettings>,
  suffix: string,
  final: readonly Tensor[],
): void {
  final.forEach((value, i) => {
    const name = cell.states[i] + suffix;
    context.emit(name, value);
    if (context.carry !== null) context.carry.set(carryName(context, name), value.detach().keep());
    else if (context.options.stateful !== undefined) context.setState(name, value);
  });
}

/** Each gate's copy of a value: `[..., features]` to `[..., gates, features]`. */
function forGates(x: Tensor, gates: number): Tensor {
  const [leading, features] = [x.shape.slice(0, -1), x.shape[x.rank - 1]];
  return x.reshape([...leading, 1, features]).broadcastTo([...leading, gates, features]);
}

/**
 * `x W^T + b` where each gate has an x of its own.
 *
 * @param x `[..., gates, features]`
 * @param weight `[gates units, features]`
 * @returns `[..., gates units]`
 */
function affineByGate(x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  const leading = x.shape.slice(0, -2);
  const [gates, features] = x.shape.slice(-2);
  const rows = leading.reduce((count, extent) => count * extent, 1);
  const parts = x.reshape([rows, gates, features]).transpose([1, 0, 2])
    .matmul(weight.reshape([gates, weight.shape[0] / gates, features]), { transposeB: true });
  const sums = parts.transpose([1, 0, 2]).reshape([...leading, weight.shape[0]]);
  return bias === null ? sums : sums.add(bias);
}

/**
 * The input's share of the sums, `[time, batch, gates units]`.
 *
 * @param x `[time, batch, inputs]`; `[time, batch, gates, inputs]` where each gate has an input of its own
 */
function project(context: LayerContext<RecurrentSettings>, x: Tensor, bias: Tensor | null, suffix: string): Tensor {
  const { params, options: { inputWeight } } = context;
  const [weight, name, byGate] = [params[`weight_ih${suffix}`], `inputWeight${suffix}`, x.rank === 4];
  if (!isPlugin(inputWeight, "product")) {
    const used = inputWeight === undefined ? weight : context.serve("weight", inputWeight, [weight], name);
    return byGate ? affineByGate(x, used, bias) : affine(x, used, bias);
  }
  // A product that differs from example to example takes the batch first, with all steps of an example together.
  const swap = (value: Tensor) => value.transpose([1, 0, ...value.shape.slice(2).map((_, axis) => axis + 2)]);
  const sums = swap(product(context, inputWeight, swap(x), weight, bias, name));
  if (!byGate) return sums;
  // Such a product is of the whole weight; each gate takes its own units of what its input gives.
  const [time, batch, gates] = x.shape;
  const units = weight.shape[0] / gates;
  const own = Array.from(
    { length: gates },
    (_, k) => sums.slice([0, 0, k, k * units], [time, batch, k + 1, (k + 1) * units]),
  );
  return Tensor.concat(own, 3).reshape([time, batch, weight.shape[0]]);
}

/** One layer in one direction: from `[time, batch, inputs]` to all hidden states `[time, batch, units]`. */
function direction(
  cell: Cell,
  context: LayerContext<RecurrentSettings>,
  x: Tensor,
  suffix: string,
  lengths: Ints | null,
  uppermost: boolean,
): Tensor {
  const { options, params } = context;
  const [time, batch] = x.shape;
  const reverse = suffix.endsWith("_reverse");
  const places = placesOf(cell, context, suffix);
  const at = (t: number): Act => (place, value, previous) => {
    if (!places.has(place)) return value;
    const step = { place, time: t, previous: previous ?? null };
    return context.serve("recurrent", options.recurrent!, [value, step], `recurrent${suffix}`);
  };
  const everywhere = (place: RecurrentPlace, sequence: Tensor) =>
    places.has(place) && time > 0 ? Tensor.stack(unstack(sequence).map((value, t) => at(t)(place, value))) : sequence;

  const given = params[`weight_hh${suffix}`];
  const weight = options.weight === undefined
    ? given
    : context.serve("weight", options.weight, [given], `weight${suffix}`);
  const [inputBias, stateBias] = [params[`bias_ih${suffix}`] ?? null, params[`bias_hh${suffix}`] ?? null];
  const bias = inputBias === null || cell.separateBias ? inputBias : inputBias.add(stateBias);
  const parameters = { weight, bias: cell.separateBias ? stateBias : null };
  const inputs = everywhere("input", x);
  const seen = places.has("input-by-gate") ? everywhere("input-by-gate", forGates(inputs, cell.gates)) : inputs;
  const projected = project(context, seen, bias, suffix);
  const stateProduct = (act: Act): StateProduct => (state) => {
    const seen = act("previous-hidden", state);
    if (!places.has("previous-hidden-by-gate")) return affine(seen, weight, parameters.bias);
    return affineByGate(act("previous-hidden-by-gate", forGates(seen, cell.gates)), weight, parameters.bias);
  };
  const initial = initialStates(cell, context, suffix, batch, x);

  let hidden: Tensor;
  let final: Tensor[];
  if (time === 0) [hidden, final] = [Tensor.zeros([0, batch, options.units], x.dtype), initial];
  else if (cell.inside.some((place) => places.has(place))) {
    const active = lengths === null ? null : unstack(activeRows(time, lengths, x));
    const sums = unstack(projected);
    const all = new Array<Tensor>(time);
    final = initial;
    for (let i = 0; i < time; i++) {
      const t = reverse ? time - 1 - i : i;
      const before = final;
      final = cell.step(sums[t], stateProduct(at(t)), before, at(t));
      if (active !== null) {
        const ended = active[t].mul(-1).add(1);
        final = final.map((value, k) => value.mask(active[t]).add(before[k].mask(ended)));
      }
      all[t] = final[0];
    }
    hidden = Tensor.stack(all);
  } else ({ hidden, final } = cell.sequence(projected, parameters, initial, { reverse, lengths }));
  leaveStates(cell, context, suffix, final);
  return uppermost ? everywhere("output", hidden) : hidden;
}

/** The output at each sequence's last step in its direction: `[batch, units]`. */
function lastStep(hidden: Tensor, reverse: boolean, lengths: Ints | null): Tensor {
  const [time, batch, units] = hidden.shape;
  const index = Tensor.empty([batch], "int32");
  for (let row = 0; row < batch; row++) {
    const t = reverse ? 0 : lengths === null ? time - 1 : Math.max(lengths[row], 1) - 1;
    index.ints[row] = t * batch + row;
  }
  return hidden.reshape([time * batch, units]).take(index);
}

/** A recurrent layer's forward pass; x: `[batch, time, features]`. */
export function runRecurrent(cell: Cell, x: Tensor, context: LayerContext<RecurrentSettings>): Tensor {
  const { layers, bidirectional, returnSequences, stateful, dropout } = context.options;
  const [batch, time] = x.shape;
  if (stateful !== undefined && context.use !== "") {
    throw new OptionError(
      "stateful",
      "a layer that is used once: uses of a shared layer have one running state",
      stateful,
    );
  }
  if (stateful !== undefined && context.mode === "train" && context.carry === null && batch !== stateful) {
    throw new ShapeError(`expected a batch of ${stateful} sequences, as \`stateful\` says, found ${batch}.`);
  }
  if (!returnSequences && time === 0) throw new ShapeError("expected at least one step, found none.");
  const lengths = lengthsOf(x, context);
  const swap = (sequence: Tensor) => sequence.transpose([1, 0, 2]);
  let sequence = swap(x);
  for (let layer = 0; layer < layers; layer++) {
    const uppermost = layer === layers - 1;
    const both = suffixes(layer, bidirectional).map((suffix) =>
      direction(cell, context, sequence, suffix, lengths, uppermost)
    );
    if (uppermost && !returnSequences) {
      const last = both.map((hidden, i) => lastStep(hidden, i === 1, lengths));
      return last.length === 1 ? last[0] : Tensor.concat(last, 1);
    }
    sequence = both.length === 1 ? both[0] : Tensor.concat(both, 2);
    if (!uppermost && dropout !== undefined) {
      sequence = swap(context.run(dropout, swap(sequence), `dropout_l${layer}`));
    }
  }
  // Steps after a sequence's end give zeros.
  return swap(lengths === null ? sequence : sequence.mask(activeRows(time, lengths, x)));
}
