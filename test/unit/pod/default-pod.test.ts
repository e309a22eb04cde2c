import { describe, expect, it, test } from 'vitest';

import { defaultPod, type Pod } from '../../../src/pod/index.ts';
import { container, pod, rawPod } from './samples.ts';

describe('defaults', () => {
  it('are those of an API server', () => {
    const given = rawPod({ containers: [{ name: 'web', image: 'nginx', ports: [{ containerPort: 80 }], readinessProbe: { httpGet: { port: 80 } } }], volumes: [{ name: 'a' }] });
    const before = structuredClone(given);
    expect(defaultPod(given, { uid: 'other', nodeName: 'node-1' })).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', uid: 'uid-1', namespace: 'default' },
      spec: {
        containers: [
          {
            name: 'web',
            image: 'nginx',
            imagePullPolicy: 'Always',
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
            resources: {},
            ports: [{ containerPort: 80, protocol: 'TCP' }],
            readinessProbe: {
              httpGet: { port: 80, path: '/', scheme: 'HTTP' },
              timeoutSeconds: 1,
              periodSeconds: 10,
              successThreshold: 1,
              failureThreshold: 3,
            },
          },
        ],
        volumes: [{ name: 'a', emptyDir: {} }],
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 30,
        dnsPolicy: 'ClusterFirst',
        nodeName: 'node-1',
        securityContext: {},
        schedulerName: 'default-scheduler',
        enableServiceLinks: true,
      },
    });
    expect(given).toEqual(before);
  });

  it('change nothing the second time', () => {
    const once = defaultPod(rawPod({ hostNetwork: true, volumes: [{ name: 'a', hostPath: { path: '/' } }] }), { uid: 'u', nodeName: 'n' });
    expect(defaultPod(once, { uid: 'v', nodeName: 'm' })).toEqual(once);
  });

  it('give a pod without UID the one that is given', () => {
    expect(defaultPod({ ...rawPod(), metadata: { name: 'a' } }, { uid: 'given' }).metadata?.uid).toBe('given');
  });

  test.each([
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['registry.example:5000/nginx', 'Always'],
    ['registry.example:5000/nginx:1.19', 'IfNotPresent'],
    ['nginx@sha256:0123', 'IfNotPresent'],
    ['nginx:latest@sha256:0123', 'Always'],
  ])('pull %s %s', (image, policy) => {
    expect(pod({ containers: [{ name: 'web', image }] }).spec.containers[0]?.imagePullPolicy).toBe(policy);
  });

  it('take requests from limits, one by one', () => {
    const [web] = pod({ containers: [container('web', { resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '1' } } })] }).spec.containers;
    expect(web?.resources?.requests).toEqual({ cpu: '1', memory: '1Gi' });
  });

  it("make a container's ports the host's, with the host's network", () => {
    const [web] = pod({ hostNetwork: true, containers: [container('web', { ports: [{ containerPort: 80 }] })] }).spec.containers;
    expect(web?.ports).toEqual([{ containerPort: 80, hostPort: 80, protocol: 'TCP' }]);
  });

  it('leave a malformed pod as it is', () => {
    const malformed = { ...rawPod(), spec: { containers: 'x' } } as unknown as Pod;
    expect(defaultPod(malformed, { uid: 'u' })).toBe(malformed);
  });
});
