import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRunAsNonRoot, containerConfig, containerName, LABELS, labelsOfExecutor, parseContainerName, readLabels, sandboxConfig, sandboxName } from '../../../src/docker/index.ts';
import { aContainer, aPod, aSandbox, OWNER } from './a-pod.ts';

const dnsName = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?$/);

describe('names', () => {
  it('of containers are read back as they were made, with and without Docker’s slash', () => {
    fc.assert(
      fc.property(dnsName, dnsName, dnsName, fc.uuid(), fc.nat(1_000_000), (container, name, namespace, uid, attempt) => {
        const pod = { ...aPod(), metadata: { name, namespace, uid } };
        const expected = { container, pod: name, namespace, uid, attempt };
        expect(parseContainerName(containerName(pod, container, attempt))).toEqual(expected);
        expect(parseContainerName(`/${containerName(pod, container, attempt)}_1a2b3c4d`)).toEqual(expected);
        expect(parseContainerName(sandboxName(pod, attempt))).toEqual({ ...expected, container: 'POD' });
      }),
    );
  });

  it.each(['', '/', 'nginx', 'k8s_a_b_c_d', 'k8s_a_b_c_d_x', 'k8s_a_b_c_d_1_e_f', 'k9s_a_b_c_d_1', 'k8s__b_c_d_1', 'k8s_a_b_c_d_', 'k8s_a_b_c_d_1_'])(
    'that are none of ours are left alone: %s',
    (name) => {
      expect(parseContainerName(name)).toBeUndefined();
    },
  );
});

describe('labels', () => {
  it('of a container are the kubelet’s and ours, and tell all that adopting it takes', () => {
    const pod = { ...aPod(), metadata: { ...aPod().metadata, deletionGracePeriodSeconds: 5 } };
    const preStop = { exec: { command: ['bye'] } };
    const container = {
      name: 'main',
      image: 'nginx',
      ports: [{ containerPort: 80 }],
      lifecycle: { preStop },
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'FallbackToLogsOnError' as const,
    };
    const { Labels: labels } = containerConfig(aContainer({ pod, container, attempt: 3 }));
    expect(labels).toEqual({
      'io.kubernetes.pod.name': 'web',
      'io.kubernetes.pod.namespace': 'shop',
      'io.kubernetes.pod.uid': pod.metadata.uid,
      'io.kubernetes.container.name': 'main',
      'io.kubernetes.docker.type': 'container',
      'io.kubernetes.sandbox.id': 'sandbox-id',
      'io.kubernetes.container.logpath': '/var/log/pods/shop_web_uid/main/0.log',
      'annotation.io.kubernetes.container.hash': '1a2b',
      'annotation.io.kubernetes.container.restartCount': '3',
      'annotation.io.kubernetes.container.terminationMessagePath': '/dev/termination-log',
      'annotation.io.kubernetes.container.terminationMessagePolicy': 'FallbackToLogsOnError',
      'annotation.io.kubernetes.container.preStopHandler': '{"exec":{"command":["bye"]}}',
      'annotation.io.kubernetes.container.ports': '[{"containerPort":80}]',
      'annotation.io.kubernetes.pod.deletionGracePeriod': '5',
      'annotation.io.kubernetes.pod.terminationGracePeriod': '30',
      'km.mesos.task-id': 'task-1',
      'km.mesos.framework-id': 'framework-1',
      'km.mesos.executor-id': 'executor-1',
      'km.mesos.hash-version': '1',
      'km.mesos.image': 'nginx:latest',
      'km.mesos.image-id': 'docker-pullable://nginx@sha256:def',
      'km.mesos.termination-message-file': '/km/pods/uid/containers/main/0123abcd',
    });
    expect(readLabels(labels)).toEqual({
      kind: 'container',
      pod: { uid: pod.metadata.uid, namespace: 'shop', name: 'web' },
      owner: OWNER,
      name: 'main',
      attempt: 3,
      sandboxId: 'sandbox-id',
      hash: '1a2b',
      hashVersion: '1',
      logPath: '/var/log/pods/shop_web_uid/main/0.log',
      image: 'nginx:latest',
      imageId: 'docker-pullable://nginx@sha256:def',
      terminationMessagePolicy: 'FallbackToLogsOnError',
      terminationMessageFile: '/km/pods/uid/containers/main/0123abcd',
      terminationGracePeriodSeconds: 30,
      preStopHandler: '{"exec":{"command":["bye"]}}',
    });
  });

  it('of a sandbox say so', () => {
    const labels = sandboxConfig(aSandbox({ attempt: 2 })).Labels;
    expect(readLabels(labels)).toMatchObject({ kind: 'sandbox', name: 'POD', attempt: 2, owner: OWNER });
    expect(labels['io.kubernetes.docker.type']).toBe('podsandbox');
  });

  it.each([
    ['nobody', {}],
    ['a kubelet’s container', { [LABELS.type]: 'container', [LABELS.podUid]: 'u', [LABELS.containerName]: 'c' }],
    ['another kind', { ...sandboxConfig(aSandbox()).Labels, [LABELS.type]: 'volume' }],
  ])('of %s are none of ours', (_whose, labels) => {
    expect(readLabels(labels)).toBeUndefined();
  });

  it('select all containers of one executor', () => {
    const selected = labelsOfExecutor(OWNER);
    expect(sandboxConfig(aSandbox()).Labels).toMatchObject(selected);
    expect(containerConfig(aContainer()).Labels).toMatchObject(selected);
  });
});

describe('a container that must not run as root', () => {
  const nonRoot = { securityContext: { runAsNonRoot: true } };
  const pod = '(pod: "web_shop(3f1c8a52-0000-4000-8000-000000000001)", container: main)';
  it.each([
    ['root by its own word', { runAsUser: 0 }, '', `container's runAsUser breaks non-root policy ${pod}`],
    ['an image without a user', {}, '', `container has runAsNonRoot and image will run as root ${pod}`],
    ['an image of root', {}, '0:5', `container has runAsNonRoot and image will run as root ${pod}`],
    ['an image with a user’s name', {}, 'www', `container has runAsNonRoot and image has non-numeric user (www), cannot verify user is non-root ${pod}`],
  ])('is refused: %s', (_what, securityContext, imageUser, message) => {
    expect(() => checkRunAsNonRoot(aPod(nonRoot), { name: 'main', securityContext }, imageUser)).toThrow(message);
  });

  it.each([
    ['a user of its own', { runAsUser: 7 }, 'root'],
    ['an image with a number', {}, '7:root'],
    ['its own word against the pod’s', { runAsNonRoot: false }, ''],
  ])('may run: %s', (_what, securityContext, imageUser) => {
    expect(() => checkRunAsNonRoot(aPod(nonRoot), { name: 'main', securityContext }, imageUser)).not.toThrow();
  });
});
