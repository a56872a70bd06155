/** A graph of ONNX nodes while it is written: names, constants, and graphs inside of nodes. @module */
import {
  type OnnxAttribute,
  type OnnxBody,
  type OnnxExtent,
  type OnnxNode,
  type OnnxType,
  type OnnxValue,
  Tensor,
} from "../../../core/mod.ts";

/** A node as it is encoded. */
export interface GraphNode {
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute | Subgraph>>;
}

/** A graph inside of a node. */
export interface Subgraph {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly nodes: readonly GraphNode[];
}

/** A constant as it is encoded. */
export interface Constant {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
  /** Its numbers, little-endian. */
  readonly bytes: Uint8Array;
}

/** The version of ONNX's default operators that files are written in. */
export const onnxOpset: number = 17;

/** The name of the batch axis. */
export const batch = "batch";

/** Whether an attribute holds a graph that is yet to be written. */
function isBody(attribute: OnnxAttribute): attribute is { readonly graph: OnnxBody } {
  return typeof attribute === "object" && "graph" in attribute;
}

/** The numbers of a constant as bytes. Wide floats become narrow ones where that is asked for. */
function bytesOf(numbers: ArrayLike<number>, type: OnnxType): Uint8Array {
  const all = Array.from.bind(Array) as (numbers: ArrayLike<number>) => number[];
  const array = type === "int64"
    ? BigInt64Array.from(all(numbers), (value) => BigInt(value))
    : type === "bool"
    ? Uint8Array.from(all(numbers))
    : type === "int32"
    ? Int32Array.from(numbers)
    : type === "float64"
    ? Float64Array.from(numbers)
    : Float32Array.from(numbers);
  return new Uint8Array(array.buffer);
}

/** The graph of a whole model. */
export class Graph {
  /** Constants by name, in the order in which they were used first. */
  readonly constants = new Map<string, Constant>();
  /** Nodes of the graph that is written now: the model's, or one inside of a node. */
  #nodes: GraphNode[] = [];
  readonly #names = new Map<string, number>();
  readonly #known: ReadonlyMap<Tensor, string>;
  /** Names of numbers and lists of them, by what they are. */
  readonly #numbers = new Map<string, string>();
  #unknown = 0;

  /** @param known names of the model's own tensors */
  constructor(known: ReadonlyMap<Tensor, string>) {
    this.#known = known;
    for (const name of known.values()) this.#names.set(name, 1);
  }

  /** The nodes that have been written. */
  get nodes(): readonly GraphNode[] {
    return this.#nodes;
  }

  /** A name that nothing else has. */
  name(wanted: string): string {
    const count = this.#names.get(wanted) ?? 0;
    this.#names.set(wanted, count + 1);
    return count === 0 ? wanted : this.name(`${wanted}_${count + 1}`);
  }

  /** A name for an extent that only running the graph tells. */
  unknown(): OnnxExtent {
    return `extent_${++this.#unknown}`;
  }

  /** Adds a node under a path. */
  several(
    path: string,
    type: string,
    inputs: readonly (OnnxValue | null)[],
    outputs: readonly Pick<OnnxValue, "shape" | "type">[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): OnnxValue[] {
    const name = this.name(`${path === "" ? "model" : path}/${type}`);
    const values = outputs.map(({ shape, type }, i) => ({ name: this.name(`${name}:${i}`), shape, type }));
    const written = Object.entries(attributes).map(([key, value]) =>
      [key, isBody(value) ? this.#write(value.graph) : value] as const
    );
    this.#nodes.push({
      name,
      type,
      inputs: inputs.map((input) => input?.name ?? ""),
      outputs: values.map(({ name }) => name),
      attributes: Object.fromEntries(written),
    });
    return values;
  }

  /** Adds a node with one output under a path. */
  op(path: string, type: string, inputs: readonly (OnnxValue | null)[], node: OnnxNode = {}): OnnxValue {
    const first = inputs[0]!;
    const output = { shape: node.shape ?? first.shape, type: node.type ?? first.type };
    return this.several(path, type, inputs, [output], node.attributes)[0];
  }

  /** Writes a graph inside of a node. Constants are the model's. */
  #write({ inputs, write }: OnnxBody): Subgraph {
    const outer = this.#nodes;
    this.#nodes = [];
    try {
      // An output of an inner graph is one of its own nodes'.
      const outputs = write().map((value) => this.op("", "Identity", [value]));
      return { inputs, outputs, nodes: this.#nodes };
    } finally {
      this.#nodes = outer;
    }
  }

  /** A constant: the same numbers have one name. */
  constant(value: number | readonly number[] | Tensor, wanted?: OnnxType): OnnxValue {
    if (value instanceof Tensor) {
      const type = wanted ?? (value.dtype === "int32" ? "int32" : "float32");
      const name = this.#known.get(value) ?? this.name("constant");
      return this.#constant(name, type, value.shape, value.storage.array);
    }
    const type = wanted ?? "float32";
    const shape = typeof value === "number" ? [] : [value.length];
    const numbers = typeof value === "number" ? [value] : value;
    const text = `${type}[${shape}] ${numbers.join(" ")}`;
    const name = this.#numbers.get(text) ?? this.name(text.length <= 40 ? text : "constant");
    this.#numbers.set(text, name);
    return this.#constant(name, type, shape, numbers);
  }

  /** A value under a name that is not to be changed, as an output of the model. */
  output(wanted: string, { name, type, shape }: OnnxValue): OnnxValue {
    const output = { name: this.name(wanted), type, shape };
    this.#nodes.push({
      name: this.name(`${wanted}/Identity`),
      type: "Identity",
      inputs: [name],
      outputs: [output.name],
      attributes: {},
    });
    return output;
  }

  #constant(name: string, type: OnnxType, shape: readonly number[], numbers: ArrayLike<number>): OnnxValue {
    if (!this.constants.has(name)) this.constants.set(name, { name, type, shape, bytes: bytesOf(numbers, type) });
    return { name, type, shape };
  }
}
