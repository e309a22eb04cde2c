import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { containerEnv, expand, staticCommand } from '../../../src/pod/index.ts';
import { container, pod } from './samples.ts';

const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,5}$/);
const plain = fc.string().map((text) => text.replaceAll('$', ''));

describe('expansion', () => {
  test('leaves a text without $ as it is', () => {
    fc.assert(fc.property(plain, fc.dictionary(name, fc.string()), (text, env) => {
      expect(expand(text, new Map(Object.entries(env)))).toBe(text);
    }));
  });

  test('puts values in as they stand, and does not look at them again', () => {
    fc.assert(fc.property(plain, name, fc.string(), plain, (before, key, value, after) => {
      expect(expand(`${before}$(${key})${after}`, new Map([[key, value]]))).toBe(`${before}${value}${after}`);
    }));
  });

  test('gives every text back whose $ were doubled', () => {
    fc.assert(fc.property(fc.string(), fc.dictionary(name, fc.string()), (text, env) => {
      expect(expand(text.replaceAll('$', '$$$$'), new Map(Object.entries(env)))).toBe(text);
    }));
  });

  test('leaves references to what is not there', () => {
    fc.assert(fc.property(plain, name, plain, (before, key, after) => {
      const text = `${before}$(${key})${after}`;
      expect(expand(text, new Map())).toBe(text);
    }));
  });

  test('of the command of a probe knows the variables of the spec, and no others', () => {
    fc.assert(fc.property(name, fc.string(), (key, value) => {
      expect(staticCommand(['a', `$(${key})`, '$(NONE_)'], { env: [{ name: key, value }] })).toEqual(['a', value, key === 'NONE_' ? value : '$(NONE_)']);
    }));
  });

  test('of a variable sees those before it, never itself or those behind it', () => {
    fc.assert(fc.property(fc.uniqueArray(name, { minLength: 2, maxLength: 5 }), (names) => {
      const env = names.map((key, i) => ({ name: key, value: `${i}$(${names[i + 1] ?? key})` }));
      const lines = containerEnv(pod(), container('web', { env }), {}).env;
      expect(lines).toEqual(names.map((key, i) => `${key}=${i}$(${names[i + 1] ?? key})`));
    }));
  });
});

describe('a resource as a variable', () => {
  const valueOf = (resource: string, resources: object, divisor: string, given = {}): string => {
    const env = [{ name: 'V', valueFrom: { resourceFieldRef: { resource, divisor } } }];
    return containerEnv(pod(), container('web', { env, resources }), given).env[0]?.slice(2) ?? '';
  };
  const DIVISORS: [string, bigint][] = [['1', 1n], ['1k', 10n ** 3n], ['1M', 10n ** 6n], ['1G', 10n ** 9n], ['1Ki', 2n ** 10n], ['1Mi', 2n ** 20n], ['1Gi', 2n ** 30n], ['1Ei', 2n ** 60n]];

  test('is the least whole number of divisors that holds it', () => {
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 62n }), fc.constantFrom(...DIVISORS), fc.constantFrom('memory', 'ephemeral-storage'), (bytes, [divisor, size], kind) => {
      const value = BigInt(valueOf(`requests.${kind}`, { requests: { [kind]: String(bytes) } }, divisor));
      expect(value * size >= bytes && (value - 1n) * size < bytes).toBe(true);
    }));
  });

  test('of the processor is rounded up to thousandths or whole ones', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 1_000_000 }), (milli) => {
      const resources = { requests: { cpu: `${milli}m` } };
      expect(valueOf('requests.cpu', resources, '1m')).toBe(String(milli));
      expect(valueOf('requests.cpu', resources, '1')).toBe(String(Math.ceil(milli / 1000)));
      expect(valueOf('requests.cpu', resources, '0')).toBe(String(Math.ceil(milli / 1000)));
    }));
  });

  test('is what the node has where a limit is not set or zero, and zero for a request', () => {
    const nodeAllocatable = { cpuMilli: 3500n, memoryBytes: 7n, ephemeralStorageBytes: 9n };
    for (const resources of [{}, { limits: { cpu: '0', memory: '0' } }]) {
      expect(['limits.cpu', 'limits.memory', 'limits.ephemeral-storage'].map((resource) => valueOf(resource, resources, '1', { nodeAllocatable }))).toEqual(['4', '7', '9']);
      expect(['requests.cpu', 'requests.memory', 'requests.ephemeral-storage'].map((resource) => valueOf(resource, {}, '1', { nodeAllocatable }))).toEqual(['0', '0', '0']);
    }
    expect(valueOf('limits.ephemeral-storage', {}, '1', { nodeAllocatable: { cpuMilli: 1n, memoryBytes: 1n } })).toBe('0');
  });
});

test('every field of the pod that a variable may show', () => {
  const fields = ['metadata.name', 'metadata.namespace', 'metadata.uid', "metadata.labels['app']", "metadata.annotations['a/b']", "metadata.labels['none']", 'spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs'];
  const env = fields.map((fieldPath, i) => ({ name: `V${i}`, valueFrom: { fieldRef: { fieldPath } } }));
  const subject = pod({ containers: [container('web', { env })], nodeName: 'n1', serviceAccountName: 'me' }, { labels: { app: 'shop' }, annotations: { 'a/b': 'c' } });
  const lines = containerEnv(subject, subject.spec.containers[0] ?? container('web'), { hostIP: '192.0.2.1', podIP: '10.0.0.2', podIPs: ['10.0.0.2', 'fd00::2'] }).env;
  expect(lines.map((line) => line.slice(line.indexOf('=') + 1))).toEqual(['web', 'default', 'uid-1', 'shop', 'c', '', 'n1', 'me', '192.0.2.1', '192.0.2.1', '10.0.0.2', '10.0.0.2,fd00::2']);
});
