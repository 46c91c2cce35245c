/**
 * Decodes one MessagePack value. Integers beyond 53 bits come as `bigint`, `bin` as
 * `Uint8Array`, timestamps as `Date`.
 */
export declare function decode(payload: Uint8Array): unknown;
