/**
 * The safetensors format: eight bytes with the length of the header, a JSON header that says of each tensor its name,
 * element type, shape and place, then the numbers, little-endian and without gaps.
 *
 * The format is described at https://huggingface.co/docs/safetensors.
 *
 * @module
 */
import { CheckpointError, show, showShape } from "../errors.ts";
import type { Shape } from "../tensor/shape.ts";
import type { DType } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";

/** What a safetensors file holds. */
export interface Safetensors {
  /** The tensors by name, in the order of the header. */
  readonly tensors: Map<string, Tensor>;
  /** Texts that the writer put beside them; empty when there are none. */
  readonly metadata: Record<string, string>;
}

/** The header's key that is not a tensor. */
const METADATA = "__metadata__";

/** The longest header that the format's own library reads. */
const MAX_HEADER = 100_000_000;

/** An element type of the format: its size, what it becomes, and how a number is read that is not taken over as is. */
interface Element {
  readonly bytes: number;
  readonly dtype: DType;
  readonly read?: (view: DataView<ArrayBuffer>, at: number) => number | bigint;
}

const elements: Readonly<Record<string, Element>> = {
  F64: { bytes: 8, dtype: "float64" },
  F32: { bytes: 4, dtype: "float32" },
  F16: { bytes: 2, dtype: "float32", read: (view, at) => view.getFloat16(at, true) },
  // The upper half of a float32, so shifting it into place is exact.
  BF16: { bytes: 2, dtype: "float32" },
  I64: { bytes: 8, dtype: "int32", read: (view, at) => view.getBigInt64(at, true) },
  I32: { bytes: 4, dtype: "int32" },
  I16: { bytes: 2, dtype: "int32", read: (view, at) => view.getInt16(at, true) },
  I8: { bytes: 1, dtype: "int32", read: (view, at) => view.getInt8(at) },
  U8: { bytes: 1, dtype: "int32", read: (view, at) => view.getUint8(at) },
  BOOL: { bytes: 1, dtype: "int32", read: (view, at) => view.getUint8(at) },
};

const nameOf: Readonly<Record<DType, string>> = { float64: "F64", float32: "F32", int32: "I32" };

/** One tensor of the header, checked. */
interface Entry {
  readonly name: string;
  readonly type: string;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

/**
 * Tensors as the bytes of a safetensors file. The numbers are copied bit for bit before it returns.
 *
 * @param tensors the tensors by name; `__metadata__` is not a name
 * @param metadata texts to put beside them
 * @throws {CheckpointError} for the name `__metadata__`
 *
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeSafetensors(new Map([["weight", Tensor.of([[1, 2], [3, 4]])]]), { made: "by hand" });
 * const { tensors, metadata } = decodeSafetensors(bytes, "these bytes");
 * assertEquals(tensors.get("weight")!.toArray(), [[1, 2], [3, 4]]);
 * assertEquals(metadata, { made: "by hand" });
 * ```
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  if (tensors.has(METADATA)) {
    throw new CheckpointError(`Writing safetensors: ${METADATA} cannot be the name of a tensor.`);
  }
  // The widest first, so that every tensor lies at a multiple of its element size.
  const ordered = [...tensors].sort(([, a], [, b]) =>
    elements[nameOf[b.dtype]].bytes - elements[nameOf[a.dtype]].bytes
  );
  const header: [string, unknown][] = Object.keys(metadata).length === 0 ? [] : [[METADATA, metadata]];
  let length = 0;
  for (const [name, { dtype, shape, size }] of ordered) {
    const end = length + size * elements[nameOf[dtype]].bytes;
    header.push([name, { dtype: nameOf[dtype], shape, data_offsets: [length, end] }]);
    length = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const start = 8 + Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(start + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(json, 8);
  bytes.fill(0x20, 8 + json.length, start);
  let at = start;
  for (const [, { storage: { array } }] of ordered) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += array.byteLength;
  }
  return bytes;
}

/**
 * The tensors in the bytes of a safetensors file, whoever wrote it. F32, F64 and I32 are taken over bit for bit; F16
 * and BF16 become float32; I64, when its numbers fit, and the narrower whole numbers become int32.
 *
 * @param bytes the whole file
 * @param source the file's name, for errors
 * @throws {CheckpointError} naming the source, when the bytes are anything but one whole safetensors file
 *
 * @example
 * ```ts
 * import { CheckpointError, decodeSafetensors } from "@thinned/dropout";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => decodeSafetensors(new Uint8Array(3), "my.safetensors"), CheckpointError, "my.safetensors");
 * ```
 */
export function decodeSafetensors(bytes: Uint8Array, source: string): Safetensors {
  const refuse = (problem: string): never => {
    throw new CheckpointError(`${source} is not a whole safetensors file: ${problem}.`);
  };
  if (bytes.length < 8) refuse(`expected at least 8 bytes, found ${bytes.length}`);
  const claimed = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (claimed > MAX_HEADER) refuse(`expected a header of at most ${MAX_HEADER} bytes, found a length of ${claimed}`);
  const start = 8 + Number(claimed);
  if (start > bytes.length) refuse(`its header should end at byte ${start}, but there are ${bytes.length}`);
  const header = parseHeader(bytes.subarray(8, start), refuse);

  const entries: Entry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === METADATA) metadata = checkMetadata(value, refuse);
    else entries.push(checkEntry(name, value, refuse));
  }
  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) refuse(`${show(name)} should begin at byte ${covered} of the data, but begins at ${begin}`);
    covered = end;
  }
  if (start + covered !== bytes.length) {
    refuse(`expected ${start + covered} bytes by its header, found ${bytes.length}`);
  }
  const tensors = new Map<string, Tensor>();
  for (const entry of entries) {
    tensors.set(entry.name, readTensor(bytes.slice(start + entry.begin, start + entry.end).buffer, entry, refuse));
  }
  return { tensors, metadata };
}

type Refuse = (problem: string) => never;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parseHeader(bytes: Uint8Array, refuse: Refuse): Record<string, unknown> {
  if (bytes[0] !== 0x7b) refuse("its header does not begin with {");
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return refuse("its header is not JSON");
  }
}

function checkMetadata(value: unknown, refuse: Refuse): Record<string, string> {
  if (!isObject(value) || Object.values(value).some((text) => typeof text !== "string")) {
    return refuse(`expected ${METADATA} to be an object of texts, found ${show(value)}`);
  }
  return value as Record<string, string>;
}

function checkEntry(name: string, value: unknown, refuse: Refuse): Entry {
  const what = show(name);
  if (!isObject(value)) return refuse(`expected ${what} to be an object, found ${show(value)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(elements, dtype)) {
    return refuse(
      `expected the type of ${what} to be one of ${Object.keys(elements).join(", ")}, found ${show(dtype)}`,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    return refuse(`expected the shape of ${what} to be whole numbers, found ${show(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1]) {
    return refuse(`expected the data_offsets of ${what} to be a beginning and an end, found ${show(offsets)}`);
  }
  const [begin, end] = offsets as number[];
  const expected = shape.includes(0) ? 0 : shape.reduce((size, extent) => size * extent, elements[dtype].bytes);
  if (expected !== end - begin) {
    return refuse(
      `${what} of type ${dtype} and shape ${showShape(shape)} needs ${expected} bytes, found ${end - begin}`,
    );
  }
  return { name, type: dtype, shape, begin, end };
}

/** A tensor from its bytes, which begin at the buffer's beginning. */
function readTensor(buffer: ArrayBuffer, { name, type, shape }: Entry, refuse: Refuse): Tensor {
  if (type === "F64") return Tensor.from(new Float64Array(buffer), shape);
  if (type === "F32") return Tensor.from(new Float32Array(buffer), shape);
  if (type === "I32") return Tensor.from(new Int32Array(buffer), shape);
  if (type === "BF16") {
    const bits = Uint32Array.from(new Uint16Array(buffer), (half) => half << 16);
    return Tensor.from(new Float32Array(bits.buffer), shape);
  }
  const { bytes, dtype, read } = elements[type];
  const view = new DataView(buffer);
  const size = buffer.byteLength / bytes;
  const numbers = dtype === "int32" ? new Int32Array(size) : new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const value = Number(read!(view, i * bytes));
    numbers[i] = value;
    if (dtype === "int32" && numbers[i] !== value) {
      refuse(`the numbers of ${show(name)} should fit in 32 bits, but one is ${value}`);
    }
  }
  return Tensor.from(numbers, shape);
}
