const NOTHING = Buffer.alloc(0);
/** Characters that mean something only together: three bytes. */
const GROUP = 4;

/** Decodes base64 that comes in pieces, cut anywhere: of what came, no more than a group begun is held. */
export class Base64Pieces {
  #begun = '';

  /** What can be decoded of all that came. */
  take(piece: Buffer): Buffer {
    // Go's decoder skips line ends too.
    const text = this.#begun + piece.toString('latin1').replaceAll(/[\r\n]+/g, '');
    const whole = text.length - (text.length % GROUP);
    this.#begun = text.slice(whole);
    return whole === 0 ? NOTHING : Buffer.from(text.slice(0, whole), 'base64');
  }

  /** The message is over: what is left of it, where its last group was not filled up. */
  end(): Buffer {
    const rest = Buffer.from(this.#begun, 'base64');
    this.#begun = '';
    return rest;
  }
}
