import type { Metric, Value } from './exposition.ts';
import type { ContainerSample, NodeSample, PodSample } from './sampler.ts';

const SECONDS = 1e9;

/** `/metrics/resource`, what metrics-server reads (Kubernetes v1.20 pkg/kubelet/metrics/collectors/resource_metrics.go). */
export function resourceMetrics({ at, machine, pods }: NodeSample): Metric[] {
  const running = pods.filter(({ sandbox, containers }) => sandbox !== undefined || containers.length > 0);
  const perPod = (of: (part: ContainerSample) => number): Value[] => running.map((pod) => ({ labels: podLabels(pod), value: partsOf(pod).reduce((sum, part) => sum + of(part), 0), at }));
  const perContainer = (of: (part: ContainerSample) => number): Value[] =>
    running.flatMap((pod) => pod.containers.map((part) => ({ labels: { container: part.container.name, ...podLabels(pod) }, value: of(part), at })));
  const cpu = ({ sample }: ContainerSample): number => sample.cpu.usageNs / SECONDS;
  const memory = ({ sample }: ContainerSample): number => sample.memory.workingSet;
  return [
    { name: 'container_cpu_usage_seconds_total', help: '[ALPHA] Cumulative cpu time consumed by the container in core-seconds', type: 'counter', values: perContainer(cpu) },
    { name: 'container_memory_working_set_bytes', help: '[ALPHA] Current working set of the container in bytes', type: 'gauge', values: perContainer(memory) },
    // Of later kubelets; metrics-server tells by it that a container was restarted.
    { name: 'container_start_time_seconds', help: '[ALPHA] Start time of the container since unix epoch in seconds', type: 'gauge', values: perContainer(({ container }) => (container.startedAt ?? container.createdAt) / 1000) },
    { name: 'node_cpu_usage_seconds_total', help: '[ALPHA] Cumulative cpu time consumed by the node in core-seconds', type: 'counter', values: [{ value: machine.sample.cpu.usageNs / SECONDS, at }] },
    { name: 'node_memory_working_set_bytes', help: '[ALPHA] Current working set of the node in bytes', type: 'gauge', values: [{ value: machine.sample.memory.workingSet, at }] },
    { name: 'pod_cpu_usage_seconds_total', help: '[ALPHA] Cumulative cpu time consumed by the pod in core-seconds', type: 'counter', values: perPod(cpu) },
    { name: 'pod_memory_working_set_bytes', help: '[ALPHA] Current working set of the pod in bytes', type: 'gauge', values: perPod(memory) },
    { name: 'scrape_error', help: '[ALPHA] 1 if there was an error while getting container metrics, 0 otherwise', type: 'gauge', values: [{ value: 0 }] },
  ];
}

function partsOf({ sandbox, containers }: PodSample): ContainerSample[] {
  return sandbox === undefined ? [...containers] : [sandbox, ...containers];
}

function podLabels({ pod: { metadata } }: PodSample): Record<string, string> {
  return { namespace: metadata.namespace, pod: metadata.name };
}
