const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads values from a payload. */
class Reader {
  private view: DataView;
  private at = 0;

  constructor(private bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Skips `size` bytes and returns their offset. */
  private take(size: number): number {
    const start = this.at;
    if (start + size > this.bytes.length) throw new RangeError("the payload ends too soon");
    this.at = start + size;
    return start;
  }
  private u8(): number {
    return this.view.getUint8(this.take(1));
  }
  private u16(): number {
    return this.view.getUint16(this.take(2));
  }
  private u32(): number {
    return this.view.getUint32(this.take(4));
  }
  private raw(size: number): Uint8Array {
    const start = this.take(size);
    return this.bytes.slice(start, start + size);
  }
  private text(size: number): string {
    const start = this.take(size);
    return utf8.decode(this.bytes.subarray(start, start + size));
  }
  private list(size: number, depth: number): unknown[] {
    const items: unknown[] = [];
    for (let i = 0; i < size; i++) items.push(this.value(depth + 1));
    return items;
  }
  private map(size: number, depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    for (let i = 0; i < size; i++) {
      const name = this.value(depth + 1);
      if (Object(name) === name) throw new RangeError("a key that is neither text nor a number");
      const key = String(name);
      const value = this.value(depth + 1);
      // A plain assignment of this key would set the prototype.
      if (key === "__proto__") {
        Object.defineProperty(object, key, {
          value,
          configurable: true,
          enumerable: true,
          writable: true,
        });
      } else object[key] = value;
    }
    return object;
  }
  private big(value: bigint): number | bigint {
    const n = Number(value);
    return Number.isSafeInteger(n) ? n : value;
  }
  /** Reads an extension: a `Date` for a timestamp, otherwise `{type, data}`. */
  private extension(size: number): unknown {
    const type = this.view.getInt8(this.take(1));
    const data = this.raw(size);
    if (type !== -1) return { type, data };
    const view = new DataView(data.buffer);
    if (size === 4) return new Date(view.getUint32(0) * 1000);
    if (size === 8) {
      const high = view.getUint32(0);
      const seconds = (high & 3) * 0x100000000 + view.getUint32(4);
      return new Date(seconds * 1000 + Math.floor((high >>> 2) / 1e6));
    }
    return new Date(Number(view.getBigInt64(4)) * 1000 + Math.floor(view.getUint32(0) / 1e6));
  }

  value(depth: number): unknown {
    if (depth > 500) throw new RangeError("nested too deeply");
    const tag = this.u8();
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.map(tag & 15, depth);
    if (tag < 0xa0) return this.list(tag & 15, depth);
    if (tag < 0xc0) return this.text(tag & 31);
    if (tag >= 0xe0) return tag - 0x100;
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.raw(this.u8());
      case 0xc5:
        return this.raw(this.u16());
      case 0xc6:
        return this.raw(this.u32());
      case 0xc7:
        return this.extension(this.u8());
      case 0xc8:
        return this.extension(this.u16());
      case 0xc9:
        return this.extension(this.u32());
      case 0xca:
        return this.view.getFloat32(this.take(4));
      case 0xcb:
        return this.view.getFloat64(this.take(8));
      case 0xcc:
        return this.u8();
      case 0xcd:
        return this.u16();
      case 0xce:
        return this.u32();
      case 0xcf:
        return this.big(this.view.getBigUint64(this.take(8)));
      case 0xd0:
        return this.view.getInt8(this.take(1));
      case 0xd1:
        return this.view.getInt16(this.take(2));
      case 0xd2:
        return this.view.getInt32(this.take(4));
      case 0xd3:
        return this.big(this.view.getBigInt64(this.take(8)));
      case 0xd9:
        return this.text(this.u8());
      case 0xda:
        return this.text(this.u16());
      case 0xdb:
        return this.text(this.u32());
      case 0xdc:
        return this.list(this.u16(), depth);
      case 0xdd:
        return this.list(this.u32(), depth);
      case 0xde:
        return this.map(this.u16(), depth);
      case 0xdf:
        return this.map(this.u32(), depth);
    }
    if (tag >= 0xd4 && tag <= 0xd8) return this.extension(1 << (tag - 0xd4));
    throw new RangeError(`unknown MessagePack tag ${tag}`);
  }

  end(): void {
    if (this.at !== this.bytes.length) throw new RangeError("the payload goes on after its value");
  }
}

/**
 * Decodes one MessagePack value.
 *
 * Integers beyond 53 bits become `bigint`, `bin` becomes `Uint8Array`, and timestamps become `Date`.
 *
 * @throws RangeError if the payload is not exactly one value.
 */
export function decode(payload: Uint8Array): unknown {
  const reader = new Reader(payload);
  const value = reader.value(0);
  reader.end();
  return value;
}
