/** Whose doing it was: what the agent sent, what the executor answered, what the Kubernetes API saw. */
export type Lane = 'agent' | 'executor' | 'kubernetes';

/** `quiet`: of no interest when all goes well; `bad`: should not be there. */
export type Tone = 'plain' | 'quiet' | 'bad';

export interface TimelineEntry {
  /** Milliseconds since the executor was started. */
  readonly atMs: number;
  readonly lane: Lane;
  readonly text: string;
  readonly tone: Tone;
}

/** What somebody has to say about a thing that happened. */
export interface Description {
  readonly text: string;
  readonly tone: Tone;
}

/** Gathers what happens, in the order in which it happens. */
export class Timeline {
  readonly entries: TimelineEntry[] = [];
  readonly #onEntry: (entry: TimelineEntry) => void;
  #startedAt = 0;

  constructor(onEntry: (entry: TimelineEntry) => void = () => undefined) {
    this.#onEntry = onEntry;
  }

  /** Sets zero; wall clock, milliseconds since the epoch. */
  start(at: number): void {
    this.#startedAt = at;
  }

  add(lane: Lane, at: number, description: Description | undefined): void {
    if (description === undefined) return;
    const entry = { atMs: Math.max(0, Math.round(at - this.#startedAt)), lane, ...description };
    this.entries.push(entry);
    this.#onEntry(entry);
  }
}
