/** The cells of recurrent layers as nodes: what one step does. @module */
import type { OnnxValue, RecurrentPlace } from "../../../core/mod.ts";
import type { Site } from "./_site.ts";

/** What recurrent layers have in common. */
export interface RecurrentSettings {
  readonly units: number;
  readonly layers: number;
  readonly bidirectional: boolean;
  readonly returnSequences: boolean;
  readonly bias: boolean;
  readonly padding?: number;
  readonly activation?: "tanh" | "relu";
}

/** Passes a value inside a step through the variant, if it acts on this place. */
export type Act = (place: RecurrentPlace, value: OnnxValue, previous?: OnnxValue) => OnnxValue;

/** A kind of recurrent layer. */
export interface Cell {
  /** Its operator, and the order of its gates: which of the layer's each is. */
  readonly operator: string;
  readonly order: readonly number[];
  readonly states: readonly string[];
  readonly inside: readonly RecurrentPlace[];
  /** Whether the state's bias stays with the state's product. */
  readonly separateBias: boolean;
  /** One step. `sums`: the input's share; `product`: the state's. */
  step(
    site: Site<RecurrentSettings>,
    sums: OnnxValue,
    product: (state: OnnxValue) => OnnxValue,
    states: readonly OnnxValue[],
    act: Act,
  ): OnnxValue[];
}

/** One gate of a sum over all of them. */
function gateOf(site: Site<RecurrentSettings>, sums: OnnxValue, k: number): OnnxValue {
  const { units } = site.options;
  const list = (value: number) => site.constant([value], "int64");
  return site.op("Slice", [sums, list(k * units), list((k + 1) * units), list(1)], { shape: [sums.shape[0], units] });
}

/** Long short-term memory. */
export const lstmCell: Cell = {
  operator: "LSTM",
  order: [0, 3, 1, 2],
  states: ["hidden", "cell"],
  inside: ["previous-hidden", "previous-hidden-by-gate", "candidate", "cell", "carried-cell", "hidden"],
  separateBias: false,
  step(site, sums, product, [previous, memory], act) {
    const all = site.op("Add", [sums, product(previous)]);
    const gate = (k: number, f: string) => site.op(f, [gateOf(site, all, k)]);
    const candidate = act("candidate", gate(2, "Tanh"));
    const forgotten = site.op("Mul", [gate(1, "Sigmoid"), memory]);
    const added = site.op("Mul", [gate(0, "Sigmoid"), candidate]);
    const state = act("cell", site.op("Add", [forgotten, added]), memory);
    const hidden = site.op("Mul", [gate(3, "Sigmoid"), site.op("Tanh", [state])]);
    return [act("hidden", hidden, previous), act("carried-cell", state, memory)];
  },
};

/** The gated recurrent unit. */
export const gruCell: Cell = {
  operator: "GRU",
  order: [1, 0, 2],
  states: ["hidden"],
  inside: ["previous-hidden", "previous-hidden-by-gate", "candidate", "hidden"],
  separateBias: true,
  step(site, sums, product, [previous], act) {
    const carried = product(previous);
    const both = (k: number) => site.op("Sigmoid", [site.op("Add", [gateOf(site, sums, k), gateOf(site, carried, k)])]);
    const [reset, update] = [both(0), both(1)];
    const inner = site.op("Add", [gateOf(site, sums, 2), site.op("Mul", [reset, gateOf(site, carried, 2)])]);
    const candidate = act("candidate", site.op("Tanh", [inner]));
    const rest = site.op("Sub", [site.constant(1), update], { shape: update.shape });
    const mixed = site.op("Add", [site.op("Mul", [rest, candidate]), site.op("Mul", [update, previous])]);
    return [act("hidden", mixed, previous)];
  },
};

/** The plain recurrence. */
export const rnnCell: Cell = {
  operator: "RNN",
  order: [0],
  states: ["hidden"],
  inside: ["previous-hidden", "previous-hidden-by-gate", "hidden"],
  separateBias: false,
  step(site, sums, product, [previous], act) {
    const f = site.options.activation === "relu" ? "Relu" : "Tanh";
    return [act("hidden", site.op(f, [site.op("Add", [sums, product(previous)])]), previous)];
  },
};
