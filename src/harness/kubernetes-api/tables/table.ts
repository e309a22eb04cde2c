import { collectionOf, type Resource } from '../resources.ts';
import { textAt, type JsonObject } from '../json.ts';
import type { KubernetesObject } from '../types.ts';
import * as rows from './rows.ts';
import { podCells } from './pod-row.ts';

interface Layout {
  /** Names of the columns; those after the bar are shown only by `-o wide`. */
  readonly columns: string;
  readonly cells: (object: KubernetesObject, now: number) => unknown[];
}

const LAYOUTS: Readonly<Record<string, Layout>> = {
  pods: { columns: 'Name,Ready,Status,Restarts,Age|IP,Node,Nominated Node,Readiness Gates', cells: podCells },
  nodes: { columns: 'Name,Status,Roles,Age,Version|Internal-IP,External-IP,OS-Image,Kernel-Version,Container-Runtime', cells: rows.nodeCells },
  events: { columns: 'Last Seen,Type,Reason,Object|Subobject,Source,+Message,First Seen,Count,Name', cells: rows.eventCells },
  namespaces: { columns: 'Name,Status,Age', cells: rows.namespaceCells },
  configmaps: { columns: 'Name,Data,Age', cells: rows.configMapCells },
  secrets: { columns: 'Name,Type,Data,Age', cells: rows.secretCells },
  serviceaccounts: { columns: 'Name,Secrets,Age', cells: rows.serviceAccountCells },
  services: { columns: 'Name,Type,Cluster-IP,External-IP,Port(s),Age|Selector', cells: rows.serviceCells },
  endpoints: { columns: 'Name,Endpoints,Age', cells: rows.endpointsCells },
  'leases.coordination.k8s.io': { columns: 'Name,Holder,Age', cells: rows.leaseCells },
  'deployments.apps': { columns: 'Name,Ready,Up-to-date,Available,Age|Containers,Images,Selector', cells: rows.deploymentCells },
  'replicasets.apps': { columns: 'Name,Desired,Current,Ready,Age|Containers,Images,Selector', cells: rows.replicaSetCells },
  replicationcontrollers: { columns: 'Name,Desired,Current,Ready,Age|Containers,Images,Selector', cells: rows.replicaSetCells },
  'daemonsets.apps': { columns: 'Name,Desired,Current,Ready,Up-to-date,Available,Node Selector,Age|Containers,Images,Selector', cells: rows.daemonSetCells },
  'statefulsets.apps': { columns: 'Name,Ready,Age|Containers,Images', cells: rows.statefulSetCells },
  'jobs.batch': { columns: 'Name,Status,Completions,Duration,Age|Containers,Images,Selector', cells: rows.jobCells },
  persistentvolumeclaims: { columns: 'Name,Status,Volume,Capacity,Access Modes,StorageClass,VolumeAttributesClass,Age|VolumeMode', cells: rows.claimCells },
  persistentvolumes: { columns: 'Name,Capacity,Access Modes,Reclaim Policy,Status,Claim,StorageClass,VolumeAttributesClass,Reason,Age|VolumeMode', cells: rows.volumeCells },
  'storageclasses.storage.k8s.io': { columns: 'Name,Provisioner,ReclaimPolicy,VolumeBindingMode,AllowVolumeExpansion,Age', cells: rows.storageClassCells },
  'priorityclasses.scheduling.k8s.io': { columns: 'Name,Value,Global-Default,Age,PreemptionPolicy', cells: rows.priorityClassCells },
  'runtimeclasses.node.k8s.io': { columns: 'Name,Handler,Age', cells: rows.runtimeClassCells },
  'csinodes.storage.k8s.io': { columns: 'Name,Drivers,Age', cells: rows.csiNodeCells },
  'certificatesigningrequests.certificates.k8s.io': { columns: 'Name,Age,SignerName,Requestor,RequestedDuration,Condition', cells: rows.csrCells },
};

const PLAIN: Layout = { columns: 'Name,Age', cells: rows.plainCells };

export type IncludeObject = 'None' | 'Metadata' | 'Object';

interface TableOptions {
  /** What of the object each row carries along. */
  readonly include: IncludeObject;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** False leaves the column definitions out: later events of a watch. */
  readonly columns?: boolean;
  readonly listMetadata: JsonObject;
  /** A stored object as the resource shows it. */
  readonly view: (object: KubernetesObject) => KubernetesObject;
}

/** The table of a resource, as `meta.k8s.io/v1` has it, from stored objects. */
export function tableOf(resource: Resource, objects: readonly KubernetesObject[], options: TableOptions): JsonObject {
  const layout = LAYOUTS[collectionOf(resource)] ?? PLAIN;
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.listMetadata,
    columnDefinitions: options.columns === false ? null : columnsOf(layout.columns),
    rows: objects.map((object) => ({ cells: layout.cells(object, options.now), ...conditionsOf(object), ...shown(options.view(object), options.include) })),
  };
}

/** `meta.k8s.io/v1 PartialObjectMetadata` of an object: its metadata alone. */
export function partialMetadata(object: KubernetesObject): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

function shown(object: KubernetesObject, include: IncludeObject): JsonObject {
  return include === 'None' ? {} : { object: include === 'Object' ? object : partialMetadata(object) };
}

/** A `+` before a name takes the column back to the narrow form (events have wide columns in their middle). */
function columnsOf(text: string): JsonObject[] {
  return text.split('|').flatMap((part, wide) =>
    part.split(',').map((given) => {
      const narrow = wide === 0 || given.startsWith('+');
      const name = given.replace('+', '');
      return { name, type: NUMBERS.has(name) ? 'integer' : 'string', format: name === 'Name' ? 'name' : '', description: '', priority: narrow ? 0 : 1 };
    }),
  );
}

const NUMBERS = new Set(['Data', 'Count', 'Desired', 'Current', 'Up-to-date', 'Available', 'Drivers', 'Value']);

/** Rows of pods that have ended say so. */
function conditionsOf(object: KubernetesObject): JsonObject {
  const phase = object.kind === 'Pod' ? textAt(object['status'], 'phase') : '';
  if (phase === 'Succeeded') return { conditions: [{ type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' }] };
  if (phase === 'Failed') return { conditions: [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }] };
  return {};
}
