/**
 * Encodes a value as MessagePack. It follows JSON's rules where they apply: `toJSON`
 * is honoured, an object's undefined entries are left out. Bytes become `bin`.
 */
export declare function encode(value: unknown): Uint8Array;
