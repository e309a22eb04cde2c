/** `km up` as a user starts it: a child process, of which only the output is known. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface DemoCluster {
  readonly kubeconfig: string;
  /** Every line that it printed so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line, past or to come, that matches. Rejects when the cluster ends or `deadlineMs` have passed. */
  line(pattern: RegExp, deadlineMs?: number): Promise<string>;
  /** Ctrl-C; resolves with its exit code. */
  stop(): Promise<number | null>;
  /** How many processes of the executor's session are alive. */
  executorProcesses(): number;
}

export async function startDemoCluster(stateDir: string, nodeName: string): Promise<DemoCluster> {
  const main = join(import.meta.dirname, '../src/cli/main.ts');
  const child = spawn(process.execPath, [main, 'up', `--state-dir=${stateDir}`, `--node-name=${nodeName}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => waiting.forEach((look) => look());
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      wake();
    });
  }
  const ended = once(child, 'exit').then(() => {
    wake();
    return child.exitCode;
  });

  const line = (pattern: RegExp, deadlineMs = 30_000): Promise<string> =>
    new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        waiting.delete(look);
        clearTimeout(timer);
        act();
      };
      const fail = (what: string): void => settle(() => reject(new Error(`km up ${what}; it printed:\n${lines.slice(-30).join('\n')}`)));
      const look = (): void => {
        const found = lines.find((text) => pattern.test(text));
        if (found !== undefined) settle(() => resolve(found));
        else if (hasEnded(child)) fail('ended too early');
      };
      const timer = setTimeout(() => fail(`did not say ${String(pattern)} within ${deadlineMs / 1000} s`), deadlineMs);
      waiting.add(look);
      look();
    });

  const stop = (): Promise<number | null> => {
    child.kill('SIGINT');
    return ended;
  };
  try {
    const kubeconfig = (await line(/^export KUBECONFIG=/)).replace('export KUBECONFIG=', '');
    const session = Number(/process (\d+) started/.exec(lines.join('\n'))?.[1]);
    return { kubeconfig, lines, line, stop, executorProcesses: () => processesOfSession(session) };
  } catch (error) {
    await stop();
    throw error;
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Counts by /proc/PID/stat: after the name in parentheses come state, parent, group, session. */
function processesOfSession(session: number): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]) === session;
    } catch {
      return false; // it has just ended
    }
  }).length;
}
