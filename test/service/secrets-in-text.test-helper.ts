// Finds secrets in logs: any eight bytes of them in a row, as hexadecimal digits, in base64 or as a list of numbers,
// and numbers that stand by themselves.

const WINDOW = 8;

export class Secrets {
  readonly #windows = new Set<string>();
  readonly #numbers = new Set<string>();

  addBytes(bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString("latin1");
    for (let at = 0; at + WINDOW <= text.length; at += 1) {
      const window = text.slice(at, at + WINDOW);
      // Zeros are nobody's secret.
      if (new Set(window).size > 2) this.#windows.add(window);
    }
  }

  addNumber(number: number): void {
    this.#numbers.add(String(number));
  }

  /** What a text tells of them; empty when nothing. */
  foundIn(text: string): string[] {
    const found: string[] = [];
    const look = (said: string, bytes: Buffer) => {
      const plain = bytes.toString("latin1");
      for (let at = 0; at + WINDOW <= plain.length; at += 1) {
        if (this.#windows.has(plain.slice(at, at + WINDOW))) found.push(said);
      }
    };
    look("(raw)", Buffer.from(text, "latin1"));
    for (const [digits] of text.matchAll(/[0-9a-f]{16,}/gi)) {
      for (const skip of [0, 1]) look(digits, Buffer.from(digits.slice(skip), "hex"));
    }
    for (const [letters] of text.matchAll(/[A-Za-z0-9+/_-]{12,}/g)) {
      for (const skip of [0, 1, 2, 3]) look(letters, Buffer.from(letters.slice(skip), "base64"));
    }
    for (const [list] of text.matchAll(/\d{1,3}(,\s*\d{1,3}){7,}/g)) {
      look(list, Buffer.from(list.split(",").map(Number)));
    }
    for (const [number] of text.matchAll(/(?<![\d.])\d+(?![\d.])/g)) {
      if (this.#numbers.has(number)) found.push(number);
    }
    return found;
  }
}
