/** What keeps pods from running on this node. */
type Part = 'engine' | 'network' | 'root-dir';

/** The node's faults as the one message of its condition Ready, as the kubelet joins them. */
export class NodeHealth {
  readonly #faults = new Map<Part, string>();
  readonly #tell: (fault: string | undefined) => void;

  constructor(tell: (fault: string | undefined) => void) {
    this.#tell = tell;
  }

  /** `fault`: undefined when that part is in order. */
  set(part: Part, fault: string | undefined): void {
    if (fault === undefined) this.#faults.delete(part);
    else this.#faults.set(part, fault);
    this.#tell(this.fault);
  }

  get fault(): string | undefined {
    const faults = [...this.#faults.values()];
    return faults.length > 1 ? `[${faults.join(', ')}]` : faults[0];
  }
}
