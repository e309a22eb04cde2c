import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ApiError } from '../../../../src/harness/kubernetes-api/api-error.ts';
import { readProtobuf } from '../../../../src/harness/kubernetes-api/protobuf.ts';
import { PODS, startApi } from './client.ts';

/** What kubectl 1.32 sent for `create configmap`, `create deployment`, `create service nodeport` and `create token`. */
const SENT = {
  configmap: 'azhzAAoPCgJ2MRIJQ29uZmlnTWFwEhsKEQoBYxIAGgAiACoAMgA4AEIAEgYKAWESAWIaACIA',
  deployment:
    'azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50ErIBChsKAWQSABoAIgAqADIAOABCAFoICgNhcHASAWQShAEIARIKCggKA2FwcBIBZBpsChoKABIAGgAiACoAMgA4AEIAWggKA2FwcBIBZBJOEjAKBW5naW54EgduZ2lueDoxKgAyCgoAEAAYUCIAKgBCAGoAcgCAAQCIAQCQAQCiAQAaADIAQgBKAFIAWABgAGgAggEAigEAmgEAwgEAIgIKACgAOAAaDAgAEAAYACAAKAA4ABoAIgA=',
  service: 'azhzAAoNCgJ2MRIHU2VydmljZRJjChsKAXMSABoAIgAqADIAOABCAFoICgNhcHASAXMSQAocCgY4MC13ZWISA1RDUBhQIgkIARAAGgN3ZWIoABIICgNhcHASAXMaACIITm9kZVBvcnQ6AEIAUgBaAGAAaAAaAgoAGgAiAA==',
};

const read = (base64: string): unknown => readProtobuf(Buffer.from(base64, 'base64'), (_apiVersion, kind) => kind);

describe('protobuf as kubectl sends it', () => {
  test('is read as the JSON it stands for', () => {
    expect(read(SENT.configmap)).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: 'b' } });
    expect(read(SENT.deployment)).toMatchObject({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', labels: { app: 'd' }, creationTimestamp: null },
      spec: { replicas: 1, selector: { matchLabels: { app: 'd' } }, template: { spec: { containers: [{ name: 'nginx', image: 'nginx:1', ports: [{ containerPort: 80 }], stdin: false }] } } },
    });
    expect(read(SENT.service)).toMatchObject({ spec: { type: 'NodePort', ports: [{ name: '80-web', port: 80, targetPort: 'web' }] } });
  });

  test('makes the same object as JSON would', async () => {
    const { api, call } = await startApi();
    const sent = await fetch(`${api.url}/api/v1/namespaces/default/configmaps`, { method: 'POST', headers: { 'content-type': 'application/vnd.kubernetes.protobuf' }, body: Buffer.from(SENT.configmap, 'base64') });
    expect(sent.status).toBe(201);
    expect((await call('GET', '/api/v1/namespaces/default/configmaps/c')).body).toEqual({
      apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'default', uid: expect.any(String) as string, resourceVersion: expect.any(String) as string, creationTimestamp: expect.any(String) as string }, data: { a: 'b' },
    });
  });

  test('fields with a value inside of an inline message come out where JSON has them', () => {
    // Pod{metadata{name: p}, spec{volumes: [{name: v, volumeSource{emptyDir{medium: Memory}}}]}}
    const message = (number: number, ...parts: Buffer[]): Buffer => Buffer.concat([Buffer.from([(number << 3) | 2, Buffer.concat(parts).length]), ...parts]);
    const volume = message(1, message(1, Buffer.from('v')), message(2, message(2, message(1, Buffer.from('Memory')))));
    const raw = Buffer.concat([message(1, message(1, Buffer.from('p'))), message(2, volume)]);
    const bytes = Buffer.concat([Buffer.from('k8s\0'), message(1, message(1, Buffer.from('v1')), message(2, Buffer.from('Pod'))), message(2, raw)]);
    expect(readProtobuf(bytes, () => 'Pod')).toMatchObject({ kind: 'Pod', metadata: { name: 'p' }, spec: { volumes: [{ name: 'v', emptyDir: { medium: 'Memory' } }] } });
  });

  test('torn or changed bytes are refused or read as something, never anything else', () => {
    const whole = Buffer.from(SENT.deployment, 'base64');
    fc.assert(
      fc.property(fc.nat(whole.length), fc.array(fc.record({ at: fc.nat(whole.length - 1), to: fc.nat(255) }), { maxLength: 4 }), (length, changes) => {
        const bytes = Buffer.from(whole.subarray(0, length));
        for (const { at, to } of changes) if (at < bytes.length) bytes[at] = to;
        try {
          readProtobuf(bytes, (_apiVersion, kind) => (kind === 'Deployment' ? kind : undefined));
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('what is no protobuf at all is a 400', async () => {
    const { call } = await startApi();
    const answer = await call('POST', PODS, 'nonsense', { 'content-type': 'application/vnd.kubernetes.protobuf' });
    expect([answer.code, answer.body.message]).toEqual([400, 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]']);
  });
});
