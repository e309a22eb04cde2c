import { expect, it } from 'vitest';
import { executorConfig } from '../../../src/config/index.ts';
import { kubeletConfiguration } from '../../../src/executor/kubelet-configuration.ts';

it('is written as a kubelet writes it: durations and sizes as Go does', () => {
  expect(kubeletConfiguration(executorConfig({}, {}))).toMatchObject({ streamingConnectionIdleTimeout: '4h0m0s', runtimeRequestTimeout: '2m0s', nodeStatusUpdateFrequency: '10s', containerLogMaxSize: '10Mi' });
  expect(kubeletConfiguration(executorConfig({}, { KM_STREAMING_CONNECTION_IDLE_TIMEOUT: '0', KM_CONTAINER_LOG_MAX_SIZE: '1000000' }))).toMatchObject({ streamingConnectionIdleTimeout: '0s', containerLogMaxSize: '1000000' });
});
