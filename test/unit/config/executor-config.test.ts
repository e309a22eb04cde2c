import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { KmError } from '../../../src/base/index.ts';
import { addExecutorFlags, DEFAULT_PAUSE_IMAGE, executorConfig, type ExecutorConfig } from '../../../src/config/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'km-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** The configuration as `km executor ARGS` gets it. */
function read(args: string, env: Record<string, string> = {}): ExecutorConfig {
  const command = new Command('executor');
  addExecutorFlags(command);
  command.parse(args.split(' ').filter(Boolean), { from: 'user' });
  return executorConfig(command.opts(), env, command.args);
}

function faults(args: string, env: Record<string, string> = {}): string {
  try {
    read(args, env);
  } catch (error) {
    if (error instanceof KmError && error.code === 'invalid') return error.message;
    throw error;
  }
  throw new Error('there is no fault');
}

describe('the configuration', () => {
  it('has defaults for all that needs one', () => {
    expect(read('')).toEqual({
      rootDir: '/var/lib/km',
      podLogsDir: '/var/log',
      containPodResources: 'auto',
      runtimeRequestTimeoutMs: 120_000,
      suicideTimeoutMs: 1_200_000,
      podInfraContainerImage: DEFAULT_PAUSE_IMAGE,
      dockerEndpoint: 'unix:///var/run/docker.sock',
      allowedUnsafeSysctls: [],
      clusterDns: [],
      resolvConf: '/etc/resolv.conf',
      networkPlugin: 'docker',
      cniConfDir: '/etc/cni/net.d',
      cniBinDir: ['/opt/cni/bin'],
      imagePullProgressDeadlineMs: 60_000,
      containerLogMaxBytes: 10 * 2 ** 20,
      containerLogMaxFiles: 5,
      maxPods: 110,
      address: '0.0.0.0',
      port: 10_250,
      healthzBindAddress: '127.0.0.1',
      healthzPort: 10_248,
      rotateServerCertificates: false,
      enableSystemLogHandler: true,
      streamingConnectionIdleTimeoutMs: 14_400_000,
      nodeLabels: {},
      registerNode: true,
      offlineImages: false,
      nodeStatusUpdateFrequencyMs: 10_000,
      kubeApiQps: 50,
      kubeApiBurst: 100,
      launchGracePeriodMs: 300_000,
      contentType: 'protobuf',
      logLevel: 'info',
      logFormat: 'text',
    });
  });

  it.each<[string, Partial<ExecutorConfig>]>([
    ['--root-dir=/x/y/', { rootDir: '/x/y' }],
    ['--root-dir /x/../z', { rootDir: '/z' }],
    ['--hostname-override Node-1.Example', { hostnameOverride: 'node-1.example' }],
    ['--node-ip fd00::1', { nodeIp: 'fd00::1' }],
    ['--cluster-dns 10.0.0.10,10.0.0.11 --cluster-dns fd00::a', { clusterDns: ['10.0.0.10', '10.0.0.11', 'fd00::a'] }],
    ['--allowed-unsafe-sysctls kernel.msg*,kernel.sem --allowed-unsafe-sysctls=net.*', { allowedUnsafeSysctls: ['kernel.msg*', 'kernel.sem', 'net.*'] }],
    ['--network-plugin=', { networkPlugin: 'docker' }],
    ['--network-plugin=cni --cni-conf-dir /x --cni-bin-dir=/a,/b --cni-bin-dir /c/', { networkPlugin: 'cni', cniConfDir: '/x', cniBinDir: ['/a', '/b', '/c'] }],
    ['--resolv-conf=', { resolvConf: '' }],
    ['--cluster-domain cluster.local', { clusterDomain: 'cluster.local' }],
    ['--image-pull-progress-deadline 1m30s', { imagePullProgressDeadlineMs: 90_000 }],
    ['--container-log-max-size 1Gi --container-log-max-files 2', { containerLogMaxBytes: 2 ** 30, containerLogMaxFiles: 2 }],
    ['--node-labels a=b,example.com/c=d --node-labels e=', { nodeLabels: { a: 'b', 'example.com/c': 'd', e: '' } }],
    ['--address 10.0.0.1 --port 0 --healthz-port=0', { address: '10.0.0.1', port: 0, healthzPort: 0 }],
    ['--rotate-server-certificates --enable-system-log-handler=false', { rotateServerCertificates: true, enableSystemLogHandler: false }],
    ['--streaming-connection-idle-timeout 1h', { streamingConnectionIdleTimeoutMs: 3_600_000 }],
    ['--streaming-connection-idle-timeout=0', { streamingConnectionIdleTimeoutMs: 0 }],
    ['--register-node=false', { registerNode: false }],
    ['--register-node', { registerNode: true }],
    ['--pod-infra-container-image registry.test:5000/pause@sha256:ab', { podInfraContainerImage: 'registry.test:5000/pause@sha256:ab' }],
    ['--docker-endpoint tcp://10.0.0.1:2375', { dockerEndpoint: 'tcp://10.0.0.1:2375' }],
    ['--content-type json --logging-format json --log-level warn', { contentType: 'json', logFormat: 'json', logLevel: 'warn' }],
    ['-v 4', { logLevel: 'debug' }],
    ['--v=2', { logLevel: 'info' }],
  ])('understands %s', (args, wanted) => {
    expect(read(args)).toMatchObject(wanted);
  });

  it('is taken from the command line, else the environment, else the file, else the default', () => {
    const path = file('km.yaml', 'max-pods: 3\nroot-dir: /from-file\ncontent-type: json\ncluster-dns: [10.0.0.1, 10.0.0.2]\nnode-labels: {a: b, c: 1}\nregister-node: false\n');
    const config = read(`--config ${path} --max-pods 1`, { KM_MAX_PODS: '2', KM_ROOT_DIR: '/from-env', KM_CONTENT_TYPE: '' });
    expect(config).toMatchObject({
      maxPods: 1,
      rootDir: '/from-env',
      contentType: 'json',
      clusterDns: ['10.0.0.1', '10.0.0.2'],
      nodeLabels: { a: 'b', c: '1' },
      registerNode: false,
      launchGracePeriodMs: 300_000,
    });
  });

  it('may come from a JSON file that the environment names', () => {
    expect(read('', { KM_CONFIG: file('km.json', '{"max-pods": 7}') }).maxPods).toBe(7);
    expect(read(`--config ${file('empty.yaml', '# nothing\n')}`).maxPods).toBe(110);
  });

  it('uses the Engine of DOCKER_HOST where nothing else is said', () => {
    const env = { DOCKER_HOST: 'unix:///run/other.sock' };
    expect(read('', env).dockerEndpoint).toBe('unix:///run/other.sock');
    expect(read('--docker-endpoint unix:///run/mine.sock', env).dockerEndpoint).toBe('unix:///run/mine.sock');
    expect(faults('', { DOCKER_HOST: 'ssh://me@there' })).toBe('DOCKER_HOST: want unix:///path or tcp://host:port, not "ssh://me@there"');
  });

  it('cannot be changed', () => {
    const config = read('--node-labels a=b --cluster-dns 1.1.1.1');
    for (const part of [config, config.nodeLabels, config.clusterDns]) expect(Object.isFrozen(part)).toBe(true);
  });
});

describe('a fault', () => {
  it.each([
    ['--max-pods many', '--max-pods: want a whole number of at least 1, not "many"'],
    ['--max-pods 0', '--max-pods: want a whole number of at least 1, not "0"'],
    ['--max-pods 1.5', '--max-pods: want a whole number of at least 1, not "1.5"'],
    ['--node-ip 1.2.3', '--node-ip: want an IP address, not "1.2.3"'],
    ['--cluster-dns 10.0.0.1,dns', '--cluster-dns: want an IP address, not "dns"'],
    ['--root-dir data', '--root-dir: want an absolute path, not "data"'],
    ['--launch-grace-period 5', '--launch-grace-period: "5" is no duration'],
    ['--launch-grace-period 10ms', '--launch-grace-period: want at least 1s, not "10ms"'],
    ['--container-log-max-size 10MB', '--container-log-max-size: want a size like 10Mi, not "10MB"'],
    ['--container-log-max-size 0', '--container-log-max-size: want a size like 10Mi, not "0"'],
    ['--container-log-max-files 1', '--container-log-max-files: want a whole number of at least 2, not "1"'],
    ['--allowed-unsafe-sysctls vm.swappiness', '--allowed-unsafe-sysctls: vm.swappiness is not known to be namespaced'],
    ['--allowed-unsafe-sysctls *', '--allowed-unsafe-sysctls: * is not known to be namespaced'],
    ['--allowed-unsafe-sysctls net.*.x', '--allowed-unsafe-sysctls: want names of sysctls like net.core.somaxconn or kernel.msg*, not "net.*.x"'],
    ['--hostname-override a_b', '--hostname-override: want a DNS name, not "a_b"'],
    ['--node-labels a', '--node-labels: want labels like key=value, not "a"'],
    ['--node-labels a/b/c=d', '--node-labels: want labels like key=value, not "a/b/c=d"'],
    ['--node-labels A_B/c=d', '--node-labels: want labels like example.com/key=value'],
    ['--node-labels a=-', '--node-labels: want label values of letters'],
    ['--register-node=maybe', '--register-node: want true or false, not "maybe"'],
    ['--content-type xml', '--content-type: want protobuf or json, not "xml"'],
    ['--docker-endpoint /var/run/docker.sock', '--docker-endpoint: want unix:///path or tcp://host:port'],
    ['--pod-infra-container-image Pause!', '--pod-infra-container-image: want an image, not "Pause!"'],
    ['--kubeconfig /no/such/file', '--kubeconfig: /no/such/file cannot be read (ENOENT)'],
    ['--kubeconfig /', '--kubeconfig: / is a directory'],
    ['--config /no/such/file', '--config: /no/such/file cannot be read (ENOENT)'],
    ['-v 4 --log-level info', '--v and --log-level both set the log level'],
    ['--kube-api-qps 10 --kube-api-burst 5', '--kube-api-burst: 5 is less than --kube-api-qps 10'],
    ['--frobnicate', 'unknown flag --frobnicate'],
    ['please', 'unexpected argument "please"'],
  ])('in %s is named', (args, message) => {
    expect(faults(args)).toContain(message);
  });

  it('says where it is: in the environment, in the file', () => {
    const path = file('bad.yaml', 'max-pods: x\nno-such-thing: 1\n');
    expect(faults(`--config ${path}`, { KM_NODE_IP: 'here' })).toBe(
      `no-such-thing in ${path}: no such setting; KM_NODE_IP: want an IP address, not "here"; max-pods in ${path}: want a whole number of at least 1, not "x"`,
    );
  });

  it('does not hide another: all are named in one line', () => {
    const message = faults('--max-pods x --node-ip y --frobnicate=1 --root-dir z');
    expect(message.split('; ')).toHaveLength(4);
    expect(message).not.toContain('\n');
  });

  it('never repeats the value of a flag that nobody knows', () => {
    expect(faults('--token geheim --password=geheim')).toBe('unknown flag --token; unknown flag --password');
  });

  it.each([
    ['[1, 2]', 'want a mapping of flag names'],
    ['max-pods: [', 'is no YAML'],
  ])('in the form of the file %j is named', (content, message) => {
    expect(faults(`--config ${file('form.yaml', content)}`)).toContain(message);
  });

  it('is a root directory that the Mesos agent would delete', () => {
    expect(faults('--root-dir /work_dir/runs/1/km', { MESOS_SANDBOX: '/work_dir/runs/1' })).toContain('is in the Mesos sandbox');
    expect(read('--root-dir /work_dir/runs/11', { MESOS_SANDBOX: '/work_dir/runs/1' }).rootDir).toBe('/work_dir/runs/11');
  });

  it('is all that any text can be: nothing else is thrown', () => {
    const names = ['max-pods', 'node-ip', 'cluster-dns', 'node-labels', 'launch-grace-period', 'container-log-max-size', 'docker-endpoint', 'kubeconfig', 'config', 'v', 'register-node'];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.string(), (name, text) => {
        const key = `KM_${name.toUpperCase().replaceAll('-', '_')}`;
        try {
          executorConfig({}, { [key]: text });
        } catch (error) {
          expect(error).toBeInstanceOf(KmError);
          expect((error as KmError).message).toContain(key);
        }
      }),
    );
  });
});

it('--help shows every flag with its default', () => {
  const command = new Command('executor');
  addExecutorFlags(command);
  const help = command.helpInformation();
  for (const text of ['--kubeconfig <file>', '--root-dir <dir>', '(default: /var/lib/km)', '--cluster-dns <ip,...>', '-v, --v <n>', '(default: 110)']) expect(help).toContain(text);
});
