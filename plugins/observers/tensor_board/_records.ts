/**
 * The frames of TensorFlow's record files, in which TensorBoard's events lie: the length of a record, a checksum of the
 * length, the record, and a checksum of it, all little-endian.
 *
 * TensorFlow, tensorflow/core/lib/io/record_writer.h; the checksum is CRC-32C (Castagnoli), RFC 3720, appendix B.4.
 *
 * @module
 */

/** Bytes before a record, and after it. */
const [HEAD, FOOT] = [12, 4];

/** The polynomial of CRC-32C, its bits in reverse order. */
const POLYNOMIAL = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? rest >>> 1 ^ POLYNOMIAL : rest >>> 1;
  return rest;
});

/** CRC-32C of some bytes. */
export function crc32c(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = table[(rest ^ byte) & 0xff] ^ rest >>> 8;
  return ~rest >>> 0;
}

/** The checksum as it is written: turned and shifted, so that a checksum of data with checksums is none of those. */
export function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (crc >>> 15 | crc << 17) + 0xa282ead8 >>> 0;
}

/** A record in its frame. */
export function framed(record: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEAD + record.length + FOOT);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(record.length), true);
  view.setUint32(8, maskedCrc(bytes.subarray(0, 8)), true);
  bytes.set(record, HEAD);
  view.setUint32(HEAD + record.length, maskedCrc(record), true);
  return bytes;
}

/** The records of a file, each with the place behind its frame, up to the first that is damaged or not whole. */
export function* records(bytes: Uint8Array): Generator<{ record: Uint8Array; end: number }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + HEAD + FOOT <= bytes.length;) {
    const length = Number(view.getBigUint64(at, true));
    const end = at + HEAD + length + FOOT;
    if (maskedCrc(bytes.subarray(at, at + 8)) !== view.getUint32(at + 8, true) || end > bytes.length) return;
    const record = bytes.subarray(at + HEAD, end - FOOT);
    if (maskedCrc(record) !== view.getUint32(end - FOOT, true)) return;
    yield { record, end };
    at = end;
  }
}
