/** Pods whose network is made by CNI plugins: Debian's own (bridge, host-local, portmap), and one that takes its time. Nothing of them stays. */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ExecutorUnderTest, pod, shell } from '../../support/executor-under-test.ts';

const run = promisify(execFile);
const PLUGINS = ['/usr/lib/cni', '/opt/cni/bin'].find((directory) => ['bridge', 'host-local', 'portmap', 'loopback'].every((name) => existsSync(join(directory, name))));
const where = PLUGINS === undefined ? ' (left out: Debian calls the package containernetworking-plugins)' : '';

/** Takes away the chains that portmap makes once for the whole machine, and leaves there. */
const REMOVE_CHAINS = `for tables in iptables ip6tables; do
  $tables -w -t nat -S | grep -E '^-A (PREROUTING|OUTPUT|POSTROUTING) .*CNI-HOSTPORT-' | sed 's/^-A/-D/' | while read -r rule; do eval "$tables -w -t nat $rule"; done
  for chain in DNAT MASQ SETMARK; do $tables -w -t nat -F CNI-HOSTPORT-$chain; done
  for chain in DNAT MASQ SETMARK; do $tables -w -t nat -X CNI-HOSTPORT-$chain; done
done`;

async function hasChains(): Promise<boolean> {
  return run('iptables', ['-w', '-t', 'nat', '-S']).then(({ stdout }) => stdout.includes('-N CNI-HOSTPORT-DNAT'), () => true);
}

/** A network of our own: its bridge, subnets, reservations and plugins. */
class OwnNetwork implements AsyncDisposable {
  readonly number = randomInt(100, 250);
  readonly name = `km-test-${this.number}`;
  readonly bridge = `kmcni${this.number}`;
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async make(): Promise<OwnNetwork> {
    const network = new OwnNetwork(await mkdtemp(join(tmpdir(), 'km-cni-')));
    await mkdir(network.bin);
    for (const name of ['bridge', 'host-local', 'portmap', 'loopback']) await symlink(join(PLUGINS ?? '', name), join(network.bin, name));
    return network;
  }

  get bin(): string {
    return join(this.dir, 'bin');
  }

  get conf(): string {
    return join(this.dir, 'net.d');
  }

  get flags(): string[] {
    return ['--network-plugin=cni', `--cni-conf-dir=${this.conf}`, `--cni-bin-dir=${this.bin}`];
  }

  /** Writes the network down; `more` plugins come after the usual ones. */
  async configure(more: readonly object[] = []): Promise<void> {
    const ranges = [[{ subnet: `10.${this.number}.77.0/24` }], [{ subnet: `fd00:${this.number}::/64` }]];
    const ipam = { type: 'host-local', dataDir: join(this.dir, 'reserved'), ranges, routes: [{ dst: '0.0.0.0/0' }] };
    const bridge = { type: 'bridge', bridge: this.bridge, isGateway: true, ipMasq: true, ipam };
    await mkdir(this.conf, { recursive: true });
    await writeFile(join(this.conf, '10-test.conflist'), JSON.stringify({ cniVersion: '0.4.0', name: this.name, plugins: [bridge, { type: 'portmap', capabilities: { portMappings: true } }, ...more] }));
  }

  /** A plugin that waits until it is let go, or for ever, and hands on what it was given. */
  async slowPlugin(): Promise<void> {
    const script = `#!/bin/sh
case $CNI_COMMAND in
VERSION) echo '{"cniVersion":"0.4.0","supportedVersions":["0.3.1","0.4.0"]}' ;;
ADD) touch ${this.dir}/adding; while ! [ -e ${this.dir}/go ]; do sleep 0.05; done; sed 's/.*"prevResult"://; s/}$//' ;;
esac
`;
    await writeFile(join(this.bin, 'slow'), script);
    await chmod(join(this.bin, 'slow'), 0o755);
  }

  /** Interfaces at the bridge, addresses that are reserved, rules that name the network, records and namespaces that the executor keeps. */
  async held(under: ExecutorUnderTest): Promise<string[]> {
    const links = await run('ip', ['-o', 'link', 'show', 'master', this.bridge]).then(({ stdout }) => lines(stdout), () => []);
    const reserved = (await readdir(join(this.dir, 'reserved', this.name)).catch(() => [])).filter((name) => !/^(lock|last_reserved.*)$/.test(name));
    const kept = (await readdir(join(under.rootDir, 'network'), { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) => !entry.isDirectory()).map(({ name }) => name);
    return [...links, ...reserved, ...(await this.#rules()), ...kept];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('ip', ['link', 'delete', this.bridge]).catch(() => undefined);
    await rm(this.dir, { recursive: true, force: true });
  }

  async #rules(): Promise<string[]> {
    const saved = await Promise.all(['iptables-save', 'ip6tables-save'].map((command) => run(command, ['-t', 'nat']).then(({ stdout }) => stdout, () => '')));
    return saved.flatMap(lines).filter((rule) => rule.includes(this.name));
  }
}

function lines(output: string): string[] {
  return output.split('\n').filter((line) => line !== '');
}

let foundChains = true;
beforeAll(async () => {
  foundChains = await hasChains();
});
afterAll(async () => {
  if (!foundChains) await run('sh', ['-c', REMOVE_CHAINS]).catch(() => undefined);
});

describe.skipIf(PLUGINS === undefined)(`pods in a CNI network${where}`, () => {
  let network: OwnNetwork;
  let under: ExecutorUnderTest;
  beforeAll(async () => {
    network = await OwnNetwork.make();
    await network.configure();
    under = await ExecutorUnderTest.start({ flags: network.flags });
  });
  afterAll(async () => {
    await under[Symbol.asyncDispose]();
    await network[Symbol.asyncDispose]();
  });
  const nothingHeld = async (): Promise<void> => {
    await under.poll(async () => (await network.held(under)).length === 0, 'nothing of the network is held');
  };

  test('have its addresses, in their status, their hosts file and their variables, and their ports of the node lead there', async () => {
    const hostPort = randomInt(20_000, 30_000);
    const ips = { name: 'IPS', valueFrom: { fieldRef: { fieldPath: 'status.podIPs' } } };
    const web = shell('mkdir -p /www; echo "$IPS" >/www/index.html; exec httpd -f -p 8080 -h /www', {
      env: [ips], ports: [{ containerPort: 8080, hostPort }], readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 },
    });
    const task = under.launch(pod(web));
    await under.until(() => under.last(task.taskId)?.healthy === true, 'it is ready');
    const addresses = under.status(task.taskId)?.podIPs?.map(({ ip }) => ip) ?? [];
    expect(addresses).toEqual([expect.stringMatching(`^10\\.${network.number}\\.77\\.\\d+$`), expect.stringMatching(`^fd00:${network.number}::`)]);
    expect(await under.exec(task, ['cat', '/etc/hosts'])).toContain(`${addresses[0]}\t${task.name}\n${addresses[1]}\t${task.name}\n`);
    expect(await fetch(`http://127.0.0.1:${hostPort}/`).then((answer) => answer.text())).toBe(`${addresses.join(',')}\n`);

    under.kill(task);
    await under.ended(task);
    await nothingHeld();
  });

  test("with the host's network have the node's", async () => {
    const task = under.launch(pod({}, { hostNetwork: true }));
    await under.running(task);
    expect(under.status(task.taskId)?.podIP).toBe(under.status(task.taskId)?.hostIP);
    expect(await network.held(under)).toEqual([]);
    under.kill(task);
    await under.ended(task);
  });

  test('whose sandbox dies, together with the worker, get a new one and leave nothing of the old', async () => {
    const task = under.launch(pod());
    await under.running(task);
    const before = under.status(task.taskId)?.podIP;
    const sandbox = await under.container(task, 'POD');
    await under.killWorker();
    await under.engine.remove(sandbox.id);
    await under.until(() => ![undefined, before].includes(under.last(task.taskId)?.ips[0]), 'it has another address');
    await under.poll(async () => !(await network.held(under)).join('\n').includes(sandbox.id), 'nothing of the old sandbox is held');
    under.kill(task);
    await under.ended(task);
    await nothingHeld();
  });
});

describe.skipIf(PLUGINS === undefined)(`a CNI network in trouble${where}`, () => {
  test.each(['the worker is killed', 'the pod is killed'])('leaves nothing of a half-made sandbox when %s', async (what) => {
    await using network = await OwnNetwork.make();
    await network.slowPlugin();
    await network.configure([{ type: 'slow' }]);
    await using under = await ExecutorUnderTest.start({ flags: network.flags });
    const task = under.launch(pod());
    await under.poll(() => existsSync(join(network.dir, 'adding')), 'the last plugin is at work');
    const first = await under.container(task, 'POD');
    expect((await network.held(under)).length).toBeGreaterThan(0);
    if (what === 'the worker is killed') {
      await under.killWorker();
      await under.poll(async () => !(await network.held(under)).join('\n').includes(first.id), 'nothing of the half-made sandbox is held');
      await writeFile(join(network.dir, 'go'), '');
      await under.running(task);
    }
    under.kill(task);
    await under.ended(task);
    await under.poll(async () => (await network.held(under)).length === 0, 'nothing of the network is held');
    await under.shutdown();
    await under.poll(async () => (await under.leftOvers()).length === 0, 'nothing is left, killed plugins included, which are the init process’ to bury');
  });

  test('is given back by the next executor when one is killed with all its processes', async () => {
    await using network = await OwnNetwork.make();
    await network.configure();
    await using under = await ExecutorUnderTest.start({ flags: network.flags });
    await under.running(under.launch(pod()));
    expect((await network.held(under)).length).toBeGreaterThan(0);
    await under.destroy();
    await using second = await ExecutorUnderTest.start({ flags: [`--root-dir=${under.rootDir}`, `--pod-logs-dir=${under.logDir}`] });
    await under.poll(async () => (await network.held(under)).length === 0 && (await readdir(join(under.rootDir, 'network'))).length === 0, 'nothing of the network is held');
    expect(second.agent.subscribed).toBe(true);
  });

  test('keeps the node from being ready and pods waiting until it is there', async () => {
    await using network = await OwnNetwork.make();
    await using under = await ExecutorUnderTest.start({ flags: network.flags, kubernetes: true });
    const ready = (): string | undefined => {
      const node = under.api?.get({ group: '', resource: 'nodes', name: under.nodeName }) as { status?: { conditions?: { type: string; message: string }[] } } | undefined;
      return node?.status?.conditions?.find(({ type }) => type === 'Ready')?.message;
    };
    await under.until(() => ready() !== undefined, 'there is a node');
    expect(ready()).toBe('runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:docker: network plugin is not ready: cni config uninitialized');
    const task = under.launch(pod());
    await under.poll(() => under.log.includes('network is not ready: runtime network not ready'), 'it waits');
    expect(await under.containers(task.uid)).toEqual([]);
    await network.configure();
    await under.running(task);
    await under.until(() => ready() === 'kubelet is posting ready status', 'the node is ready');
    under.kill(task);
    await under.ended(task);
    await under.poll(async () => (await network.held(under)).length === 0, 'nothing of the network is held');
  });
});
