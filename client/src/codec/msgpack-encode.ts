const utf8 = new TextEncoder();

/** A buffer that grows as it is written. */
class Writer {
  private bytes = new Uint8Array(256);
  private view = new DataView(this.bytes.buffer);
  private at = 0;

  /** Makes room for `size` bytes and returns where they begin. */
  private take(size: number): number {
    const start = this.at;
    this.at += size;
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
  /** A length, in the smallest form of its family (`t8` is 0 where there is none). */
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

function write(w: Writer, value: any, depth: number): void {
  if (depth > 500) throw new RangeError("nested too deeply, or in a circle");
  switch (typeof value) {
    case "boolean":
      return w.u8(value ? 0xc3 : 0xc2);
    case "bigint":
      return integer(w, value);
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0)
        ? integer(w, BigInt(value))
        : w.f64(value);
    case "string": {
      const bytes = utf8.encode(value);
      w.length(bytes.length, 0xa0, 31, 0xd9, 0xda, 0xdb);
      return w.raw(bytes);
    }
    case "object":
      break;
    default:
      return w.u8(0xc0);
  }
  if (value === null) return w.u8(0xc0);
  if (typeof value.toJSON === "function") return write(w, value.toJSON(), depth + 1);
  if (value instanceof ArrayBuffer) value = new Uint8Array(value);
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    w.length(bytes.length, 0, -1, 0xc4, 0xc5, 0xc6);
    return w.raw(bytes);
  }
  if (Array.isArray(value)) {
    w.length(value.length, 0x90, 15, 0, 0xdc, 0xdd);
    for (const item of value) write(w, item, depth + 1);
    return;
  }
  const entries = Object.entries(value).filter(
    ([, item]) => item !== undefined && typeof item !== "function",
  );
  w.length(entries.length, 0x80, 15, 0, 0xde, 0xdf);
  for (const [key, item] of entries) {
    write(w, key, depth + 1);
    write(w, item, depth + 1);
  }
}

/**
 * Encodes a value as MessagePack. It follows JSON's rules where they apply: `toJSON`
 * is honoured, an object's undefined entries are left out. Bytes become `bin`.
 */
export function encode(value: unknown): Uint8Array {
  const writer = new Writer();
  write(writer, value, 0);
  return writer.done();
}
