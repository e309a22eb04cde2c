import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Of the system itself, the same number in every kernel (Linux include/linux/proc_ns.h, PROC_PID_INIT_INO): all processes are seen from there. */
const INITIAL_NAMESPACE = 'pid:[4026531836]';

/** The process that runs an executor, told apart from every other one of this machine's. */
export interface OwnerProcess {
  /** In its own namespace. */
  readonly pid: number;
  /** Ticks since the boot (/proc/PID/stat): a pid is given away again. Empty: nobody knows. */
  readonly started: string;
  /** Pids mean nothing elsewhere. */
  readonly pidNamespace: string;
  readonly bootId: string;
}

/** What is known of such a process; `pid` is the one that it has for us. */
export type Sight = { readonly is: 'alive'; readonly pid: number } | { readonly is: 'ended' } | { readonly is: 'unknown' };

const UNKNOWN: Sight = { is: 'unknown' };
const ENDED: Sight = { is: 'ended' };

/** Of a process of our own namespace. */
export function processOf(pid: number): OwnerProcess {
  return { pid, started: (isProcOurs() ? startOf(pid) : undefined) ?? '', pidNamespace: namespaceOf('self') ?? '', bootId: bootId() };
}

/** What has become of the process: `ended` and `alive` only where that is certain. */
export function sightOf(process: OwnerProcess): Sight {
  const boot = bootId();
  if (process.bootId !== '' && boot !== '' && process.bootId !== boot) return ENDED;
  if (process.started === '' || process.pidNamespace === '' || !isProcOurs()) return UNKNOWN;
  if (process.pidNamespace !== namespaceOf('self')) return searched(process);
  return startOf(process.pid) === process.started ? { is: 'alive', pid: process.pid } : ENDED;
}

/**
 * Looks for a process of another namespace. Those of the namespaces below ours are in our /proc too, under other pids: all of them, or none. A namespace
 * that is not seen is gone where we would see every one; else it may be beside ours.
 */
function searched({ pid, started, pidNamespace }: OwnerProcess): Sight {
  const names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  let sees = namespaceOf('self') === INITIAL_NAMESPACE;
  let mayBe = false;
  for (const name of names) {
    const namespace = namespaceOf(name);
    if (namespace === pidNamespace) sees = true;
    else if (namespace !== undefined) continue;
    if (pidWithin(name) !== pid || startOf(Number(name)) !== started) continue;
    if (namespace !== undefined) return { is: 'alive', pid: Number(name) };
    mayBe = true;
  }
  return sees && !mayBe && names.includes('1') ? ENDED : UNKNOWN; // without it /proc hides what is not ours (hidepid)
}

/** Whether /proc speaks of the pids that we know: who was put into a namespace may still have the /proc of the one above. */
function isProcOurs(): boolean {
  return orEmpty(() => readlinkSync('/proc/self')) === String(process.pid);
}

/** Empty when the process has ended, `undefined` when we may not know: it has more rights than we. */
function namespaceOf(name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${name}/ns/pid`);
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '') ? '' : undefined;
  }
}

/** Its pid in its own namespace; everybody may know that. */
function pidWithin(name: string): number {
  return Number(/^NSpid:.*?(\d+)$/m.exec(orEmpty(() => readFileSync(`/proc/${name}/status`, 'utf8')))?.[1]);
}

/** `undefined` when there is no such process, or only what its parent has not waited for yet. */
function startOf(pid: number): string | undefined {
  const text = orEmpty(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // the name before may hold anything
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

/** Of the running system; empty where it has none. */
export function bootId(): string {
  return orEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
}

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
