/**
 * Recurrent layers as nodes: one operator for a whole sequence where nothing acts inside the recurrence, else a loop over
 * its steps (`Scan`), in which variants stand where they stand in the layer. Inside, sequences lie with time first.
 *
 * @module
 */
import { type AnyFactory, isPlugin, type OnnxExtent, type OnnxValue, type Tensor } from "../../../core/mod.ts";
import { suffixes } from "../../layers/_recurrent_options.ts";
import { gru } from "../../layers/gru.ts";
import { lstm } from "../../layers/lstm.ts";
import { rnn } from "../../layers/rnn.ts";
import { extentAt, rangeOf } from "./_attention.ts";
import { type Act, type Cell, gruCell, lstmCell, type RecurrentSettings, rnnCell } from "./_cells.ts";
import { Inside } from "./_inside.ts";
import { affineOf, beside, transposed } from "./_products.ts";
import type { OnnxPart, Site } from "./_site.ts";
import { joined } from "./_structure.ts";

/** The number of steps of each sequence, int64 `[batch]`; undefined where all have all. x: `[batch, time, features]`. */
function lengthsOf(site: Site<RecurrentSettings>, x: OnnxValue): OnnxValue | undefined {
  const { padding } = site.options;
  const given = site.inputs[1];
  const shape = [x.shape[0]];
  const flat = site.constant([-1], "int64");
  if (given !== undefined) {
    const whole = site.op("Cast", [given], { attributes: { to: 7 }, type: "int64" });
    return given.shape.length === 1 ? whole : site.op("Reshape", [whole, flat], { shape });
  }
  if (padding === undefined) return undefined;
  // The last step with a feature that is no padding, counted from 1; 0 where there is none.
  const other = site.op("Not", [site.op("Equal", [x, site.constant(padding, x.type)], { type: "bool" })]);
  const steps = site.op("ReduceMax", [site.op("Cast", [other], { attributes: { to: 6 }, type: "int32" })], {
    attributes: { axes: [2], keepdims: 0 },
    shape: x.shape.slice(0, 2),
  });
  const real = site.op("Cast", [steps], { attributes: { to: 7 }, type: "int64" });
  const count = site.op("Add", [rangeOf(site, x, 1), site.constant(1, "int64")]);
  return site.op("ReduceMax", [site.op("Mul", [real, count])], { attributes: { axes: [1], keepdims: 0 }, shape });
}

/** Which rows have not ended: bool `[time, batch, 1]`. */
function activeRows(site: Site<RecurrentSettings>, x: OnnxValue, lengths: OnnxValue): OnnxValue {
  const active = site.op("Less", [beside(site, rangeOf(site, x, 0), 1), lengths], {
    shape: [x.shape[0], x.shape[1]],
    type: "bool",
  });
  return beside(site, active, 2);
}

/** The state before the first step, `[batch, units]`. x: `[time, batch, ...]`. */
function initialState(site: Site<RecurrentSettings>, name: string, x: OnnxValue): OnnxValue {
  const { units } = site.options;
  const learned = site.params[`initial_${name}`];
  const extents = joined(
    site,
    [beside(site, extentAt(site, x, 1), 0), site.constant([units], "int64")],
    0,
  );
  const value = learned === undefined ? site.constant(0) : site.constant(learned);
  return site.op("Expand", [value, extents], { shape: [x.shape[1], units] });
}

/** Rows of a weight with its gates in another order. */
function reordered(site: Site<RecurrentSettings>, x: OnnxValue, order: readonly number[]): OnnxValue {
  if (order.length === 1) return x;
  const { units } = site.options;
  const rows = order.flatMap((gate) => Array.from({ length: units }, (_, unit) => gate * units + unit));
  return site.op("Gather", [x, site.constant(rows, "int64")]);
}

/** `x W^T` where each gate has an x of its own, `[..., gates, features]`. */
function affineByGate(
  site: Site<RecurrentSettings>,
  x: OnnxValue,
  weight: OnnxValue,
  bias: OnnxValue | null,
): OnnxValue {
  const { units } = site.options;
  const rank = x.shape.length;
  const [gates, features] = x.shape.slice(-2) as number[];
  const apart = site.op("Reshape", [weight, site.constant([gates, units, features], "int64")], {
    shape: [gates, units, features],
  });
  // [..., gates, 1, features] by [gates, features, units].
  const rows = beside(site, x, rank - 1);
  const parts = site.op("MatMul", [rows, transposed(site, apart)], { shape: [...x.shape.slice(0, -1), 1, units] });
  const leading = x.shape.slice(0, -2);
  const sums = site.op("Reshape", [parts, site.constant([...leading.map(() => 0), gates * units], "int64")], {
    shape: [...leading, gates * units],
  });
  return bias === null ? sums : site.op("Add", [sums, bias]);
}

/** Each gate's copy of a value: `[..., features]` to `[..., gates, features]`. */
function forGates(site: Site<RecurrentSettings>, x: OnnxValue, gates: number): OnnxValue {
  const rank = x.shape.length;
  const shape = [...x.shape.slice(0, -1), gates, x.shape[rank - 1]];
  const repeats = shape.map((_, axis) => axis === rank - 1 ? gates : 1);
  return site.op("Tile", [beside(site, x, rank - 1), site.constant(repeats, "int64")], { shape });
}

/** What becomes of one layer in one direction. */
interface Direction {
  /** Hidden states `[time, batch, units]`; of steps behind a sequence's end they may be anything. */
  readonly hidden: OnnxValue;
  readonly initial: OnnxValue;
}

/** One layer in one direction, of `[time, batch, inputs]`. */
function direction(
  cell: Cell,
  site: Site<RecurrentSettings>,
  x: OnnxValue,
  suffix: string,
  lengths: OnnxValue | undefined,
  uppermost: boolean,
): Direction {
  const { params, options: { units } } = site;
  const reverse = suffix.endsWith("_reverse");
  const inside = new Inside(site, cell, suffix);
  const bias = (name: string) => params[`bias_${name}${suffix}`] ?? null;
  const initial = cell.states.map((name) => initialState(site, name + suffix, x));
  const weight = site.weight(`weight${suffix}`, params[`weight_hh${suffix}`]);
  const seen = inside.everywhere("input", x);
  const shape: OnnxExtent[] = [x.shape[0], x.shape[1], units];
  const loops = cell.inside.some((place) => inside.places.has(place)) || inside.places.has("input-by-gate") ||
    (site.has(`inputWeight${suffix}`) && isPlugin(site.child(`inputWeight${suffix}`), "product"));
  let hidden: OnnxValue;
  if (!loops) {
    const own = (w: OnnxValue) => beside(site, reordered(site, w, cell.order), 0);
    const biases = bias("ih") === null ? null : beside(
      site,
      joined(site, ["ih", "hh"].map((name) => reordered(site, site.constant(bias(name)!), cell.order)), 0),
      0,
    );
    const inputWeight = site.weight(`inputWeight${suffix}`, params[`weight_ih${suffix}`]);
    const counts = lengths && site.op("Cast", [lengths], { attributes: { to: 6 }, type: "int32" });
    const [y] = site.several(
      cell.operator,
      [seen, own(inputWeight), own(weight), biases, counts ?? null, ...initial.map((state) => beside(site, state, 0))],
      [{ shape: [x.shape[0], 1, x.shape[1], units], type: x.type }],
      {
        hidden_size: units,
        ...(site.options.activation === "relu" ? { activations: ["Relu"] } : {}),
        direction: reverse ? "reverse" : "forward",
        ...(cell.operator === "GRU" ? { linear_before_reset: 1 } : {}),
      },
    );
    hidden = site.op("Squeeze", [y, site.constant([1], "int64")], { shape });
  } else {
    hidden = loop(cell, site, inside, seen, { suffix, weight, initial, lengths, reverse });
  }
  return { hidden: uppermost ? inside.everywhere("output", hidden) : hidden, initial: initial[0] };
}

/** A sum of two biases; null where there are none. */
function sumOf(a: Tensor | null, b: Tensor | null): Tensor | null {
  return a === null || b === null ? a : a.detach().add(b.detach());
}

/** A sequence with time and batch exchanged. */
function swapped(site: Site<RecurrentSettings>, value: OnnxValue): OnnxValue {
  const [first, second, features] = value.shape;
  return site.op("Transpose", [value], { attributes: { perm: [1, 0, 2] }, shape: [second, first, features] });
}

/** The steps of one layer and direction, one after the other. */
function loop(
  cell: Cell,
  site: Site<RecurrentSettings>,
  inside: Inside,
  x: OnnxValue,
  { suffix, weight, initial, lengths, reverse }: {
    suffix: string;
    weight: OnnxValue;
    initial: readonly OnnxValue[];
    lengths: OnnxValue | undefined;
    reverse: boolean;
  },
): OnnxValue {
  const { params, options: { units } } = site;
  const gates = cell.order.length;
  const [inputBias, stateBias] = ["ih", "hh"].map((name) => params[`bias_${name}${suffix}`] ?? null);
  const bias = cell.separateBias ? inputBias : sumOf(inputBias, stateBias);
  const name = `inputWeight${suffix}`;
  let projected: OnnxValue;
  if (inside.places.has("input-by-gate")) {
    if (site.has(name) && isPlugin(site.child(name), "product")) {
      site.refuse("a variant of each gate's input beside one of the whole product has no nodes");
    }
    const apart = inside.everywhere("input-by-gate", forGates(site, x, gates));
    const used = site.weight(name, params[`weight_ih${suffix}`]);
    projected = affineByGate(site, apart, used, bias && site.constant(bias));
  } else if (site.has(name) && isPlugin(site.child(name), "product")) {
    // Such a variant sees the batch first.
    projected = swapped(site, site.product(name, swapped(site, x), params[`weight_ih${suffix}`], bias, affineOf(site)));
  } else projected = site.product(name, x, params[`weight_ih${suffix}`], bias, affineOf(site));
  const separate = cell.separateBias && stateBias !== null ? site.constant(stateBias) : null;
  const [batch] = initial[0].shape;
  inside.hold(cell, (place) => place.endsWith("-by-gate") ? forGates(site, initial[0], gates) : initial[0]);
  const states = cell.states.map((state) => ({
    name: site.name(`${site.path}/${state}${suffix}`),
    type: x.type,
    shape: [batch, units],
  }));
  const sums = { name: site.name(`${site.path}/sums${suffix}`), type: x.type, shape: [batch, gates * units] };
  const active = { name: site.name(`${site.path}/active${suffix}`), type: "bool" as const, shape: [batch, 1] };
  const scanned = [projected, ...(lengths === undefined ? [] : [activeRows(site, x, lengths)])];
  const act: Act = (place, value, previous) => inside.act(place, value, previous);
  const product = (state: OnnxValue) => {
    const used = act("previous-hidden", state);
    if (!inside.places.has("previous-hidden-by-gate")) return affineOf(site)(used, weight, separate);
    return affineByGate(site, act("previous-hidden-by-gate", forGates(site, used, gates)), weight, separate);
  };
  const body = {
    inputs: [...states, sums, ...(lengths === undefined ? [] : [active])],
    write: () => {
      const made = cell.step(site, sums, product, states, act);
      const next = lengths === undefined
        ? made
        : made.map((value, i) =>
          site.op("Where", [active, value, states[i]], { shape: value.shape, type: value.type })
        );
      return [...next, next[0]];
    },
  };
  const outputs = site.several(
    "Scan",
    [...initial, ...scanned],
    [...initial, { shape: [x.shape[0], batch, units], type: x.type }],
    {
      body: { graph: body },
      num_scan_inputs: scanned.length,
      scan_input_directions: scanned.map(() => reverse ? 1 : 0),
      scan_output_directions: [reverse ? 1 : 0],
    },
  );
  return outputs[outputs.length - 1];
}

/** The output at each sequence's last step in its direction, `[batch, units]`. */
function lastStep(
  site: Site<RecurrentSettings>,
  { hidden, initial }: Direction,
  reverse: boolean,
  lengths: OnnxValue | undefined,
): OnnxValue {
  const shape = hidden.shape.slice(1);
  if (lengths === undefined || reverse) {
    const y = site.op("Gather", [hidden, site.constant(reverse ? 0 : -1, "int64")], { shape });
    return lengths === undefined ? y : whereEmpty(site, lengths, initial, y);
  }
  const zero = site.constant(0, "int64");
  const index = site.op("Max", [site.op("Sub", [lengths, site.constant(1, "int64")]), zero]);
  const rows = beside(site, rangeOf(site, hidden, 1), 1);
  const places = site.op("Concat", [beside(site, index, 1), rows], {
    attributes: { axis: 1 },
    shape: [shape[0], 2],
  });
  return whereEmpty(site, lengths, initial, site.op("GatherND", [hidden, places], { shape }));
}

/** The initial state of sequences without a step. */
function whereEmpty(site: Site<RecurrentSettings>, lengths: OnnxValue, initial: OnnxValue, y: OnnxValue): OnnxValue {
  const none = site.op("Equal", [beside(site, lengths, 1), site.constant(0, "int64")], { type: "bool" });
  return site.op("Where", [none, initial, y], { shape: y.shape, type: y.type });
}

function recurrentPart(cell: Cell): OnnxPart {
  return (x, site: Site<RecurrentSettings>) => {
    const { layers, bidirectional, returnSequences } = site.options;
    const lengths = lengthsOf(site, x);
    const swap = (value: OnnxValue) => swapped(site, value);
    let sequence = swap(x);
    for (let layer = 0; layer < layers; layer++) {
      const uppermost = layer === layers - 1;
      const both = suffixes(layer, bidirectional).map((suffix) =>
        direction(cell, site, sequence, suffix, lengths, uppermost)
      );
      if (uppermost && !returnSequences) {
        const last = both.map((one, i) => lastStep(site, one, i === 1, lengths));
        return last.length === 1 ? last[0] : joined(site, last, 1);
      }
      sequence = both.length === 1 ? both[0].hidden : joined(site, both.map(({ hidden }) => hidden), 2);
      if (!uppermost && site.has(`dropout_l${layer}`)) sequence = swap(site.run(`dropout_l${layer}`, swap(sequence)));
    }
    if (lengths === undefined) return swap(sequence);
    const zero = site.op("Where", [activeRows(site, sequence, lengths), sequence, site.constant(0)], {
      shape: sequence.shape,
      type: sequence.type,
    });
    return swap(zero);
  };
}

/** Recurrent layers. */
export const recurrents: readonly (readonly [AnyFactory, OnnxPart])[] = [
  [lstm, recurrentPart(lstmCell)],
  [gru, recurrentPart(gruCell)],
  [rnn, recurrentPart(rnnCell)],
];
