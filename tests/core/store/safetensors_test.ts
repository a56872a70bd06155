import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { CheckpointError, decodeSafetensors, encodeSafetensors, Tensor } from "../../../core/mod.ts";

/** A file with the given header, unpadded as other writers may leave it, and data. */
function file(header: unknown, data: Uint8Array = new Uint8Array(0), length?: bigint): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

function bytesOf(tensor: Tensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = tensor.storage.array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Asserts that the bytes are refused with the file's name and the given words. */
function refused(bytes: Uint8Array, words: string): void {
  const error = assertThrows(() => decodeSafetensors(bytes, "a.safetensors"), CheckpointError);
  assert(error.message.startsWith("a.safetensors is not a whole safetensors file: "), error.message);
  assertStringIncludes(error.message, words);
}

const sample = (): Map<string, Tensor> =>
  new Map([
    ["b", Tensor.from(Float32Array.of(NaN, -0, Infinity, 1e-45, 3.4e38), [5])],
    ["a.weight", Tensor.from(Float64Array.of(Math.PI, -0, NaN, 5e-324), [2, 1, 2])],
    ["labels", Tensor.from(Int32Array.of(-2147483648, 2147483647), [2])],
    ["scalar", Tensor.from(Float32Array.of(7), [])],
    ["none", Tensor.from(new Float32Array(0), [3, 0])],
  ]);

Deno.test("encodeSafetensors() writes the very bytes of the example in the format's own test suite", () => {
  const tensor = Tensor.from(Float32Array.of(0, 1, 2, 3, 4, 5), [1, 2, 3]);
  const expected = file('{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}', bytesOf(tensor));
  assertEquals(expected[0], 64);
  assertEquals(encodeSafetensors(new Map([["attn.0", tensor]])), expected);
});

Deno.test("safetensors keep every bit of all element types, NaN payloads and the sign of zero included", () => {
  const tensors = sample();
  const odd = Uint32Array.of(0x7fc12345, 0xffabcdef, 0x7f812345);
  tensors.set("odd NaNs", Tensor.from(new Float32Array(odd.buffer), [3]));
  const metadata = { format: "test", 'a "quoted" key': "line\nbreak", __proto__key: "ü" };
  const decoded = decodeSafetensors(encodeSafetensors(tensors, metadata), "memory");
  assertEquals([...decoded.tensors.keys()].sort(), [...tensors.keys()].sort());
  for (const [name, tensor] of tensors) {
    const other = decoded.tensors.get(name)!;
    assertEquals([other.dtype, other.shape, bytesOf(other)], [tensor.dtype, tensor.shape, bytesOf(tensor)], name);
  }
  assertEquals(decoded.metadata, metadata);
});

Deno.test("safetensors are padded and aligned, so that other readers can map them into memory", () => {
  const bytes = encodeSafetensors(sample());
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  assertEquals(length % 8, 0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const widths: Record<string, number> = { F64: 8, F32: 4, I32: 4 };
  for (const { dtype, data_offsets } of Object.values<{ dtype: string; data_offsets: number[] }>(header)) {
    assertEquals(data_offsets[0] % widths[dtype], 0);
  }
});

Deno.test("safetensors without tensors make an empty map", () => {
  const decoded = decodeSafetensors(encodeSafetensors(new Map()), "memory");
  assertEquals([decoded.tensors.size, decoded.metadata], [0, {}]);
});

Deno.test("safetensors take names special to JavaScript, and refuse the one special to the format", () => {
  const names = ["__proto__", "constructor", "7", "", "\u{1f600}"];
  const tensors = new Map(names.map((name, i) => [name, Tensor.from([i], [1])]));
  const decoded = decodeSafetensors(encodeSafetensors(tensors), "memory").tensors;
  names.forEach((name, i) => assertEquals(decoded.get(name)?.item(), i, name));
  assertThrows(() => encodeSafetensors(new Map([["__metadata__", Tensor.ones([1])]])), CheckpointError, "__metadata__");
});

Deno.test("decodeSafetensors() reads bytes that lie at any offset of a larger buffer", () => {
  const bytes = encodeSafetensors(sample());
  const larger = new Uint8Array(bytes.length + 16).fill(0xff);
  larger.set(bytes, 3);
  const decoded = decodeSafetensors(larger.subarray(3, 3 + bytes.length), "memory").tensors;
  assertEquals(decoded.get("a.weight")!.floats[0], Math.PI);
});

Deno.test("decodeSafetensors() reads half precision, other whole numbers and any order of keys", () => {
  const data = new Uint8Array(34);
  const view = new DataView(data.buffer);
  view.setBigInt64(0, -2147483648n, true);
  view.setBigInt64(8, 2147483647n, true);
  // float16: 1, -2, the smallest subnormal, infinity; bfloat16: 1, -0, NaN
  [0x3c00, 0xc000, 0x0001, 0x7c00, 0x3f80, 0x8000, 0x7fc1].forEach((bits, i) => view.setUint16(16 + 2 * i, bits, true));
  data.set([0xff, 0x80, 1, 0], 30);
  const { tensors, metadata } = decodeSafetensors(
    file({
      flags: { shape: [2], data_offsets: [32, 34], dtype: "BOOL" },
      bf: { data_offsets: [24, 30], dtype: "BF16", shape: [3] },
      __metadata__: { format: "pt" },
      small: { dtype: "I8", shape: [2], data_offsets: [30, 32] },
      half: { data_offsets: [16, 24], shape: [2, 2], dtype: "F16" },
      long: { dtype: "I64", shape: [2], data_offsets: [0, 16] },
    }, data),
    "other.safetensors",
  );
  assertEquals(metadata, { format: "pt" });
  assertEquals([...tensors.values()].map((tensor) => tensor.dtype), ["int32", "float32", "int32", "float32", "int32"]);
  assertEquals(tensors.get("long")!.toArray(), [-2147483648, 2147483647]);
  assertEquals(tensors.get("half")!.toArray(), [[1, -2], [2 ** -24, Infinity]]);
  assertEquals(tensors.get("bf")!.toArray(), [1, -0, NaN]);
  assertEquals(tensors.get("small")!.toArray(), [-1, -128]);
  assertEquals(tensors.get("flags")!.toArray(), [1, 0]);
});

Deno.test("decodeSafetensors() refuses a file cut short or lengthened by any number of bytes", () => {
  const bytes = encodeSafetensors(sample(), { step: "12" });
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => decodeSafetensors(bytes.subarray(0, length), "cut"), CheckpointError, "cut ", `${length} bytes`);
  }
  for (const extra of [1, 8, 4096]) {
    const longer = new Uint8Array(bytes.length + extra);
    longer.set(bytes);
    refused(longer, `expected ${bytes.length} bytes by its header, found ${bytes.length + extra}`);
  }
});

Deno.test("decodeSafetensors() throws nothing but CheckpointError, whichever bit of the header is flipped", () => {
  const bytes = encodeSafetensors(sample(), { step: "12" });
  const end = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  for (let bit = 0; bit < end * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    try {
      decodeSafetensors(flipped, "flipped"); // a flip in a name or in the metadata makes another valid file
    } catch (error) {
      assert(error instanceof CheckpointError, `bit ${bit}: ${error}`);
    }
  }
});

Deno.test("decodeSafetensors() says what is wrong with a header", () => {
  const one = (entry: unknown, data = new Uint8Array(8)) => file({ w: entry }, data);
  refused(file("{}", undefined, 2n ** 63n), "found a length of 9223372036854775808");
  refused(file("{}", undefined, 100_000_001n), "expected a header of at most 100000000 bytes");
  refused(file("{}", undefined, 3n), "its header should end at byte 11, but there are 10");
  refused(file("", undefined, 0n), "its header does not begin with {");
  refused(file("[]"), "its header does not begin with {");
  refused(file('{"w": '), "its header is not JSON");
  refused(file({ __metadata__: { step: 1 } }), "expected __metadata__ to be an object of texts");
  refused(one(7), 'expected "w" to be an object, found 7');
  refused(one({ dtype: "F8_E4M3", shape: [8], data_offsets: [0, 8] }), 'BOOL, found "F8_E4M3"');
  refused(one({ dtype: "toString", shape: [8], data_offsets: [0, 8] }), 'found "toString"');
  refused(one({ dtype: "F32", shape: [-2], data_offsets: [0, 8] }), 'the shape of "w"');
  refused(one({ dtype: "F32", shape: [1.5], data_offsets: [0, 6] }), 'the shape of "w"');
  refused(one({ dtype: "F32", shape: [2] }), 'the data_offsets of "w"');
  refused(one({ dtype: "F32", shape: [2], data_offsets: [8, 0] }), "a beginning and an end, found [8,0]");
  refused(one({ dtype: "F32", shape: [3], data_offsets: [0, 8] }), "shape [3] needs 12 bytes, found 8");
  refused(one({ dtype: "F32", shape: [2 ** 31, 2 ** 31], data_offsets: [0, 8] }), "needs 18446744073709552000 bytes");
  refused(one({ dtype: "F32", shape: [3], data_offsets: [0, 12] }), "by its header, found ");
  refused(one({ dtype: "F32", shape: [1], data_offsets: [4, 8] }), '"w" should begin at byte 0 of the data');
});

Deno.test("decodeSafetensors() refuses tensors that overlap or leave a gap, whatever their order", () => {
  const f32 = (begin: number) => ({ dtype: "F32", shape: [2], data_offsets: [begin, begin + 8] });
  refused(
    file({ a: f32(0), b: f32(4) }, new Uint8Array(12)),
    '"b" should begin at byte 8 of the data, but begins at 4',
  );
  refused(file({ b: f32(0), a: f32(0) }, new Uint8Array(8)), '"a" should begin at byte 8 of the data, but begins at 0');
  refused(file({ b: f32(12), a: f32(0) }, new Uint8Array(20)), '"b" should begin at byte 8 of the data');
});

Deno.test("decodeSafetensors() refuses 64-bit whole numbers that do not fit in 32 bits", () => {
  const data = new Uint8Array(8);
  for (const value of [2147483648n, -2147483649n, 2n ** 32n, 2n ** 63n - 1n]) {
    new DataView(data.buffer).setBigInt64(0, value, true);
    refused(file({ w: { dtype: "I64", shape: [1], data_offsets: [0, 8] } }, data), 'of "w" should fit in 32 bits');
  }
});
