/** Loaded into the executor's worker before itself: writes what keeps its event loop, by kind, into the file that KM_SOAK names, on SIGWINCH. */
import { writeFileSync } from 'node:fs';

const file = process.env.KM_SOAK;
if (file !== undefined && process.env.KM_EXECUTOR_WORKER !== undefined) {
  process.on('SIGWINCH', () => {
    const kinds: Record<string, number> = {};
    for (const kind of process.getActiveResourcesInfo()) kinds[kind] = (kinds[kind] ?? 0) + 1;
    writeFileSync(file, JSON.stringify(kinds));
  });
}
