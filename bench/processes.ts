/** What /proc tells of an executor: all processes of its session, whoever is whose parent. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessFigures {
  readonly pid: number;
  readonly command: string;
  /** User and system time so far, seconds. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly openFiles: number;
  readonly threads: number;
}

/** The kernel's USER_HZ, the unit of times in /proc/PID/stat: 100 on every platform that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The processes whose session leader is `session`; those that end while we look are left out. */
export function processesOfSession(session: number): ProcessFigures[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const figures = figuresOf(Number(name), session);
      return figures === undefined ? [] : [figures];
    });
}

function figuresOf(pid: number, session: number): ProcessFigures | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Fields from 3 on, after the name, which is in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(fields[3]) !== session) return undefined;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
    return {
      pid,
      command: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      residentBytes: kilobytes * 1024,
      openFiles: readdirSync(`/proc/${pid}/fd`).length,
      threads: Number(fields[17]),
    };
  } catch {
    return undefined;
  }
}

export interface Totals {
  readonly processes: number;
  readonly cpuSeconds: number;
  readonly residentMB: number;
  readonly openFiles: number;
  readonly threads: number;
}

export function totals(session: number): Totals {
  const all = processesOfSession(session);
  const sum = (pick: (figures: ProcessFigures) => number): number => all.reduce((total, figures) => total + pick(figures), 0);
  return {
    processes: all.length,
    cpuSeconds: sum((figures) => figures.cpuSeconds),
    residentMB: sum((figures) => figures.residentBytes) / 1e6,
    openFiles: sum((figures) => figures.openFiles),
    threads: sum((figures) => figures.threads),
  };
}
