/** How many of the executor's last lines are worth showing. */
const LINES = 40;

/** The last lines that an executor wrote. */
export class ExecutorLog {
  #lines: string[] = [];
  #rest = '';

  write(chunk: Uint8Array): void {
    const [...lines] = `${this.#rest}${Buffer.from(chunk).toString('utf8')}`.split('\n');
    this.#rest = (lines.pop() ?? '').slice(-4096);
    this.#lines = [...this.#lines, ...lines].slice(-LINES);
  }

  get lines(): readonly string[] {
    return this.#rest === '' ? this.#lines : [...this.#lines, this.#rest];
  }
}
