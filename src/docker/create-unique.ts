import type { ContainerConfig } from './create-body.ts';
import type { Engine } from './engine.ts';

/**
 * Creates the container under its deterministic name. A dead container that has the name is removed first; when Docker says that the
 * name is taken but knows no such container, the name gets a random suffix (Kubernetes v1.20 pkg/kubelet/dockershim/helpers.go).
 * Throws code `conflict` when a live container has the name: that is the one to adopt.
 */
export declare function createWithUniqueName(engine: Engine, config: ContainerConfig, signal?: AbortSignal): Promise<string>;
