/**
 * The bytes of TensorBoard's events, and of the images in them: tensorflow/core/util/event.proto,
 * tensorflow/core/framework/summary.proto, tensorboard/plugins/hparams/plugin_data.proto.
 *
 * @module
 */
import { encode } from "fast-png";
import protobuf from "protobufjs";
import type { Picture, TensorBoardEvent, Value } from "./_values.ts";

/** What is used of these, with its numbers. */
const schema = `
syntax = "proto3";
message Event {
  double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; SessionLog session_log = 7;
}
message SessionLog { int32 status = 1; }
message Summary { repeated Value value = 1; }
message Value {
  string tag = 1; oneof kind { float simple_value = 2; Image image = 4; Histogram histo = 5; Tensor tensor = 8; }
  Metadata metadata = 9;
}
message Image { int32 height = 1; int32 width = 2; int32 colorspace = 3; bytes encoded_image_string = 4; }
message Histogram {
  double min = 1; double max = 2; double num = 3; double sum = 4; double sum_squares = 5;
  repeated double bucket_limit = 6 [packed = true]; repeated double bucket = 7 [packed = true];
}
message Tensor {
  int32 dtype = 1; Shape tensor_shape = 2; repeated float float_val = 5 [packed = true]; repeated bytes string_val = 8;
}
message Shape { message Dim { int64 size = 1; } repeated Dim dim = 2; }
message Metadata {
  message PluginData { string plugin_name = 1; bytes content = 2; }
  PluginData plugin_data = 1;
}
message HParams {
  int32 version = 1; SessionStart session_start_info = 3; SessionEnd session_end_info = 4;
}
message SessionStart { map<string, Any> hparams = 1; string group_name = 4; double start_time_secs = 5; }
message SessionEnd { int32 status = 1; double end_time_secs = 2; }
message Any { oneof kind { double number_value = 2; string string_value = 3; bool bool_value = 4; } }
`;

const { root } = protobuf.parse(schema, { keepCase: true });
const [eventType, parametersType] = [root.lookupType("Event"), root.lookupType("HParams")];

/** Numbers of element types, and of the status of a session. */
const [FLOAT, STRING] = [1, 7];
const [SUCCESS, ABORTED] = [1, 4];
const START = 1;

/** The bytes of an event. */
export function encodeEvent({ time, step, version, starts, values }: TensorBoardEvent): Uint8Array {
  return eventType.encode(eventType.fromObject({
    wall_time: time,
    step,
    ...(version && { file_version: "brain.Event:2" }),
    // Readers drop what they have of this step and later ones.
    ...(starts && { session_log: { status: START } }),
    ...(values && { summary: { value: values.map(valueOf) } }),
  })).finish();
}

/** The step of an event, and the names of what it says. */
export function readEvent(bytes: Uint8Array): { step: number; tags: string[] } {
  const { step, summary } = eventType.toObject(eventType.decode(bytes), { longs: Number, defaults: true });
  return { step, tags: (summary?.value ?? []).map(({ tag }: { tag: string }) => tag) };
}

function valueOf(value: Value): Record<string, unknown> {
  const { tag } = value;
  switch (value.kind) {
    case "scalar":
      return { tag, simple_value: value.value };
    case "histogram": {
      const { min, max, count: num, sum, squares: sum_squares, limits: bucket_limit, counts: bucket } = value.histogram;
      return { tag, histo: { min, max, num, sum, sum_squares, bucket_limit, bucket } };
    }
    case "image": {
      const { width, height, channels } = value.picture;
      return { tag, image: { height, width, colorspace: channels, encoded_image_string: png(value.picture) } };
    }
    case "text": {
      const string_val = [new TextEncoder().encode(value.text)];
      return { tag, ...of("text"), tensor: { dtype: STRING, tensor_shape: { dim: [{ size: 1 }] }, string_val } };
    }
    case "parameters": {
      const info = { hparams: Object.fromEntries(Object.entries(value.parameters).map(([k, v]) => [k, anyOf(v)])) };
      return parameters(tag, { session_start_info: { ...info, start_time_secs: value.time } });
    }
    case "end":
      return parameters(tag, {
        session_end_info: { status: value.interrupted ? ABORTED : SUCCESS, end_time_secs: value.time },
      });
  }
}

/** What belongs to a plugin of TensorBoard. */
function of(plugin_name: string, content: Uint8Array = new Uint8Array()): Record<string, unknown> {
  return { metadata: { plugin_data: { plugin_name, content } } };
}

function parameters(tag: string, what: Record<string, unknown>): Record<string, unknown> {
  const content = parametersType.encode(parametersType.fromObject({ version: 0, ...what })).finish();
  return {
    tag,
    ...of("hparams", content),
    tensor: { dtype: FLOAT, tensor_shape: { dim: [{ size: 1 }] }, float_val: [0] },
  };
}

function anyOf(value: number | string | boolean): Record<string, unknown> {
  return { [`${typeof value === "boolean" ? "bool" : typeof value}_value`]: value };
}

function png({ width, height, channels, data }: Picture): Uint8Array {
  return encode({ width, height, channels, data, depth: 8 });
}
