/** Lets one wait until the pods of some tasks are gone. */
export class Departures {
  readonly #waiting = new Map<Set<string>, () => void>();

  /** Resolves when all of these tasks have departed. */
  async of(taskIds: readonly string[]): Promise<void> {
    if (taskIds.length === 0) return;
    await new Promise<void>((resolve) => this.#waiting.set(new Set(taskIds), resolve));
  }

  /** Nothing of the task's pod runs any more. */
  departed(taskId: string): void {
    for (const [left, resolve] of this.#waiting) {
      if (!left.delete(taskId) || left.size > 0) continue;
      this.#waiting.delete(left);
      resolve();
    }
  }
}
