/** The kubelet's limits for termination messages (Kubernetes v1.20 pkg/kubelet/container/runtime.go). */
export const MAX_TERMINATION_MESSAGE_BYTES = 4096;
export const FALLBACK_LOG_LINES = 80;
export const FALLBACK_LOG_BYTES = 2048;

/** What a container left there, at most `maxBytes` of it; empty when there is no such file. */
export declare function readTerminationMessage(path: string, maxBytes?: number): Promise<string>;
