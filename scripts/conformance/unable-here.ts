import { spawnSync } from 'node:child_process';

/** Specs that no node could pass on this machine, a stock kubelet neither; told, so that nobody takes them for passed. */
export function unableHere(): { readonly spec: string; readonly why: string }[] {
  return canMakeDummyDevices() ? [] : [{ spec: 'PrivilegedPod', why: 'it adds a network device of type dummy, which this kernel does not have' }];
}

/** Tried in a network namespace of its own, which goes with the process. */
function canMakeDummyDevices(): boolean {
  return spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'dummy1', 'type', 'dummy'], { stdio: 'ignore' }).status === 0;
}
