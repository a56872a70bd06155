/** The bytes of an ONNX model: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. @module */
import protobuf from "protobufjs";
import type { OnnxAttribute, OnnxType, OnnxValue } from "../../../core/mod.ts";
import { type Constant, type GraphNode, onnxOpset, type Subgraph } from "./_graph.ts";

/** The version of the file format that goes with it. */
const IR_VERSION = 8;

/** What is used of onnx.proto, with its numbers. */
const schema = `
syntax = "proto3";
message AttributeProto {
  string name = 1; float f = 2; int64 i = 3; bytes s = 4; GraphProto g = 6; repeated int64 ints = 8;
  repeated bytes strings = 9; int32 type = 20;
}
message ValueInfoProto { string name = 1; TypeProto type = 2; }
message NodeProto {
  repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
  repeated AttributeProto attribute = 5;
}
message ModelProto {
  int64 ir_version = 1; string producer_name = 2; string doc_string = 6; GraphProto graph = 7;
  repeated OperatorSetIdProto opset_import = 8; repeated StringStringEntryProto metadata_props = 14;
}
message StringStringEntryProto { string key = 1; string value = 2; }
message GraphProto {
  repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12;
}
message TensorProto { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
message TensorShapeProto {
  message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
  repeated Dimension dim = 1;
}
message TypeProto {
  message Tensor { int32 elem_type = 1; TensorShapeProto shape = 2; }
  Tensor tensor_type = 1;
}
message OperatorSetIdProto { string domain = 1; int64 version = 2; }
`;

/** Numbers of element types. */
const elementTypes: Readonly<Record<OnnxType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 };

function valueInfo({ name, type, shape }: OnnxValue): Record<string, unknown> {
  const dim = shape.map((extent) => typeof extent === "number" ? { dim_value: extent } : { dim_param: extent });
  return { name, type: { tensor_type: { elem_type: elementTypes[type], shape: { dim } } } };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && typeof value[0] === "string";
}

function attributeOf(name: string, value: OnnxAttribute | Subgraph): Record<string, unknown> {
  if (typeof value === "number") return { name, i: value, type: 2 };
  if (typeof value === "string") return { name, s: new TextEncoder().encode(value), type: 3 };
  if ("float" in value) return { name, f: value.float, type: 1 };
  if ("nodes" in value) {
    const { inputs, outputs, nodes } = value;
    const graph = {
      name,
      node: nodes.map(nodeOf),
      input: inputs.map(valueInfo),
      output: outputs.map(valueInfo),
    };
    return { name, g: graph, type: 5 };
  }
  const text = new TextEncoder();
  if (isTexts(value)) return { name, strings: value.map((one) => text.encode(one)), type: 8 };
  return { name, ints: value, type: 7 };
}

function nodeOf({ name, type, inputs, outputs, attributes }: GraphNode): Record<string, unknown> {
  const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value));
  return { name, op_type: type, input: inputs, output: outputs, attribute };
}

/** What a file says beside its graph. */
export interface ModelText {
  /** What the model is, for a person. */
  readonly description: string;
  /** Texts by name. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A whole model as the bytes of an ONNX file. */
export function encodeModel(
  { inputs, outputs, nodes }: Subgraph,
  constants: Iterable<Constant>,
  { description, metadata }: ModelText,
): Uint8Array<ArrayBuffer> {
  const { root } = protobuf.parse(schema, { keepCase: true });
  const message = root.lookupType("ModelProto");
  const initializer = Array.from(constants, ({ name, type, shape, bytes }) => ({
    name,
    dims: shape,
    data_type: elementTypes[type],
    raw_data: bytes,
  }));
  const graph = {
    name: "model",
    node: nodes.map(nodeOf),
    initializer,
    input: inputs.map(valueInfo),
    output: outputs.map(valueInfo),
  };
  const encoded = message.encode(message.create({
    ir_version: IR_VERSION,
    producer_name: "thinned",
    doc_string: description,
    graph,
    opset_import: [{ domain: "", version: onnxOpset }],
    metadata_props: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  })).finish();
  return new Uint8Array(encoded);
}
