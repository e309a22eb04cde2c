import type {
  V1Container,
  V1ContainerState,
  V1ContainerStatus,
  V1EnvVar,
  V1LifecycleHandler,
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodCondition,
  V1PodSpec,
  V1PodStatus,
  V1Probe,
  V1ResourceRequirements,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node';

/** A Kubernetes type as it stands in JSON: times are RFC 3339 text. */
export type Json<T> = T extends Date
  ? string
  : T extends (infer U)[]
    ? Json<U>[]
    : T extends object
      ? { [K in keyof T]: Json<T[K]> }
      : T;

export type Pod = Json<V1Pod>;
export type PodSpec = Json<V1PodSpec>;
export type PodStatus = Json<V1PodStatus>;
export type PodCondition = Json<V1PodCondition>;
export type Container = Json<V1Container>;
export type ContainerStatus = Json<V1ContainerStatus>;
export type ContainerState = Json<V1ContainerState>;
export type Probe = Json<V1Probe>;
export type Handler = Json<V1LifecycleHandler>;
export type EnvVar = Json<V1EnvVar>;
export type ResourceRequirements = Json<V1ResourceRequirements>;
export type Volume = Json<V1Volume>;
export type PersistentVolume = Json<V1PersistentVolume>;
export type PersistentVolumeClaim = Json<V1PersistentVolumeClaim>;
export type VolumeMount = Json<V1VolumeMount>;

/** Which pod: the names that never change over its life. */
export interface PodIdentity {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/**
 * A pod that has been through `defaults` and `validate`: identity and the fields that the decisions need are there.
 * Everything else is as the user wrote it.
 */
export interface ValidPod extends Pod {
  metadata: NonNullable<Pod['metadata']> & { name: string; namespace: string; uid: string };
  spec: PodSpec & { restartPolicy: 'Always' | 'OnFailure' | 'Never'; terminationGracePeriodSeconds: number };
}

/** The identity of a valid pod. */
export function identityOf(pod: ValidPod): PodIdentity {
  return { uid: pod.metadata.uid, namespace: pod.metadata.namespace, name: pod.metadata.name };
}
