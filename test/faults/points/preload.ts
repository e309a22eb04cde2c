/**
 * Loaded into the executor's worker before itself (`--import`): every call on an edge is a point, before and after which the process can be
 * made to die. Production code knows nothing of it. KM_FAULTS names a folder:
 *
 * - `workers`: one byte for each worker so far;
 * - `plan`: JSON `{ worker, point? }`; that worker dies at the point, or writes all points that it comes by into `points`.
 */
import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

export interface Plan {
  /** Which worker of the executor: 1 is the first. */
  readonly worker: number;
  readonly point?: Point;
}

export interface Point {
  /** `engine.create`, `journal.append`, ... */
  readonly name: string;
  /** Which call of it, from 1. */
  readonly nth: number;
  /** `torn`: half of it is written. */
  readonly when: 'before' | 'after' | 'torn';
}

type Call = (...args: unknown[]) => unknown;

const dir = process.env.KM_FAULTS;
// The process that becomes the supervisor is no worker yet.
if (dir !== undefined && process.env.KM_EXECUTOR_WORKER !== undefined) await arm(dir);

async function arm(folder: string): Promise<void> {
  const { appendFileSync, readFileSync, statSync, writeSync } = fs;
  appendFileSync(join(folder, 'workers'), '.');
  const { worker, point } = JSON.parse(readFileSync(join(folder, 'plan'), 'utf8')) as Plan;
  if (statSync(join(folder, 'workers')).size !== worker) return;
  const counts = new Map<string, number>();

  /** Counts the call; whether it is the one. */
  const reached = (name: string): boolean => {
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    if (point === undefined) appendFileSync(join(folder, 'points'), `${name} ${nth}\n`);
    return point?.name === name && point.nth === nth;
  };
  const die = (): never => {
    process.kill(process.pid, 'SIGKILL');
    throw new Error('dead');
  };
  const around = (name: string, original: Call): Call =>
    function (this: unknown, ...args: unknown[]): unknown {
      const now = reached(name);
      if (now && point?.when === 'before') die();
      const result = original.apply(this, args);
      if (!now || point?.when !== 'after') return result;
      return result instanceof Promise ? result.finally(die) : die();
    };
  const wrap = (of: object, names: readonly string[], prefix: string): void => {
    const target = of as Record<string, Call>;
    for (const name of names) {
      const original = target[name];
      if (original === undefined) throw new Error(`there is no ${prefix}.${name} any more`);
      target[name] = around(`${prefix}.${name}`, original);
    }
  };

  const root = (path: unknown): boolean => typeof path === 'string' && path.includes('/km-faults-');
  const files = fs.promises as unknown as Record<string, Call>;
  for (const name of ['mkdir', 'writeFile', 'rename', 'rm', 'symlink', 'unlink', 'open', 'rmdir', 'readdir', 'copyFile', 'chown', 'chmod']) {
    const original = files[name];
    if (original === undefined) continue;
    const wrapped = around(`files.${name}`, original);
    files[name] = (...args) => (root(args[0]) || root(args[1]) ? wrapped(...args) : original(...args));
  }
  const commands = childProcess as unknown as Record<string, Call>;
  for (const name of ['spawn', 'execFile'] as const) commands[name] = around(`process.${name}`, commands[name] as Call);
  const now = fs as unknown as Record<string, Call>;
  const renameSync = now.renameSync as Call;
  const wrappedRename = around('files.renameSync', renameSync);
  now.renameSync = (...args) => (root(args[0]) ? wrappedRename(...args) : renameSync(...args));
  if (point === undefined || point.when === 'torn') {
    now.writeSync = (...args: unknown[]) => {
      const [fd, bytes, , , position] = args as [number, Uint8Array, number, number, number];
      const isEntry = bytes instanceof Uint8Array && /^[0-9a-f]{8} \{/.test(Buffer.from(bytes.subarray(0, 10)).toString());
      if (isEntry && reached('journal.write')) {
        writeSync(fd, bytes, 0, Math.floor(bytes.length / 2), position);
        die();
      }
      return (writeSync as Call)(...args);
    };
  }
  syncBuiltinESMExports();

  const [{ DockerodeEngine }, { Journal }, { AgentHttp }, { KubernetesClient }] = await Promise.all([
    import('../../../src/docker/dockerode-engine.ts'), import('../../../src/base/journal.ts'), import('../../../src/mesos/agent-http.ts'), import('../../../src/kubernetes/client.ts'),
  ]);
  wrap(DockerodeEngine.prototype, ['info', 'list', 'inspect', 'create', 'start', 'stop', 'kill', 'remove', 'image', 'pull', 'exec', 'tailLog'], 'engine');
  wrap(Journal.prototype, ['append', 'compact'], 'journal');
  wrap(AgentHttp.prototype, ['subscribe', 'call'], 'agent');
  const calls = Object.getOwnPropertyNames(KubernetesClient.prototype).filter((name) => !['constructor', 'close'].includes(name) && typeof Object.getOwnPropertyDescriptor(KubernetesClient.prototype, name)?.value === 'function');
  wrap(KubernetesClient.prototype, calls, 'api');
}
