import { describe, expect, it } from 'vitest';
import { adjustedPod } from '../../../src/executor/adjusted-pod.ts';
import type { Container } from '../../../src/pod/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { container, pod } from '../pod/samples.ts';

const logger = silentLogger;
const known = pod();
const asking = (...ephemeralContainers: Container[]): ReturnType<typeof adjustedPod> => {
  const given = { ...known, metadata: { ...known.metadata, labels: { colour: 'blue' } }, spec: { ...known.spec, ephemeralContainers } };
  return adjustedPod(given, known, logger);
};
const probed = { ...container('probed'), livenessProbe: { exec: { command: ['true'] } } };

describe('a pod that has an ephemeral container that cannot run', () => {
  it('follows all else that is asked of it, other ephemeral containers too', () => {
    const { pod: adjusted, notFollowed } = asking(probed, container('debug'), container('web')) ?? {};
    expect(adjusted?.metadata.labels).toEqual({ colour: 'blue' });
    expect(adjusted?.spec.ephemeralContainers?.map(({ name }) => name)).toEqual(['debug']);
    expect(notFollowed?.ephemeral).toEqual([
      { name: 'probed', why: 'spec.ephemeralContainers[0].livenessProbe: must not be set for ephemeral containers' },
      { name: 'web', why: 'spec.ephemeralContainers[2].name: duplicate value: "web"' },
    ]);
  });

  it('has none when that was the only one', () => {
    expect(asking(probed)?.pod.spec).toEqual(known.spec);
  });

  it('stays as it is when something else of it could not run', () => {
    const given = { ...known, spec: { ...known.spec, dnsPolicy: 'Never', ephemeralContainers: [probed] } };
    expect(adjustedPod(given, known, logger)).toBeUndefined();
  });
});
