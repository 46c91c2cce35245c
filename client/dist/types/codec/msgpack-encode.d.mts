/**
 * Encodes a value as MessagePack. It follows JSON's rules where they apply: `toJSON` is honoured,
 * what JSON leaves out is left out, and what is no number becomes null. Bytes become `bin`, and
 * integers of 64 bits stay exact.
 */
export declare function encode(value: unknown): Uint8Array;
