import { numberOf, textOf, valuesIn } from './files.ts';
import type { CgroupSample, InterfaceSample } from './samples.ts';

/** Nanoseconds of a clock tick of /proc: USER_HZ is 100 wherever Node runs. */
const NS_PER_TICK = 1e7;

export interface Machine {
  readonly sample: CgroupSample;
  readonly memoryBytes: number;
  readonly cpus: number;
  /** Where the machine does not tell, each CPU is one, all in one socket. */
  readonly cores: number;
  readonly sockets: number;
  /** Milliseconds since the epoch. */
  readonly bootedAt: number;
}

/** What the whole machine uses, from /proc; `root` is where that is. */
export async function readMachine(at: number, root = ''): Promise<Machine> {
  const [stat, meminfo, vmstat, cpuinfo] = await Promise.all(['stat', 'meminfo', 'vmstat', 'cpuinfo'].map((name) => textOf(`${root}/proc/${name}`))) as [string, string, string, string];
  // user nice system idle iowait irq softirq steal; guest time is in user time already.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').map(Number);
  const memory = valuesIn(meminfo);
  const kilobytes = (key: string): number => (memory.get(key) ?? 0) * 1024;
  const faults = valuesIn(vmstat);
  const usage = kilobytes('MemTotal') - kilobytes('MemFree');
  const pageFaults = faults.get('pgfault');
  const majorPageFaults = faults.get('pgmajfault');
  const cpus = [...stat.matchAll(/^cpu\d+ /gm)].length;
  const sockets = distinct(cpuinfo.matchAll(/^physical id\s*: (\d+)$/gm));
  const cores = distinct(cpuinfo.matchAll(/^physical id\s*: (\d+)\n(?:.+\n)*?core id\s*: (\d+)$/gm));
  return {
    sample: {
      at,
      cpu: {
        usageNs: (user + nice + system + irq + softirq + steal) * NS_PER_TICK,
        userNs: (user + nice) * NS_PER_TICK,
        systemNs: (system + irq + softirq) * NS_PER_TICK,
      },
      memory: {
        usage,
        workingSet: Math.max(0, usage - kilobytes('Inactive(file)')),
        rss: kilobytes('AnonPages'),
        cache: kilobytes('Cached') + kilobytes('Buffers'),
        mapped: kilobytes('Mapped'),
        swap: kilobytes('SwapTotal') - kilobytes('SwapFree'),
        limit: kilobytes('MemTotal'),
        ...(pageFaults !== undefined && { pageFaults }),
        ...(majorPageFaults !== undefined && { majorPageFaults }),
      },
      io: [],
    },
    memoryBytes: kilobytes('MemTotal'),
    cpus,
    cores: cores || cpus,
    sockets: sockets || 1,
    bootedAt: (valuesIn(stat).get('btime') ?? 0) * 1000,
  };
}

const distinct = (matches: Iterable<RegExpExecArray>): number => new Set([...matches].map(([, ...parts]) => parts.join('/'))).size;

/** Loopback, and the node's ends of containers' networks: cAdvisor leaves these out too. */
const NOT_COUNTED = /^(lo$|veth|docker)/;

/** The network interfaces that a process sees, as far as they count; none when it is gone. */
export async function interfacesOf(pid: number | 'self', root = ''): Promise<readonly InterfaceSample[]> {
  const table = await textOf(`${root}/proc/${pid}/net/dev`);
  return [...table.matchAll(/^\s*([^\s:]+):\s*(.*)$/gm)].flatMap(([, name = '', counters = '']) => {
    if (NOT_COUNTED.test(name)) return [];
    const [rxBytes = 0, rxPackets = 0, rxErrors = 0, rxDropped = 0, , , , , txBytes = 0, txPackets = 0, txErrors = 0, txDropped = 0] = counters.trim().split(/\s+/).map(Number);
    return [{ name, rxBytes, rxPackets, rxErrors, rxDropped, txBytes, txPackets, txErrors, txDropped }];
  });
}

/** Most process ids there may be, and how many processes run. */
export async function processLimits(root = ''): Promise<{ readonly max?: number; readonly running?: number }> {
  const [max, loadavg] = await Promise.all([numberOf(`${root}/proc/sys/kernel/pid_max`), textOf(`${root}/proc/loadavg`)]);
  const running = /\d+\/(\d+)/.exec(loadavg)?.[1];
  return { ...(max !== undefined && { max }), ...(running !== undefined && { running: Number(running) }) };
}
