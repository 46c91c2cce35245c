(() => {
  // src/codec/msgpack-decode.ts
  var utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  var Reader = class {
    constructor(bytes) {
      this.bytes = bytes;
      this.at = 0;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    /** Skips `size` bytes and returns their offset. */
    take(size) {
      const start = this.at;
      if (start + size > this.bytes.length) throw new RangeError("the payload ends too soon");
      this.at = start + size;
      return start;
    }
    u8() {
      return this.view.getUint8(this.take(1));
    }
    u16() {
      return this.view.getUint16(this.take(2));
    }
    u32() {
      return this.view.getUint32(this.take(4));
    }
    raw(size) {
      const start = this.take(size);
      return this.bytes.slice(start, start + size);
    }
    text(size) {
      const start = this.take(size);
      return utf8.decode(this.bytes.subarray(start, start + size));
    }
    list(size, depth) {
      const items = [];
      for (let i = 0; i < size; i++) items.push(this.value(depth + 1));
      return items;
    }
    map(size, depth) {
      const object = {};
      for (let i = 0; i < size; i++) {
        const name = this.value(depth + 1);
        if (Object(name) === name) throw new RangeError("a key that is neither text nor a number");
        const key = String(name);
        const value = this.value(depth + 1);
        if (key === "__proto__") {
          Object.defineProperty(object, key, {
            value,
            configurable: true,
            enumerable: true,
            writable: true
          });
        } else object[key] = value;
      }
      return object;
    }
    big(value) {
      const n = Number(value);
      return Number.isSafeInteger(n) ? n : value;
    }
    /** Reads an extension: a `Date` for a timestamp, otherwise `{type, data}`. */
    extension(size) {
      const type = this.view.getInt8(this.take(1));
      const data = this.raw(size);
      if (type !== -1) return { type, data };
      const view = new DataView(data.buffer);
      if (size === 4) return new Date(view.getUint32(0) * 1e3);
      if (size === 8) {
        const high = view.getUint32(0);
        const seconds = (high & 3) * 4294967296 + view.getUint32(4);
        return new Date(seconds * 1e3 + Math.floor((high >>> 2) / 1e6));
      }
      return new Date(Number(view.getBigInt64(4)) * 1e3 + Math.floor(view.getUint32(0) / 1e6));
    }
    value(depth) {
      if (depth > 500) throw new RangeError("nested too deeply");
      const tag = this.u8();
      if (tag < 128) return tag;
      if (tag < 144) return this.map(tag & 15, depth);
      if (tag < 160) return this.list(tag & 15, depth);
      if (tag < 192) return this.text(tag & 31);
      if (tag >= 224) return tag - 256;
      switch (tag) {
        case 192:
          return null;
        case 194:
          return false;
        case 195:
          return true;
        case 196:
          return this.raw(this.u8());
        case 197:
          return this.raw(this.u16());
        case 198:
          return this.raw(this.u32());
        case 199:
          return this.extension(this.u8());
        case 200:
          return this.extension(this.u16());
        case 201:
          return this.extension(this.u32());
        case 202:
          return this.view.getFloat32(this.take(4));
        case 203:
          return this.view.getFloat64(this.take(8));
        case 204:
          return this.u8();
        case 205:
          return this.u16();
        case 206:
          return this.u32();
        case 207:
          return this.big(this.view.getBigUint64(this.take(8)));
        case 208:
          return this.view.getInt8(this.take(1));
        case 209:
          return this.view.getInt16(this.take(2));
        case 210:
          return this.view.getInt32(this.take(4));
        case 211:
          return this.big(this.view.getBigInt64(this.take(8)));
        case 217:
          return this.text(this.u8());
        case 218:
          return this.text(this.u16());
        case 219:
          return this.text(this.u32());
        case 220:
          return this.list(this.u16(), depth);
        case 221:
          return this.list(this.u32(), depth);
        case 222:
          return this.map(this.u16(), depth);
        case 223:
          return this.map(this.u32(), depth);
      }
      if (tag >= 212 && tag <= 216) return this.extension(1 << tag - 212);
      throw new RangeError(`unknown MessagePack tag ${tag}`);
    }
    end() {
      if (this.at !== this.bytes.length) throw new RangeError("the payload goes on after its value");
    }
  };
  function decode(payload) {
    const reader = new Reader(payload);
    const value = reader.value(0);
    reader.end();
    return value;
  }

  // src/codec/msgpack-encode.ts
  var utf82 = new TextEncoder();
  var deepest = 120;
  var Writer = class {
    constructor() {
      this.bytes = new Uint8Array(256);
      this.view = new DataView(this.bytes.buffer);
      this.at = 0;
    }
    /** Reserves `size` bytes and returns their offset. */
    take(size) {
      const start = this.at;
      this.at += size;
      if (this.at > 268435456) throw new RangeError("too long");
      if (this.at > this.bytes.length) {
        const grown = new Uint8Array(Math.max(this.at, this.bytes.length * 2));
        grown.set(this.bytes);
        this.bytes = grown;
        this.view = new DataView(grown.buffer);
      }
      return start;
    }
    u8(value) {
      const at = this.take(1);
      this.view.setUint8(at, value);
    }
    u16(tag, value) {
      this.u8(tag);
      const at = this.take(2);
      this.view.setUint16(at, value);
    }
    u32(tag, value) {
      this.u8(tag);
      const at = this.take(4);
      this.view.setUint32(at, value);
    }
    i64(tag, value) {
      this.u8(tag);
      const at = this.take(8);
      this.view.setBigInt64(at, value);
    }
    f64(value) {
      this.u8(203);
      const at = this.take(8);
      this.view.setFloat64(at, value);
    }
    raw(value) {
      const at = this.take(value.length);
      this.bytes.set(value, at);
    }
    /** Writes a length in its shortest form. `t8` is 0 for families without an 8-bit form. */
    length(n, fix, fixMax, t8, t16, t32) {
      if (n <= fixMax) this.u8(fix | n);
      else if (t8 && n < 256) {
        this.u8(t8);
        this.u8(n);
      } else if (n < 65536) this.u16(t16, n);
      else this.u32(t32, n);
    }
    done() {
      return this.bytes.subarray(0, this.at);
    }
  };
  function integer(w, value) {
    const n = Number(value);
    if (value >= 0n) {
      if (n < 128) w.u8(n);
      else if (n < 256) {
        w.u8(204);
        w.u8(n);
      } else if (n < 65536) w.u16(205, n);
      else if (n < 4294967296) w.u32(206, n);
      else if (value < 1n << 64n) w.i64(207, BigInt.asIntN(64, value));
      else throw new RangeError("integer does not fit 64 bits");
    } else if (n >= -32) w.u8(n & 255);
    else if (n >= -128) {
      w.u8(208);
      w.u8(n & 255);
    } else if (n >= -32768) w.u16(209, n & 65535);
    else if (n >= -2147483648) w.u32(210, n >>> 0);
    else if (value >= -(1n << 63n)) w.i64(211, value);
    else throw new RangeError("integer does not fit 64 bits");
  }
  function plain(holder, key) {
    let value = holder[key];
    if ((Object(value) === value || typeof value === "bigint") && typeof value.toJSON === "function") {
      value = value.toJSON(key);
    }
    if (/^\[object (Number|String|Boolean|BigInt)\]$/.test(toString.call(value))) {
      value = value.valueOf();
    }
    return typeof value === "function" || typeof value === "symbol" ? void 0 : value;
  }
  var { toString } = Object.prototype;
  function write(w, value, depth) {
    if (depth > deepest) throw new RangeError("nested too deeply, or in a circle");
    switch (typeof value) {
      case "boolean":
        return w.u8(value ? 195 : 194);
      case "bigint":
        return integer(w, value);
      case "number":
        if (Number.isSafeInteger(value)) return integer(w, BigInt(value));
        return Number.isFinite(value) ? w.f64(value) : w.u8(192);
      case "string": {
        const bytes = utf82.encode(value);
        w.length(bytes.length, 160, 31, 217, 218, 219);
        return w.raw(bytes);
      }
    }
    if (value == null) return w.u8(192);
    if (value instanceof ArrayBuffer) value = new Uint8Array(value);
    if (ArrayBuffer.isView(value)) {
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      w.length(bytes.length, 0, -1, 196, 197, 198);
      return w.raw(bytes);
    }
    if (Array.isArray(value)) {
      const { length } = value;
      w.length(length, 144, 15, 0, 220, 221);
      for (let at = 0; at < length; at++) write(w, plain(value, String(at)), depth + 1);
      return;
    }
    const entries = Object.keys(value).map((key) => [key, plain(value, key)]).filter(([, item]) => item !== void 0);
    w.length(entries.length, 128, 15, 0, 222, 223);
    for (const [key, item] of entries) {
      write(w, key, depth + 1);
      write(w, item, depth + 1);
    }
  }
  function encode(value) {
    const writer = new Writer();
    write(writer, plain({ "": value }, ""), 0);
    return writer.done();
  }

  // src/codec/msgpack.ts
  var msgpack = {
    name: "msgpack",
    encode,
    decode: (payload) => {
      if (typeof payload === "string") throw new TypeError("MessagePack comes in binary frames");
      return decode(payload);
    }
  };

  // src/page/msgpack.ts
  $parts.codec = msgpack;
})();
