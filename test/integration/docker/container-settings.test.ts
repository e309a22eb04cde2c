import { mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LABELS } from '../../../src/docker/index.ts';
import { TryEngine } from './try-engine.ts';

const us = new TryEngine();
const { engine } = us;
const directory = await mkdtemp(join(tmpdir(), 'km-mounts-'));
afterAll(async () => {
  await us[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const cgroups = (await engine.info()).cgroupVersion;

describe('inside a container', () => {
  it('command, arguments, environment and directory are as its pod says', async () => {
    const pod = us.pod();
    const sandboxId = await us.sandbox(pod);
    const id = await engine.create(
      us.config(pod, sandboxId, { command: ['sh', '-c'], args: ['echo "$GREETING|$(pwd)"'], workingDir: '/made/for/it' }, { env: ['GREETING=good day = "$X"'] }),
    );
    await engine.start(id);
    expect(await us.outputOf(id)).toBe('good day = "$X"|/made/for/it\n');
  });

  it('the sandbox is the network, host name and IPC namespace, and the processes are its own', async () => {
    const pod = us.pod();
    const sandboxId = await us.sandbox(pod);
    const id = await engine.create(us.config(pod, sandboxId, { command: ['sh', '-c', 'hostname; hostname -i; readlink /proc/self/ns/ipc; echo $$'] }));
    await engine.start(id);
    const { ips, pid } = await engine.inspect(sandboxId);
    const ipc = await readlink(`/proc/${pid}/ns/ipc`);
    expect((await us.outputOf(id)).trim().split('\n')).toEqual([pod.metadata.name, ips[0], ipc, '1']);
  });

  it('with shareProcessNamespace the sandbox is the first process', async () => {
    const pod = us.pod({ shareProcessNamespace: true });
    const sandboxId = await us.sandbox(pod);
    const id = await engine.create(us.config(pod, sandboxId, { command: ['cat', '/proc/1/comm'] }));
    await engine.start(id);
    expect(await us.outputOf(id)).toBe('pause\n');
  });

  it('CPU, memory and out-of-memory score are limited as asked', async () => {
    const resources = { cpuShares: 256, cpuQuota: 50_000, cpuPeriod: 100_000, memoryBytes: 64n * 1024n * 1024n };
    const files = cgroups === 1 ? 'cpu/cpu.shares cpu/cpu.cfs_quota_us memory/memory.limit_in_bytes' : 'cpu.max memory.max';
    const id = await us.shell(`cd /sys/fs/cgroup; cat ${files} /proc/self/oom_score_adj`, { resources, oomScoreAdj: 930 });
    const limits = cgroups === 1 ? ['256', '50000', '67108864'] : ['50000 100000', '67108864'];
    expect((await us.outputOf(id)).trim().split('\n')).toEqual([...limits, '930']);
  });

  it('mounts are where they should be, and read-only ones cannot be written', async () => {
    const file = join(directory, 'file');
    await writeFile(file, 'from the node');
    const mount = { hostPath: directory, propagation: 'private' } as const;
    const id = await us.shell('cat /ro/file; touch /ro/new; touch /rw/new && echo written', {
      mounts: [
        { ...mount, containerPath: '/ro', readOnly: true },
        { ...mount, containerPath: '/rw', readOnly: false },
      ],
    });
    const output = await us.outputOf(id);
    expect(output).toContain('from the node');
    expect(output).toContain('Read-only file system');
    expect(output).toContain('written');
    expect(await readFile(join(directory, 'new'), 'utf8')).toBe('');
  });

  it('runs as the user and groups of its security context, without more rights', async () => {
    const pod = us.pod({ securityContext: { runAsUser: 1234, runAsGroup: 2345, fsGroup: 3456, supplementalGroups: [4567] } });
    const sandboxId = await us.sandbox(pod);
    const container = { command: ['sh', '-c', 'id -u; id -G; grep -E "NoNewPrivs|CapBnd" /proc/self/status'] };
    const security = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
    const id = await engine.create(us.config(pod, sandboxId, { ...container, securityContext: security }));
    await engine.start(id);
    const lines = (await us.outputOf(id)).trim().split('\n');
    expect(lines[0]).toBe('1234');
    expect(lines[1]?.split(' ').sort()).toEqual(['2345', '3456', '4567']);
    expect(lines.slice(2).join(' ').replace(/\s+/g, ' ')).toBe('CapBnd: 0000000000000000 NoNewPrivs: 1');
  });

  it('the root file system is read-only where asked', async () => {
    const pod = us.pod();
    const sandboxId = await us.sandbox(pod);
    const id = await engine.create(us.config(pod, sandboxId, { command: ['touch', '/x'], securityContext: { readOnlyRootFilesystem: true } }));
    await engine.start(id);
    expect(await us.outputOf(id)).toContain('Read-only file system');
  });

  it('nothing of this process’s environment is in it', async () => {
    process.env['KM_TRY_SECRET'] = 'do-not-tell';
    const id = await us.shell('env');
    delete process.env['KM_TRY_SECRET'];
    expect(await us.outputOf(id)).not.toContain('do-not-tell');
  });

  it('a health check of the image does not run, Docker does not restart it, and its log is rotated', async () => {
    const id = await us.shell('sleep 1000');
    const found = await engine.inspect(id);
    expect(found.logPath).toMatch(/-json\.log$/);
    expect(found.labels[LABELS.logPath]).toBe('/var/log/pods/x/main/0.log');
  });
});

describe('a sandbox', () => {
  it('opens the node’s ports that its containers name', async () => {
    const hostPort = 20_000 + Math.floor(Math.random() * 10_000);
    const serving = { name: 'main', image: 'busybox', ports: [{ containerPort: 8080, hostPort, hostIP: '127.0.0.1' }] };
    const pod = us.pod({ containers: [serving] });
    const sandboxId = await us.sandbox(pod);
    const script = 'while true; do printf "HTTP/1.0 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello" | nc -l -p 8080; done';
    const id = await engine.create(us.config(pod, sandboxId, { command: ['sh', '-c', script] }));
    await engine.start(id);
    const page = async (): Promise<string> => (await fetch(`http://127.0.0.1:${hostPort}/`, { signal: AbortSignal.timeout(1000) })).text();
    await expect.poll(page, { timeout: 15_000, interval: 50 }).toBe('hello');
  });

  it('of a pod with the host’s network has the node’s name and no address of its own', async () => {
    const pod = us.pod({ hostNetwork: true });
    const sandboxId = await us.sandbox(pod);
    const id = await engine.create(us.config(pod, sandboxId, { command: ['hostname'] }));
    await engine.start(id);
    expect(await us.outputOf(id)).toBe(`${(await engine.info()).name}\n`);
    expect((await engine.inspect(sandboxId)).ips).toEqual([]);
  });

  it('sets sysctls and resolvers for the whole pod', async () => {
    const pod = us.pod({ securityContext: { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '81' }] } });
    const sandboxId = await us.sandbox(pod);
    const id = await engine.create(us.config(pod, sandboxId, { command: ['cat', '/proc/sys/net/ipv4/ip_unprivileged_port_start'] }));
    await engine.start(id);
    expect(await us.outputOf(id)).toBe('81\n');
  });
});
