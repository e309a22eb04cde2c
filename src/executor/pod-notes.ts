import type { ContainerStreak, CrashBackoff } from '../pod/index.ts';
import type { PodNote, PullFailure, Remembered } from '../runtime/index.ts';

/** What the runtime has noted of one pod, for the worker after this one: of each kind of note the last one counts. */
export class PodNotes {
  readonly #attempts = new Map<string, number>();
  readonly #crashBackoffs = new Map<string, CrashBackoff>();
  /** One a probe: of a container that is followed by another one nobody asks any more. */
  readonly #streaks = new Map<string, ContainerStreak>();
  readonly #pullFailures = new Map<string, PullFailure>();

  apply(note: PodNote): void {
    switch (note.kind) {
      case 'attempt':
        this.#attempts.set(note.container, Math.max(note.attempt, this.#attempts.get(note.container) ?? 0));
        if (note.crashBackoff !== undefined) this.#crashBackoffs.set(note.container, note.crashBackoff);
        break;
      case 'probe':
        this.#streaks.set(`${note.streak.container}/${note.streak.probe}`, note.streak);
        break;
      case 'pull':
        this.#pullFailures.set(note.failure.container, note.failure);
        break;
    }
  }

  remembered(): Remembered {
    return { restartCounts: this.#attempts, crashBackoffs: this.#crashBackoffs, streaks: [...this.#streaks.values()], pullFailures: [...this.#pullFailures.values()] };
  }

  /** The shortest list of notes that says the same. */
  *notes(): Generator<PodNote> {
    for (const [container, attempt] of this.#attempts) {
      const crashBackoff = this.#crashBackoffs.get(container);
      yield { kind: 'attempt', container, attempt, ...(crashBackoff === undefined ? {} : { crashBackoff }) };
    }
    for (const streak of this.#streaks.values()) yield { kind: 'probe', streak };
    for (const failure of this.#pullFailures.values()) yield { kind: 'pull', failure };
  }
}
