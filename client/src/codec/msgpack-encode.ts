const utf8 = new TextEncoder();
// The server accepts 127 levels; a Socket.IO packet adds two.
const deepest = 120;

/** A growing buffer. */
class Writer {
  private bytes = new Uint8Array(256);
  private view = new DataView(this.bytes.buffer);
  private at = 0;

  /** Reserves `size` bytes and returns their offset. */
  private take(size: number): number {
    const start = this.at;
    this.at += size;
    // Exceeds the limit of any server. A sparse array could otherwise exhaust the memory.
    if (this.at > 0x10000000) throw new RangeError("too long");
    if (this.at > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.at, this.bytes.length * 2));
      grown.set(this.bytes);
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return start;
  }

  u8(value: number): void {
    const at = this.take(1);
    this.view.setUint8(at, value);
  }
  u16(tag: number, value: number): void {
    this.u8(tag);
    const at = this.take(2);
    this.view.setUint16(at, value);
  }
  u32(tag: number, value: number): void {
    this.u8(tag);
    const at = this.take(4);
    this.view.setUint32(at, value);
  }
  i64(tag: number, value: bigint): void {
    this.u8(tag);
    const at = this.take(8);
    this.view.setBigInt64(at, value);
  }
  f64(value: number): void {
    this.u8(0xcb);
    const at = this.take(8);
    this.view.setFloat64(at, value);
  }
  raw(value: Uint8Array): void {
    const at = this.take(value.length);
    this.bytes.set(value, at);
  }
  /** Writes a length in its shortest form. `t8` is 0 for families without an 8-bit form. */
  length(n: number, fix: number, fixMax: number, t8: number, t16: number, t32: number): void {
    if (n <= fixMax) this.u8(fix | n);
    else if (t8 && n < 0x100) {
      this.u8(t8);
      this.u8(n);
    } else if (n < 0x10000) this.u16(t16, n);
    else this.u32(t32, n);
  }
  done(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }
}

function integer(w: Writer, value: bigint): void {
  const n = Number(value);
  if (value >= 0n) {
    if (n < 0x80) w.u8(n);
    else if (n < 0x100) {
      w.u8(0xcc);
      w.u8(n);
    } else if (n < 0x10000) w.u16(0xcd, n);
    else if (n < 0x100000000) w.u32(0xce, n);
    else if (value < 1n << 64n) w.i64(0xcf, BigInt.asIntN(64, value));
    else throw new RangeError("integer does not fit 64 bits");
  } else if (n >= -0x20) w.u8(n & 0xff);
  else if (n >= -0x80) {
    w.u8(0xd0);
    w.u8(n & 0xff);
  } else if (n >= -0x8000) w.u16(0xd1, n & 0xffff);
  else if (n >= -0x80000000) w.u32(0xd2, n >>> 0);
  else if (value >= -(1n << 63n)) w.i64(0xd3, value);
  else throw new RangeError("integer does not fit 64 bits");
}

/** Returns the value that JSON would encode in place of a property; `undefined` if it omits it. */
function plain(holder: any, key: string): any {
  let value = holder[key];
  if ((Object(value) === value || typeof value === "bigint") && typeof value.toJSON === "function") {
    value = value.toJSON(key);
  }
  // Unwraps `Number`, `String`, `Boolean` and `BigInt` objects.
  if (/^\[object (Number|String|Boolean|BigInt)\]$/.test(toString.call(value))) {
    value = value.valueOf();
  }
  return typeof value === "function" || typeof value === "symbol" ? undefined : value;
}

const { toString } = Object.prototype;

function write(w: Writer, value: any, depth: number): void {
  if (depth > deepest) throw new RangeError("nested too deeply, or in a circle");
  switch (typeof value) {
    case "boolean":
      return w.u8(value ? 0xc3 : 0xc2);
    case "bigint":
      return integer(w, value);
    case "number":
      if (Number.isSafeInteger(value)) return integer(w, BigInt(value));
      return Number.isFinite(value) ? w.f64(value) : w.u8(0xc0);
    case "string": {
      const bytes = utf8.encode(value);
      w.length(bytes.length, 0xa0, 31, 0xd9, 0xda, 0xdb);
      return w.raw(bytes);
    }
  }
  if (value == null) return w.u8(0xc0);
  if (value instanceof ArrayBuffer) value = new Uint8Array(value);
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    w.length(bytes.length, 0, -1, 0xc4, 0xc5, 0xc6);
    return w.raw(bytes);
  }
  if (Array.isArray(value)) {
    const { length } = value;
    w.length(length, 0x90, 15, 0, 0xdc, 0xdd);
    for (let at = 0; at < length; at++) write(w, plain(value, String(at)), depth + 1);
    return;
  }
  const entries = Object.keys(value)
    .map((key): [string, unknown] => [key, plain(value, key)])
    .filter(([, item]) => item !== undefined);
  w.length(entries.length, 0x80, 15, 0, 0xde, 0xdf);
  for (const [key, item] of entries) {
    write(w, key, depth + 1);
    write(w, item, depth + 1);
  }
}

/**
 * Encodes a value as MessagePack.
 *
 * Follows the rules of JSON: calls `toJSON`, omits what JSON omits, and encodes non-finite numbers as
 * null. Bytes become `bin`, and 64-bit integers stay exact.
 */
export function encode(value: unknown): Uint8Array {
  const writer = new Writer();
  write(writer, plain({ "": value }, ""), 0);
  return writer.done();
}
