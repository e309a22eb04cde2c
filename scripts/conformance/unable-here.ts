import { spawnSync } from 'node:child_process';

/** The kubelet's, as a spec writes it into a path. */
export const KUBELET_PORT = 10_250;

/** Specs that no node could pass on this machine now, a stock kubelet neither; told, so that nobody takes them for passed. `port` is that of the node's API. */
export function unableHere(port: number): { readonly spec: string; readonly why: string }[] {
  return [
    ...(canMakeDummyDevices() ? [] : [{ spec: 'PrivilegedPod', why: 'it adds a network device of type dummy, which this kernel does not have' }]),
    ...(port === KUBELET_PORT ? [] : [{ spec: 'with explicit kubelet port', why: `it names port ${KUBELET_PORT}, which somebody has` }]),
  ];
}

/** Tried in a network namespace of its own, which goes with the process. */
function canMakeDummyDevices(): boolean {
  return spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'dummy1', 'type', 'dummy'], { stdio: 'ignore' }).status === 0;
}
