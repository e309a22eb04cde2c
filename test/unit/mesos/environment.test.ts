import { describe, expect, it } from 'vitest';
import { agentFromEnvironment, mesosEnvironment } from '../../../src/mesos/index.ts';
import { recordings } from './recordings.ts';

const base = {
  MESOS_AGENT_ENDPOINT: '10.0.0.7:5051',
  MESOS_SLAVE_PID: 'slave(1)@10.0.0.8:5052',
  MESOS_FRAMEWORK_ID: 'framework-1',
  MESOS_EXECUTOR_ID: 'exec-1',
  MESOS_SLAVE_ID: 'agent-1',
  MESOS_DIRECTORY: '/sandbox',
  MESOS_CHECKPOINT: '1',
  MESOS_RECOVERY_TIMEOUT: '15mins',
  MESOS_SUBSCRIPTION_BACKOFF_MAX: '2secs',
  MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: '5secs',
};
type Env = Record<string, string | undefined>;
const without = { MESOS_AGENT_ENDPOINT: undefined };

describe('the environment of an executor', () => {
  it('is read as a whole', () => {
    const read = mesosEnvironment({ ...base, PATH: '/bin' });
    expect(read).toEqual({
      agent: { host: '10.0.0.7', port: 5051, path: '/api/v1/executor' },
      frameworkId: 'framework-1',
      executorId: 'exec-1',
      agentId: 'agent-1',
      sandbox: '/sandbox',
      checkpoint: true,
      recoveryTimeoutMs: 900_000,
      subscriptionBackoffMaxMs: 2_000,
      shutdownGraceMs: 5_000,
    });
    expect(Object.isFrozen(read) && Object.isFrozen(read.agent)).toBe(true);
  });

  it('is read as real agents set it', () => {
    for (const { header } of recordings()) {
      if (Object.keys(header.environment).length === 0) continue;
      const read = mesosEnvironment(header.environment);
      expect(read.checkpoint).toBe(header.environment['MESOS_CHECKPOINT'] === '1');
      expect(read.agent.socketPath).toBe(header.environment['MESOS_DOMAIN_SOCKET']);
      expect(read.authenticationToken).toBe(header.environment['MESOS_EXECUTOR_AUTHENTICATION_TOKEN']);
    }
  });

  const agents: [string, Env, object][] = [
    ['the agent\'s pid without an endpoint', without, { host: '10.0.0.8', port: 5052, path: '/api/v1/executor' }],
    ['an empty endpoint as none', { MESOS_AGENT_ENDPOINT: '' }, { host: '10.0.0.8', port: 5052 }],
    ['IPv6 as libprocess writes it', { ...without, MESOS_SLAVE_PID: 'slave(1)@fe80::1:5051' }, { host: 'fe80::1', port: 5051 }],
    ['IPv6 in brackets', { MESOS_AGENT_ENDPOINT: '[::1]:5051' }, { host: '::1', port: 5051 }],
    ['a name', { MESOS_AGENT_ENDPOINT: 'agent-7.example.org:5051' }, { host: 'agent-7.example.org', port: 5051 }],
    ['a domain socket', { MESOS_DOMAIN_SOCKET: '/run/agent.sock', MESOS_SLAVE_PID: 'slave(2)@10.0.0.8:5052' }, { socketPath: '/run/agent.sock', path: '/slave(2)/api/v1/executor' }],
    ['a domain socket before TLS', { MESOS_DOMAIN_SOCKET: '/run/agent.sock', LIBPROCESS_SSL_ENABLED: '1' }, { socketPath: '/run/agent.sock', path: '/slave(1)/api/v1/executor' }],
    ['a long domain socket, from the working directory', { MESOS_DOMAIN_SOCKET: `/work/${'d'.repeat(120)}/agent.sock` }, { socketPath: './../agent.sock' }],
    ['TLS', { LIBPROCESS_SSL_ENABLED: 'true' }, { tls: { verify: false, scheme: 'legacy', verifyAddress: false, verifyDepth: 4 } }],
    [
      'TLS with rules for the name of the host',
      { LIBPROCESS_SSL_ENABLED: '1', LIBPROCESS_SSL_HOSTNAME_VALIDATION_SCHEME: 'openssl', LIBPROCESS_SSL_VERIFY_IPADD: 'true', LIBPROCESS_SSL_VERIFY_DEPTH: '2' },
      { tls: { scheme: 'openssl', verifyAddress: true, verifyDepth: 2 } },
    ],
    [
      'TLS with files',
      { LIBPROCESS_SSL_ENABLED: '1', LIBPROCESS_SSL_CA_FILE: '/ca', LIBPROCESS_SSL_CA_DIR: '/cas', LIBPROCESS_SSL_CERT_FILE: '/c', LIBPROCESS_SSL_KEY_FILE: '/k', LIBPROCESS_SSL_CIPHERS: 'X', LIBPROCESS_SSL_VERIFY_SERVER_CERT: '1' },
      { tls: { verify: true, caFile: '/ca', caDirectory: '/cas', certFile: '/c', keyFile: '/k', ciphers: 'X' } },
    ],
    ...['VERIFY_CERT', 'REQUIRE_CERT', 'REQUIRE_CLIENT_CERT'].map((name): [string, Env, object] => [`TLS with ${name}`, { LIBPROCESS_SSL_ENABLED: '1', [`LIBPROCESS_SSL_${name}`]: 'true' }, { tls: { verify: true } }]),
  ];
  it.each(agents)('reads %s', (_name, env, agent) => {
    const read = agentFromEnvironment({ ...base, ...env }, `/work/${'d'.repeat(120)}/sandbox`);
    expect(read).toMatchObject(agent);
    if (!('tls' in agent)) expect(read).not.toHaveProperty('tls');
  });

  it.each([
    ['0', false],
    ['false', false],
    ['1', true],
    ['true', true],
    [undefined, false],
  ])('takes MESOS_CHECKPOINT=%s', (MESOS_CHECKPOINT, checkpoint) => {
    expect(mesosEnvironment({ ...base, MESOS_CHECKPOINT }).checkpoint).toBe(checkpoint);
  });

  it('takes the sandbox by its other name, the token, and the agent\'s defaults for what is not set', () => {
    const read = mesosEnvironment({
      ...base,
      MESOS_DIRECTORY: undefined,
      MESOS_SANDBOX: '/mnt/mesos/sandbox',
      MESOS_EXECUTOR_AUTHENTICATION_TOKEN: 'token',
      MESOS_RECOVERY_TIMEOUT: undefined,
      MESOS_SUBSCRIPTION_BACKOFF_MAX: undefined,
      MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: '1.5mins',
    });
    expect(read).toMatchObject({ sandbox: '/mnt/mesos/sandbox', authenticationToken: 'token', recoveryTimeoutMs: 900_000, subscriptionBackoffMaxMs: 2_000, shutdownGraceMs: 90_000 });
  });

  it('names all faults at once, and no secret', () => {
    const faulty = (): unknown =>
      mesosEnvironment({
        MESOS_SLAVE_PID: 'slave',
        MESOS_CHECKPOINT: 'yes',
        MESOS_RECOVERY_TIMEOUT: '15 minutes',
        MESOS_SUBSCRIPTION_BACKOFF_MAX: '-2secs',
        LIBPROCESS_SSL_ENABLED: '1',
        LIBPROCESS_SSL_KEY_FILE: '/key',
        LIBPROCESS_SSL_HOSTNAME_VALIDATION_SCHEME: 'strict',
        LIBPROCESS_SSL_VERIFY_DEPTH: 'deep',
        MESOS_EXECUTOR_AUTHENTICATION_TOKEN: 'hush',
      });
    expect(faulty).toThrow(expect.objectContaining({ code: 'invalid' }) as Error);
    const text = String((() => { try { return faulty(); } catch (error) { return error; } })());
    for (const fault of ['MESOS_SLAVE_PID: "slave" is no NAME@IP:PORT', 'MESOS_FRAMEWORK_ID: not set', 'MESOS_EXECUTOR_ID: not set', 'MESOS_DIRECTORY or MESOS_SANDBOX: not set', 'MESOS_CHECKPOINT: "yes"', 'MESOS_RECOVERY_TIMEOUT: "15 minutes"', 'MESOS_SUBSCRIPTION_BACKOFF_MAX: "-2secs" is negative', 'LIBPROCESS_SSL_CERT_FILE and LIBPROCESS_SSL_KEY_FILE', 'LIBPROCESS_SSL_HOSTNAME_VALIDATION_SCHEME: "strict"', 'LIBPROCESS_SSL_VERIFY_DEPTH: "deep"']) {
      expect(text).toContain(fault);
    }
    expect(text).not.toContain('\n');
    expect(text).not.toContain('hush');
  });

  it.each([
    ['no agent at all', { MESOS_AGENT_ENDPOINT: undefined, MESOS_SLAVE_PID: undefined }, 'MESOS_AGENT_ENDPOINT or MESOS_SLAVE_PID: not set'],
    ['an endpoint without a port', { MESOS_AGENT_ENDPOINT: '10.0.0.7' }, 'MESOS_AGENT_ENDPOINT: "10.0.0.7" is no IP:PORT'],
    ['an impossible port', { MESOS_AGENT_ENDPOINT: '10.0.0.7:70000' }, 'is no IP:PORT'],
    ['an endpoint that is an URL', { MESOS_AGENT_ENDPOINT: 'http://10.0.0.7:5051' }, 'is no IP:PORT'],
    ['a socket path that is too long from everywhere', { MESOS_DOMAIN_SOCKET: `/${'x'.repeat(200)}` }, 'MESOS_DOMAIN_SOCKET'],
  ] as [string, Env, string][])('refuses %s', (_name, env, fault) => {
    expect(() => agentFromEnvironment({ ...base, ...env })).toThrow(fault);
  });
});
