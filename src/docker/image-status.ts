import type { ImageInfo } from './engine.ts';

/** The image's id as the kubelet reports it: `docker-pullable://name@sha256:...`, or `docker://sha256:...` for one that no registry knows. */
export function imageStatusId(image: Pick<ImageInfo, 'id' | 'repoDigests'>): string {
  const digest = image.repoDigests[0];
  return digest === undefined ? `docker://${image.id}` : `docker-pullable://${digest}`;
}

/** The image's name as the kubelet reports it: its first tag (`nginx:latest`), else what the pod calls it. */
export function imageStatusName(image: Pick<ImageInfo, 'repoTags'>, reference: string): string {
  return image.repoTags[0] ?? reference;
}
