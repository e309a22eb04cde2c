import { spawn } from 'node:child_process';

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;

export interface KmRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Command line of `km` as these sources run. */
export const KM = [process.execPath, MAIN] as const;

/** Runs `km` to its end. */
export function runKm(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Promise<KmRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(KM[0], [KM[1], ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', reject).once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
