/** The bytes of a credential, wrapped so that printing, logging or serializing it never shows them. */
export class SecretValue {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The only way to the text. Call it where the value meets its destination, nowhere else. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '[secret value]';
  }

  toJSON(): string {
    return '[secret value]';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret value]';
  }
}
