import type { Pod } from '../../pod/index.ts';
import { json } from '../http/answer.ts';
import type { Route } from '../http/router.ts';
import type { AllPods } from './all-pods.ts';

/** `/pods`: what shall run here, with its status. `/runningpods/`: what Docker runs, as bare as the kubelet tells it. */
export function podRoutes(pods: AllPods): Route[] {
  return [
    { methods: ['GET'], pattern: '/pods', serve: () => json(podList(pods.all().map(({ pod, status }) => (status === undefined ? pod : { ...pod, status })))) },
    { methods: ['GET'], pattern: '/runningpods/', serve: () => json(podList(runningPods(pods))) },
  ];
}

function podList(items: readonly Pod[]): object {
  return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items };
}

/** Kubernetes v1.20 pkg/kubelet/container/runtime.go, ToAPIPod: names, and the images of containers that run. */
function runningPods(pods: AllPods): Pod[] {
  return pods.all().flatMap(({ pod: { metadata }, observed }) => {
    const containers = observed.containers.filter(({ state }) => state === 'running').map(({ name, image }) => ({ name, image, resources: {} }));
    if (containers.length === 0 && !observed.sandboxes.some(({ state }) => state === 'running')) return [];
    return [{ metadata: { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid }, spec: { containers }, status: {} }];
  });
}
