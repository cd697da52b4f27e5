// A keyed hash from small values to 64 bits: who does not know the key cannot choose collisions. Not for secrets
// that leave this process, and not a checksum.

/** Rounds after the last word; the lower half of the result is taken after the first three. */
const LAST_ROUNDS = 6;

/**
 * HalfSipHash-1-3 with 64 bits of output (Aumasson and Bernstein's SipHash on 32-bit words), the result in `lo` and
 * `hi` as unsigned numbers, so that hashing allocates nothing.
 */
export class KeyHash {
  readonly #k0: number;
  readonly #k1: number;
  #words = new Int32Array(64);
  /** The two halves of the last result. */
  lo = 0;
  hi = 0;

  /** @param key - Two random unsigned 32-bit numbers. */
  constructor(key: readonly [number, number]) {
    this.#k0 = key[0] | 0;
    this.#k1 = key[1] | 0;
  }

  /** Hashes a text. `tag`, a small number, keeps different uses of one text apart. */
  text(tag: number, text: string): void {
    const { length } = text;
    // Room for the wider packing, the tag and the length.
    if (length + 3 > 2 * this.#words.length) this.#words = new Int32Array(length + 3);
    const narrow = this.#pack(text, 8);
    const count = narrow > 0 ? narrow : this.#pack(text, 16);
    this.#words[0] = narrow > 0 ? tag : ~tag;
    this.#words[count] = length;
    this.#run(this.#words, count + 1);
  }

  // Packs 8 or 16 bits of each character behind the first word; 0 when a character has more. What lies beyond the end
  // counts as zeros, from which the length tells real ones.
  #pack(text: string, bits: 8 | 16): number {
    const words = this.#words;
    const max = bits === 8 ? 0xff : 0xffff;
    let count = 0;
    let word = 0;
    let shift = 0;
    let widest = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      widest |= code;
      word |= code << shift;
      shift += bits;
      if (shift < 32) continue;
      words[++count] = word;
      word = 0;
      shift = 0;
    }
    if (widest > max) return 0;
    words[++count] = word;
    return count + 1;
  }

  /** Hashes two 32-bit numbers. */
  pair(tag: number, a: number, b: number): void {
    const words = this.#words;
    words[0] = tag;
    words[1] = a;
    words[2] = b;
    this.#run(words, 3);
  }

  // The state lives in locals: that is what makes it fast.
  #run(words: Int32Array, count: number): void {
    let v0 = this.#k0;
    let v1 = this.#k1 ^ 0xee;
    let v2 = 0x6c796765 ^ this.#k0;
    let v3 = 0x74656462 ^ this.#k1;
    for (let i = 0; i < count + LAST_ROUNDS; i++) {
      const m = i < count ? (words[i] ?? 0) : 0;
      if (i === count) v2 ^= 0xee;
      else if (i === count + 3) {
        this.lo = (v1 ^ v3) >>> 0;
        v1 ^= 0xdd;
      }
      v3 ^= m;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= m;
    }
    this.hi = (v1 ^ v3) >>> 0;
  }
}
