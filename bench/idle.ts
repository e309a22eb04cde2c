/**
 * What an idle executor costs: its share of one core over a minute and its resident memory, all its processes together. Exit 1 above
 * 0.5 % or 110 MB. Flags: --seconds=60, --settle=10, --pods=0 (that many run meanwhile).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchCluster } from './bench-cluster.ts';
import { numberFlag } from './figures.ts';
import { processesOfSession, totals } from './processes.ts';

const PROMISED_CPU_PERCENT = 0.5;
const PROMISED_RESIDENT_MB = 110;
const seconds = numberFlag('seconds', 60);
const settle = numberFlag('settle', 10);
const count = numberFlag('pods', 0);

await using pods = await BenchCluster.start();
const names = Array.from({ length: count }, (_, index) => `idle-${index}`);
await Promise.all(names.map((name) => pods.create(name)));
await Promise.all(names.map((name) => pods.running(name)));
await sleep(settle * 1000);

const session = pods.cluster.executorPid;
const [before, began] = [totals(session), performance.now()];
await sleep(seconds * 1000);
const after = totals(session);
const cpuPercent = ((after.cpuSeconds - before.cpuSeconds) / ((performance.now() - began) / 1000)) * 100;
console.log(`An idle executor with ${count} pods, over ${seconds} s, ${settle} s after its start:`);
for (const { command, pid, residentBytes, openFiles, threads } of processesOfSession(session)) {
  console.log(`  ${command} (${pid}): ${(residentBytes / 1e6).toFixed(1)} MB resident, ${openFiles} open files, ${threads} threads`);
}
console.log(`  cpu ${cpuPercent.toFixed(2)} % of a core (promised: under ${PROMISED_CPU_PERCENT} %), resident ${after.residentMB.toFixed(1)} MB (promised: under ${PROMISED_RESIDENT_MB} MB)`);
process.exitCode = cpuPercent < PROMISED_CPU_PERCENT && after.residentMB < PROMISED_RESIDENT_MB ? 0 : 1;
