import type { Shape } from './shape.ts';

const string: Shape = { kind: 'string' };
const boolean: Shape = { kind: 'boolean' };
const refused = (why: string): Shape => ({ kind: 'refused', why });

const INSTEAD = 'claim a persistent volume of kind hostPath, local or nfs instead';
const cloudDisk = refused(`disks of a cloud are not attached to this node; ${INSTEAD}`);
const network = refused(`its clients are not driven by this node; ${INSTEAD}`);
const gone = refused(`Kubernetes itself has given it up; ${INSTEAD}`);

/** Volumes that lie outside of the pod: on the node, on a file server, behind a claim. */
export const OUTSIDE_VOLUMES: Readonly<Record<string, Shape>> = {
  hostPath: { kind: 'fields', fields: new Map([['path', string], ['type', string]]), rest: { kind: 'unsupported' } },
  nfs: { kind: 'fields', fields: new Map([['server', string], ['path', string], ['readOnly', boolean]]), rest: { kind: 'unsupported' } },
  persistentVolumeClaim: { kind: 'fields', fields: new Map([['claimName', string], ['readOnly', boolean]]), rest: { kind: 'unsupported' } },
};

/** Every other kind that Kubernetes 1.20 to 1.32 knows, and why it is refused. */
export const REFUSED_VOLUMES: Readonly<Record<string, Shape>> = {
  csi: refused(`no CSI drivers run beside this executor; ${INSTEAD}`),
  ephemeral: refused(`claims are not made for a pod; make one and name it in persistentVolumeClaim`),
  flexVolume: refused(`FlexVolume drivers are not run; ${INSTEAD}`),
  image: refused('images are not mounted as volumes; use an init container that copies the files to an emptyDir'),
  gitRepo: refused('nothing is cloned for a pod; use an init container that clones to an emptyDir'),
  awsElasticBlockStore: cloudDisk,
  azureDisk: cloudDisk,
  azureFile: cloudDisk,
  cinder: cloudDisk,
  gcePersistentDisk: cloudDisk,
  vsphereVolume: cloudDisk,
  cephfs: network,
  fc: network,
  iscsi: network,
  portworxVolume: network,
  rbd: network,
  flocker: gone,
  glusterfs: gone,
  photonPersistentDisk: gone,
  quobyte: gone,
  scaleIO: gone,
  storageos: gone,
};
